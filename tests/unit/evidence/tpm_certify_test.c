/* SPDX-License-Identifier: Apache-2.0
 *
 * tpm_certification_verify: keys that an attestation key certified, whatever they may do.
 */
#include "test_tpm.h"

static struct key *aik, *rsa, *curve, *curve384;

static int make_keys(void **)
{
    assert_ok(key_generate(KEY_P256, 0, &aik));
    assert_ok(key_generate(KEY_RSA, 2048, &rsa));
    assert_ok(key_generate(KEY_P256, 0, &curve));
    assert_ok(key_generate(KEY_P384, 0, &curve384));
    return 0;
}

/* What a test changes; all-zero: a good certification of the RSA key. */
struct scene {
    const struct key *key, *signer;
    struct test_public public_area;
    struct slice nonce; /* asked for, instead of what is carried */
    struct slice area;  /* instead of the key's */
    void (*change)(struct buffer *attest);
    size_t cut; /* of the public area, from its end */
    bool sized;
};

static void name_of(struct slice area, uint8_t name_out[static 34])
{
    name_out[0] = 0;
    name_out[1] = 0x0b;
    assert_ok(sha256(area, name_out + 2));
}

static struct buffer certification(struct slice area)
{
    struct buffer out = buffer_of_maximum(TPM_ATTEST_MAX_BYTES);
    uint8_t name[34];
    name_of(area, name);
    assert_ok(buffer_append_u32(&out, 0xff544347));
    assert_ok(buffer_append_u16(&out, 0x8017));
    test_tpm_sized(&out, SLICE_ARRAY(name));
    test_tpm_sized(&out, SLICE_LITERAL("nonce"));
    assert_ok(buffer_append_u64(&out, 1000));
    assert_ok(buffer_append_u32(&out, 2));
    assert_ok(buffer_append_u32(&out, 3));
    assert_ok(buffer_append_u8(&out, 1));
    assert_ok(buffer_append_u64(&out, 0x20200312));
    test_tpm_sized(&out, SLICE_ARRAY(name));
    test_tpm_sized(&out, SLICE_ARRAY(name));
    return out;
}

static enum status verify(const struct scene *scene, struct refusal *why, struct tpm_certified *certified_out)
{
    struct test_public options = scene->public_area;
    options.bare = !scene->sized;
    if (options.attributes == 0) options.attributes = 0x00040072;
    CLEANUP(buffer_done) struct buffer area = test_tpm_public(scene->key != NULL ? scene->key : rsa, &options);
    const struct slice whole = scene->area.size > 0 ? scene->area : buffer_slice(&area);
    CLEANUP(buffer_done) struct buffer attest = certification(scene->sized ? slice_part(whole, 2, whole.size) : whole);
    if (scene->change != NULL) scene->change(&attest);
    CLEANUP(buffer_done)
    struct buffer signature = test_tpm_signature(
        &(struct test_quote){.key = scene->signer != NULL ? scene->signer : aik}, buffer_slice(&attest));
    const struct tpm_certification given = {.area = slice_part(whole, 0, whole.size - scene->cut),
                                            .attest = buffer_slice(&attest),
                                            .signature = buffer_slice(&signature),
                                            .key = aik,
                                            .nonce = scene->nonce.size > 0 ? scene->nonce : SLICE_LITERAL("nonce")};
    return tpm_certification_verify(&given, why, certified_out);
}

static void refused_at(const struct scene *scene, enum status status, const char *field, int line)
{
    struct tpm_certified certified;
    struct refusal why = {};
    assert_refused_at(verify(scene, &why, &certified), status, &why, field, __FILE__, line);
}
#define refused(options, status, field) refused_at(&(struct scene)options, status, field, __LINE__)
#define WITH(...)                                                                                                      \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

static void test_keys_of_each_kind(void **)
{
    const struct key *const keys[] = {rsa, curve, curve384};
    for (size_t i = 0; i < 3; i++) {
        for (int sized = 0; sized < 2; sized++) {
            CLEANUP(tpm_certified_done) struct tpm_certified certified = {};
            assert_ok(verify(&(struct scene){.key = keys[i], .sized = sized == 1}, NULL, &certified));
            assert_true(key_equal(certified.key, keys[i]));
            assert_int_equal(certified.name_hash, TPM_HASH_SHA256);
            assert_int_equal(certified.attributes, 0x00040072);
            assert_int_equal(certified.policy_size, 0);
        }
    }
}

/* A key without a scheme of its own, and one that encrypts under others: attributes are told, not judged. */
static struct buffer area_of(uint16_t symmetric, uint16_t scheme, struct slice policy)
{
    struct buffer area = buffer_of_maximum(1024);
    CLEANUP(buffer_done) struct buffer n = buffer_of_maximum(512), e = buffer_of_maximum(8);
    assert_ok(key_rsa_numbers(rsa, &n, &e));
    assert_ok(buffer_append_u16(&area, 0x0001));
    assert_ok(buffer_append_u16(&area, 0x000b));
    assert_ok(buffer_append_u32(&area, 0x00030000));
    test_tpm_sized(&area, policy);
    assert_ok(buffer_append_u16(&area, symmetric));
    if (symmetric != 0x0010) assert_ok(buffer_append_u32(&area, 128 << 16 | 0x0043)); /* bits, mode */
    assert_ok(buffer_append_u16(&area, scheme));
    if (scheme != 0x0010 && scheme != 0x0015) assert_ok(buffer_append_u16(&area, 0x000b));
    if (scheme == 0x001a) assert_ok(buffer_append_u16(&area, 1));
    assert_ok(buffer_append_u16(&area, 2048));
    assert_ok(buffer_append_u32(&area, 0));
    test_tpm_sized(&area, buffer_slice(&n));
    return area;
}

