/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/attested.h"

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- from claims ---- */

static enum status take_platform(const struct intel_platform *platform, struct attested *attested)
{
    uint8_t digest[SHA256_BYTES];
    attested->status = platform->tcb_status;
    attested->tcb_evaluation = platform->tcb_evaluation;
    attested->has_platform = platform->has_instance;
    if (!platform->has_instance) return OK;
    TRY(sha256(SLICE_ARRAY(platform->instance_id), digest));
    memcpy(attested->platform, digest, sizeof(attested->platform));
    return OK;
}

enum status attested_from_claims(const struct evidence_claims *claims, int64_t now_s, struct attested *attested_out)
{
    struct attested attested = {.time_s = now_s};
    const bool is_enclave = claims->kind == EVIDENCE_SGX || claims->kind == EVIDENCE_OPEN_ENCLAVE;
    if (!is_enclave && claims->kind != EVIDENCE_TDX) return ERR_UNSUPPORTED;
    attested.numbers = is_enclave ? tcb_numbers_of_enclave(&claims->sgx) : tcb_numbers_of_domain(&claims->tdx);
    TRY(take_platform(is_enclave ? &claims->sgx.platform : &claims->tdx.platform, &attested));
    *attested_out = attested;
    return OK;
}

/* ---- writing ---- */

static enum status write_hex(struct buffer *line, const char *name, struct slice bytes)
{
    TRY(buffer_append_format(line, ",\"%s\":\"", name));
    TRY(hex_encode(bytes, line));
    return buffer_append_text(line, "\"");
}

static enum status write_domain(const struct tcb_numbers *numbers, struct buffer *line)
{
    if (numbers->tee != INTEL_TDX) return OK;
    TRY(write_hex(line, "tee_tcb_svn", SLICE_ARRAY(numbers->tee_tcb_svn)));
    return numbers->is_td15 ? write_hex(line, "tee_tcb_svn2", SLICE_ARRAY(numbers->tee_tcb_svn2)) : OK;
}

enum status attested_write(const struct attested *attested, struct buffer *line)
{
    const struct tcb_numbers *const numbers = &attested->numbers;
    TRY(buffer_append_format(line, "{\"time\":%" PRId64 ",\"tee\":\"%s\"", attested->time_s,
                             intel_tee_name(numbers->tee)));
    if (attested->has_platform) TRY(write_hex(line, "platform", SLICE_ARRAY(attested->platform)));
    TRY(write_hex(line, "fmspc", SLICE_ARRAY(numbers->fmspc)));
    TRY(write_hex(line, "pce_id", SLICE_ARRAY(numbers->pce_id)));
    TRY(write_hex(line, "components", SLICE_ARRAY(numbers->components)));
    TRY(buffer_append_format(line, ",\"pce_svn\":%u,\"qe_svn\":%u", numbers->pce_svn, numbers->qe_svn));
    TRY(write_domain(numbers, line));
    return buffer_append_format(line, ",\"status\":\"%s\",\"tcb_evaluation\":%" PRId64 "}\n",
                                tcb_status_name(attested->status), attested->tcb_evaluation);
}

/* ---- reading ---- */

static enum status read_tee(const json_t *json, struct refusal *why, enum intel_tee *tee_out)
{
    enum { TEE_MAX_BYTES = 8 };
    struct slice text;
    TRY(json_get_string(json, "", "tee", TEE_MAX_BYTES, why, &text));
    *tee_out = slice_equal_text(text, intel_tee_name(INTEL_TDX)) ? INTEL_TDX : INTEL_SGX;
    if (slice_equal_text(text, intel_tee_name(*tee_out))) return OK;
    return refuse(why, ERR_FIELD_VALUE, "tee", "sgx or tdx", "%.*s", (int)text.size, (const char *)text.bytes);
}

static enum status read_status(const json_t *json, struct refusal *why, enum tcb_status *status_out)
{
    enum { STATUS_MAX_BYTES = 64 };
    struct slice text;
    TRY(json_get_string(json, "", "status", STATUS_MAX_BYTES, why, &text));
    for (enum tcb_status status = TCB_UP_TO_DATE; status <= TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED; status++) {
        if (!slice_equal_text(text, tcb_status_name(status))) continue;
        *status_out = status;
        return OK;
    }
    return refuse(why, ERR_FIELD_VALUE, "status", "a status that Intel defines", "%.*s", (int)text.size,
                  (const char *)text.bytes);
}

