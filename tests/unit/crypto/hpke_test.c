/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include "vectors.h"

/* The text of RFC 9180's appendix A: "name: HEX" where the value may start or go on in the next lines. */
static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static struct buffer value_of(const char *text, const char *name)
{
    char wanted[64], hex[512] = {};
    (void)snprintf(wanted, sizeof(wanted), "\n%s:", name);
    const char *at = strstr(text, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    for (size_t size = 0; size < sizeof(hex) - 1; at++) {
        if (at[0] == '\n' && (strcspn(at + 1, ":") < strcspn(at + 1, "\n") || at[1] == '\n' || at[1] == '~')) break;
        if (is_hex(*at)) hex[size++] = *at;
    }
    return bytes_of_hex(hex);
}

static unsigned number_of(const char *text, const char *name)
{
    char wanted[64];
    unsigned number = 0;
    (void)snprintf(wanted, sizeof(wanted), "\n%s: ", name);
    const char *const at = strstr(text, wanted);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(wanted), "%u", &number), 1);
    return number;
}

struct pair {
    struct hpke_context *sender, *recipient;
};

static void pair_done(struct pair *pair)
{
    hpke_cleanup(&pair->sender);
    hpke_cleanup(&pair->recipient);
}

static struct pair set_up(struct slice ephemeral, struct slice recipient, struct slice info, enum hpke_aead aead,
                          struct slice expected_encapsulated_key)
{
    CLEANUP(key_cleanup) struct key *ephemeral_key = NULL, *recipient_key = NULL;
    assert_ok(key_private_from_x25519(ephemeral, &ephemeral_key));
    assert_ok(key_private_from_x25519(recipient, &recipient_key));
    struct pair pair = {};
    uint8_t encapsulated_key[HPKE_ENCAPSULATED_KEY_BYTES];
    assert_ok(hpke_setup_sender_with(recipient_key, ephemeral_key, aead, info, encapsulated_key, &pair.sender));
    assert_slice_equal(SLICE_ARRAY(encapsulated_key), expected_encapsulated_key);
    assert_ok(hpke_setup_recipient(recipient_key, aead, info, SLICE_ARRAY(encapsulated_key), &pair.recipient));
    return pair;
}

static struct pair set_up_section(const char *section)
{
    CLEANUP(buffer_done) struct buffer info = value_of(section, "info"), encapsulated = value_of(section, "enc");
    CLEANUP(buffer_done) struct buffer ephemeral = value_of(section, "skEm"), recipient = value_of(section, "skRm");
    return set_up(buffer_slice(&ephemeral), buffer_slice(&recipient), buffer_slice(&info),
                  (enum hpke_aead)number_of(section, "aead_id"), buffer_slice(&encapsulated));
}

/* Seals up to the wanted sequence number; both sides keep step. */
static void check_encryption(struct pair *pair, unsigned *sequence, const char *entry)
{
    CLEANUP(buffer_done) struct buffer text = value_of(entry, "pt"), data = value_of(entry, "aad");
    CLEANUP(buffer_done) struct buffer expected = value_of(entry, "ct");
    const unsigned wanted = number_of(entry, "sequence number");
    for (;; (*sequence)++) {
        CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(200), opened = buffer_of_maximum(200);
        assert_ok(hpke_seal(pair->sender, buffer_slice(&data), buffer_slice(&text), &sealed));
        assert_ok(hpke_open(pair->recipient, buffer_slice(&data), buffer_slice(&sealed), &opened));
        assert_slice_equal(buffer_slice(&opened), buffer_slice(&text));
        if (*sequence != wanted) continue;
        assert_slice_equal(buffer_slice(&sealed), buffer_slice(&expected));
        (*sequence)++;
        return;
    }
}

static void check_export(const struct pair *pair, const char *entry)
{
    CLEANUP(buffer_done) struct buffer context = value_of(entry, "exporter_context");
    CLEANUP(buffer_done) struct buffer expected = value_of(entry, "exported_value");
    CLEANUP(secret_done) struct secret sent = {}, received = {};
    assert_ok(hpke_export(pair->sender, buffer_slice(&context), number_of(entry, "L"), &sent));
    assert_ok(hpke_export(pair->recipient, buffer_slice(&context), number_of(entry, "L"), &received));
    assert_slice_equal(secret_slice(&sent), buffer_slice(&expected));
    assert_slice_equal(secret_slice(&received), buffer_slice(&expected));
}

