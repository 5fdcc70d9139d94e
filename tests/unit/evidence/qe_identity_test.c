/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/qe_identity.h"

#include "testing.h"

#define ZEROS_128                                                                                                      \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "0000"                                                                                                             \
    "000000000000"

static const char identity_text[] =
    "{\"enclaveIdentity\":{\"id\":\"QE\",\"version\":2,\"issueDate\":\"2026-01-01T00:00:00Z\","
    "\"nextUpdate\":\"2026-01-31T00:00:00Z\",\"tcbEvaluationDataNumber\":17,\"miscselect\":\"01000000\","
    "\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\","
    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
    "\"mrsigner\":\"8C4F5775D796503E96137F77C68A829A0056AC8DED70140B081B094490C57BFF\",\"isvprodid\":1,\"tcbLevels\":["
    "{\"tcb\":{\"isvsvn\":6},\"tcbDate\":\"2021-11-10T00:00:00Z\",\"tcbStatus\":\"OutOfDate\","
    "\"advisoryIDs\":[\"INTEL-SA-00615\"]},"
    "{\"tcb\":{\"isvsvn\":8},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"
    "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2019-05-15T00:00:00Z\",\"tcbStatus\":\"Revoked\"}]},"
    "\"signature\":\"" ZEROS_128 "\"}";

static enum status parse_with(const char *from, const char *to, struct refusal *why, struct qe_identity *identity_out)
{
    static char changed[8192];
    const char *const at = strstr(identity_text, from);
    assert_non_null(at);
    (void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - identity_text), identity_text, to,
                   at + strlen(from));
    return qe_identity_parse(slice_of_text(changed), why, identity_out);
}

static void test_levels_are_sorted_and_found(void **)
{
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    assert_ok(parse_with("", "", NULL, &identity));
    assert_int_equal(identity.id, ENCLAVE_QE);
    assert_int_equal(identity.misc_select, 1);
    assert_int_equal(svn_levels_match(&identity.levels, 9)->svn, 8);
    assert_int_equal(svn_levels_match(&identity.levels, 8)->svn, 8);
    assert_int_equal(svn_levels_match(&identity.levels, 7)->svn, 6);
    assert_true(svn_levels_match(&identity.levels, 5)->facts.status.is_revoked);
    assert_null(svn_levels_match(&identity.levels, 1));
}

