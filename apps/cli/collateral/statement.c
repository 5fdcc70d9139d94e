/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral/statement.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

/* One part: what it is, and its first and last moment. */
static enum status add_part(json_t *parts, const char *name, const char *issued, const char *expires)
{
    json_t *const part = json_pack("{s:s, s:s, s:s}", "name", name, "issued", issued, "expires", expires);
    return json_array_append_new(parts, part) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status add_signed(json_t *parts, const char *name, const json_t *body)
{
    return add_part(parts, name, json_string_value(json_object_get(body, "issueDate")),
                    json_string_value(json_object_get(body, "nextUpdate")));
}

static enum status add_chain(json_t *parts, struct slice pem, const char *what)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    TRY(certificate_list_from_pem(pem, &list));
    for (size_t i = 0; i < list.count; i++) {
        const struct certificate *const certificate = list.items[i];
        char name[128];
        (void)snprintf(name, sizeof(name), "%s: %s", what, certificate_subject_common_name(certificate));
        TRY(add_part(parts, name, time_iso8601(certificate_not_before_s(certificate)).text,
                     time_iso8601(certificate_not_after_s(certificate)).text));
    }
    return OK;
}

static enum status add_crl(json_t *parts, struct slice text, const char *name)
{
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    TRY(crl_from_der_or_pem(text, &crl));
    return add_part(parts, name, time_iso8601(crl_this_update_s(crl)).text, time_iso8601(crl_next_update_s(crl)).text);
}

static enum status add_parts(const struct collateral_texts *texts, const json_t *tcb_info, const json_t *qe_identity,
                             json_t *parts)
{
    TRY(add_signed(parts, "TCB info", json_object_get(tcb_info, "tcbInfo")));
    TRY(add_chain(parts, texts->tcb_info_issuer_chain, "its signer"));
    TRY(add_signed(parts, "QE identity", json_object_get(qe_identity, "enclaveIdentity")));
    TRY(add_chain(parts, texts->qe_identity_issuer_chain, "its signer"));
    TRY(add_crl(parts, texts->pck_crl, "PCK revocation list"));
    TRY(add_chain(parts, texts->pck_crl_issuer_chain, "its signer"));
    return add_crl(parts, texts->root_ca_crl, "root revocation list");
}

/* Date, status and number of advisories of each level, in the order of the text. */
static enum status add_levels(const json_t *tcb_info, json_t *levels)
{
    const json_t *const all = json_object_get(json_object_get(tcb_info, "tcbInfo"), "tcbLevels");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *const level = json_array_get(all, i);
        json_t *const told = json_pack("{s:O, s:O, s:I}", "date", json_object_get(level, "tcbDate"), "status",
                                       json_object_get(level, "tcbStatus"), "advisories",
                                       (json_int_t)json_array_size(json_object_get(level, "advisoryIDs")));
        if (json_array_append_new(levels, told) != 0) return ERR_NO_MEMORY;
    }
    return OK;
}

static json_t *head_of(const struct collateral_facts *facts, json_t *parts, json_t *levels)
{
    CLEANUP(buffer_done) struct buffer fmspc = buffer_of_maximum(2 * sizeof(facts->fmspc) + 1);
    const char *text = "";
    if (hex_encode(SLICE_ARRAY(facts->fmspc), &fmspc) != OK || buffer_text(&fmspc, &text) != OK) return NULL;
    return json_pack("{s:s, s:s, s:s, s:b, s:{s:I, s:I}, s:s, s:I, s:O, s:O}", "tee", intel_tee_name(facts->tee),
                     "fmspc", text, "ca", facts->ca, "simulated", facts->simulated, "evaluation", "tcb_info",
                     (json_int_t)facts->issue.tcb_info_evaluation, "qe_identity",
                     (json_int_t)facts->issue.qe_identity_evaluation, "expires", time_iso8601(facts->expires_s).text,
                     "expires_unix", (json_int_t)facts->expires_s, "parts", parts, "tcb_levels", levels);
}

enum status collateral_statement(const struct collateral_texts *texts, const struct collateral_facts *facts,
                                 json_t **statement_out)
{
    CLEANUP(json_done) json_t *tcb_info = NULL;
    CLEANUP(json_done) json_t *qe_identity = NULL;
    CLEANUP(json_done) json_t *parts = json_array();
    CLEANUP(json_done) json_t *levels = json_array();
    TRY(json_parse(texts->tcb_info, TCB_INFO_MAX_BYTES, NULL, &tcb_info));
    TRY(json_parse(texts->qe_identity, QE_IDENTITY_MAX_BYTES, NULL, &qe_identity));
    TRY(add_parts(texts, tcb_info, qe_identity, parts));
    TRY(add_levels(tcb_info, levels));
    *statement_out = head_of(facts, parts, levels);
    return *statement_out != NULL ? OK : ERR_NO_MEMORY;
}

/* ---- AMD ---- */

static enum status add_certificate(json_t *parts, struct slice bytes)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    if (pem_is_likely(bytes)) return add_chain(parts, bytes, "authority");
    TRY(certificate_from_der(bytes, &list.items[0]));
    list.count = 1;
    return add_part(parts, "the chip's certificate", time_iso8601(certificate_not_before_s(list.items[0])).text,
                    time_iso8601(certificate_not_after_s(list.items[0])).text);
}

static json_t *tcb_of(const struct snp_tcb *tcb)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i}", "boot_loader", tcb->boot_loader, "tee", tcb->tee, "snp", tcb->snp,
                     "microcode", tcb->microcode, "fmc", tcb->fmc);
}

enum status endorsement_statement(const struct endorsement_files *files, const struct snp_endorsement_facts *facts,
                                  json_t **statement_out)
{
    CLEANUP(json_done) json_t *parts = json_array();
    CLEANUP(buffer_done) struct buffer chip = buffer_of_maximum(2 * SNP_CHIP_ID_BYTES + 1);
    const char *chip_text = "";
    TRY(add_certificate(parts, buffer_slice(&files->vcek)));
    if (files->cert_chain.size > 0) TRY(add_certificate(parts, buffer_slice(&files->cert_chain)));
    TRY(add_crl(parts, buffer_slice(&files->crl), "revocation list"));
    TRY(hex_encode(SLICE_ARRAY(facts->chip_id), &chip));
    TRY(buffer_text(&chip, &chip_text));
    *statement_out =
        json_pack("{s:s, s:s, s:s, s:o, s:b, s:s, s:I, s:O}", "tee", "snp", "product", snp_product_name(facts->product),
                  "chip_id", chip_text, "tcb", tcb_of(&facts->tcb), "simulated", facts->simulated, "expires",
                  time_iso8601(facts->expires_s).text, "expires_unix", (json_int_t)facts->expires_s, "parts", parts);
    return *statement_out != NULL ? OK : ERR_NO_MEMORY;
}
