/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy is complete or rejected: each member of the examples taken away, misspelt, of another type, empty, twice, or
 * in contradiction to another.
 */
#include "appraisals.h"

static const char *const examples[] = {"sgx", "tdx", "snp", "azure-vtpm", "tpm"};
enum { EXAMPLE_COUNT = sizeof(examples) / sizeof(examples[0]) };

static void assert_unusable(const json_t *json, const char *field)
{
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    struct refusal why = {};
    if (policy_of(json, &why, &policy) != ERR_APPRAISAL_POLICY || strcmp(why.field, field) != 0)
        fail_msg("%s is not refused, but '%s', seen %s", field, why.field, why.seen);
    assert_int_equal(why.status, ERR_APPRAISAL_POLICY);
    assert_true(why.seen[0] != '\0' && why.expected[0] != '\0');
    assert_null(policy);
    assert_status(policy_of(json, NULL, &policy), ERR_APPRAISAL_POLICY);
}

static void assert_usable(const json_t *json)
{
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    struct refusal why = {};
    if (policy_of(json, &why, &policy) != OK) fail_msg("%s: seen %s, expected %s", why.field, why.seen, why.expected);
}

/* ---- the whole ---- */

static enum status read_text(const char *text, struct refusal *why)
{
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    return appraisal_policy_new(slice_of_text(text), why, &policy);
}

static void test_what_is_no_policy_is_refused(void **)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"", "json"},
        {"{", "json"},
        {"{\"version\":1,\"version\":1}", "json"},
        {"[]", "policy"},
        {"{}", "version"},
        {"{\"version\":2}", "version"},
        {"{\"version\":0}", "version"},
        {"{\"version\":1}", "policy"},
        {"{\"version\":1,\"sgy\":{}}", "sgy"},
        {"{\"version\":1,\"sgx\":[]}", "sgx"},
        {"{\"version\":1,\"tpm\":null}", "tpm"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        assert_status(read_text(cases[i].text, &why), ERR_APPRAISAL_POLICY);
        assert_string_equal(why.field, cases[i].field);
    }
}

static void test_a_text_over_the_maximum_is_refused(void **)
{
    CLEANUP(json_done) json_t *json = example_policy("tpm");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * APPRAISAL_POLICY_MAX_BYTES);
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    struct refusal why = {};
    assert_ok(json_write(json, &text));
    while (text.size < APPRAISAL_POLICY_MAX_BYTES) assert_ok(buffer_append_u8(&text, ' '));
    assert_ok(appraisal_policy_new(buffer_slice(&text), &why, &policy));
    appraisal_policy_cleanup(&policy);
    assert_ok(buffer_append_u8(&text, ' '));
    assert_status(appraisal_policy_new(buffer_slice(&text), &why, &policy), ERR_APPRAISAL_POLICY);
    appraisal_policy_free(NULL);
}

static void test_the_platforms_section_stands_where_it_is_needed(void **)
{
    CLEANUP(json_done) json_t *sgx = example_policy("sgx");
    CLEANUP(json_done) json_t *tdx = example_policy("tdx");
    CLEANUP(json_done) json_t *snp = example_policy("snp");
    CLEANUP(json_done) json_t *azure = example_policy("azure-vtpm");
    json_t *const intel = json_incref(json_object_get(sgx, "intel"));
    assert_int_equal(json_object_set(snp, "intel", intel), 0);
    assert_unusable(snp, "intel");
    assert_int_equal(json_object_set(azure, "intel", intel), 0);
    assert_unusable(azure, "intel");
    assert_int_equal(json_object_set(json_object_get(azure, "azure-vtpm"), "tdx", json_object_get(tdx, "tdx")), 0);
    assert_usable(azure);
    put(azure, "intel", NULL);
    assert_unusable(azure, "intel");
    put(sgx, "intel", NULL);
    assert_unusable(sgx, "intel");
    put(tdx, "intel", NULL);
    assert_unusable(tdx, "intel");
    json_decref(intel);
}

/* One policy for a whole hospital: every example in one. */
static void test_all_kinds_stand_in_one_policy(void **)
{
    CLEANUP(json_done) json_t *all = example_policy("sgx");
    for (size_t i = 1; i < EXAMPLE_COUNT; i++) {
        CLEANUP(json_done) json_t *other = example_policy(examples[i]);
        assert_int_equal(json_object_update_missing(all, other), 0);
    }
    assert_usable(all);
}