static enum status read_svn(const json_t *json, const char *name, struct refusal *why, uint16_t *svn_out)
{
    int64_t svn;
    TRY(json_get_integer(json, "", name, 0, UINT16_MAX, why, &svn));
    *svn_out = (uint16_t)svn;
    return OK;
}

static enum status read_domain(const json_t *json, struct refusal *why, struct tcb_numbers *numbers)
{
    numbers->is_td15 = json_object_get(json, "tee_tcb_svn2") != NULL;
    TRY(json_get_hex(json, "", "tee_tcb_svn", sizeof(numbers->tee_tcb_svn), why, numbers->tee_tcb_svn));
    return numbers->is_td15
               ? json_get_hex(json, "", "tee_tcb_svn2", sizeof(numbers->tee_tcb_svn2), why, numbers->tee_tcb_svn2)
               : OK;
}

static enum status read_numbers(const json_t *json, struct refusal *why, struct tcb_numbers *numbers)
{
    TRY(json_get_hex(json, "", "fmspc", sizeof(numbers->fmspc), why, numbers->fmspc));
    TRY(json_get_hex(json, "", "pce_id", sizeof(numbers->pce_id), why, numbers->pce_id));
    TRY(json_get_hex(json, "", "components", sizeof(numbers->components), why, numbers->components));
    TRY(read_svn(json, "pce_svn", why, &numbers->pce_svn));
    TRY(read_svn(json, "qe_svn", why, &numbers->qe_svn));
    return numbers->tee == INTEL_TDX ? read_domain(json, why, numbers) : OK;
}

static const char *const *names_of(enum intel_tee tee)
{
    static const char *const names[] = {
        "tee_tcb_svn", "tee_tcb_svn2", /* TDX alone */
        "time",        "tee",          "platform", "fmspc",          "pce_id", "components",
        "pce_svn",     "qe_svn",       "status",   "tcb_evaluation", NULL,
    };
    return tee == INTEL_TDX ? names : names + 2;
}

static enum status read_members(const json_t *json, struct refusal *why, struct attested *attested)
{
    const int64_t latest_time_s = 253402300799; /* the end of the year 9999 */
    if (!json_is_object(json)) return refuse(why, ERR_FIELD_TYPE, "line", "an object", "a list");
    TRY(read_tee(json, why, &attested->numbers.tee));
    TRY(json_only(json, "", names_of(attested->numbers.tee), why));
    TRY(json_get_integer(json, "", "time", 0, latest_time_s, why, &attested->time_s));
    attested->has_platform = json_object_get(json, "platform") != NULL;
    if (attested->has_platform)
        TRY(json_get_hex(json, "", "platform", sizeof(attested->platform), why, attested->platform));
    TRY(read_numbers(json, why, &attested->numbers));
    TRY(read_status(json, why, &attested->status));
    return json_get_integer(json, "", "tcb_evaluation", 0, INT32_MAX, why, &attested->tcb_evaluation);
}

enum status attested_read(struct slice line, struct refusal *why, struct attested *attested_out)
{
    CLEANUP(json_done) json_t *json = NULL;
    struct attested attested = {};
    TRY(json_parse(line, ATTESTED_LINE_MAX_BYTES, why, &json));
    TRY(read_members(json, why, &attested));
    *attested_out = attested;
    return OK;
}

/* Puts the line's number before the field's name. */
static enum status name_line(size_t number, enum status status, struct refusal *why)
{
    if (why == NULL) return status;
    const struct refusal line = *why;
    char name[32];
    (void)snprintf(name, sizeof(name), "line %zu", number);
    return refuse(why, status, json_path(name, line.field).text, line.expected, "%s", line.seen);
}

enum status attested_log_read(struct slice text, attested_visit *visit, void *context, struct refusal *why,
                              bool *is_torn_out)
{
    struct slice line, rest = text;
    if (text.size > ATTESTED_LOG_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "log", "at most 8 MiB", "%zu bytes", text.size);
    for (size_t number = 1; slice_split(rest, '\n', &line, &rest); number++) {
        struct attested attested;
        const enum status status = attested_read(line, why, &attested);
        if (status != OK) return name_line(number, status, why);
        TRY(visit(context, &attested));
    }
    *is_torn_out = rest.size > 0;
    return OK;
}
