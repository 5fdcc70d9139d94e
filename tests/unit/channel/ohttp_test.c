/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/ohttp.h"

#include "vectors.h"

/* RFC 9458 appendix A. */
#define RFC_CONFIG "01002031e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e79815500080001000100010003"
#define RFC_PRIVATE "3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a"
#define RFC_EPHEMERAL "bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73"
#define RFC_REQUEST "00034745540568747470730b6578616d706c652e636f6d012f"
#define RFC_SEALED_REQUEST                                                                                             \
    "010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e"                 \
    "1268c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525"
#define RFC_RESPONSE_NONCE "c789e7151fcba46158ca84b04464910d"
#define RFC_RESPONSE "0140c8"
#define RFC_SEALED_RESPONSE "c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd"

static void assert_hex(const struct buffer *seen, const char *expected)
{
    CLEANUP(buffer_done) struct buffer bytes = bytes_of_hex(expected);
    assert_slice_equal(buffer_slice(seen), buffer_slice(&bytes));
}

static struct key *private_of_hex(const char *hex)
{
    CLEANUP(buffer_done) struct buffer bytes = bytes_of_hex(hex);
    struct key *key = NULL;
    assert_ok(key_private_from_x25519(buffer_slice(&bytes), &key));
    return key;
}

static enum status read_config(const char *hex, struct ohttp_config *config)
{
    CLEANUP(buffer_done) struct buffer bytes = bytes_of_hex(hex);
    return ohttp_config_read(buffer_slice(&bytes), NULL, config);
}

static void test_rfc_9458_appendix_a(void **)
{
    CLEANUP(key_cleanup)
    struct key *private_key = private_of_hex(RFC_PRIVATE), *ephemeral = private_of_hex(RFC_EPHEMERAL);
    CLEANUP(ohttp_config_done) struct ohttp_config config = {};
    assert_ok(read_config(RFC_CONFIG, &config));
    CLEANUP(buffer_done) struct buffer request = bytes_of_hex(RFC_REQUEST), response = bytes_of_hex(RFC_RESPONSE);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(200), opened = buffer_of_maximum(200);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *client = NULL, *gateway = NULL;
    assert_ok(ohttp_seal_request_with(&config, ephemeral, buffer_slice(&request), &sealed, &client));
    assert_hex(&sealed, RFC_SEALED_REQUEST);
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    assert_ok(ohttp_open_request(private_key, 1, buffer_slice(&sealed), NULL, encapsulated, &opened, &gateway));
    assert_hex(&opened, RFC_REQUEST);
    assert_memory_equal(encapsulated, sealed.bytes + OHTTP_HEADER_BYTES, sizeof(encapsulated));
    CLEANUP(buffer_done) struct buffer nonce = bytes_of_hex(RFC_RESPONSE_NONCE);
    buffer_clear(&sealed);
    assert_ok(ohttp_seal_response_with(gateway, buffer_slice(&nonce), buffer_slice(&response), &sealed));
    assert_hex(&sealed, RFC_SEALED_RESPONSE);
    buffer_clear(&opened);
    assert_ok(ohttp_open_response(client, buffer_slice(&sealed), NULL, &opened));
    assert_hex(&opened, RFC_RESPONSE);
}

static const char *text_of(const json_t *vector, const char *name)
{
    return json_string_value(json_object_get(vector, name));
}

/* The shared vectors give keys and contents; each is carried through a whole exchange. */
static void check_vector(const json_t *vector)
{
    CLEANUP(ohttp_config_done) struct ohttp_config config = {};
    CLEANUP(key_cleanup) struct key *private_key = private_of_hex(text_of(vector, "privateKey"));
    CLEANUP(key_cleanup) struct key *ephemeral = private_of_hex(text_of(vector, "clientEphemeralPrivate"));
    CLEANUP(buffer_done)
    struct buffer request = vector_bytes(vector, "request"), response = vector_bytes(vector, "response");
    assert_ok(read_config(text_of(vector, "keyConfig"), &config));
    const uint8_t key_id = (uint8_t)json_integer_value(json_object_get(vector, "keyId"));
    assert_int_equal(config.key_id, key_id);
    assert_int_equal(config.aeads[0], json_integer_value(json_object_get(vector, "aeadId")));
    assert_true(key_equal(config.key, private_key));
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(500), opened = buffer_of_maximum(500);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *client = NULL, *gateway = NULL;
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    assert_ok(ohttp_seal_request_with(&config, ephemeral, buffer_slice(&request), &sealed, &client));
    assert_ok(ohttp_open_request(private_key, key_id, buffer_slice(&sealed), NULL, encapsulated, &opened, &gateway));
    assert_slice_equal(buffer_slice(&opened), buffer_slice(&request));
    buffer_clear(&sealed);
    buffer_clear(&opened);
    assert_ok(ohttp_seal_response(gateway, buffer_slice(&response), &sealed));
    assert_ok(ohttp_open_response(client, buffer_slice(&sealed), NULL, &opened));
    assert_slice_equal(buffer_slice(&opened), buffer_slice(&response));
}