static void check_section(const char *section)
{
    CLEANUP(pair_done) struct pair pair = set_up_section(section);
    unsigned sequence = 0, encryptions = 0, exports = 0;
    const char *at = section;
    while ((at = strstr(at, "\nsequence number: ")) != NULL) {
        check_encryption(&pair, &sequence, at++);
        encryptions++;
    }
    at = section;
    while ((at = strstr(at, "\nexporter_context:")) != NULL) {
        check_export(&pair, at++);
        exports++;
    }
    assert_true(encryptions >= 6 && exports >= 3);
}

static void test_rfc_9180_appendix_a(void **)
{
    CLEANUP(buffer_done) struct buffer text = read_whole(shared_path("vectors/hpke/rfc9180-appendix-a.txt"));
    const char *section;
    assert_ok(buffer_text(&text, &section));
    unsigned checked = 0;
    while ((section = strstr(section, "\n## DHKEM(")) != NULL) {
        section++;
        const char *const next = strstr(section, "\n## DHKEM(");
        char *const copy = strndup(section, next == NULL ? strlen(section) : (size_t)(next - section));
        assert_non_null(copy);
        const unsigned aead = number_of(copy, "aead_id");
        if (number_of(copy, "kem_id") == HPKE_KEM_X25519_HKDF_SHA256 && (aead == 1 || aead == 2)) {
            check_section(copy);
            checked++;
        }
        free(copy);
    }
    assert_true(checked >= 1);
}

/* RFC 9180's keys of appendix A.1 with AES-256-GCM, which the appendix leaves out; computed with another
 * implementation, which gives the appendix' values for AES-128-GCM. */
static void test_aes_256_gcm(void **)
{
    CLEANUP(buffer_done)
    struct buffer ephemeral = bytes_of_hex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736");
    CLEANUP(buffer_done)
    struct buffer recipient = bytes_of_hex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    CLEANUP(buffer_done)
    struct buffer encapsulated = bytes_of_hex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    CLEANUP(buffer_done)
    struct buffer first =
        bytes_of_hex("090b7dc225419f7da9e8b460becfbb96a26c7964d79b8010d397fa838530a32a397b14f5776db19ff5e57734e0");
    CLEANUP(buffer_done)
    struct buffer second =
        bytes_of_hex("05cbb27ea0f48fa8768a10c9f2f1438233f63104bf68d51abf26f0aae2c62a449d5cf7e8b73791a4e55d79b650");
    CLEANUP(buffer_done)
    struct buffer exported = bytes_of_hex("a1f0b0587d1a613ebc7719b3c66272251beccc161f139aeec40ec11053530e26");
    CLEANUP(pair_done)
    struct pair pair = set_up(buffer_slice(&ephemeral), buffer_slice(&recipient), SLICE_LITERAL("Ode on a Grecian Urn"),
                              HPKE_AEAD_AES_256_GCM, buffer_slice(&encapsulated));
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(100);
    const struct slice text = SLICE_LITERAL("Beauty is truth, truth beauty");
    assert_ok(hpke_seal(pair.sender, SLICE_LITERAL("Count-0"), text, &sealed));
    assert_slice_equal(buffer_slice(&sealed), buffer_slice(&first));
    buffer_clear(&sealed);
    assert_ok(hpke_seal(pair.sender, SLICE_LITERAL("Count-1"), text, &sealed));
    assert_slice_equal(buffer_slice(&sealed), buffer_slice(&second));
    CLEANUP(secret_done) struct secret secret = {};
    assert_ok(hpke_export(pair.recipient, SLICE_LITERAL("TestContext"), 32, &secret));
    assert_slice_equal(secret_slice(&secret), buffer_slice(&exported));
}

