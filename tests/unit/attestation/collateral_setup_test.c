/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/collateral_setup.h"

#include "testing.h"

static enum status configure(const char *json, struct refusal *why, struct collateral_configuration *own_out)
{
    CLEANUP(configuration_done) struct configuration configuration = {.folder = "/etc/lazaret"};
    assert_ok(json_parse(slice_of_text(json), 4096, NULL, &configuration.json));
    return collateral_configure(&configuration, why, own_out);
}

static void test_a_folder_or_a_service(void **)
{
    struct collateral_configuration own;
    assert_ok(configure("{\"collateral\":{\"folder\":\"collateral\"}}", NULL, &own));
    assert_string_equal(own.folder, "/etc/lazaret/collateral");
    assert_ok(configure("{\"collateral\":{\"url\":\"http://127.0.0.1:8081\"}}", NULL, &own));
    assert_string_equal(own.url, "http://127.0.0.1:8081");
    assert_ok(configure("{\"collateral\":{\"url\":\"https://api.trustedservices.intel.com\",\"ca\":\"ca.pem\","
                        "\"root_crl_url\":\"https://certificates.trustedservices.intel.com/IntelSGXRootCA.der\"}}",
                        NULL, &own));
    assert_string_equal(own.ca, "/etc/lazaret/ca.pem");
    assert_string_equal(own.root_crl_url, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
}

static void test_what_is_asked_for_and_the_least_that_is_taken(void **)
{
    struct collateral_configuration own;
    assert_ok(configure("{\"collateral\":{\"url\":\"http://h\"}}", NULL, &own));
    assert_int_equal(own.protocol, PCS_VERSION_4);
    assert_false(own.set.is_early);
    assert_int_equal(own.set.evaluation, 0);
    assert_int_equal(own.minimum_evaluation, 0);
    assert_ok(configure("{\"collateral\":{\"url\":\"http://h\",\"protocol\":3,\"update\":\"early\","
                        "\"minimum_evaluation\":17}}",
                        NULL, &own));
    assert_int_equal(own.protocol, PCS_VERSION_3);
    assert_true(own.set.is_early);
    assert_int_equal(own.minimum_evaluation, 17);
    assert_ok(configure("{\"collateral\":{\"url\":\"http://h\",\"update\":\"standard\"}}", NULL, &own));
    assert_false(own.set.is_early);
    assert_ok(configure("{\"collateral\":{\"url\":\"http://h\",\"evaluation\":18,\"subscription_key\":\"key\"}}", NULL,
                        &own));
    assert_string_equal(own.subscription_key, "/etc/lazaret/key");
    assert_int_equal(own.set.evaluation, 18);
}

static void test_each_fault_is_named(void **)
{
    static const struct {
        const char *json;
        enum status status;
        const char *field;
    } cases[] = {
        {"{}", ERR_FIELD_MISSING, "collateral"},
        {"{\"collateral\":{}}", ERR_CONFIG, "collateral"},
        {"{\"collateral\":{\"folder\":\"a\",\"url\":\"http://h\"}}", ERR_CONFIG, "collateral"},
        {"{\"collateral\":{\"path\":\"a\"}}", ERR_FIELD_UNKNOWN, "collateral.path"},
        {"{\"collateral\":{\"url\":\"ftp://h\"}}", ERR_CONFIG, "collateral.url"},
        {"{\"collateral\":{\"url\":\"http://\"}}", ERR_CONFIG, "collateral.url"},
        {"{\"collateral\":{\"url\":\"http://:80\"}}", ERR_CONFIG, "collateral.url"},
        {"{\"collateral\":{\"url\":\"http://user@h\"}}", ERR_CONFIG, "collateral.url"},
        {"{\"collateral\":{\"url\":\"http://h/path\"}}", ERR_CONFIG, "collateral.url"},
        {"{\"collateral\":{\"url\":\"http://h\",\"root_crl_url\":\"h/x\"}}", ERR_CONFIG, "collateral.root_crl_url"},
        {"{\"collateral\":{\"url\":\"http://h\",\"protocol\":2}}", ERR_FIELD_VALUE, "collateral.protocol"},
        {"{\"collateral\":{\"url\":\"http://h\",\"protocol\":5}}", ERR_FIELD_VALUE, "collateral.protocol"},
        {"{\"collateral\":{\"url\":\"http://h\",\"update\":\"late\"}}", ERR_CONFIG, "collateral.update"},
        {"{\"collateral\":{\"url\":\"http://h\",\"update\":\"early\",\"evaluation\":18}}", ERR_CONFIG,
         "collateral.update"},
        {"{\"collateral\":{\"url\":\"http://h\",\"evaluation\":0}}", ERR_FIELD_VALUE, "collateral.evaluation"},
        {"{\"collateral\":{\"folder\":\"a\",\"minimum_evaluation\":-1}}", ERR_FIELD_VALUE,
         "collateral.minimum_evaluation"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct collateral_configuration own;
        struct refusal why = {};
        assert_status(configure(cases[i].json, &why, &own), cases[i].status);
        assert_string_equal(why.field, cases[i].field);
    }
}

static void test_urls_come_apart(void **)
{
    static const struct {
        const char *text, *base, *address, *host, *path;
        bool is_tls;
    } cases[] = {
        {"http://127.0.0.1:8081", "http://127.0.0.1:8081", "127.0.0.1:8081", "127.0.0.1", "", false},
        {"https://pccs.example", "https://pccs.example:443", "pccs.example:443", "pccs.example", "", true},
        {"https://h:1/a/b.der?x", "https://h:1", "h:1", "h", "/a/b.der?x", true},
        {"http://h/", "http://h:80", "h:80", "h", "/", false},
        {"https://[2001:db8::1]/", "https://[2001:db8::1]:443", "[2001:db8::1]:443", "2001:db8::1", "/", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct source_url url;
        assert_ok(source_url_split(cases[i].text, "url", NULL, &url));
        assert_string_equal(url.base, cases[i].base);
        assert_string_equal(url.at.address, cases[i].address);
        assert_string_equal(url.at.host, cases[i].host);
        assert_string_equal(url.path, cases[i].path);
        assert_int_equal(url.is_tls, cases[i].is_tls);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_or_a_service),
        cmocka_unit_test(test_what_is_asked_for_and_the_least_that_is_taken),
        cmocka_unit_test(test_each_fault_is_named),
        cmocka_unit_test(test_urls_come_apart),
    };
    return cmocka_run_group_tests_name("attestation/collateral_setup", tests, NULL, NULL);
}