/* ---- every member of every example ---- */

/* "azure-vtpm/snp/vmpl" to "azure-vtpm.snp.vmpl" */
static struct json_path field_of(const char *path)
{
    struct json_path field = {};
    memcpy(field.text, path, strnlen(path, sizeof(field.text) - 1));
    for (char *c = field.text; *c != '\0'; c++) {
        if (*c == '/') *c = '.';
    }
    return field;
}

/* May be left out: a PCR (another set of values), a bank, a product, a part of an identity, and what is then zero. */
static bool is_optional(const char *path)
{
    static const char *const parts[] = {"pcrs/", "products/Genoa", "products/Turin", "/denied/", "mrservicetd"};
    if (strstr(path, "products/") != NULL && strchr(strstr(path, "products/") + 9, '/') != NULL) return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(path, parts[i]) != NULL) return true;
    }
    return false;
}

typedef void visit(const char *example, const char *path, const json_t *value);

static size_t visit_members(const char *example, const json_t *value, const char *path, visit *call)
{
    const char *name;
    json_t *member;
    size_t count = 0;
    json_object_foreach ((json_t *)value, name, member) {
        char inner[160];
        (void)snprintf(inner, sizeof(inner), "%s%s%s", path, path[0] == '\0' ? "" : "/", name);
        call(example, inner, member);
        count++;
        if (json_is_object(member)) count += visit_members(example, member, inner, call);
    }
    return count;
}

static size_t each_member(visit *call)
{
    size_t count = 0;
    for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
        CLEANUP(json_done) json_t *policy = example_policy(examples[i]);
        count += visit_members(examples[i], policy, "", call);
    }
    return count;
}

static enum status with(const char *example, const char *path, const char *text, struct refusal *why)
{
    CLEANUP(json_done) json_t *json = example_policy(example);
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    put(json, path, text);
    return policy_of(json, why, &policy);
}

static void leave_out(const char *example, const char *path, const json_t *)
{
    struct refusal why = {};
    if (is_optional(path)) return;
    if (with(example, path, NULL, &why) != ERR_APPRAISAL_POLICY) fail_msg("%s may be left out", path);
    /* A section that is left out is missed as a whole, or makes another one useless. */
    if (strchr(path, '/') != NULL && strstr(path, "azure-vtpm/snp") == NULL)
        assert_string_equal(why.field, field_of(path).text);
}

static void make_another_type(const char *example, const char *path, const json_t *)
{
    static const char *const others[] = {"1.5", "null", "\"\"", "\"all\"", "[]", "{}", "[null]", "[{}]", "{\"x\":1}"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct refusal why = {};
        if (with(example, path, others[i], &why) != ERR_APPRAISAL_POLICY) fail_msg("%s may be %s", path, others[i]);
        assert_true(strncmp(why.field, field_of(path).text, strlen(path)) == 0);
    }
}

static void misspell(const char *example, const char *path, const json_t *value)
{
    struct refusal why = {};
    char longer[200];
    if (strchr(path, '/') == NULL || strstr(path, "identities") != NULL) return;
    (void)snprintf(longer, sizeof(longer), "%sx", path);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(65536);
    const char *copy;
    assert_ok(json_write(value, &text));
    assert_ok(buffer_text(&text, &copy));
    assert_status(with(example, longer, copy, &why), ERR_APPRAISAL_POLICY);
    assert_string_equal(why.field, field_of(longer).text);
}

static void repeat(const char *example, const char *path, const json_t *value)
{
    if (!json_is_array(value)) return;
    struct refusal why = {};
    CLEANUP(json_done) json_t *policy = example_policy(example);
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *read = NULL;
    json_t *const list = value_at(policy, path);
    assert_int_equal(json_array_append(list, json_array_get(list, 0)), 0);
    assert_status(policy_of(policy, &why, &read), ERR_APPRAISAL_POLICY);
    assert_string_equal(why.field, json_path_at("", field_of(path).text, json_array_size(list) - 1).text);
}

static void test_every_member_is_needed(void **)
{
    assert_true(each_member(leave_out) > 100);
}

static void test_every_member_has_its_own_type(void **)
{
    (void)each_member(make_another_type);
}

