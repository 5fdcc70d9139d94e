/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/encoding.h"
#include "base/json.h"
#include "cli/verify_evidence.h"

/* ---- JSON ---- */

static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status set_hex(json_t *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * bytes.size);
    TRY(hex_encode(bytes, &text));
    return set(object, name, json_stringn((const char *)text.bytes, text.size));
}

static enum status set_time(json_t *object, const char *name, int64_t time_s)
{
    return set(object, name, json_string(time_iso8601(time_s).text));
}

static enum status set_identity(json_t *object, const struct sgx_claims *claims)
{
    TRY(set_hex(object, "mrenclave", SLICE_ARRAY(claims->mrenclave)));
    TRY(set_hex(object, "mrsigner", SLICE_ARRAY(claims->mrsigner)));
    TRY(set(object, "product_id", json_integer(claims->product_id)));
    TRY(set(object, "svn", json_integer(claims->svn)));
    TRY(set(object, "debug", json_boolean(claims->debug)));
    TRY(set_hex(object, "report_data", SLICE_ARRAY(claims->report_data)));
    TRY(set(object, "kss", json_boolean(claims->has_kss)));
    TRY(set_hex(object, "config_id", SLICE_ARRAY(claims->config_id)));
    TRY(set(object, "config_svn", json_integer(claims->config_svn)));
    TRY(set_hex(object, "extended_product_id", SLICE_ARRAY(claims->extended_product_id)));
    return set_hex(object, "family_id", SLICE_ARRAY(claims->family_id));
}

static enum status set_platform(json_t *object, const struct sgx_claims *claims)
{
    TRY(set_hex(object, "fmspc", SLICE_ARRAY(claims->platform.fmspc)));
    TRY(set_time(object, "tcb_date", claims->platform.tcb_date_s));
    TRY(set(object, "tcb_evaluation", json_integer(claims->platform.tcb_evaluation)));
    TRY(set_time(object, "expires", claims->platform.expires_s));
    return set(object, "simulated", json_boolean(claims->platform.simulated));
}

static enum status set_claims(json_t *verdict, const struct evidence_result *result)
{
    if (result->status != OK) return set(verdict, "claims", json_null());
    CLEANUP(json_done) json_t *claims = json_object();
    if (claims == NULL) return ERR_NO_MEMORY;
    TRY(set_identity(claims, &result->claims));
    TRY(set_platform(claims, &result->claims));
    return set(verdict, "claims", json_incref(claims));
}

static enum status set_advisories(json_t *verdict, const struct evidence_result *result)
{
    CLEANUP(json_done) json_t *advisories = json_array();
    for (size_t i = 0; result->status == OK && i < result->claims.platform.advisory_count; i++) {
        if (json_array_append_new(advisories, json_string(result->claims.platform.advisories[i])) != 0)
            return ERR_NO_MEMORY;
    }
    return set(verdict, "advisories", json_incref(advisories));
}

/* Two refusals are statuses of Intel's as well. */
static const char *status_of(const struct evidence_result *result)
{
    switch (result->status) {
    case OK: return tcb_status_name(result->claims.platform.tcb_status);
    case ERR_TCB_REVOKED: return "Revoked";
    case ERR_TCB_NOT_SUPPORTED: return "TCB_NOT_SUPPORTED";
    default: return NULL;
    }
}

static enum status set_reason(json_t *verdict, const struct evidence_result *result)
{
    if (result->status == OK) return set(verdict, "reason", json_null());
    char reason[1024];
    refusal_text(&result->why, reason, sizeof(reason));
    TRY(set(verdict, "field", json_string(result->why.field)));
    TRY(set(verdict, "seen", json_string(result->why.seen)));
    TRY(set(verdict, "expected", json_string(result->why.expected)));
    return set(verdict, "reason", json_string(reason));
}

enum status evidence_result_json(const struct evidence_result *result, struct buffer *text)
{
    CLEANUP(json_done) json_t *verdict = json_object();
    if (verdict == NULL) return ERR_NO_MEMORY;
    const char *const status = status_of(result);
    TRY(set(verdict, "genuine", json_boolean(result->status == OK)));
    TRY(set(verdict, "status", status == NULL ? json_null() : json_string(status)));
    TRY(set(verdict, "code", json_string(status_name(result->status))));
    if (result->tee != NULL) TRY(set_time(verdict, "at", result->at_s));
    TRY(set_advisories(verdict, result));
    TRY(set_reason(verdict, result));
    TRY(set_claims(verdict, result));
    return json_write(verdict, text);
}

/* ---- for a person ---- */

static enum status line(struct buffer *text, const char *title, const char *value)
{
    return buffer_append_format(text, "  %-14s %s\n", title, value);
}

static enum status hex_line(struct buffer *text, const char *title, struct slice bytes)
{
    TRY(buffer_append_format(text, "  %-14s ", title));
    TRY(hex_encode(bytes, text));
    return buffer_append_text(text, "\n");
}

