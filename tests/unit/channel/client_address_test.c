/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/client_address.h"

#include "testing.h"

#include <arpa/inet.h>
#include <sys/un.h>

static struct client_address v4(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(4711)};
    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return client_address_of((const struct sockaddr *)&address);
}

static struct client_address v6(const char *text)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(4711)};
    assert_int_equal(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
    return client_address_of((const struct sockaddr *)&address);
}

static bool same(struct client_address a, struct client_address b)
{
    const bool are_equal = client_address_equal(&a, &b);
    if (are_equal) assert_int_equal(client_address_hash(&a, 99), client_address_hash(&b, 99));
    return are_equal;
}

static void test_a_client_is_its_address_or_the_first_half_of_it(void **)
{
    assert_true(same(v4("192.0.2.1"), v4("192.0.2.1")));
    assert_false(same(v4("192.0.2.1"), v4("192.0.2.2")));
    assert_true(same(v6("2001:db8::1"), v6("2001:db8::ffff:1:2:3")));
    assert_false(same(v6("2001:db8::1"), v6("2001:db8:0:1::1")));
    assert_true(same(v6("::ffff:192.0.2.1"), v4("192.0.2.1")));
    /* The same bytes in another family. */
    assert_false(same(v6("c000:201::"), v4("192.0.2.1")));
    assert_int_equal(v4("0.0.0.0").family, CLIENT_IPV4);
}

static void test_others_are_not_known(void **)
{
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_true(same(client_address_of((const struct sockaddr *)&local), (struct client_address){}));
}

static void test_hashes_depend_on_the_seed(void **)
{
    enum { COUNT = 4096, MASK = COUNT - 1 };
    static uint8_t seen[COUNT];
    const struct client_address one = v4("192.0.2.1");
    assert_int_not_equal(client_address_hash(&one, 1), client_address_hash(&one, 2));
    unsigned most = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct client_address client = {.family = CLIENT_IPV6};
        memcpy(client.bytes, &i, sizeof(i));
        const uint8_t count = ++seen[client_address_hash(&client, 0x123456789abcdef0U) & MASK];
        if (count > most) most = count;
    }
    assert_true(most < 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_is_its_address_or_the_first_half_of_it),
        cmocka_unit_test(test_others_are_not_known),
        cmocka_unit_test(test_hashes_depend_on_the_seed),
    };
    return cmocka_run_group_tests_name("channel/client_address", tests, NULL, NULL);
}
