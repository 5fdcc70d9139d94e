/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains apart from quotes and collateral: roots, names, and what certificates are put together from.
 */
#include "evidence/intel/chain.h"

#include "test_pki.h"

/* Intel SGX Root CA's public key, as published. */
static const uint8_t intel_point[P256_POINT_BYTES] = {
    0x0b, 0xa9, 0xc4, 0xc0, 0xc0, 0xc8, 0x61, 0x93, 0xa3, 0xfe, 0x23, 0xd6, 0xb0, 0x2c, 0xda, 0x10,
    0xa8, 0xbb, 0xd4, 0xe8, 0x8e, 0x48, 0xb4, 0x45, 0x85, 0x61, 0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5,
    0x67, 0x91, 0x8e, 0x2e, 0xdc, 0x88, 0xe4, 0x0d, 0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac,
    0xc9, 0x88, 0xe5, 0x05, 0xa9, 0x53, 0x55, 0x8c, 0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94,
};

/* ---- roots ---- */

static struct anchor anchor_of(const uint8_t *point, const struct key *key, bool is_simulated)
{
    struct anchor anchor = {.key = key, .is_simulated = is_simulated};
    memcpy(anchor.point, point, sizeof(anchor.point));
    return anchor;
}

static void test_intels_root_is_accepted_unless_only_simulation_is(void **)
{
    const struct trust_roots none = {}, simulated_only = {.simulated_only = true};
    const struct anchor genuine = anchor_of(intel_point, NULL, false), claimed = anchor_of(intel_point, NULL, true);
    assert_true(anchor_is_accepted(&genuine, NULL));
    assert_true(anchor_is_accepted(&genuine, &none));
    assert_false(anchor_is_accepted(&genuine, &simulated_only));
    assert_false(anchor_is_accepted(&claimed, NULL));
    assert_false(anchor_is_accepted(&claimed, &none));
}

static void test_another_root_is_accepted_if_it_is_simulated_and_named(void **)
{
    CLEANUP(key_cleanup) struct key *named = NULL;
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &named));
    assert_ok(key_generate(KEY_P256, 0, &other));
    const struct key **const list = malloc(sizeof(*list)); /* as long as it is said to be, for the sanitizers */
    list[0] = named;
    const struct trust_roots roots = {.simulated = list, .simulated_count = 1}, none = {.simulated = list};
    static const uint8_t point[P256_POINT_BYTES] = {1};
    const struct anchor good = anchor_of(point, named, true), foreign = anchor_of(point, other, true);
    const struct anchor plain = anchor_of(point, named, false);
    assert_true(anchor_is_accepted(&good, &roots));
    assert_false(anchor_is_accepted(&good, &none));
    assert_false(anchor_is_accepted(&good, NULL));
    assert_false(anchor_is_accepted(&foreign, &roots));
    assert_false(anchor_is_accepted(&plain, &roots));
    free(list);
}

static void test_roots_are_one_by_key_and_by_kind(void **)
{
    static const uint8_t point[P256_POINT_BYTES] = {1}, other[P256_POINT_BYTES] = {2};
    const struct anchor a = anchor_of(point, NULL, true), b = anchor_of(other, NULL, true);
    const struct anchor genuine = anchor_of(point, NULL, false);
    assert_true(anchor_equal(&a, &a));
    assert_false(anchor_equal(&a, &b));
    assert_false(anchor_equal(&a, &genuine));
}

/* ---- names ---- */

static void test_the_kind_of_a_ca_is_in_its_name(void **)
{
    assert_string_equal(pck_ca_kind(SLICE_LITERAL("Intel SGX PCK Processor CA")), "processor");
    assert_string_equal(pck_ca_kind(SLICE_LITERAL("Simulated SGX PCK Processor CA")), "processor");
    assert_string_equal(pck_ca_kind(SLICE_LITERAL("Intel SGX PCK Platform CA")), "platform");
    assert_string_equal(pck_ca_kind(SLICE_LITERAL("Simulated SGX PCK Platform CA")), "platform");
    assert_null(pck_ca_kind(SLICE_LITERAL("Intel SGX TCB Signing")));
    assert_null(pck_ca_kind(SLICE_LITERAL("Intel SGX PCK Platform CA ")));
}

/* ---- signer and root ---- */