static void test_shared_vectors(void **)
{
    CLEANUP(json_done) json_t *file = vectors_load("vectors/ohttp/rfc9458.json");
    const json_t *const vectors = json_object_get(file, "vectors");
    for (size_t i = 0; i < json_array_size(vectors); i++) check_vector(json_array_get(vectors, i));
    assert_true(json_array_size(vectors) > 0);
}

/* ---- our own exchanges ---- */

struct pair {
    struct ohttp_config config;
    struct key *private_key;
    struct ohttp_exchange *client, *gateway;
    struct buffer sealed;
};

static void pair_done(struct pair *pair)
{
    ohttp_config_done(&pair->config);
    key_cleanup(&pair->private_key);
    ohttp_exchange_cleanup(&pair->client);
    ohttp_exchange_cleanup(&pair->gateway);
    buffer_done(&pair->sealed);
}

static struct pair make_pair(enum hpke_aead aead)
{
    struct pair pair = {.config = {.key_id = 1, .aeads = {aead}, .aead_count = 1}, .sealed = buffer_of_maximum(2000)};
    assert_ok(key_generate(KEY_X25519, 0, &pair.private_key));
    pair.config.key = key_share(pair.private_key);
    assert_ok(ohttp_seal_request(&pair.config, SLICE_LITERAL("request"), &pair.sealed, &pair.client));
    return pair;
}

static enum status open_bytes(const struct pair *pair, struct slice message)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(2000);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    const enum status status =
        ohttp_open_request(pair->private_key, 1, message, NULL, encapsulated, &content, &exchange);
    if (status != OK) {
        assert_null(exchange);
        assert_int_equal(content.size, 0);
    }
    return status;
}

static void test_both_suites_carry_an_exchange(void **)
{
    const enum hpke_aead aeads[] = {HPKE_AEAD_AES_128_GCM, HPKE_AEAD_AES_256_GCM};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(pair_done) struct pair pair = make_pair(aeads[i]);
        CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(2000), answer = buffer_of_maximum(2000);
        uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
        assert_ok(ohttp_open_request(pair.private_key, 1, buffer_slice(&pair.sealed), NULL, encapsulated, &content,
                                     &pair.gateway));
        assert_true(slice_equal_text(buffer_slice(&content), "request"));
        assert_ok(ohttp_seal_response(pair.gateway, SLICE_LITERAL("response"), &answer));
        buffer_clear(&content);
        assert_ok(ohttp_open_response(pair.client, buffer_slice(&answer), NULL, &content));
        assert_true(slice_equal_text(buffer_slice(&content), "response"));
    }
}

static void test_each_request_has_its_own_encapsulated_key(void **)
{
    CLEANUP(pair_done) struct pair pair = make_pair(HPKE_AEAD_AES_256_GCM);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *second = NULL;
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(2000);
    assert_ok(ohttp_seal_request(&pair.config, SLICE_LITERAL("request"), &sealed, &second));
    assert_memory_not_equal(sealed.bytes + OHTTP_HEADER_BYTES, pair.sealed.bytes + OHTTP_HEADER_BYTES,
                            HPKE_ENCAPSULATED_KEY_BYTES);
}

