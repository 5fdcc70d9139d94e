/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/endorsement_source.h"

#include "base/encoding.h"
#include "base/file.h"
#include "crypto/x509.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { TURIN_CHIP_ID_BYTES = 8, FILE_COUNT = 3 };

static const char *const file_names[FILE_COUNT] = {"vcek.der", "cert_chain.pem", "crl.der"};

enum status endorsement_request_of(const struct snp_report_facts *facts, struct refusal *why,
                                   struct endorsement_request *request_out)
{
    if (facts->is_vlek) {
        (void)!refuse(why, ERR_UNSUPPORTED, "report.signing_key", "VCEK, which AMD gives out", "VLEK");
        return refuse_fix(why, ERR_UNSUPPORTED, "take the certificate from the host's table, or from the cloud");
    }
    if (!facts->has_chip_id) {
        (void)!refuse(why, ERR_UNSUPPORTED, "report.chip_id", "the chip's id", "zeros: the host hides it");
        return refuse_fix(why, ERR_UNSUPPORTED, "take the certificate from the host's table");
    }
    *request_out = (struct endorsement_request){.product = facts->product, .tcb = facts->reported};
    memcpy(request_out->chip_id, facts->chip_id, sizeof(request_out->chip_id));
    return OK;
}

/* ---- files ---- */

struct endorsement_files endorsement_files_empty(void)
{
    return (struct endorsement_files){
        .vcek = buffer_of_maximum(CERTIFICATE_MAX_BYTES),
        .cert_chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES),
        .crl = buffer_of_maximum(CRL_MAX_BYTES),
    };
}

void endorsement_files_done(struct endorsement_files *files)
{
    buffer_done(&files->vcek);
    buffer_done(&files->cert_chain);
    buffer_done(&files->crl);
}

struct snp_endorsements endorsement_files_texts(const struct endorsement_files *files,
                                                struct slice certificates[static 2])
{
    certificates[0] = buffer_slice(&files->vcek);
    certificates[1] = buffer_slice(&files->cert_chain);
    return (struct snp_endorsements){
        .certificates = certificates,
        .certificate_count = files->cert_chain.size > 0 ? 2 : 1,
        .crl = buffer_slice(&files->crl),
        .crl_required = true,
    };
}

struct path {
    char text[PATH_MAX];
};

static enum status path_of(const char *folder, const char *name, struct refusal *why, struct path *path_out)
{
    const int wanted = snprintf(path_out->text, sizeof(path_out->text), "%s/%s", folder, name);
    if (wanted >= 0 && (size_t)wanted < sizeof(path_out->text)) return OK;
    return refuse(why, ERR_IO, "collateral", "a shorter path", "%d bytes", wanted);
}

bool endorsement_folder_is_likely(const char *folder)
{
    struct path path;
    return path_of(folder, file_names[0], NULL, &path) == OK && file_exists(path.text);
}

static struct buffer *file_of(struct endorsement_files *files, size_t index)
{
    struct buffer *const all[FILE_COUNT] = {&files->vcek, &files->cert_chain, &files->crl};
    return all[index];
}

/* AMD's published authorities are known: their file may be left out. */
static enum status read_one(const char *folder, size_t index, struct refusal *why, struct buffer *bytes)
{
    struct path path;
    TRY(path_of(folder, file_names[index], why, &path));
    if (file_exists(path.text)) return file_read(path.text, why, bytes);
    if (index == 1) return OK;
    (void)!refuse(why, ERR_COLLATERAL_MISSING, file_names[index], "a file of this name in the collateral folder",
                  "nothing");
    return refuse_fix(why, ERR_COLLATERAL_MISSING, "fetch the whole collateral of this chip");
}

enum status endorsement_files_read(const char *folder, struct refusal *why, struct endorsement_files *files_out)
{
    CLEANUP(endorsement_files_done) struct endorsement_files files = endorsement_files_empty();
    for (size_t i = 0; i < FILE_COUNT; i++) TRY(read_one(folder, i, why, file_of(&files, i)));
    *files_out = files;
    files = (struct endorsement_files){};
    return OK;
}