/* Sealed in the auth mode by another implementation (@hpke/core) for the recipient of RFC 9180, appendix A.1. */
static void test_auth_mode_opens_what_another_implementation_sealed(void **)
{
    CLEANUP(buffer_done)
    struct buffer private_bytes = bytes_of_hex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    CLEANUP(buffer_done)
    struct buffer author_bytes = bytes_of_hex("1e3888d64b506c4b3c6af2b6626b6c3f2e187a5025d8d77e540fa96060e19116");
    CLEANUP(buffer_done)
    struct buffer encapsulated = bytes_of_hex("e3852ee18dce508f6e115bbde2c40b6b3a5926b4d9ed1cf4765a2d356edb8c27");
    CLEANUP(buffer_done)
    struct buffer sealed =
        bytes_of_hex("1455d1b1488d5e3229a6ec45e7d8e8cc022178b617650cc5d7e5b87712849d4e0a01c028d28dac04e5c2b6975a");
    CLEANUP(key_cleanup) struct key *recipient = NULL, *author = NULL;
    assert_ok(key_private_from_x25519(buffer_slice(&private_bytes), &recipient));
    assert_ok(key_from_x25519(buffer_slice(&author_bytes), &author));
    CLEANUP(pair_done) struct pair pair = {};
    assert_ok(hpke_setup_auth_recipient(recipient, author, HPKE_AEAD_AES_256_GCM, SLICE_LITERAL("Ode on a Grecian Urn"),
                                        buffer_slice(&encapsulated), &pair.recipient));
    CLEANUP(buffer_done) struct buffer opened = buffer_of_maximum(100);
    assert_ok(hpke_open(pair.recipient, SLICE_LITERAL("Count-0"), buffer_slice(&sealed), &opened));
    assert_true(slice_equal_text(buffer_slice(&opened), "Beauty is truth, truth beauty"));
}

static void test_auth_mode_proves_the_author(void **)
{
    CLEANUP(key_cleanup) struct key *recipient = NULL, *author = NULL, *stranger = NULL, *p256 = NULL, *public = NULL;
    assert_ok(key_generate(KEY_X25519, 0, &recipient));
    assert_ok(key_generate(KEY_X25519, 0, &author));
    assert_ok(key_generate(KEY_X25519, 0, &stranger));
    assert_ok(key_generate(KEY_P256, 0, &p256));
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(32);
    assert_ok(key_public_bytes(author, &bytes));
    assert_ok(key_from_x25519(buffer_slice(&bytes), &public));
    const enum hpke_aead aead = HPKE_AEAD_AES_256_GCM;
    const struct slice info = SLICE_LITERAL("info");
    CLEANUP(pair_done) struct pair pair = {};
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    assert_ok(hpke_setup_auth_sender(recipient, author, aead, info, encapsulated, &pair.sender));
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(100), opened = buffer_of_maximum(100);
    assert_ok(hpke_seal(pair.sender, (struct slice){}, SLICE_LITERAL("key"), &sealed));
    assert_ok(hpke_setup_auth_recipient(recipient, stranger, aead, info, SLICE_ARRAY(encapsulated), &pair.recipient));
    assert_status(hpke_open(pair.recipient, (struct slice){}, buffer_slice(&sealed), &opened), ERR_AUTHENTICATION);
    hpke_cleanup(&pair.recipient);
    /* Without an author's word it is another message altogether. */
    assert_ok(hpke_setup_recipient(recipient, aead, info, SLICE_ARRAY(encapsulated), &pair.recipient));
    assert_status(hpke_open(pair.recipient, (struct slice){}, buffer_slice(&sealed), &opened), ERR_AUTHENTICATION);
    hpke_cleanup(&pair.recipient);
    assert_ok(hpke_setup_auth_recipient(recipient, public, aead, info, SLICE_ARRAY(encapsulated), &pair.recipient));
    assert_ok(hpke_open(pair.recipient, (struct slice){}, buffer_slice(&sealed), &opened));
    struct hpke_context *context = NULL;
    assert_status(hpke_setup_auth_sender(recipient, public, aead, info, encapsulated, &context), ERR_KEY_INVALID);
    assert_status(hpke_setup_auth_sender(recipient, p256, aead, info, encapsulated, &context), ERR_KEY_INVALID);
    assert_status(hpke_setup_auth_sender(recipient, NULL, aead, info, encapsulated, &context), ERR_KEY_INVALID);
    assert_status(hpke_setup_auth_recipient(recipient, NULL, aead, info, SLICE_ARRAY(encapsulated), &context),
                  ERR_KEY_INVALID);
}

