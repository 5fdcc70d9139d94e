/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/front.h"

#include "testing.h"

enum { TEXT_MAX_BYTES = 4096 };

static enum status configure_text(const char *text, struct refusal *why, struct front_settings *settings)
{
    CLEANUP(configuration_done) struct configuration configuration = {.folder = "/etc/lazaret"};
    assert_ok(json_parse(slice_of_text(text), TEXT_MAX_BYTES, why, &configuration.json));
    return front_configure(&configuration, why, settings);
}

#define WITH_ORIGINS(origins) "{\"tls\":{\"certificate\":\"c.pem\",\"key\":\"/k.pem\"},\"portal_origins\":" origins "}"

static void test_what_is_configured_is_taken(void **)
{
    static struct front_settings settings;
    struct refusal why = {};
    assert_ok(configure_text(WITH_ORIGINS("[\"https://portal.example\",\"http://[::1]:8080\"]"), &why, &settings));
    assert_string_equal(settings.certificate, "/etc/lazaret/c.pem");
    assert_string_equal(settings.private_key, "/k.pem");
    assert_int_equal(settings.origin_count, 2);
    assert_string_equal(settings.origins[0], "https://portal.example");
    assert_string_equal(settings.origins[1], "http://[::1]:8080");
}

static void test_what_no_browser_sends_as_origin_is_refused(void **)
{
    static const char *const texts[] = {
        WITH_ORIGINS("[\"https://portal.example\",5]"),
        WITH_ORIGINS("[\"https://portal.example\",\"nope\"]"),
        WITH_ORIGINS("[\"https://portal.example\",\"*\"]"),
        WITH_ORIGINS("[\"https://portal.example\",\"https://\"]"),
        WITH_ORIGINS("[\"https://portal.example\",\"https://other.example/\"]"),
        WITH_ORIGINS("[\"https://portal.example\",\"https://*.example\"]"),
        WITH_ORIGINS("[\"https://portal.example\",\"https://user@other.example\"]"),
        WITH_ORIGINS("[\"https://portal.example\",\"https://a.example,https://b.example\"]"),
        WITH_ORIGINS("[\"https://portal.example\",\"ftp://other.example\"]"),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        static struct front_settings settings;
        struct refusal why = {};
        assert_status(configure_text(texts[i], &why, &settings), ERR_FIELD_VALUE);
        assert_string_equal(why.field, "portal_origins[1]");
    }
}

static void test_too_many_origins_and_unknown_members_are_refused(void **)
{
    static struct front_settings settings;
    struct refusal why = {};
    assert_status(configure_text(WITH_ORIGINS("[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]"), &why, &settings),
                  ERR_FIELD_VALUE);
    assert_string_equal(why.field, "portal_origins");
    why = (struct refusal){};
    assert_status(configure_text("{\"tls\":{\"certificate\":\"c\",\"key\":\"k\",\"ca\":\"x\"}}", &why, &settings),
                  ERR_FIELD_UNKNOWN);
    assert_string_equal(why.field, "tls.ca");
    why = (struct refusal){};
    assert_status(configure_text("{}", &why, &settings), ERR_FIELD_MISSING);
    assert_string_equal(why.field, "tls");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_configured_is_taken),
        cmocka_unit_test(test_what_no_browser_sends_as_origin_is_refused),
        cmocka_unit_test(test_too_many_origins_and_unknown_members_are_refused),
    };
    return cmocka_run_group_tests_name("attestation/front", tests, NULL, NULL);
}