static void test_every_altered_byte_of_a_request_is_refused(void **)
{
    CLEANUP(pair_done) struct pair pair = make_pair(HPKE_AEAD_AES_256_GCM);
    for (size_t i = 0; i < pair.sealed.size; i++) {
        pair.sealed.bytes[i] ^= 0x40;
        const enum status status = open_bytes(&pair, buffer_slice(&pair.sealed));
        /* The top bit of an X25519 key is ignored, but it is hashed all the same. */
        assert_status(status, i < OHTTP_HEADER_BYTES ? ERR_OHTTP_KEY : ERR_AUTHENTICATION);
        pair.sealed.bytes[i] ^= 0x40;
    }
    pair.sealed.bytes[OHTTP_HEADER_BYTES + 31] ^= 0x80;
    assert_status(open_bytes(&pair, buffer_slice(&pair.sealed)), ERR_AUTHENTICATION);
}

/* The header is bound by info: a suite that is known but was not the sender's does not open. */
static void test_a_swapped_suite_does_not_open(void **)
{
    CLEANUP(pair_done) struct pair pair = make_pair(HPKE_AEAD_AES_256_GCM);
    pair.sealed.bytes[6] = HPKE_AEAD_AES_128_GCM;
    assert_status(open_bytes(&pair, buffer_slice(&pair.sealed)), ERR_AUTHENTICATION);
}

static void test_every_shorter_prefix_of_a_request_is_refused(void **)
{
    CLEANUP(pair_done) struct pair pair = make_pair(HPKE_AEAD_AES_128_GCM);
    const size_t smallest = OHTTP_HEADER_BYTES + HPKE_ENCAPSULATED_KEY_BYTES + 16;
    for (size_t size = 0; size < pair.sealed.size; size++)
        assert_status(open_bytes(&pair, slice_of(pair.sealed.bytes, size)),
                      size < smallest ? ERR_OHTTP_FORMAT : ERR_AUTHENTICATION);
}

static void test_a_request_for_another_key_is_refused(void **)
{
    CLEANUP(pair_done) struct pair pair = make_pair(HPKE_AEAD_AES_256_GCM);
    CLEANUP(key_cleanup) struct key *other = NULL;
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(2000);
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    assert_ok(key_generate(KEY_X25519, 0, &other));
    assert_status(ohttp_open_request(other, 1, buffer_slice(&pair.sealed), NULL, encapsulated, &content, &pair.gateway),
                  ERR_AUTHENTICATION);
    assert_status(ohttp_open_request(pair.private_key, 2, buffer_slice(&pair.sealed), NULL, encapsulated, &content,
                                     &pair.gateway),
                  ERR_OHTTP_KEY);
}

static void test_an_encapsulated_key_of_low_order_is_refused(void **)
{
    CLEANUP(pair_done) struct pair pair = make_pair(HPKE_AEAD_AES_256_GCM);
    memset(pair.sealed.bytes + OHTTP_HEADER_BYTES, 0, HPKE_ENCAPSULATED_KEY_BYTES);
    assert_status(open_bytes(&pair, buffer_slice(&pair.sealed)), ERR_OHTTP_FORMAT);
}

static void test_altered_and_short_responses_are_refused(void **)
{
    CLEANUP(pair_done) struct pair pair = make_pair(HPKE_AEAD_AES_256_GCM);
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(2000), answer = buffer_of_maximum(2000);
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    assert_ok(ohttp_open_request(pair.private_key, 1, buffer_slice(&pair.sealed), NULL, encapsulated, &content,
                                 &pair.gateway));
    assert_ok(ohttp_seal_response(pair.gateway, SLICE_LITERAL("response"), &answer));
    buffer_clear(&content);
    for (size_t i = 0; i < answer.size; i++) {
        answer.bytes[i] ^= 1;
        assert_status(ohttp_open_response(pair.client, buffer_slice(&answer), NULL, &content), ERR_AUTHENTICATION);
        answer.bytes[i] ^= 1;
    }
    for (size_t size = 0; size < answer.size; size++)
        assert_status(ohttp_open_response(pair.client, slice_of(answer.bytes, size), NULL, &content),
                      size < 48 ? ERR_OHTTP_FORMAT : ERR_AUTHENTICATION);
    assert_int_equal(content.size, 0);
    /* The answer to another request. */
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *other = NULL;
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(2000);
    assert_ok(ohttp_seal_request(&pair.config, SLICE_LITERAL("other"), &sealed, &other));
    assert_status(ohttp_open_response(other, buffer_slice(&answer), NULL, &content), ERR_AUTHENTICATION);
}

/* ---- key configurations ---- */