static enum status verify_issuers(struct test_pki *pki, struct slice pem, struct refusal *why)
{
    struct issuer_chain chain = {};
    const enum status status = issuer_chain_verify(pem, ROLE_PCK_CA, "chain", NULL, pki_roots(pki), why, &chain);
    issuer_chain_done(&chain);
    return status;
}

static void assert_issuers_refused(struct test_pki *pki, struct slice pem, enum status expected, const char *field,
                                   const char *seen)
{
    struct refusal why = {};
    assert_status(verify_issuers(pki, pem, &why), expected);
    assert_string_equal(why.field, field);
    assert_string_equal(why.seen, seen);
}

static void assert_roles_refused(struct test_pki *pki, const enum pki_role *roles, size_t count, const char *field,
                                 const char *seen)
{
    CLEANUP(buffer_done) struct buffer pem = pki_pem(pki, roles, count);
    assert_issuers_refused(pki, buffer_slice(&pem), ERR_CHAIN, field, seen);
}

static void test_an_issuer_chain_is_a_signer_and_its_root(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer turned = pki_pem(&pki, (const enum pki_role[]){PKI_ROOT, PKI_CA}, 2);
    assert_ok(verify_issuers(&pki, buffer_slice(&pki.ca_chain), NULL));
    assert_ok(verify_issuers(&pki, buffer_slice(&turned), NULL));
    assert_issuers_refused(&pki, SLICE_LITERAL("none"), ERR_CERTIFICATE_MALFORMED, "chain",
                           status_text(ERR_CERTIFICATE_MALFORMED));
    assert_roles_refused(&pki, (const enum pki_role[]){PKI_ROOT}, 1, "chain.count", "1");
    assert_roles_refused(&pki, (const enum pki_role[]){PKI_CA, PKI_ROOT, PKI_ROOT}, 3, "chain.count", "3");
    assert_roles_refused(&pki, (const enum pki_role[]){PKI_ROOT, PKI_ROOT}, 2, "chain.issuer",
                         "another order of names");
    assert_roles_refused(&pki, (const enum pki_role[]){PKI_CA, PKI_SIGNING}, 2, "chain.issuer",
                         "another order of names");
    assert_roles_refused(&pki, (const enum pki_role[]){PKI_LEAF, PKI_ROOT}, 2, "chain.issuer",
                         "another order of names");
}

static void test_a_root_that_was_altered_is_refused_although_its_key_is_known(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    struct buffer *const root = &pki.certificates[PKI_ROOT];
    root->bytes[root->size - 1] ^= 1;
    CLEANUP(buffer_done) struct buffer pem = pki_pem(&pki, (const enum pki_role[]){PKI_CA, PKI_ROOT}, 2);
    assert_issuers_refused(&pki, buffer_slice(&pem), ERR_CHAIN, "chain.root_ca.signature", "another one");
}

static void ca_named_processor(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->subject.common_name = "Simulated SGX PCK Processor CA";
}
static void root_named_otherwise(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_ROOT) text->subject.common_name = "Root";
}
static void ca_without_lists(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->usage = CERTIFICATE_USAGE_SIGN_CERTIFICATES;
}

static void assert_signer_refused(void (*change)(enum pki_role role, struct certificate_text *text), const char *field,
                                  const char *expected)
{
    const struct pki_options options = {.certificate = change};
    CLEANUP(pki_done) struct test_pki pki = pki_make(&options);
    struct refusal why = {};
    assert_status(verify_issuers(&pki, buffer_slice(&pki.ca_chain), &why), ERR_CHAIN);
    assert_string_equal(why.field, field);
    assert_string_equal(why.expected, expected);
}

static void test_signers_have_their_name_and_both_usages(void **)
{
    const struct pki_options processor = {.certificate = ca_named_processor};
    CLEANUP(pki_done) struct test_pki pki = pki_make(&processor);
    assert_ok(verify_issuers(&pki, buffer_slice(&pki.ca_chain), NULL));
    assert_signer_refused(root_named_otherwise, "chain.root_ca.subject.commonName", "Simulated SGX Root CA");
    assert_signer_refused(ca_without_lists, "chain.signer.keyUsage", "keyCertSign and cRLSign");
}

static struct key *other_key;

static void ca_with_another_kind_of_key(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->subject_key = other_key;
}

static void test_keys_are_on_p256(void **)
{
    assert_ok(key_generate(KEY_RSA, 2048, &other_key));
    assert_signer_refused(ca_with_another_kind_of_key, "chain.signer.subjectPublicKeyInfo", "a P-256 key");
    key_free(other_key);
}