static void test_every_member_has_its_own_name(void **)
{
    (void)each_member(misspell);
}

static void test_no_list_holds_a_value_twice(void **)
{
    (void)each_member(repeat);
}

/* ---- values ---- */

static const struct text_case {
    const char *example, *path, *text, *field; /* NULL: usable */
} cases[] = {
    /* hexadecimal: exact, either case, known as the same in either */
    {"sgx", "intel/fmspc", "[\"00606a0000\"]", "intel.fmspc[0]"},
    {"sgx", "intel/fmspc", "[\"00606a00000000\"]", "intel.fmspc[0]"},
    {"sgx", "intel/fmspc", "[\"00606a00000g\"]", "intel.fmspc[0]"},
    {"sgx", "intel/fmspc", "[\" 0606a000000\"]", "intel.fmspc[0]"},
    {"sgx", "intel/fmspc", "[\"00606A000000\"]", NULL},
    {"sgx", "intel/fmspc", "[\"00606A000000\",\"00606a000000\"]", "intel.fmspc[1]"},
    {"sgx", "intel/fmspc", "[7]", "intel.fmspc[0]"},
    {"sgx", "intel/fmspc", "\"zero\"", NULL},
    {"sgx", "intel/fmspc", "\"none\"", "intel.fmspc"},
    {"sgx", "intel/fmspc", "{\"allow\":\"any\"}", "intel.fmspc.deny"},
    {"sgx", "intel/fmspc", "{\"deny\":\"none\"}", "intel.fmspc.allow"},
    {"sgx", "intel/fmspc", "{\"allow\":[],\"deny\":\"none\"}", "intel.fmspc.allow"},
    {"sgx", "intel/fmspc", "{\"allow\":\"any\",\"deny\":[]}", "intel.fmspc.deny"},
    {"sgx", "intel/fmspc", "{\"allow\":\"any\",\"deny\":\"any\"}", "intel.fmspc.deny"},
    {"sgx", "intel/fmspc", "{\"allow\":\"none\",\"deny\":\"none\"}", "intel.fmspc.allow"},
    {"sgx", "intel/fmspc", "{\"allow\":\"any\",\"deny\":\"none\",\"more\":1}", "intel.fmspc.more"},
    {"sgx", "intel/fmspc", "{\"allow\":[\"00606A000000\"],\"deny\":[\"010203040506\",\"00606a000000\"]}",
     "intel.fmspc"},
    {"sgx", "intel/fmspc", "{\"allow\":[\"00606A000000\"],\"deny\":[\"010203040506\"]}", NULL},
    /* what stands for nothing */
    {"tdx", "intel/instance_id", "[\"00000000000000000000000000000000\"]", "intel.instance_id[0]"},
    {"tdx", "intel/instance_id", "\"zero\"", "intel.instance_id"},
    {"tdx", "tdx/mrtd", "\"zero\"", "tdx.mrtd"},
    {"tdx", "tdx/mrtd", "\"any\"", "tdx.mrtd"},
    {"tdx", "tdx/mrtd", "{\"allow\":\"any\",\"deny\":\"none\"}", "tdx.mrtd"},
    {"tdx", "tdx/mrseam", "\"zero\"", "tdx.mrseam"},
    {"tpm", "tpm/key_thumbprint", "\"zero\"", "tpm.key_thumbprint"},
    {"snp", "snp/chip_id", "\"zero\"", "snp.chip_id"},
    {"snp", "snp/id_key_digest", "\"zero\"", "snp.id_key_digest"},
    {"snp", "snp/author_key_digest", "\"zero\"", "snp.author_key_digest"},
    {"snp", "snp/measurement", "\"zero\"", "snp.measurement"},
    /* intel */
    {"sgx", "intel/statuses", "[\"Revoked\"]", "intel.statuses[0]"},
    {"sgx", "intel/statuses", "[\"uptodate\"]", "intel.statuses[0]"},
    {"sgx", "intel/statuses", "[\"Unknown\"]", "intel.statuses[0]"},
    {"sgx", "intel/statuses", "\"any\"", "intel.statuses"},
    {"sgx", "intel/advisories", "[\"\"]", "intel.advisories[0]"},
    {"sgx", "intel/advisories", "[\"INTEL-SA-00000000000000000000000\"]", NULL},
    {"sgx", "intel/advisories", "[\"INTEL-SA-000000000000000000000000\"]", "intel.advisories[0]"},
    {"sgx", "intel/grace/statuses", "[\"OutOfDate\",\"UpToDate\"]", "intel.grace.statuses"},
    {"sgx", "intel/grace/seconds", "0", "intel.grace.seconds"},
    {"sgx", "intel/grace/seconds", "31622400", NULL},
    {"sgx", "intel/grace/seconds", "31622401", "intel.grace.seconds"},
    {"sgx", "intel/grace/until", "\"2027-01-31\"", "intel.grace.until"},
    {"sgx", "intel/grace/until", "\"any\"", "intel.grace.until"},
    {"sgx", "intel/grace/minimum_tcb_date", "\"2027-02-30T00:00:00Z\"", "intel.grace.minimum_tcb_date"},
    {"sgx", "intel/minimum_tcb_evaluation", "0", "intel.minimum_tcb_evaluation"},
    {"sgx", "intel/maximum_collateral_age_s", "0", "intel.maximum_collateral_age_s"},
    /* sgx */
    {"sgx", "sgx/identities/0", "{}", "sgx.identities[0]"},
    {"sgx", "sgx/identities/0", "7", "sgx.identities[0]"},
    {"sgx", "sgx/identities/0", "{\"product_id\":1,\"minimum_svn\":1}", "sgx.identities[0]"},
    {"sgx", "sgx/identities/0/svn", "1", "sgx.identities[0].svn"},
    {"sgx", "sgx/identities/0/mrenclave", "\"\"", "sgx.identities[0].mrenclave"},
    {"sgx", "sgx/identities/0/mrenclave", "\"0000000000000000000000000000000000000000000000000000000000000000\"",
     "sgx.identities[0].mrenclave"},
    {"sgx", "sgx/identities/1/mrsigner", "\"0000000000000000000000000000000000000000000000000000000000000000\"",
     "sgx.identities[1].mrsigner"},
    {"sgx", "sgx/identities/1/mrsigner", "null", "sgx.identities[1].mrsigner"},
    {"sgx", "sgx/identities/1/product_id", NULL, "sgx.identities[1]"},
    {"sgx", "sgx/identities/1/minimum_svn", NULL, "sgx.identities[1]"},
    {"sgx", "sgx/identities/1/minimum_svn", "65536", "sgx.identities[1].minimum_svn"},
    {"sgx", "sgx/identities/1/product_id", "-1", "sgx.identities[1].product_id"},
    {"sgx", "sgx/identities", "\"any\"", "sgx.identities"},
    {"sgx", "sgx/denied/0", "{\"product_id\":7,\"svn\":5}", "sgx.denied[0]"},
    {"sgx", "sgx/denied/0/minimum_svn", "5", "sgx.denied[0].minimum_svn"},
    {"sgx", "sgx/denied", "\"any\"", "sgx.denied"},
    {"sgx", "sgx/minimum_config_svn", "65536", "sgx.minimum_config_svn"},
    /* tdx */
    {"tdx", "tdx/minimum_tee_tcb_svn", "\"0501\"", "tdx.minimum_tee_tcb_svn"},
    {"tdx", "tdx/minimum_tee_tcb_svn", "\"any\"", NULL},
    {"tdx", "tdx/mrservicetd", NULL, NULL},
    /* snp */
    {"snp", "snp/measurement", "\"any\"", "snp.measurement"},
    {"snp", "snp/products", "{}", "snp.products"},
    {"snp", "snp/products/Naples", "{}", "snp.products.Naples"},
    {"snp", "snp/products/Genoa/reported", "\"any\"", "snp.products.Genoa.reported"},
    {"snp", "snp/products/Genoa/reported/fmc", "0", "snp.products.Genoa.reported.fmc"},
    {"snp", "snp/products/Genoa/reported/snp", "256", "snp.products.Genoa.reported.snp"},
    {"snp", "snp/products/Turin/reported/fmc", NULL, "snp.products.Turin.reported.fmc"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"1.55\"", "snp.products.Genoa.minimum_firmware"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"1.55.256\"", "snp.products.Genoa.minimum_firmware"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"1.256.1\"", "snp.products.Genoa.minimum_firmware"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"256.1.1\"", "snp.products.Genoa.minimum_firmware"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"1.55.40.\"", "snp.products.Genoa.minimum_firmware"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"1.55.-4\"", "snp.products.Genoa.minimum_firmware"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"1.55. 4\"", "snp.products.Genoa.minimum_firmware"},
    {"snp", "snp/products/Genoa/minimum_firmware", "\"255.255.255\"", NULL},
    {"snp", "snp/allow_vcek", "false", "snp.vlek_csp_ids"},
    {"snp", "snp/vlek_csp_ids", "[\"AWS\"]", NULL},
    {"snp", "snp/vlek_csp_ids", "[\"AWS\",\"AWS\"]", "snp.vlek_csp_ids[1]"},
    {"snp", "snp/vlek_csp_ids", "[\"\"]", "snp.vlek_csp_ids[0]"},
    {"snp", "snp/vlek_csp_ids", "\"any\"", "snp.vlek_csp_ids"},
    {"snp", "snp/vlek_csp_ids", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"]", NULL},
    {"snp", "snp/vlek_csp_ids", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", "snp.vlek_csp_ids"},
    {"snp", "snp/vlek_csp_ids", "[\"1234567890123456789012345678901234567890123456789012345678901234\"]", NULL},
    {"snp", "snp/vlek_csp_ids", "[\"12345678901234567890123456789012345678901234567890123456789012345\"]",
     "snp.vlek_csp_ids[0]"},
    {"snp", "snp/guest_svn/minimum", "4294967295", "snp.guest_svn.deny[0]"}, /* denies what is below it */
    {"snp", "snp/guest_svn/minimum", "-1", "snp.guest_svn.minimum"},
    {"snp", "snp/guest_svn/minimum", "4294967296", "snp.guest_svn.minimum"},
    {"snp", "snp/guest_svn/deny", "[2]", NULL},
    {"snp", "snp/guest_svn/deny", "[1]", "snp.guest_svn.deny[0]"},
    {"snp", "snp/guest_svn/deny", "[4294967295]", NULL},
    {"snp", "snp/guest_svn/deny", "[4294967296]", "snp.guest_svn.deny[0]"},
    {"snp", "snp/guest_svn/deny", "[\"3\"]", "snp.guest_svn.deny[0]"},
    {"snp", "snp/vmpl", "[3]", NULL},
    {"snp", "snp/vmpl", "[4]", "snp.vmpl[0]"},
    {"snp", "snp/vmpl", "[-1]", "snp.vmpl[0]"},
    {"snp", "snp/vmpl", "[\"0\"]", "snp.vmpl[0]"},
    {"snp", "snp/vmpl", "\"any\"", "snp.vmpl"},
    /* azure-vtpm */
    {"azure-vtpm", "azure-vtpm/snp", NULL, "azure-vtpm"},
    {"azure-vtpm", "azure-vtpm/snp/id_key_digest", "\"any\"", "azure-vtpm.snp.measurement"},
    {"azure-vtpm", "azure-vtpm/tdx", "{}", "azure-vtpm.tdx.mrtd"},
    {"azure-vtpm", "azure-vtpm/vm_id", "[\"2b4c7a1093de4f6a8c1b0d5e6f708192\"]", "azure-vtpm.vm_id[0]"},
    {"azure-vtpm", "azure-vtpm/vm_id", "[\"2b4c7a10-93de-4f6a-8c1b-0d5e6f70819\"]", "azure-vtpm.vm_id[0]"},
    {"azure-vtpm", "azure-vtpm/vm_id", "[\"2b4c7a10-93de-4f6a-8c1b-0d5e6f7081920\"]", "azure-vtpm.vm_id[0]"},
    {"azure-vtpm", "azure-vtpm/vm_id", "[\"2b4c7a10-93de-4f6a-8c1b00d5e6f708192\"]", "azure-vtpm.vm_id[0]"},
    {"azure-vtpm", "azure-vtpm/vm_id", "[\"2b4c7a1-093de-4f6a-8c1b-0d5e6f708192\"]", "azure-vtpm.vm_id[0]"},
    {"azure-vtpm", "azure-vtpm/vm_id", "[\"2b4c7a10-93de-4f6a-8c1b-0d5e6f70819g\"]", "azure-vtpm.vm_id[0]"},
    {"azure-vtpm", "azure-vtpm/vm_id", "[\"00000000-0000-0000-0000-000000000000\"]", "azure-vtpm.vm_id[0]"},
    {"azure-vtpm", "azure-vtpm/pcrs", "{}", "azure-vtpm.pcrs"},
    /* tpm */
    {"tpm", "tpm/pcrs", "{}", "tpm.pcrs"},
    {"tpm", "tpm/pcrs/sha1", "{}", "tpm.pcrs.sha1"},
    {"tpm", "tpm/pcrs/sha256", "{}", "tpm.pcrs.sha256"},
    {"tpm", "tpm/pcrs/sha512", "{\"23\":[\"00\"]}", "tpm.pcrs.sha512.23[0]"},
    {"tpm", "tpm/pcrs/sha256/24", "[\"51f0c5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf02468\"]",
     "tpm.pcrs.sha256.24"},
    {"tpm", "tpm/pcrs/sha256/23", "[\"51f0c5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf02468\"]", NULL},
    {"tpm", "tpm/pcrs/sha256/07", "[\"51f0c5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf02468\"]",
     "tpm.pcrs.sha256.07"},
    {"tpm", "tpm/pcrs/sha256/7", "\"any\"", "tpm.pcrs.sha256.7"},
    {"tpm", "tpm/minimum_firmware", "\"1\"", "tpm.minimum_firmware"},
};

static void test_values_have_their_form(void **)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct text_case *const c = &cases[i];
        CLEANUP(json_done) json_t *json = example_policy(c->example);
        put(json, c->path, c->text);
        if (c->field == NULL)
            assert_usable(json);
        else
            assert_unusable(json, c->field);
    }
}

