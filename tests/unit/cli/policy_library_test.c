/* SPDX-License-Identifier: Apache-2.0
 *
 * Every policy of docs/policies/: the claims beside it (claims/NAME.json) are permitted and give exactly the claims and
 * properties that tests/policies/NAME.json says; each change of theirs that it lists is still permitted, or denied. A
 * policy without such a file fails, and so does one with a rule that never fires.
 */
#include "cli/policy/claims_file.h"
#include "cli/policy/source.h"
#include "cli/policy/trial.h"

#include "policy/default_policy.h"
#include "testing.h"

#include <dirent.h>

enum { NAME_MAX_BYTES = 64, POLICY_COUNT_MAX = 64 };

struct library_policy {
    char name[NAME_MAX_BYTES];
    struct policy_source source;
    struct policy *policy;
    json_t *claims, *test;
    json_t *fired; /* {"section/rule": true} */
};

static const char *path_of(const char *folder, const char *name, const char *ending)
{
    static char path[PATH_MAX];
    const char *const source = getenv("LAZARET_SOURCE");
    (void)snprintf(path, sizeof(path), "%s/%s/%s%s", source != NULL ? source : ".", folder, name, ending);
    return path;
}

static json_t *json_of_file(const char *path)
{
    CLEANUP(buffer_done) struct buffer text = read_whole(path);
    json_t *json = NULL;
    struct refusal why = {};
    if (json_parse(buffer_slice(&text), CLAIMS_FILE_MAX_BYTES, &why, &json) != OK) fail_msg("%s: %s", path, why.seen);
    return json;
}

static void open_policy(const char *name, struct library_policy *policy_out)
{
    struct refusal why = {};
    (void)snprintf(policy_out->name, sizeof(policy_out->name), "%s", name);
    assert_ok(policy_source_read(path_of("docs/policies", name, ".policy"), &why, &policy_out->source));
    if (policy_compile(buffer_slice(&policy_out->source.text), &why, &policy_out->policy) != OK)
        fail_msg("%s: %s: expected %s, seen %s", name, why.field, why.expected, why.seen);
    policy_out->claims = json_of_file(path_of("docs/policies/claims", name, ".json"));
    policy_out->test = json_of_file(path_of("tests/policies", name, ".json"));
    policy_out->fired = json_object();
}

static void close_policy(struct library_policy *policy)
{
    policy_source_done(&policy->source);
    policy_free(policy->policy);
    json_decref(policy->claims);
    json_decref(policy->test);
    json_decref(policy->fired);
}

/* ---- one case ---- */

static void add_claims(const json_t *json, struct claim_set *set)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CLAIMS_FILE_MAX_BYTES);
    struct refusal why = {};
    assert_ok(json_write(json, &text));
    if (claims_file_parse(buffer_slice(&text), &why, set) != OK)
        fail_msg("%s: expected %s, seen %s", why.field, why.expected, why.seen);
}

/* The claims with a change: {type: value} puts it in place of all of that type, null leaves them out; a list of claims
 * takes the place of those types. */
static void change_claims(const json_t *claims, const json_t *change, struct claim_set *set)
{
    CLEANUP(json_done) json_t *changed = json_copy((json_t *)claims);
    const char *type;
    json_t *value;
    size_t i;
    json_object_foreach ((json_t *)change, type, value) {
        if (json_is_null(value))
            (void)json_object_del(changed, type);
        else
            (void)json_object_set(changed, type, value);
    }
    json_array_foreach (change, i, value)
        (void)json_object_del(changed, json_string_value(json_object_get(value, "type")));
    add_claims(changed, set);
    if (json_is_array(change)) add_claims(change, set);
}

static void note_fired(struct library_policy *policy, const struct trial *trial)
{
    size_t i;
    json_t *rule;
    json_array_foreach (trial->rules, i, rule) {
        char key[64];
        (void)snprintf(key, sizeof(key), "%s, line %d", json_string_value(json_object_get(rule, "section")),
                       (int)json_integer_value(json_object_get(rule, "line")));
        if (json_is_true(json_object_get(rule, "fired")) || json_object_get(policy->fired, key) == NULL)
            (void)json_object_set(policy->fired, key, json_object_get(rule, "fired"));
    }
}

static void try_claims(struct library_policy *policy, const json_t *change, struct trial *trial)
{
    assert_ok(trial_new(trial));
    trial->is_explained = true;
    change_claims(policy->claims, change, trial->incoming);
    assert_ok(trial_run(policy->policy, trial));
    note_fired(policy, trial);
}

static void assert_cases(struct library_policy *policy, const char *which, enum status expected)
{
    size_t i;
    json_t *test;
    json_array_foreach (json_object_get(policy->test, which), i, test) {
        CLEANUP(trial_done) struct trial trial = {};
        const char *const name = json_string_value(json_object_get(test, "case"));
        assert_non_null(name);
        try_claims(policy, json_object_get(test, "change"), &trial);
        if (trial.status != expected)
            fail_msg("%s.policy: %s: %s: expected %s, seen %s", policy->name, name, status_name(trial.status),
                     trial.why.expected, trial.why.seen);
    }
}

/* ---- what is issued ---- */