/* The root's key is no P-256 key, yet it is the one that is named: roots are told apart by such keys alone. */
static void test_a_root_with_another_kind_of_key_is_refused(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_RSA, 2048, &key));
    const struct certificate_text text = {.subject = {.common_name = "Simulated SGX Root CA"},
                                          .subject_key = key,
                                          .issuer_key = key,
                                          .not_before_s = PKI_NOW_S,
                                          .not_after_s = PKI_NOW_S + PKI_DAY_S,
                                          .is_ca = true,
                                          .path_length = CERTIFICATE_NO_PATH_LIMIT,
                                          .usage = CERTIFICATE_USAGE_SIGN_CERTIFICATES | CERTIFICATE_USAGE_SIGN_CRLS};
    CLEANUP(buffer_done) struct buffer root = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_issue(&text, &root));
    assert_ok(certificate_from_der(buffer_slice(&root), &certificate));
    struct certificate_text signer = text;
    signer.subject.common_name = "Simulated SGX PCK Platform CA";
    signer.issuer_name = certificate_subject_der(certificate);
    CLEANUP(buffer_done) struct buffer ca = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    assert_ok(certificate_issue(&signer, &ca));
    assert_ok(certificate_pem(buffer_slice(&ca), &pem));
    assert_ok(certificate_pem(buffer_slice(&root), &pem));
    const struct key *const named = key;
    const struct trust_roots roots = {.simulated = &named, .simulated_count = 1};
    struct issuer_chain chain = {};
    struct refusal why = {};
    assert_status(issuer_chain_verify(buffer_slice(&pem), ROLE_PCK_CA, "chain", NULL, &roots, &why, &chain), ERR_CHAIN);
    assert_string_equal(why.field, "chain.root_ca.subjectPublicKeyInfo");
    assert_string_equal(why.expected, "a P-256 key");
}

/* ---- the chain of a PCK certificate ---- */

static void assert_read(struct slice all, struct slice leaf, enum status expected, const char *field, const char *seen)
{
    const struct pck_source source = {.all = all, .leaf = leaf, .part = "pck_chain"};
    struct refusal why = {};
    struct pck pck = {};
    const char *kind = NULL;
    assert_status(pck_chain_read(&source, &why, &pck, &kind), expected);
    assert_string_equal(why.field, field);
    assert_string_equal(why.seen, seen);
}

static void test_what_a_chain_says_is_read_without_trusting_it(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done)
    struct buffer pem = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    buffer_truncate(&pem, pem.size - 1);
    const struct pck_source without_line_feed = {.all = buffer_slice(&pem), .part = "pck_chain"};
    assert_ok(pck_chain_read(&without_line_feed, NULL, &(struct pck){}, &(const char *){NULL}));
    assert_ok(buffer_append_u8(&pem, '\n'));
    assert_ok(buffer_append_u8(&pem, 0)); /* as most quotes have it */
    const struct pck_source source = {.all = buffer_slice(&pem), .part = "pck_chain"};
    struct pck pck = {};
    const char *kind = NULL;
    assert_ok(pck_chain_read(&source, NULL, &pck, &kind));
    assert_string_equal(kind, "platform");
    assert_int_equal(pck.fmspc[5], 7);
    assert_read(SLICE_LITERAL("none"), (struct slice){}, ERR_CERTIFICATE_MALFORMED, "pck_chain",
                status_text(ERR_CERTIFICATE_MALFORMED));
    assert_read((struct slice){}, (struct slice){}, ERR_CERTIFICATE_MALFORMED, "pck_chain",
                status_text(ERR_CERTIFICATE_MALFORMED));
}

static void test_a_chain_has_a_maximum(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES + 1);
    CLEANUP(buffer_done)
    struct buffer pem = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    assert_ok(buffer_append(&text, buffer_slice(&pem)));
    while (text.size < CERTIFICATE_PEM_MAX_BYTES) assert_ok(buffer_append_u8(&text, '\n'));
    const struct pck_source source = {.all = buffer_slice(&text), .part = "pck_chain"};
    struct pck pck = {};
    const char *kind = NULL;
    assert_ok(pck_chain_read(&source, NULL, &pck, &kind));
    assert_ok(buffer_append_u8(&text, '\n'));
    assert_read(buffer_slice(&text), (struct slice){}, ERR_TOO_LARGE, "pck_chain", status_text(ERR_TOO_LARGE));
}

