/* SPDX-License-Identifier: Apache-2.0
 *
 * A quote of a genuine TPM, as tpm2-tools wrote it.
 */
#include "test_tpm.h"
#include "vectors.h"

static struct buffer file(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "vectors/tpm/keylime-quote/%s", name);
    return read_whole(shared_path(path));
}

static void assert_hex(const json_t *object, const char *name, struct slice seen)
{
    CLEANUP(buffer_done) struct buffer expected = vector_bytes(object, name);
    assert_slice_equal(seen, buffer_slice(&expected));
}

static void assert_fields(const struct tpm_claims *claims)
{
    CLEANUP(json_done) json_t *expected = vectors_load("vectors/tpm/keylime-quote/expected.json");
    const json_t *const attest = json_object_get(expected, "tpms_attest");
    assert_hex(attest, "qualifiedSigner", slice_of(claims->qualified_signer, claims->qualified_signer_size));
    assert_hex(attest, "extraData", slice_of(claims->extra_data, claims->extra_data_size));
    assert_hex(attest, "pcrDigest", slice_of(claims->pcr_digest, claims->pcr_digest_size));
    assert_int_equal(claims->clock_ms, json_integer_value(json_object_get(attest, "clock")));
    assert_int_equal(claims->reset_count, json_integer_value(json_object_get(attest, "resetCount")));
    assert_int_equal(claims->restart_count, json_integer_value(json_object_get(attest, "restartCount")));
    assert_int_equal(claims->is_clock_safe, json_integer_value(json_object_get(attest, "safe")));
    assert_int_equal(claims->firmware_version, 0x2016051100162800);
    assert_int_equal(claims->bank, TPM_HASH_SHA256);
    assert_int_equal(claims->selection, 1 << 15 | 1 << 16 | 1 << 22);
    assert_int_equal(claims->pcrs.known, claims->selection);
}

static void test_a_genuine_quote_with_its_pcrs_and_public_area(void **)
{
    CLEANUP(buffer_done) struct buffer quote = file("quote.out"), signature = file("quotesig.out");
    CLEANUP(buffer_done) struct buffer pcr_file = file("quotepcr.out"), area = file("ak.pub");
    CLEANUP(buffer_done) struct buffer pem = file("akpub.pem"), name = file("ak.name"), nonce = {};
    CLEANUP(key_cleanup) struct key *key = NULL, *from_area = NULL;
    struct tpm_pcrs pcrs;
    struct tpm_claims claims;
    struct refusal why = {};
    assert_ok(key_from_public_pem(buffer_slice(&pem), &key));
    assert_ok(tpm_public_key(buffer_slice(&area), NULL, &from_area));
    assert_true(key_equal(key, from_area));
    assert_ok(tpm_pcrs_read_quoted(buffer_slice(&pcr_file), buffer_slice(&quote), NULL, &pcrs));
    nonce = bytes_of_hex("db1db298db6d60e6385b7231743e9c3056a18003");
    struct tpm_quote evidence = {.attest = buffer_slice(&quote),
                                 .signature = buffer_slice(&signature),
                                 .key = key,
                                 .key_public = buffer_slice(&area),
                                 .pcrs = &pcrs,
                                 .nonce = buffer_slice(&nonce),
                                 .required_selection = 1 << 15 | 1 << 22};
    assert_ok(tpm_quote_verify(&evidence, &why, &claims));
    assert_fields(&claims);
    assert_true(claims.is_key_restricted);
    assert_slice_equal(slice_of(claims.key_name, claims.key_name_size), buffer_slice(&name));
    for (size_t i = 0; i < quote.size; i++) {
        quote.bytes[i] ^= 1;
        assert_true(tpm_quote_verify(&evidence, &why, &claims) != OK);
        quote.bytes[i] ^= 1;
    }
}

static void test_a_genuine_endorsement_key_is_no_attestation_key(void **)
{
    CLEANUP(buffer_done) struct buffer area = file("ek.pub");
    struct key *key = NULL;
    struct refusal why = {};
    assert_refused(tpm_public_key(buffer_slice(&area), &why, &key), ERR_TPM_KEY, &why,
                   "public.objectAttributes.decrypt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_genuine_quote_with_its_pcrs_and_public_area),
        cmocka_unit_test(test_a_genuine_endorsement_key_is_no_attestation_key),
    };
    return cmocka_run_group_tests_name("evidence/tpm_vectors", tests, NULL, NULL);
}