/* What a refusal says of the form that is missed. */
static void test_the_form_is_told(void **)
{
    static const struct {
        const char *example, *path, *text, *seen, *expected;
    } refusals[] = {
        {"sgx", "intel/fmspc", "[\"0\"]", "0", "12 hexadecimal digits"},
        {"sgx", "intel/fmspc", "7", "another type or word", "a list"},
        {"sgx", "intel/statuses", "[7]", "no text", "a name that this rule knows"},
        {"sgx", "intel/statuses", "[\"Good\"]", "Good", "a name that this rule knows"},
        {"sgx", "intel/statuses", NULL, "nothing", "a list"},
        {"sgx", "intel/grace/until", "7", "an integer", "a string"},
        {"sgx", "sgx/identities/0", "7", "another type", "an object"},
        {"sgx", "sgx/identities/0/mrenclave", "\"3a\"", "2 characters", "64 hexadecimal digits"},
        {"snp", "snp/products", "7", "an integer", "an object"},
        {"snp", "snp/products/Genoa", "7", "another type", "an object"},
        {"tpm", "tpm/pcrs", "7", "an integer", "an object"},
        {"tpm", "tpm/pcrs/sha256", "7", "another type", "an object"},
        {"azure-vtpm", "azure-vtpm/vm_id", "[\"2b4c7a10-93de-4f6a-8c1b-0d5e6f70819g\"]",
         "2b4c7a10-93de-4f6a-8c1b-0d5e6f70819g", "a UUID"},
    };
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct refusal why = {};
        assert_status(with(refusals[i].example, refusals[i].path, refusals[i].text, &why), ERR_APPRAISAL_POLICY);
        assert_string_equal(why.seen, refusals[i].seen);
        assert_string_equal(why.expected, refusals[i].expected);
    }
}