static void test_a_certificate_larger_than_its_maximum_is_told_as_that(void **)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES + 64);
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    uint8_t *bytes;
    assert_ok(buffer_extend(&der, CERTIFICATE_MAX_BYTES + 64, &bytes));
    assert_ok(certificate_pem(buffer_slice(&der), &pem));
    assert_read(buffer_slice(&pem), (struct slice){}, ERR_TOO_LARGE, "pck_chain", status_text(ERR_TOO_LARGE));
}

/* A CA that issued the certificate, but was not issued by the root that stands beside it. */
static void test_a_root_beside_another_ones_ca_is_refused(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    const struct pki_options options = {.certificate = root_named_otherwise};
    CLEANUP(pki_done) struct test_pki other = pki_make(&options);
    CLEANUP(buffer_done) struct buffer pem = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA}, 2);
    assert_ok(certificate_pem(buffer_slice(&other.certificates[PKI_ROOT]), &pem));
    assert_read(buffer_slice(&pem), (struct slice){}, ERR_CHAIN, "pck_chain.issuer", "other names");
}

static void ca_named_otherwise(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->subject.common_name = "Another CA";
}
static void leaf_without_extension(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_LEAF) text->extension_count = 0;
}

static void assert_changed_chain_read(void (*change)(enum pki_role role, struct certificate_text *text),
                                      enum status expected, const char *field, const char *seen)
{
    const struct pki_options options = {.certificate = change};
    CLEANUP(pki_done) struct test_pki pki = pki_make(&options);
    CLEANUP(buffer_done)
    struct buffer pem = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    assert_read(buffer_slice(&pem), (struct slice){}, expected, field, seen);
}

static void test_a_chain_that_tells_no_kind_or_no_platform_is_refused(void **)
{
    assert_changed_chain_read(ca_named_otherwise, ERR_CHAIN, "pck_ca.subject.commonName", "Another CA");
    assert_changed_chain_read(leaf_without_extension, ERR_CERTIFICATE_MALFORMED, "pck_certificate.sgx_extension",
                              "none");
}

/* ---- the PCK certificate apart from its issuers ---- */

static enum status verify_apart(struct test_pki *pki, struct slice leaf, struct slice all, struct refusal *why)
{
    const struct pck_source source = {.all = all, .leaf = leaf, .part = "pck_chain"};
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    struct issuer_chain known = {};
    assert_ok(
        issuer_chain_verify(buffer_slice(&pki->ca_chain), ROLE_PCK_CA, "known", NULL, pki_roots(pki), NULL, &known));
    const enum status status = pck_chain_verify(&source, &known, pki_roots(pki), why, &chain);
    if (status == OK) assert_slice_equal(certificate_der(chain->leaf), buffer_slice(&pki->certificates[PKI_LEAF]));
    issuer_chain_done(&known);
    return status;
}

static void assert_apart_refused(struct test_pki *pki, struct slice leaf, struct slice all, enum status expected,
                                 const char *field)
{
    struct refusal why = {};
    assert_status(verify_apart(pki, leaf, all, &why), expected);
    assert_string_equal(why.field, field);
}

static void test_issuers_stand_beside_a_certificate_or_are_known(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer leaf = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF}, 1);
    CLEANUP(buffer_done)
    struct buffer all = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    assert_ok(verify_apart(&pki, buffer_slice(&leaf), (struct slice){}, NULL));
    assert_ok(verify_apart(&pki, buffer_slice(&leaf), buffer_slice(&pki.ca_chain), NULL));
    assert_ok(verify_apart(&pki, buffer_slice(&leaf), buffer_slice(&all), NULL));
    assert_apart_refused(&pki, buffer_slice(&all), (struct slice){}, ERR_CHAIN, "certification_data.count");
    assert_apart_refused(&pki, SLICE_LITERAL("none"), (struct slice){}, ERR_CERTIFICATE_MALFORMED,
                         "certification_data");
    assert_apart_refused(&pki, buffer_slice(&leaf), SLICE_LITERAL("n"), ERR_CERTIFICATE_MALFORMED, "pck_chain");
}

/* The chain beside the quote is a good one, but not of the certificate that the quote holds. */
static void test_another_certificates_chain_is_refused(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer ca = pki_pem(&pki, (const enum pki_role[]){PKI_CA}, 1);
    CLEANUP(buffer_done) struct buffer rest = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_ROOT}, 2);
    assert_apart_refused(&pki, buffer_slice(&ca), buffer_slice(&rest), ERR_CHAIN, "pck_chain.issuer");
}