static enum status tell_who_and_what(const struct sgx_claims *claims, struct buffer *text)
{
    TRY(line(text, "who signed",
             claims->platform.simulated ? "a SOFTWARE TEE: no hardware protects this enclave from its host"
                                        : "an Intel SGX platform, certified by Intel's pinned root"));
    TRY(hex_line(text, "platform", SLICE_ARRAY(claims->platform.fmspc)));
    TRY(hex_line(text, "what ran", SLICE_ARRAY(claims->mrenclave)));
    TRY(hex_line(text, "signed by", SLICE_ARRAY(claims->mrsigner)));
    TRY(buffer_append_format(text, "  %-14s product %u, security version %u\n", "", claims->product_id, claims->svn));
    TRY(hex_line(text, "report data", slice_of(claims->report_data, 32)));
    return hex_line(text, "", slice_of(claims->report_data + 32, 32));
}

static enum status tell_freshness(const struct evidence_result *result, struct buffer *text)
{
    const struct sgx_claims *const claims = &result->claims;
    TRY(line(text, "judged at", time_iso8601(result->at_s).text));
    TRY(line(text, "good until", time_iso8601(claims->platform.expires_s).text));
    TRY(line(text, "TCB level of", time_iso8601(claims->platform.tcb_date_s).text));
    return buffer_append_format(text, "  %-14s number %lld\n", "evaluation",
                                (long long)claims->platform.tcb_evaluation);
}

static enum status tell_advisories(const struct sgx_claims *claims, struct buffer *text)
{
    enum { PER_LINE = 5 };
    for (size_t i = 0; i < claims->platform.advisory_count; i++) {
        const char *const before = i % PER_LINE != 0 ? " " : i == 0 ? "  advisories     " : "\n                 ";
        TRY(buffer_append_format(text, "%s%s", before, claims->platform.advisories[i]));
    }
    return claims->platform.advisory_count == 0 ? OK : buffer_append_text(text, "\n");
}

static const char *advice(enum tcb_status status)
{
    switch (status) {
    case TCB_UP_TO_DATE: return "nothing: the platform is up to date";
    case TCB_SW_HARDENING_NEEDED: return "make sure that the enclave was built with the mitigations for the advisories";
    case TCB_CONFIGURATION_NEEDED: return "change the platform's firmware settings as the advisories say";
    case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
        return "change the firmware settings, and make sure that the enclave has the mitigations";
    case TCB_OUT_OF_DATE: return "update the platform's firmware and microcode, then make a new quote";
    case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
        return "update the platform's firmware and microcode and change its settings, then make a new quote";
    case TCB_TD_RELAUNCH_ADVISED: return "start the TD anew, so that the module loaded now measures it";
    case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
        return "start the TD anew, and change the platform's settings as the advisories say";
    }
    return "ask whoever runs the platform";
}

static const char *fault(const struct sgx_claims *claims)
{
    if (claims->debug) return "this is a DEBUG enclave: its host can read its memory; give it no secrets";
    switch (claims->platform.tcb_status) {
    case TCB_UP_TO_DATE: return "nothing that Intel knows of";
    case TCB_SW_HARDENING_NEEDED: return "the platform is sound only with enclaves built against the advisories";
    case TCB_CONFIGURATION_NEEDED:
    case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED: return "the platform's settings leave known weaknesses open";
    case TCB_OUT_OF_DATE:
    case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED: return "the platform runs firmware with known weaknesses";
    case TCB_TD_RELAUNCH_ADVISED:
    case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
        return "the TD was started under a TDX module with known weaknesses, which was updated since";
    }
    return "the platform's state is not known";
}

static enum status tell_genuine(const struct evidence_result *result, struct buffer *text)
{
    const struct sgx_claims *const claims = &result->claims;
    TRY(buffer_append_format(text, "GENUINE%s: %s\n", claims->platform.simulated ? " SIMULATION" : "",
                             tcb_status_name(claims->platform.tcb_status)));
    TRY(tell_who_and_what(claims, text));
    TRY(tell_freshness(result, text));
    TRY(tell_advisories(claims, text));
    TRY(line(text, "what is wrong", fault(claims)));
    return buffer_append_format(text, "  %-14s %s", "what to do", advice(claims->platform.tcb_status));
}

static enum status tell_refused(const struct evidence_result *result, struct buffer *text)
{
    const struct refusal *const why = &result->why;
    TRY(buffer_append_format(text, "REFUSED: %s\n", status_text(result->status)));
    if (why->field[0] != '\0') TRY(line(text, "field", why->field));
    if (why->seen[0] != '\0') TRY(line(text, "seen", why->seen));
    if (why->expected[0] != '\0') TRY(line(text, "expected", why->expected));
    TRY(line(text, "judged at", time_iso8601(result->at_s).text));
    return buffer_append_format(text, "  %-14s %s", "what to do",
                                why->fix[0] != '\0' ? why->fix : "do not trust this evidence; ask for a new quote");
}

enum status evidence_result_text(const struct evidence_result *result, struct buffer *text)
{
    return result->status == OK ? tell_genuine(result, text) : tell_refused(result, text);
}
