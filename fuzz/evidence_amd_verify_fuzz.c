/* SPDX-License-Identifier: Apache-2.0
 * Hits snp_report_verify behind its signatures, with a simulated AMD of this run. The first byte says what the rest is:
 * 0 and 1 the signed part of a report, which the VCEK or the VLEK signs; 2 and 3 the extensions of a VCEK's or VLEK's
 * certificate, which its authority signs; 4 to 6 a certificate as it is given (ARK, ASK, VCEK); 7 a revocation list;
 * 8 a whole report. */
#include "../tests/support/amd_pki.h"

#include "crypto/x509.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = CRL_MAX_BYTES;

/* Signatures have a stand-in (--wrap in meson.build), as in quick_signatures.h: a digest over scheme and message, as
 * long as a signature. Everything in this target is signed by it, whoever signs: which key does is for unit tests. */
/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
enum status __wrap_key_sign_with(const struct key *key, enum hash hash, enum key_padding padding, struct slice message,
                                 struct buffer *signature);
enum status __wrap_key_verify_with(const struct key *key, enum hash hash, enum key_padding padding,
                                   struct slice message, struct slice signature);
/* NOLINTEND(bugprone-reserved-identifier) */

enum status __wrap_key_sign_with(const struct key *key, enum hash hash, enum key_padding padding, struct slice message,
                                 struct buffer *signature)
{
    uint8_t digest[SHA256_BYTES];
    const uint8_t scheme[] = {(uint8_t)hash, (uint8_t)padding, (uint8_t)key_kind(key)};
    const struct slice parts[] = {SLICE_ARRAY(scheme), message};
    TRY(sha256_parts(parts, 2, digest));
    const size_t copies = (key_kind(key) == KEY_RSA ? RSA_MIN_BITS / 8 : P384_SIGNATURE_BYTES) / sizeof(digest);
    for (size_t i = 0; i < copies; i++) TRY(buffer_append(signature, SLICE_ARRAY(digest)));
    return OK;
}

enum status __wrap_key_verify_with(const struct key *key, enum hash hash, enum key_padding padding,
                                   struct slice message, struct slice signature)
{
    CLEANUP(buffer_done) struct buffer expected = buffer_of_maximum(RSA_MAX_BYTES);
    TRY(__wrap_key_sign_with(key, hash, padding, message, &expected));
    return slice_equal(signature, buffer_slice(&expected)) ? OK : ERR_SIGNATURE;
}

static struct amd_pki good[2]; /* a VCEK's and a VLEK's */
static struct snp_cache *cache;

static void verify(const struct snp_endorsements *endorsements, struct slice report)
{
    struct refusal why = {};
    struct snp_claims claims;
    const enum status status = snp_report_verify(report, endorsements, AMD_NOW_S, cache, &why, &claims);
    if (status != OK) {
        if (why.status != status || why.field[0] == '\0' || why.expected[0] == '\0') abort();
        return;
    }
    if (!claims.simulated || !claims.crl_checked || claims.expires_s <= AMD_NOW_S) abort();
    if (claims.is_vlek != (claims.csp_id[0] != '\0')) abort();
    if (!claims.is_vlek && slice_is_zero(SLICE_ARRAY(claims.chip_id))) abort();
}

static void set_up(void)
{
    for (size_t i = 0; i < 2; i++) {
        good[i] = amd_pki_make(&(struct amd_pki_options){.is_vlek = i == 1});
        const struct snp_endorsements endorsements = amd_pki_endorsements(&good[i]);
        struct snp_claims claims;
        must(snp_report_verify(buffer_slice(&good[i].report), &endorsements, AMD_NOW_S, NULL, NULL, &claims));
    }
    must(snp_cache_new(16, &cache));
}

static void verify_signed(const struct amd_pki *pki, struct slice part)
{
    uint8_t report[SNP_REPORT_BYTES];
    memcpy(report, pki->report.bytes, sizeof(report));
    if (part.size > 0) memcpy(report, part.bytes, part.size < SNP_SIGNED_BYTES ? part.size : SNP_SIGNED_BYTES);
    amd_sign_report(pki->keys[AMD_PKI_LEAF], report);
    const struct snp_endorsements endorsements = amd_pki_endorsements(pki);
    verify(&endorsements, SLICE_ARRAY(report));
}

static void verify_with(const struct amd_pki *pki, enum amd_pki_role role, struct slice certificate)
{
    struct slice given[AMD_PKI_ROLE_COUNT] = {pki->given[0], pki->given[1], pki->given[2]};
    struct snp_endorsements endorsements = amd_pki_endorsements(pki);
    given[role] = certificate;
    endorsements.certificates = given;
    verify(&endorsements, buffer_slice(&pki->report));
}

static void verify_extensions(bool is_vlek, struct slice extensions)
{
    const struct amd_pki_options options = {.is_vlek = is_vlek};
    const struct amd_names names = amd_names(&options);
    const struct amd_pki *const pki = &good[is_vlek];
    const struct mint_certificate text = {.subject = names.leaf,
                                          .issuer = names.issuer,
                                          .subject_key = pki->keys[AMD_PKI_LEAF],
                                          .issuer_key = pki->keys[AMD_PKI_ISSUER],
                                          .not_before_s = AMD_NOW_S - AMD_DAY_S,
                                          .not_after_s = AMD_NOW_S + AMD_DAY_S,
                                          .extensions = extensions};
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(MINT_MAX_BYTES);
    if (mint_certificate(&text, &der) == OK) verify_with(pki, AMD_PKI_LEAF, buffer_slice(&der));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (cache == NULL) set_up();
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    struct snp_endorsements endorsements = amd_pki_endorsements(&good[0]);
    const unsigned what = bytes[0] % 9;
    switch (what) {
    case 0:
    case 1: verify_signed(&good[what], rest); break;
    case 2:
    case 3: verify_extensions(what == 3, rest); break;
    case 4:
    case 5:
    case 6: verify_with(&good[0], (enum amd_pki_role)(what - 4), rest); break;
    case 7:
        endorsements.crl = rest;
        verify(&endorsements, buffer_slice(&good[0].report));
        break;
    default: verify(&endorsements, rest);
    }
    return 0;
}