static void assert_leaf_read(struct slice leaf, enum status expected, const char *field)
{
    const struct pck_source source = {.leaf = leaf, .part = "pck_chain"};
    struct refusal why = {};
    struct pck pck = {};
    const char *kind = NULL;
    assert_status(pck_leaf_read(&source, &why, &pck, &kind), expected);
    assert_string_equal(why.field, field);
}

static void test_a_certificate_alone_tells_platform_and_kind(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer leaf = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF}, 1);
    CLEANUP(buffer_done) struct buffer ca = pki_pem(&pki, (const enum pki_role[]){PKI_CA}, 1);
    const struct pck_source source = {.leaf = buffer_slice(&leaf), .part = "pck_chain"};
    struct pck pck = {};
    const char *kind = NULL;
    assert_ok(pck_leaf_read(&source, NULL, &pck, &kind));
    assert_string_equal(kind, "platform");
    assert_int_equal(pck.fmspc[5], 7);
    assert_leaf_read(SLICE_LITERAL("none"), ERR_CERTIFICATE_MALFORMED, "certification_data");
    assert_leaf_read(buffer_slice(&ca), ERR_CERTIFICATE_MALFORMED, "pck_certificate.sgx_extension");
    const struct pki_options options = {.certificate = ca_named_otherwise};
    CLEANUP(pki_done) struct test_pki other = pki_make(&options);
    CLEANUP(buffer_done) struct buffer strange = pki_pem(&other, (const enum pki_role[]){PKI_LEAF}, 1);
    assert_leaf_read(buffer_slice(&strange), ERR_CHAIN, "pck_ca.subject.commonName");
}

/* ---- chains that are verified without a known one ---- */