static void test_each_fault_is_refused(void **)
{
    static const struct {
        const char *from, *to, *field;
    } faults[] = {
        {"\"version\":2", "\"version\":1", "enclaveIdentity.version"},
        {"\"id\":\"QE\"", "\"id\":\"PCE\"", "enclaveIdentity.id"},
        {"\"id\":\"QE\",", "", "enclaveIdentity.id"},
        {"\"issueDate\":\"2026-01-01T00:00:00Z\",", "", "enclaveIdentity.issueDate"},
        {"\"nextUpdate\":\"2026-01-31T00:00:00Z\",", "", "enclaveIdentity.nextUpdate"},
        {"\"tcbEvaluationDataNumber\":17,", "", "enclaveIdentity.tcbEvaluationDataNumber"},
        {"\"miscselect\":\"01000000\"", "\"miscselect\":\"0100000000\"", "enclaveIdentity.miscselect"},
        {"\"miscselectMask\":\"FFFFFFFF\",", "", "enclaveIdentity.miscselectMask"},
        {"\"attributesMask\":\"FB", "\"attributesMask\":\"", "enclaveIdentity.attributesMask"},
        {"\"mrsigner\":\"8C", "\"mrsigner\":\"", "enclaveIdentity.mrsigner"},
        {"\"isvprodid\":1", "\"isvprodid\":65536", "enclaveIdentity.isvprodid"},
        {"\"isvsvn\":6", "\"isvsvn\":-6", "enclaveIdentity.tcbLevels[0].tcb.isvsvn"},
        {"\"isvsvn\":6", "\"isvsvn\":8", "enclaveIdentity.tcbLevels"},
        {"\"tcbStatus\":\"OutOfDate\"", "\"tcbStatus\":\"SWHardeningNeeded\"", "enclaveIdentity.tcbLevels[0]"},
        {"\"tcbStatus\":\"OutOfDate\"", "\"tcbStatus\":\"outofdate\"", "enclaveIdentity.tcbLevels[0]"},
        {"\"signature\"", "\"Signature\"", "qe_identity.Signature"},
        {"{\"enclaveIdentity\":{", "[{\"enclaveIdentity\":{", "qe_identity"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct refusal why = {};
        CLEANUP(qe_identity_done) struct qe_identity identity = {};
        assert_status(parse_with(faults[i].from, faults[i].to, &why, &identity), ERR_COLLATERAL_MALFORMED);
        assert_string_equal(why.field, faults[i].field);
    }
}

/* Faults that another check would call by the same name: what was expected or seen tells which one found them. */
static void test_each_fault_is_told_by_the_check_that_is_for_it(void **)
{
    static const struct {
        const char *from, *to, *field, *expected, *seen;
    } faults[] = {
        {"\"id\":\"QE\"", "\"id\":7", "enclaveIdentity.id", "a string", NULL},
        {"\"attributes\":\"11", "\"attributes\":\"1", "enclaveIdentity.attributes", "32 hexadecimal digits", NULL},
        {"\"tcbLevels\":[", "\"tcbLevels\":0,\"x\":[", "enclaveIdentity.tcbLevels", "an array", NULL},
        {"\"tcbLevels\":[", "\"tcbLevels\":[],\"x\":[", "enclaveIdentity.tcbLevels", "at least one level", "none"},
        {"\"tcb\":{", "\"tcb\":0,\"x\":{", "enclaveIdentity.tcbLevels[0].tcb", "an object", NULL},
        {"\"issueDate\":\"2026-01-01T00:00:00Z\"", "\"issueDate\":\"2026\"", "enclaveIdentity.issueDate",
         "a time such as 2026-11-21T10:00:00Z", "2026"},
        {"\"issueDate\":\"2026-01-01T00:00:00Z\"", "\"issueDate\":\"0123456789012345678901234567890123456789\"",
         "enclaveIdentity.issueDate", NULL, "0123456789012345678901234567890123456789"},
        {"\"issueDate\":\"2026-01-01T00:00:00Z\"", "\"issueDate\":\"01234567890123456789012345678901234567890\"",
         "enclaveIdentity.issueDate", NULL, "0123456789012345678901234567890123456789"},
        {"\"signature\":\"0", "\"signature\":\"A", "signature", "lower-case hexadecimal digits", "A"},
        {"\"signature\":\"0", "\"signature\":\"F", "signature", "lower-case hexadecimal digits", "F"},
        {"{\"enclaveIdentity\":{", "[{\"enclaveIdentity\":{", "qe_identity", "one JSON object or array",
         "a fault at line 1, column 809"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct refusal why = {};
        CLEANUP(qe_identity_done) struct qe_identity identity = {};
        assert_status(parse_with(faults[i].from, faults[i].to, &why, &identity), ERR_COLLATERAL_MALFORMED);
        assert_string_equal(why.field, faults[i].field);
        if (faults[i].expected != NULL) assert_string_equal(why.expected, faults[i].expected);
        if (faults[i].seen != NULL) assert_string_equal(why.seen, faults[i].seen);
    }
    struct refusal why = {};
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    assert_status(qe_identity_parse(SLICE_LITERAL("[]"), &why, &identity), ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.expected, "a JSON object");
    assert_string_equal(why.seen, "an array");
    assert_status(
        qe_identity_parse(SLICE_LITERAL("{\"enclaveIdentity\":0,\"signature\":\"" ZEROS_128 "\"}"), &why, &identity),
        ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "qe_identity.enclaveIdentity");
    assert_string_equal(why.expected, "an object");
}

/* By their names all of these are to be rejected, but the last holds nothing that a parser could object to: Intel's own
 * identities carry advisories. What is wrong with it is its signature. */
static void test_shared_cases(void **)
{
    static const char *const cases[] = {
        "oe-qeidentity-data-qe_identity_missing_attributes.json",
        "oe-qeidentity-data-qe_identity_missing_attributesmask.json",
        "oe-qeidentity-data-qe_identity_missing_isvprodid.json",
        "oe-qeidentity-data-qe_identity_missing_miscselect.json",
        "oe-qeidentity-data-qe_identity_missing_miscselectmask.json",
        "oe-qeidentity-data-qe_identity_missing_nextupdate.json",
        "oe-qeidentity-data-qe_identity_missing_signature.json",
        "oe-qeidentity-data-qe_identity_missing_version.json",
        "oe-qeidentity-data_v2-qe_identity_missing_attributes.json",
        "oe-qeidentity-data_v2-qe_identity_missing_attributesmask.json",
        "oe-qeidentity-data_v2-qe_identity_missing_issuedate.json",
        "oe-qeidentity-data_v2-qe_identity_missing_isvsvn.json",
        "oe-qeidentity-data_v2-qe_identity_missing_miscselect.json",
        "oe-qeidentity-data_v2-qe_identity_missing_mrsigner.json",
        "oe-qeidentity-data_v2-qe_identity_missing_qeidentity.json",
        "oe-qeidentity-data_v2-qe_identity_missing_signature.json",
        "oe-qeidentity-data_v2-qe_identity_missing_tcb_eval_data_num.json",
        "oe-qeidentity-data_v2-qe_identity_missing_tcb_status.json",
        "oe-qeidentity-data_v2-qe_identity_missing_version.json",
    };
    char relative[160];
    struct refusal why = {};
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(relative, sizeof(relative), "vectors/collateral-json/%s", cases[i]);
        CLEANUP(buffer_done) struct buffer text = read_whole(shared_path(relative));
        assert_status(qe_identity_parse(buffer_slice(&text), &why, &identity), ERR_COLLATERAL_MALFORMED);
    }
    CLEANUP(buffer_done)
    struct buffer with_advisories =
        read_whole(shared_path("vectors/collateral-json/oe-qeidentity-data_v2-qe_identity_with_advisoryids.json"));
    assert_ok(qe_identity_parse(buffer_slice(&with_advisories), &why, &identity));
}

/* A report that the identity describes, and what makes it another enclave's. */
struct enclave {
    uint8_t attributes[16], mrsigner[32];
    struct report_body report;
};

static void enclave_init(struct enclave *enclave)
{
    static const uint8_t mrsigner[] = {0x8c, 0x4f, 0x57, 0x75, 0xd7, 0x96, 0x50, 0x3e, 0x96, 0x13, 0x7f,
                                       0x77, 0xc6, 0x8a, 0x82, 0x9a, 0x00, 0x56, 0xac, 0x8d, 0xed, 0x70,
                                       0x14, 0x0b, 0x08, 0x1b, 0x09, 0x44, 0x90, 0xc5, 0x7b, 0xff};
    *enclave = (struct enclave){.attributes = {0x15}}; /* MODE64BIT lies outside of the mask */
    memcpy(enclave->mrsigner, mrsigner, sizeof(mrsigner));
    enclave->attributes[8] = 0xe7; /* so does XFRM */
    enclave->report = (struct report_body){.misc_select = 1,
                                           .attributes = SLICE_ARRAY(enclave->attributes),
                                           .mrsigner = SLICE_ARRAY(enclave->mrsigner),
                                           .product_id = 1};
}

static void assert_other(const struct qe_identity *identity, const struct enclave *enclave, const char *field)
{
    struct refusal why = {};
    assert_status(qe_identity_check(identity, &enclave->report, &why), ERR_QE_IDENTITY);
    assert_string_equal(why.field, field);
}

static void test_another_enclave_is_told_apart(void **)
{
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    assert_ok(parse_with("", "", NULL, &identity));
    struct enclave enclave;
    enclave_init(&enclave);
    assert_ok(qe_identity_check(&identity, &enclave.report, NULL));
    enclave.report.misc_select = 0;
    assert_other(&identity, &enclave, "qe_report.miscselect");
    enclave_init(&enclave);
    enclave.attributes[0] |= ATTRIBUTE_DEBUG;
    assert_other(&identity, &enclave, "qe_report.attributes");
    enclave_init(&enclave);
    enclave.mrsigner[31] ^= 1;
    assert_other(&identity, &enclave, "qe_report.mrsigner");
    enclave_init(&enclave);
    enclave.report.product_id = 2;
    assert_other(&identity, &enclave, "qe_report.isvprodid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_are_sorted_and_found),
        cmocka_unit_test(test_each_fault_is_refused),
        cmocka_unit_test(test_each_fault_is_told_by_the_check_that_is_for_it),
        cmocka_unit_test(test_shared_cases),
        cmocka_unit_test(test_another_enclave_is_told_apart),
    };
    return cmocka_run_group_tests_name("evidence/qe_identity", tests, NULL, NULL);
}