static void test_a_configuration_comes_back(void **)
{
    CLEANUP(ohttp_config_done)
    struct ohttp_config config = {
        .key_id = 7, .aeads = {HPKE_AEAD_AES_256_GCM, HPKE_AEAD_AES_128_GCM}, .aead_count = 2};
    CLEANUP(ohttp_config_done) struct ohttp_config read = {};
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(OHTTP_CONFIG_MAX_BYTES);
    assert_ok(key_generate(KEY_X25519, 0, &config.key));
    assert_ok(ohttp_config_write(&config, &bytes));
    assert_int_equal(bytes.size, 1 + 2 + 32 + 2 + 8);
    assert_ok(ohttp_config_read(buffer_slice(&bytes), NULL, &read));
    assert_int_equal(read.key_id, 7);
    assert_true(key_equal(read.key, config.key));
    assert_int_equal(read.aead_count, 2);
    assert_int_equal(read.aeads[0], HPKE_AEAD_AES_256_GCM);
    for (size_t size = 0; size < bytes.size; size++) {
        struct ohttp_config none = {};
        assert_status(ohttp_config_read(slice_of(bytes.bytes, size), NULL, &none), ERR_OHTTP_FORMAT);
    }
}

#define CONFIG_KEY "31e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e798155"

static void test_malformed_configurations_are_refused(void **)
{
    struct ohttp_config config = {};
    assert_status(read_config("01001031" CONFIG_KEY "000400010001", &config), ERR_UNSUPPORTED);
    assert_status(read_config("010020" CONFIG_KEY "000400010003", &config), ERR_UNSUPPORTED);
    assert_status(read_config("010020" CONFIG_KEY "000400020001", &config), ERR_UNSUPPORTED);
    assert_status(read_config("010020" CONFIG_KEY "0000", &config), ERR_OHTTP_FORMAT);
    assert_status(read_config("010020" CONFIG_KEY "00060001000100", &config), ERR_OHTTP_FORMAT);
    assert_status(read_config("010020" CONFIG_KEY "0006000100010001", &config), ERR_OHTTP_FORMAT);
    assert_status(read_config("010020" CONFIG_KEY "000400010001ff", &config), ERR_OHTTP_FORMAT);
    assert_status(read_config("010020" CONFIG_KEY
                              "0024000100010001000100010001000100010001000100010001000100010001000100010001",
                              &config),
                  ERR_OHTTP_FORMAT);
    assert_null(config.key);
}

static void test_configurations_that_nobody_could_use_are_not_written(void **)
{
    CLEANUP(ohttp_config_done) struct ohttp_config config = {};
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(OHTTP_CONFIG_MAX_BYTES);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    assert_ok(key_generate(KEY_P256, 0, &config.key));
    assert_status(ohttp_config_write(&config, &bytes), ERR_FIELD_VALUE);
    assert_status(ohttp_seal_request(&config, SLICE_LITERAL("x"), &bytes, &exchange), ERR_UNSUPPORTED);
    config.aeads[0] = HPKE_AEAD_AES_256_GCM;
    config.aead_count = 1;
    assert_status(ohttp_config_write(&config, &bytes), ERR_KEY_INVALID);
    assert_status(ohttp_seal_request(&config, SLICE_LITERAL("x"), &bytes, &exchange), ERR_KEY_INVALID);
    assert_int_equal(bytes.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_9458_appendix_a),
        cmocka_unit_test(test_shared_vectors),
        cmocka_unit_test(test_both_suites_carry_an_exchange),
        cmocka_unit_test(test_each_request_has_its_own_encapsulated_key),
        cmocka_unit_test(test_every_altered_byte_of_a_request_is_refused),
        cmocka_unit_test(test_a_swapped_suite_does_not_open),
        cmocka_unit_test(test_every_shorter_prefix_of_a_request_is_refused),
        cmocka_unit_test(test_a_request_for_another_key_is_refused),
        cmocka_unit_test(test_an_encapsulated_key_of_low_order_is_refused),
        cmocka_unit_test(test_altered_and_short_responses_are_refused),
        cmocka_unit_test(test_a_configuration_comes_back),
        cmocka_unit_test(test_malformed_configurations_are_refused),
        cmocka_unit_test(test_configurations_that_nobody_could_use_are_not_written),
    };
    return cmocka_run_group_tests_name("channel/ohttp", tests, NULL, NULL);
}
