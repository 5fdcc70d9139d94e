/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy/trial.h"

#include "cli/policy/claims_file.h"

static const char *const sections[] = {[POLICY_CONFIGURATION] = "configurationrules",
                                       [POLICY_AUTHORIZATION] = "authorizationrules",
                                       [POLICY_ISSUANCE] = "issuancerules"};

void trial_done(struct trial *trial)
{
    claim_set_free(trial->incoming);
    claim_set_free(trial->issued);
    claim_set_free(trial->properties);
    json_decref(trial->rules);
    *trial = (struct trial){};
}

enum status trial_new(struct trial *trial_out)
{
    CLEANUP(trial_done) struct trial trial = {.rules = json_array()};
    if (trial.rules == NULL) return ERR_NO_MEMORY;
    TRY(claim_set_new(&trial.incoming));
    TRY(claim_set_new(&trial.issued));
    TRY(claim_set_new(&trial.properties));
    *trial_out = trial;
    trial = (struct trial){};
    return OK;
}

/* ---- running ---- */

static json_t *json_of_slice(struct slice text)
{
    return json_stringn(text.size > 0 ? (const char *)text.bytes : "", text.size);
}

/* A rule of which a function failed did nothing. */
static void note(void *context, const struct policy_event *event)
{
    struct trial *const trial = context;
    const bool has_fired = event->fired && event->fault == NULL;
    json_t *const rule = json_pack("{s:s, s:i, s:i, s:b, s:s, s:o}", "section", sections[event->section], "rule",
                                   (int)event->rule, "line", (int)event->line, "fired", has_fired, "reason",
                                   event->reason, "text", json_of_slice(event->condition));
    if (event->failed_condition > 0)
        json_object_set_new(rule, "failed_condition", json_integer((json_int_t)event->failed_condition));
    if (event->fault != NULL) {
        char line[512];
        refusal_text(event->fault, line, sizeof(line));
        json_object_set_new(rule, "fault", json_string(line));
    }
    (void)json_array_append_new(trial->rules, rule);
}

/* The service runs configuration rules before there are claims of evidence. */
static enum status run(const struct policy *policy, const struct policy_trace *trace, struct trial *trial)
{
    CLEANUP(claim_set_cleanup) struct claim_set *nothing = NULL;
    const struct policy_result result = {.outgoing = trial->issued, .properties = trial->properties};
    TRY(claim_set_new(&nothing));
    TRY(policy_configure(policy, nothing, trace, &trial->why, &result));
    return policy_evaluate(policy, trial->incoming, trace, &trial->why, &result);
}

enum status trial_run(const struct policy *policy, struct trial *trial)
{
    const struct policy_trace trace = {.explain = note, .context = trial};
    trial->status = run(policy, trial->is_explained ? &trace : NULL, trial);
    trial->is_permitted = trial->status == OK;
    return trial->status == ERR_NO_MEMORY ? ERR_NO_MEMORY : OK;
}

/* ---- for people ---- */

static enum status tell_value(const struct claim_value *value, struct buffer *text)
{
    switch (value->type) {
    case CLAIM_INTEGER: return buffer_append_format(text, "%lld", (long long)value->integer);
    case CLAIM_BOOLEAN: return buffer_append_text(text, value->boolean ? "true" : "false");
    case CLAIM_STRING: break;
    }
    return json_append_string(value->text, text); /* a terminal is shown no control characters */
}

static enum status tell_claims(const char *title, const struct claim_set *set, struct buffer *text)
{
    if (claim_set_count(set) == 0) return OK;
    TRY(buffer_append_format(text, "%s\n", title));
    for (size_t i = 0; i < claim_set_count(set); i++) {
        const struct claim *const claim = claim_set_at(set, i);
        TRY(buffer_append_text(text, "  "));
        TRY(buffer_append(text, claim->type));
        TRY(buffer_append_text(text, " = "));
        TRY(tell_value(&claim->value, text));
        TRY(buffer_append_u8(text, '\n'));
    }
    return OK;
}

static const char *text_of(const json_t *rule, const char *name)
{
    return json_string_value(json_object_get(rule, name));
}

static enum status tell_rule(const json_t *rule, struct buffer *text)
{
    const json_t *const condition = json_object_get(rule, "failed_condition"), *const fault =
                                                                                   json_object_get(rule, "fault");
    const char *const reason = text_of(rule, "reason");
    TRY(buffer_append_format(text, "  rule %d, line %d: ", (int)json_integer_value(json_object_get(rule, "rule")),
                             (int)json_integer_value(json_object_get(rule, "line"))));
    if (fault != NULL) return buffer_append_format(text, "failed: %s\n", json_string_value(fault));
    if (condition != NULL)
        return buffer_append_format(text, "did not fire: condition %d, %s: %s\n", (int)json_integer_value(condition),
                                    text_of(rule, "text"), reason);
    return buffer_append_format(text, "fired: %s%s%s\n", text_of(rule, "text"), reason[0] != '\0' ? ": " : "", reason);
}

static enum status tell_rules(const struct trial *trial, struct buffer *text)
{
    const char *section = "";
    for (size_t i = 0; i < json_array_size(trial->rules); i++) {
        const json_t *const rule = json_array_get(trial->rules, i);
        if (!slice_equal_text(slice_of_text(section), text_of(rule, "section"))) {
            section = text_of(rule, "section");
            TRY(buffer_append_format(text, "%s\n", section));
        }
        TRY(tell_rule(rule, text));
    }
    return OK;
}

enum status trial_tell(const struct trial *trial, struct buffer *text)
{
    TRY(tell_rules(trial, text));
    TRY(buffer_append_text(text, trial->is_permitted ? "permitted\n" : "denied\n"));
    if (trial->is_permitted) TRY(tell_claims("issued", trial->issued, text));
    return tell_claims("properties", trial->properties, text);
}

/* ---- for programs ---- */

static json_t *json_of_value(const struct claim_value *value)
{
    switch (value->type) {
    case CLAIM_INTEGER: return json_integer(value->integer);
    case CLAIM_BOOLEAN: return json_boolean(value->boolean);
    case CLAIM_STRING: break;
    }
    return json_of_slice(value->text);
}

static json_t *json_of_claims(const struct claim_set *set)
{
    json_t *const array = json_array();
    for (size_t i = 0; i < claim_set_count(set); i++) {
        const struct claim *const claim = claim_set_at(set, i);
        json_t *const object =
            json_pack("{s:o, s:s, s:s}", "value", json_of_value(&claim->value), "valueType",
                      claims_file_value_type(claim->value.type), "issuer", claims_file_issuer(claim->issuer));
        json_object_set_new(object, "type", json_of_slice(claim->type));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *json_of_nothing_or(bool is_there, const struct claim_set *set)
{
    return is_there ? json_of_claims(set) : json_array();
}

enum status trial_json(const struct trial *trial, json_t **json_out)
{
    char reason[1024] = "";
    struct refusal told = trial->why;
    told.status = trial->status;
    if (!trial->is_permitted) refusal_text(&told, reason, sizeof(reason));
    CLEANUP(json_done)
    json_t *json =
        json_pack("{s:b, s:s, s:s, s:o, s:o}", "permitted", trial->is_permitted, "code", status_name(trial->status),
                  "reason", reason, "issued", json_of_nothing_or(trial->is_permitted, trial->issued), "properties",
                  json_of_claims(trial->properties));
    if (json == NULL) return ERR_NO_MEMORY;
    if (trial->is_explained && json_object_set(json, "rules", trial->rules) != 0) return ERR_NO_MEMORY;
    *json_out = json_incref(json);
    return OK;
}