#define SIGNER "\"mrsigner\":\"c0ffee5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246\""
#define OTHER_SIGNER "\"mrsigner\":\"c1ffee5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246\""
#define ENCLAVE "\"mrenclave\":\"3a1f0c5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246\""
#define OTHER_ENCLAVE "\"mrenclave\":\"3b1f0c5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246\""

/* Enclaves that differ in one respect are two. */
static void test_an_enclave_is_denied_once(void **)
{
    static const char *const others[] = {
        "{" ENCLAVE "," SIGNER ",\"product_id\":0}",
        "{" ENCLAVE "," SIGNER ",\"svn\":0}",
        "{" ENCLAVE "," SIGNER ",\"product_id\":1,\"svn\":0}",
        "{" ENCLAVE "," SIGNER ",\"product_id\":0,\"svn\":1}",
        "{" OTHER_ENCLAVE "," SIGNER ",\"product_id\":0,\"svn\":0}",
        "{" ENCLAVE "," OTHER_SIGNER ",\"product_id\":0,\"svn\":0}",
        "{" ENCLAVE ",\"product_id\":0,\"svn\":0}",
        "{" SIGNER ",\"product_id\":0,\"svn\":0}",
    };
    static const char first[] = "{" ENCLAVE "," SIGNER ",\"product_id\":0,\"svn\":0}";
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char list[1024];
        CLEANUP(json_done) json_t *json = example_policy("sgx");
        (void)snprintf(list, sizeof(list), "[%s,%s]", first, others[i]);
        put(json, "sgx/denied", list);
        assert_usable(json);
        (void)snprintf(list, sizeof(list), "[%s,%s,%s]", first, others[i], first);
        put(json, "sgx/denied", list);
        assert_unusable(json, "sgx.denied[2]");
    }
}