enum status endorsement_files_write(const char *folder, const struct endorsement_files *files, struct refusal *why)
{
    const struct buffer *const all[FILE_COUNT] = {&files->vcek, &files->cert_chain, &files->crl};
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return refuse(why, ERR_IO, folder, "a folder that can be made", "%s", strerror(errno));
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct path path;
        TRY(path_of(folder, file_names[i], why, &path));
        if (all[i]->size > 0) TRY(file_write(path.text, buffer_slice(all[i]), 0600, why));
    }
    return OK;
}

/* ---- the protocol ---- */

static enum status get(struct http_client *client, const char *path, struct refusal *why, struct pacing_hint *hint,
                       struct buffer *body)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(source_get(client, path, NULL, body->maximum, why, hint, &answer));
    return buffer_append(body, buffer_slice(&answer.body));
}

static enum status write_vcek_path(const struct endorsement_request *request, struct buffer *path)
{
    const bool is_turin = request->product == SNP_TURIN;
    const struct snp_tcb *const tcb = &request->tcb;
    TRY(buffer_append_format(path, "/vcek/v1/%s/", snp_product_name(request->product)));
    TRY(hex_encode(slice_of(request->chip_id, is_turin ? TURIN_CHIP_ID_BYTES : SNP_CHIP_ID_BYTES), path));
    TRY(buffer_append_text(path, "?"));
    if (is_turin) TRY(buffer_append_format(path, "fmcSPL=%02u&", tcb->fmc));
    return buffer_append_format(path, "blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", tcb->boot_loader, tcb->tee,
                                tcb->snp, tcb->microcode);
}

enum status endorsement_fetch_vcek(struct http_client *client, const struct endorsement_request *request,
                                   struct refusal *why, struct pacing_hint *hint, struct buffer *vcek)
{
    CLEANUP(buffer_done) struct buffer path = buffer_of_maximum(SOURCE_PATH_MAX_BYTES);
    const char *text;
    TRY(write_vcek_path(request, &path));
    TRY(buffer_text(&path, &text));
    return get(client, text, why, hint, vcek);
}

enum status endorsement_fetch_authorities(struct http_client *client, enum snp_product product, struct refusal *why,
                                          struct pacing_hint *hint, struct endorsement_files *files)
{
    char path[SOURCE_PATH_MAX_BYTES];
    (void)snprintf(path, sizeof(path), "/vcek/v1/%s/cert_chain", snp_product_name(product));
    TRY(get(client, path, why, hint, &files->cert_chain));
    (void)snprintf(path, sizeof(path), "/vcek/v1/%s/crl", snp_product_name(product));
    return get(client, path, why, hint, &files->crl);
}

/* ---- what came ---- */

static enum status check_chip(const struct endorsement_request *request, const struct snp_endorsement_facts *facts,
                              struct refusal *why)
{
    if (facts->product != request->product)
        return refuse(why, ERR_SNP_KEY, "vcek.productName", snp_product_name(request->product), "%s",
                      snp_product_name(facts->product));
    if (slice_equal(SLICE_ARRAY(facts->chip_id), SLICE_ARRAY(request->chip_id))) return OK;
    return refuse(why, ERR_SNP_KEY, "vcek.hwID", refusal_hex(SLICE_ARRAY(request->chip_id)).text, "%s",
                  refusal_hex(SLICE_ARRAY(facts->chip_id)).text);
}

enum status endorsement_check(const struct endorsement_files *files, const struct endorsement_request *request,
                              const struct key *simulated_root, int64_t now_s, struct refusal *why,
                              struct snp_endorsement_facts *facts_out)
{
    struct slice certificates[2];
    struct snp_endorsements texts = endorsement_files_texts(files, certificates);
    texts.simulated_root = simulated_root;
    TRY(snp_endorsements_verify(&texts, false, now_s, why, facts_out));
    TRY(check_chip(request, facts_out, why));
    if (memcmp(&facts_out->tcb, &request->tcb, sizeof(request->tcb)) == 0) return OK;
    return refuse(why, ERR_SNP_KEY, "vcek.tcb", "the security versions that were asked for", "others");
}