static void test_a_failed_open_does_not_move_the_sequence(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_X25519, 0, &key));
    CLEANUP(pair_done) struct pair pair = {};
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    assert_ok(hpke_setup_sender(key, HPKE_AEAD_AES_256_GCM, SLICE_LITERAL("info"), encapsulated, &pair.sender));
    assert_ok(hpke_setup_recipient(key, HPKE_AEAD_AES_256_GCM, SLICE_LITERAL("info"), SLICE_ARRAY(encapsulated),
                                   &pair.recipient));
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(100), opened = buffer_of_maximum(100);
    assert_ok(hpke_seal(pair.sender, (struct slice){}, SLICE_LITERAL("film"), &sealed));
    sealed.bytes[0] ^= 1;
    assert_status(hpke_open(pair.recipient, (struct slice){}, buffer_slice(&sealed), &opened), ERR_AUTHENTICATION);
    sealed.bytes[0] ^= 1;
    assert_status(hpke_open(pair.recipient, SLICE_LITERAL("other"), buffer_slice(&sealed), &opened),
                  ERR_AUTHENTICATION);
    assert_status(hpke_open(pair.recipient, (struct slice){}, slice_of(sealed.bytes, 15), &opened), ERR_TRUNCATED);
    assert_ok(hpke_open(pair.recipient, (struct slice){}, buffer_slice(&sealed), &opened));
    assert_true(slice_equal_text(buffer_slice(&opened), "film"));
    /* The same box again is now out of sequence. */
    assert_status(hpke_open(pair.recipient, (struct slice){}, buffer_slice(&sealed), &opened), ERR_AUTHENTICATION);
}

static void test_wrong_keys_and_suites_are_refused(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL, *p256 = NULL, *public_key = NULL;
    assert_ok(key_generate(KEY_X25519, 0, &key));
    assert_ok(key_generate(KEY_P256, 0, &p256));
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(32);
    assert_ok(key_public_bytes(key, &bytes));
    assert_ok(key_from_x25519(buffer_slice(&bytes), &public_key));
    struct hpke_context *context = NULL;
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES] = {};
    const enum hpke_aead aead = HPKE_AEAD_AES_128_GCM, chacha = (enum hpke_aead)3;
    const struct slice none = {};
    assert_status(hpke_setup_sender(key, chacha, none, encapsulated, &context), ERR_UNSUPPORTED);
    assert_status(hpke_setup_recipient(key, chacha, none, SLICE_ARRAY(encapsulated), &context), ERR_UNSUPPORTED);
    assert_status(hpke_setup_sender(p256, aead, none, encapsulated, &context), ERR_KEY_INVALID);
    assert_status(hpke_setup_recipient(public_key, aead, none, buffer_slice(&bytes), &context), ERR_KEY_INVALID);
    assert_status(hpke_setup_recipient(key, aead, none, slice_of(encapsulated, 31), &context), ERR_KEY_INVALID);
    /* A point of low order agrees on zero. */
    assert_status(hpke_setup_recipient(key, aead, none, SLICE_ARRAY(encapsulated), &context), ERR_KEY_INVALID);
    static const uint8_t long_info[HPKE_INFO_MAX_BYTES + 1];
    assert_status(hpke_setup_sender(key, aead, SLICE_ARRAY(long_info), encapsulated, &context), ERR_TOO_LARGE);
    assert_ok(hpke_setup_sender(key, aead, slice_of(long_info, HPKE_INFO_MAX_BYTES), encapsulated, &context));
    hpke_cleanup(&context);
    assert_null(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_9180_appendix_a),
        cmocka_unit_test(test_aes_256_gcm),
        cmocka_unit_test(test_auth_mode_opens_what_another_implementation_sealed),
        cmocka_unit_test(test_auth_mode_proves_the_author),
        cmocka_unit_test(test_a_failed_open_does_not_move_the_sequence),
        cmocka_unit_test(test_wrong_keys_and_suites_are_refused),
    };
    return cmocka_run_group_tests_name("crypto/hpke", tests, NULL, NULL);
}