static void test_schemes_and_symmetric_algorithms_are_passed_over(void **)
{
    static const struct {
        uint16_t symmetric, scheme;
    } forms[] = {{0x0010, 0x0010}, {0x0006, 0x0010}, {0x0010, 0x0015},
                 {0x0010, 0x0017}, {0x0010, 0x001a}, {0x0006, 0x0016}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        CLEANUP(buffer_done)
        struct buffer area = area_of(forms[i].symmetric, forms[i].scheme, SLICE_LITERAL("a policy"));
        CLEANUP(tpm_certified_done) struct tpm_certified certified = {};
        assert_ok(verify(&(struct scene){.area = buffer_slice(&area)}, NULL, &certified));
        assert_true(key_equal(certified.key, rsa));
        assert_int_equal(certified.attributes, 0x00030000);
        assert_slice_equal(slice_of(certified.policy, certified.policy_size), SLICE_LITERAL("a policy"));
    }
}

static void test_every_shorter_area_is_refused(void **)
{
    CLEANUP(buffer_done) struct buffer area = area_of(0x0006, 0x001a, SLICE_LITERAL("p"));
    for (size_t cut = 1; cut <= area.size; cut++) {
        struct tpm_certified certified;
        struct refusal why = {};
        const enum status status = verify(&(struct scene){.area = buffer_slice(&area), .cut = cut}, &why, &certified);
        assert_status(status, ERR_TPM_MALFORMED);
        assert_int_equal(strncmp(why.field, "public", 6), 0);
    }
}

static void another_magic(struct buffer *attest)
{
    attest->bytes[0] = 0;
}

static void a_quote(struct buffer *attest)
{
    attest->bytes[5] = 0x18;
}

static void another_name(struct buffer *attest)
{
    attest->bytes[attest->size - 37] ^= 1;
}

static void no_name(struct buffer *attest)
{
    attest->bytes[attest->size - 36 - 33] = 0x04; /* by SHA-1 */
}

static void no_qualified_name(struct buffer *attest)
{
    attest->bytes[attest->size - 33] = 0x04;
}

static void longer(struct buffer *attest)
{
    assert_ok(buffer_append_u8(attest, 0));
}

static void far_longer(struct buffer *attest)
{
    uint8_t *at;
    attest->maximum = 4096;
    assert_ok(buffer_extend(attest, 1024, &at));
}

static void test_attestations_that_are_none(void **)
{
    refused(WITH(.change = another_magic), ERR_TPM_MALFORMED, "attest.magic");
    refused(WITH(.change = a_quote), ERR_TPM_MALFORMED, "attest.type");
    refused(WITH(.change = another_name), ERR_TPM_KEY, "certification.name");
    refused(WITH(.change = no_name), ERR_TPM_MALFORMED, "attest.certify.name");
    refused(WITH(.change = no_qualified_name), ERR_TPM_MALFORMED, "attest.certify.qualifiedName");
    refused(WITH(.change = longer), ERR_TRAILING_BYTES, "attest");
    refused(WITH(.change = far_longer), ERR_TOO_LARGE, "attest");
    refused(WITH(.nonce = SLICE_LITERAL("another")), ERR_TPM_NONCE, "certification.extraData");
    refused(WITH(.signer = curve), ERR_TPM_SIGNATURE, "signature");
    refused(WITH(.signer = rsa), ERR_TPM_KEY, "key");
}

static void test_areas_that_are_none(void **)
{
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(2048);
    uint8_t *at;
    assert_ok(buffer_extend(&large, 1025, &at));
    refused(WITH(.area = buffer_slice(&large)), ERR_TOO_LARGE, "public");
    refused(WITH(.public_area = {.type = 0x0008}), ERR_TPM_KEY, "public.type");
    refused(WITH(.public_area = {.name_algorithm = 0x0004}), ERR_TPM_KEY, "public.nameAlg");
    refused(WITH(.public_area = {.bits = 1024}), ERR_TPM_MALFORMED, "public.parameters.keyBits");
    refused(WITH(.key = curve, .public_area = {.curve = 5}), ERR_TPM_KEY, "public.parameters.curveID");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_each_kind),
        cmocka_unit_test(test_schemes_and_symmetric_algorithms_are_passed_over),
        cmocka_unit_test(test_every_shorter_area_is_refused),
        cmocka_unit_test(test_attestations_that_are_none),
        cmocka_unit_test(test_areas_that_are_none),
    };
    return cmocka_run_group_tests_name("evidence/tpm_certify", tests, make_keys, NULL);
}