static void test_a_guest_svn_is_a_number(void **)
{
    CLEANUP(json_done) json_t *json = example_policy("snp");
    put(json, "snp/guest_svn", "{\"minimum\":0,\"deny\":[0]}");
    assert_usable(json);
    put(json, "snp/guest_svn", "{\"minimum\":0,\"deny\":[\"0\"]}");
    assert_unusable(json, "snp.guest_svn.deny[0]");
}

/* Any one of the three says what may run. */
static void test_each_identity_of_a_guest_is_enough(void **)
{
    static const char *const paths[] = {"snp/measurement", "snp/id_key_digest", "snp/author_key_digest"};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(json_done) json_t *json = example_policy("snp");
        json_t *const list = json_incref(value_at(json, paths[0]));
        put(json, paths[0], "\"any\"");
        assert_unusable(json, "snp.measurement");
        assert_int_equal(json_object_set_new(json_object_get(json, "snp"), paths[i] + 4, list), 0);
        assert_usable(json);
    }
}

static void test_lists_have_a_maximum(void **)
{
    CLEANUP(json_done) json_t *json = example_policy("sgx");
    json_t *const list = json_array();
    for (unsigned i = 0; i < APPRAISAL_LIST_MAX_COUNT; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%012x", i);
        assert_int_equal(json_array_append_new(list, json_string(text)), 0);
    }
    assert_int_equal(json_object_set_new(json_object_get(json, "intel"), "fmspc", list), 0);
    assert_usable(json);
    assert_int_equal(json_array_append_new(list, json_string("ffffffffffff")), 0);
    assert_unusable(json, "intel.fmspc");
}

