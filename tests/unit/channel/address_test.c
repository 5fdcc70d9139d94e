/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/address.h"

#include "testing.h"

static void test_hosts_and_ports(void **)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {{"127.0.0.1:0", "127.0.0.1", 0},
                {"localhost:65535", "localhost", 65535},
                {"[::1]:7443", "::1", 7443},
                {"gate.svc.cluster.local:6380", "gate.svc.cluster.local", 6380}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct address address;
        assert_ok(address_parse(good[i].text, NULL, &address));
        assert_string_equal(address.host, good[i].host);
        assert_int_equal(address.port, good[i].port);
        assert_string_equal(address.path, "");
    }
}

static void test_unix_paths(void **)
{
    struct address address;
    assert_ok(address_parse("unix:/run/redis/redis.sock", NULL, &address));
    assert_string_equal(address.path, "/run/redis/redis.sock");
    struct address_list list;
    assert_ok(address_resolve(&address, NULL, &list));
    assert_int_equal(list.count, 1);
    char text[200] = "unix:/";
    memset(text + 6, 'a', 107);
    assert_status(address_parse(text, NULL, &address), ERR_CONFIG);
}

static void test_other_texts_are_refused(void **)
{
    static const char *const bad[] = {"",        "host",     "host:",  ":80",     "host:65536", "host:123456",
                                      "host:-1", "host:8a",  "::1:80", "[::1]80", "unix:",      "http://h:80",
                                      "[]:80",   "host:80 ", "a:b:80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct address address;
        struct refusal why = {};
        assert_status(address_parse(bad[i], &why, &address), ERR_CONFIG);
        assert_string_equal(why.seen, bad[i]);
    }
}

static void test_authorities(void **)
{
    static const struct {
        const char *text, *address, *host;
    } good[] = {
        {"localhost", "localhost:443", "localhost"},
        {"localhost:7443", "localhost:7443", "localhost"},
        {"[::1]", "[::1]:443", "::1"},
        {"[::1]:7443", "[::1]:7443", "::1"},
        {"127.0.0.1", "127.0.0.1:443", "127.0.0.1"},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct address_authority authority;
        assert_ok(address_of_authority(slice_of_text(good[i].text), 443, NULL, &authority));
        assert_string_equal(authority.address, good[i].address);
        assert_string_equal(authority.host, good[i].host);
    }
    static const char *const bad[] = {"",      ":80",    "host:",  "host:65536", "::1",       "[::1",
                                      "[]:80", "user@h", "host/x", "host:80/x",  "host?x=1:", "[::1]x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct address_authority authority;
        struct refusal why = {};
        assert_status(address_of_authority(slice_of_text(bad[i]), 443, &why, &authority), ERR_CONFIG);
        assert_string_equal(why.seen, bad[i]);
    }
    char text[300] = "";
    struct address_authority authority;
    memset(text, 'h', 254);
    assert_status(address_of_authority(slice_of_text(text), 443, NULL, &authority), ERR_CONFIG);
    memset(text, 'h', 299);
    assert_status(address_of_authority(slice_of_text(text), 443, NULL, &authority), ERR_CONFIG);
    text[253] = '\0';
    assert_ok(address_of_authority(slice_of_text(text), 443, NULL, &authority));
    assert_string_equal(authority.host, text);
}

static void test_listening(void **)
{
    int listener = -1, second = -1;
    uint16_t port = 0, other = 0;
    assert_ok(address_listen("127.0.0.1:0", NULL, &listener, &port));
    assert_int_not_equal(port, 0);
    char taken[32];
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%u", port);
    struct refusal why = {};
    assert_status(address_listen(taken, &why, &second, &other), ERR_IO);
    assert_string_equal(why.field, taken);
    assert_status(address_listen("unix:/tmp/x", &why, &second, &other), ERR_CONFIG);
    assert_status(address_listen("no-such-host.invalid:1", &why, &second, &other), ERR_IO);
    (void)close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_and_ports),
        cmocka_unit_test(test_unix_paths),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_authorities),
        cmocka_unit_test(test_listening),
    };
    return cmocka_run_group_tests_name("channel/address", tests, NULL, NULL);
}