/* {type: value}, or {type: [values]} of several. */
static json_t *by_type(const struct claim_set *set)
{
    json_t *const all = json_object();
    for (size_t i = 0; i < claim_set_count(set); i++) {
        const struct claim *const claim = claim_set_at(set, i);
        char type[CLAIM_TYPE_MAX_BYTES + 1];
        (void)snprintf(type, sizeof(type), "%.*s", (int)claim->type.size, (const char *)claim->type.bytes);
        json_t *const value = claim->value.type == CLAIM_INTEGER ? json_integer(claim->value.integer)
                              : claim->value.type == CLAIM_BOOLEAN
                                  ? json_boolean(claim->value.boolean)
                                  : json_stringn((const char *)claim->value.text.bytes, claim->value.text.size);
        json_t *const other = json_object_get(all, type);
        if (other == NULL)
            (void)json_object_set_new(all, type, value);
        else if (json_is_array(other))
            (void)json_array_append_new(other, value);
        else
            (void)json_object_set_new(all, type, json_pack("[O, o]", other, value));
    }
    return all;
}

static void assert_issued(const struct library_policy *policy, const char *which, const struct claim_set *set)
{
    CLEANUP(json_done) json_t *seen = by_type(set);
    if (json_equal(seen, json_object_get(policy->test, which)) == 1) return;
    char *const text = json_dumps(seen, JSON_COMPACT | JSON_SORT_KEYS);
    print_error("%s.policy: %s: %s\n", policy->name, which, text);
    free(text);
    fail();
}

/* ---- the library ---- */

static size_t list_policies(char names[static POLICY_COUNT_MAX][NAME_MAX_BYTES])
{
    size_t count = 0;
    DIR *const folder = opendir(path_of("docs/policies", "", ""));
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *const ending = strstr(entry->d_name, ".policy");
        if (ending == NULL) continue;
        assert_true(count < POLICY_COUNT_MAX);
        (void)snprintf(names[count++], NAME_MAX_BYTES, "%.*s", (int)(ending - entry->d_name), entry->d_name);
    }
    (void)closedir(folder);
    return count;
}

static void assert_every_rule_fires(const struct library_policy *policy)
{
    const char *rule;
    json_t *fired;
    json_object_foreach (policy->fired, rule, fired) {
        if (!json_is_true(fired)) fail_msg("%s.policy: %s: no case in which this rule fires", policy->name, rule);
    }
}

static bool permits_everything(const struct library_policy *policy)
{
    CLEANUP(trial_done) struct trial trial = {};
    assert_ok(trial_new(&trial));
    assert_ok(trial_run(policy->policy, &trial));
    return trial.is_permitted;
}

static void check_policy(const char *name)
{
    struct library_policy policy = {};
    CLEANUP(trial_done) struct trial trial = {};
    open_policy(name, &policy);
    try_claims(&policy, NULL, &trial);
    if (trial.status != OK) fail_msg("%s.policy: claims/%s.json: %s", name, name, trial.why.field);
    assert_issued(&policy, "issued", trial.issued);
    assert_issued(&policy, "properties", trial.properties);
    assert_cases(&policy, "permitted", OK);
    assert_cases(&policy, "denied", ERR_POLICY_DENIED);
    if (json_array_size(json_object_get(policy.test, "denied")) == 0 && !permits_everything(&policy))
        fail_msg("%s.policy: nothing that it denies is tested", name);
    assert_every_rule_fires(&policy);
    close_policy(&policy);
}

static void test_every_policy(void **)
{
    static char names[POLICY_COUNT_MAX][NAME_MAX_BYTES];
    const size_t count = list_policies(names);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) check_policy(names[i]);
    print_message("%zu policies\n", count);
}

/* A reader finds each in the table, and in each what it is for and what to change. */
static void test_every_policy_is_explained(void **)
{
    static char names[POLICY_COUNT_MAX][NAME_MAX_BYTES];
    CLEANUP(buffer_done) struct buffer readme = read_whole(path_of("docs/policies", "README", ".md"));
    const size_t count = list_policies(names);
    const char *table;
    assert_ok(buffer_text(&readme, &table));
    for (size_t i = 0; i < count; i++) {
        char row[NAME_MAX_BYTES + 16];
        (void)snprintf(row, sizeof(row), "| `%s.policy` |", names[i]);
        if (strstr(table, row) == NULL) fail_msg("%s: not in the table of README.md", names[i]);
        CLEANUP(buffer_done) struct buffer text = read_whole(path_of("docs/policies", names[i], ".policy"));
        const char *all;
        assert_ok(buffer_text(&text, &all));
        if (strncmp(all, "// ", 3) != 0 || (strstr(all, "\n// For: ") == NULL && strstr(all, "\n// Not for") == NULL))
            fail_msg("%s.policy: no header that says what it is for", names[i]);
    }
}

/* Azure's default in lines does what the default does. */
static void test_the_demonstrations_policy_is_the_default(void **)
{
    struct library_policy policy = {};
    CLEANUP(policy_cleanup) struct policy *standard = NULL;
    CLEANUP(trial_done) struct trial one = {}, other = {};
    open_policy("demonstration", &policy);
    assert_ok(policy_compile(default_policy_text("SgxEnclave"), NULL, &standard));
    try_claims(&policy, NULL, &one);
    assert_ok(trial_new(&other));
    add_claims(policy.claims, other.incoming);
    assert_ok(trial_run(standard, &other));
    assert_true(claim_set_equal(one.issued, other.issued));
    assert_true(claim_set_equal(one.properties, other.properties));
    close_policy(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_policy),
        cmocka_unit_test(test_every_policy_is_explained),
        cmocka_unit_test(test_the_demonstrations_policy_is_the_default),
    };
    return cmocka_run_group_tests_name("cli/policy_library", tests, NULL, NULL);
}