static void assert_whole_refused(struct test_pki *pki, struct test_pki *known_pki, const char *field)
{
    CLEANUP(buffer_done)
    struct buffer all = pki_pem(pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    const struct pck_source source = {.all = buffer_slice(&all), .part = "pck_chain"};
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    struct issuer_chain known = {};
    if (known_pki != NULL)
        assert_ok(issuer_chain_verify(buffer_slice(&known_pki->ca_chain), ROLE_PCK_CA, "known", NULL,
                                      pki_roots(known_pki), NULL, &known));
    struct refusal why = {};
    assert_status(pck_chain_verify(&source, known_pki != NULL ? &known : NULL,
                                   pki_roots(known_pki != NULL ? known_pki : pki), &why, &chain),
                  ERR_CHAIN);
    assert_string_equal(why.field, field);
    issuer_chain_done(&known);
}

static void flip_signature(struct test_pki *pki, enum pki_role role)
{
    struct buffer *const certificate = &pki->certificates[role];
    certificate->bytes[certificate->size - 1] ^= 1;
}

static void test_every_signature_of_an_unknown_chain_counts(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(pki_done) struct test_pki other = pki_make(NULL);
    assert_whole_refused(&other, &pki, "root_ca.subjectPublicKeyInfo");
    flip_signature(&pki, PKI_CA);
    assert_whole_refused(&pki, NULL, "pck_ca.signature");
    flip_signature(&pki, PKI_CA);
    flip_signature(&pki, PKI_ROOT);
    assert_whole_refused(&pki, &pki, "root_ca.signature"); /* the CA is known, but not with this root */
    flip_signature(&pki, PKI_ROOT);
    flip_signature(&pki, PKI_LEAF);
    assert_whole_refused(&pki, &pki, "pck_certificate.signature");
}

/* ---- issuer chains beside a known one ---- */

static void assert_issuers_beside_refused(struct test_pki *pki, const struct issuer_chain *known, const char *field)
{
    CLEANUP(buffer_done) struct buffer pem = pki_pem(pki, (const enum pki_role[]){PKI_SIGNING, PKI_ROOT}, 2);
    struct issuer_chain chain = {};
    struct refusal why = {};
    assert_status(issuer_chain_verify(buffer_slice(&pem), ROLE_TCB_SIGNING, "chain", known, &pki->roots, &why, &chain),
                  ERR_CHAIN);
    assert_string_equal(why.field, field);
}

/* What is the same is taken over; what differs by a bit of a signature is verified. */
static void test_beside_a_known_chain_all_that_differs_counts(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    struct issuer_chain known = {}, same = {}, of_ca = {};
    const struct slice pem = buffer_slice(&pki.signing_chain);
    assert_ok(issuer_chain_verify(pem, ROLE_TCB_SIGNING, "chain", NULL, pki_roots(&pki), NULL, &known));
    assert_ok(issuer_chain_verify(pem, ROLE_TCB_SIGNING, "chain", &known, pki_roots(&pki), NULL, &same));
    assert_ptr_equal(same.signer, known.signer);
    assert_ptr_equal(same.root, known.root);
    assert_true(anchor_equal(&same.anchor, &known.anchor));
    const struct slice ca_pem = buffer_slice(&pki.ca_chain);
    assert_ok(issuer_chain_verify(ca_pem, ROLE_PCK_CA, "chain", &known, pki_roots(&pki), NULL, &of_ca));
    assert_ptr_equal(of_ca.root, known.root);
    flip_signature(&pki, PKI_SIGNING);
    assert_issuers_beside_refused(&pki, &known, "chain.signer.signature");
    assert_issuers_beside_refused(&pki, &of_ca, "chain.signer.signature");
    flip_signature(&pki, PKI_SIGNING);
    flip_signature(&pki, PKI_ROOT);
    assert_issuers_beside_refused(&pki, &known, "chain.root_ca.signature");
    issuer_chain_done(&of_ca);
    issuer_chain_done(&same);
    issuer_chain_done(&known);
}

/* Known under one root, it is not for that known under another of the same name, accepted too. */
static void test_a_known_signer_under_another_root_is_verified(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(pki_done) struct test_pki other = pki_make(NULL);
    struct issuer_chain known = {};
    assert_ok(issuer_chain_verify(buffer_slice(&pki.signing_chain), ROLE_TCB_SIGNING, "chain", NULL, pki_roots(&pki),
                                  NULL, &known));
    buffer_clear(&other.certificates[PKI_SIGNING]);
    assert_ok(buffer_append(&other.certificates[PKI_SIGNING], buffer_slice(&pki.certificates[PKI_SIGNING])));
    (void)pki_roots(&other);
    assert_issuers_beside_refused(&other, &known, "chain.signer.signature");
    issuer_chain_done(&known);
}

static void test_a_whole_chain_needs_no_known_one(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done)
    struct buffer all = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    const struct pck_source source = {.all = buffer_slice(&all), .part = "pck_chain"};
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    assert_ok(pck_chain_verify(&source, NULL, pki_roots(&pki), NULL, &chain));
    assert_true(chain->anchor.is_simulated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intels_root_is_accepted_unless_only_simulation_is),
        cmocka_unit_test(test_another_root_is_accepted_if_it_is_simulated_and_named),
        cmocka_unit_test(test_roots_are_one_by_key_and_by_kind),
        cmocka_unit_test(test_the_kind_of_a_ca_is_in_its_name),
        cmocka_unit_test(test_an_issuer_chain_is_a_signer_and_its_root),
        cmocka_unit_test(test_a_root_that_was_altered_is_refused_although_its_key_is_known),
        cmocka_unit_test(test_signers_have_their_name_and_both_usages),
        cmocka_unit_test(test_keys_are_on_p256),
        cmocka_unit_test(test_a_root_with_another_kind_of_key_is_refused),
        cmocka_unit_test(test_what_a_chain_says_is_read_without_trusting_it),
        cmocka_unit_test(test_a_chain_has_a_maximum),
        cmocka_unit_test(test_a_certificate_larger_than_its_maximum_is_told_as_that),
        cmocka_unit_test(test_a_root_beside_another_ones_ca_is_refused),
        cmocka_unit_test(test_a_chain_that_tells_no_kind_or_no_platform_is_refused),
        cmocka_unit_test(test_issuers_stand_beside_a_certificate_or_are_known),
        cmocka_unit_test(test_another_certificates_chain_is_refused),
        cmocka_unit_test(test_a_certificate_alone_tells_platform_and_kind),
        cmocka_unit_test(test_every_signature_of_an_unknown_chain_counts),
        cmocka_unit_test(test_beside_a_known_chain_all_that_differs_counts),
        cmocka_unit_test(test_a_known_signer_under_another_root_is_verified),
        cmocka_unit_test(test_a_whole_chain_needs_no_known_one),
    };
    return cmocka_run_group_tests_name("evidence/chain", tests, NULL, NULL);
}