/* What weakens security is off unless a simulation build is told otherwise. */
static void test_insecure_members_are_for_simulation_builds(void **)
{
    static const struct {
        const char *example, *path;
    } members[] = {{"sgx", "intel/insecure_allow_simulated"},
                   {"sgx", "sgx/insecure_allow_debug"},
                   {"tdx", "tdx/insecure_allow_debug"},
                   {"snp", "snp/insecure_allow_debug"}};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        CLEANUP(json_done) json_t *json = example_policy(members[i].example);
        put(json, members[i].path, "true");
#ifdef LAZARET_SIMULATION
        assert_usable(json);
        put(json, members[i].path, "1");
#endif
        assert_unusable(json, field_of(members[i].path).text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_policy_is_refused),
        cmocka_unit_test(test_a_text_over_the_maximum_is_refused),
        cmocka_unit_test(test_the_platforms_section_stands_where_it_is_needed),
        cmocka_unit_test(test_all_kinds_stand_in_one_policy),
        cmocka_unit_test(test_every_member_is_needed),
        cmocka_unit_test(test_every_member_has_its_own_type),
        cmocka_unit_test(test_every_member_has_its_own_name),
        cmocka_unit_test(test_no_list_holds_a_value_twice),
        cmocka_unit_test(test_values_have_their_form),
        cmocka_unit_test(test_the_form_is_told),
        cmocka_unit_test(test_an_enclave_is_denied_once),
        cmocka_unit_test(test_a_guest_svn_is_a_number),
        cmocka_unit_test(test_each_identity_of_a_guest_is_enough),
        cmocka_unit_test(test_lists_have_a_maximum),
        cmocka_unit_test(test_insecure_members_are_for_simulation_builds),
    };
    return cmocka_run_group_tests_name("evidence/appraisal_policy", tests, NULL, NULL);
}
