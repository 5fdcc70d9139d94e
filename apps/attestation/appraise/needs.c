/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/needs.h"

#include "base/reader.h"

#include <stdio.h>
#include <string.h>

/* ---- collateral: TEE, FMSPC, and which of the two CAs ---- */

static const char *const authorities[] = {"processor", "platform"};
enum { AUTHORITY_COUNT = sizeof(authorities) / sizeof(authorities[0]) };

enum status need_collateral_write(const struct collateral_platform *platform, struct buffer *key)
{
    uint8_t authority = 0;
    while (authority < AUTHORITY_COUNT && strcmp(authorities[authority], platform->ca) != 0) authority++;
    if (authority == AUTHORITY_COUNT) return ERR_FIELD_VALUE;
    TRY(buffer_append_u8(key, (uint8_t)platform->tee));
    TRY(buffer_append(key, SLICE_ARRAY(platform->fmspc)));
    return buffer_append_u8(key, authority);
}

enum status need_collateral_read(struct slice key, struct collateral_platform *platform_out)
{
    struct reader reader = reader_over(key);
    struct collateral_platform platform = {};
    uint8_t tee, authority;
    TRY(reader_u8(&reader, &tee));
    TRY(reader_copy(&reader, sizeof(platform.fmspc), platform.fmspc));
    TRY(reader_u8(&reader, &authority));
    TRY(reader_end(&reader));
    if (tee > INTEL_TDX || authority >= AUTHORITY_COUNT) return ERR_FIELD_VALUE;
    platform.tee = (enum intel_tee)tee;
    (void)snprintf(platform.ca, sizeof(platform.ca), "%s", authorities[authority]);
    *platform_out = platform;
    return OK;
}

/* ---- PCK certificates: as struct pck_request, the PPID last ---- */

enum status need_pck_write(const struct pck_request *request, struct buffer *key)
{
    TRY(buffer_append(key, SLICE_ARRAY(request->qe_id)));
    TRY(buffer_append(key, SLICE_ARRAY(request->cpu_svn)));
    TRY(buffer_append(key, SLICE_ARRAY(request->pce_id)));
    TRY(buffer_append_u16(key, request->pce_svn));
    return buffer_append(key, slice_of(request->ppid, request->ppid_size));
}

enum status need_pck_read(struct slice key, struct pck_request *request_out)
{
    struct reader reader = reader_over(key);
    struct pck_request request = {};
    TRY(reader_copy(&reader, sizeof(request.qe_id), request.qe_id));
    TRY(reader_copy(&reader, sizeof(request.cpu_svn), request.cpu_svn));
    TRY(reader_copy(&reader, sizeof(request.pce_id), request.pce_id));
    TRY(reader_u16(&reader, &request.pce_svn));
    const size_t size = reader_left(&reader);
    if (size > sizeof(request.ppid)) return ERR_TRAILING_BYTES;
    request.ppid_size = (uint16_t)size;
    TRY(reader_copy(&reader, size, request.ppid));
    *request_out = request;
    return OK;
}

/* ---- endorsements: product, chip, versions ---- */

enum status need_endorsements_write(const struct endorsement_request *request, struct buffer *key)
{
    const struct snp_tcb *const tcb = &request->tcb;
    const uint8_t versions[] = {tcb->boot_loader, tcb->tee, tcb->snp, tcb->microcode, tcb->fmc};
    TRY(buffer_append_u8(key, (uint8_t)request->product));
    TRY(buffer_append(key, SLICE_ARRAY(request->chip_id)));
    return buffer_append(key, SLICE_ARRAY(versions));
}

enum status need_endorsements_read(struct slice key, struct endorsement_request *request_out)
{
    struct reader reader = reader_over(key);
    struct endorsement_request request = {};
    uint8_t product, versions[5];
    TRY(reader_u8(&reader, &product));
    TRY(reader_copy(&reader, sizeof(request.chip_id), request.chip_id));
    TRY(reader_copy(&reader, sizeof(versions), versions));
    TRY(reader_end(&reader));
    if (product > SNP_TURIN) return ERR_FIELD_VALUE;
    request.product = (enum snp_product)product;
    request.tcb = (struct snp_tcb){.boot_loader = versions[0],
                                   .tee = versions[1],
                                   .snp = versions[2],
                                   .microcode = versions[3],
                                   .fmc = versions[4]};
    *request_out = request;
    return OK;
}
