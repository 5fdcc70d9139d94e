/* SPDX-License-Identifier: Apache-2.0
 *
 * A simulated AMD for tests and fuzz targets: root, authority, endorsement key, revocation list and reports, each of
 * which a test can make wrong in one respect before it is signed.
 */
#pragma once

#include "amd_mint.h"

#include "evidence/amd/product.h"

#include <string.h>

enum { AMD_NOW_S = 1790000000, AMD_DAY_S = 86400, AMD_EXTENSION_MAX_COUNT = 16 };

enum amd_pki_role { AMD_PKI_ROOT, AMD_PKI_ISSUER, AMD_PKI_LEAF, AMD_PKI_ROLE_COUNT };

/* Tests that cannot even begin end at once. */
static inline void amd_must(enum status status)
{
    if (status == OK) return;
    (void)fprintf(stderr, "minting failed: %s\n", status_name(status));
    abort();
}

/* An extension of the endorsement key's certificate: 1.3.6.1.4.1.3704.1.<suffix>, or a whole OID where there is no
 * digit alone before the first dot. */
struct amd_extension {
    const char *oid;
    bool critical;
    uint8_t value[128];
    size_t size;
};
struct amd_extensions {
    struct amd_extension items[AMD_EXTENSION_MAX_COUNT];
    size_t count;
};

struct amd_authority_text {
    bool is_ca;
    int path_length;      /* -1: none */
    uint8_t usage;        /* 4 keyCertSign, 6 with cRLSign */
    const char *critical; /* OID of one more, critical extension; NULL: none */
};

/* What a test changes, and where. All-zero: nothing, a VCEK of a Milan. */
struct amd_pki_options {
    enum snp_product product;
    bool is_vlek;
    void (*certificate)(enum amd_pki_role role, struct mint_certificate *text);
    void (*authority)(enum amd_pki_role role, struct amd_authority_text *text);
    void (*leaf)(struct amd_extensions *extensions);
    void (*report)(uint8_t *report); /* before it is signed */
    void (*crl)(struct mint_crl *text);
};

struct amd_pki {
    const struct key *keys[AMD_PKI_ROLE_COUNT];     /* made once for the process, never freed */
    struct buffer certificates[AMD_PKI_ROLE_COUNT]; /* DER */
    struct buffer crl, report;
    struct slice given[AMD_PKI_ROLE_COUNT];
};

static inline void amd_pki_done(struct amd_pki *pki)
{
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) buffer_done(&pki->certificates[i]);
    buffer_done(&pki->crl);
    buffer_done(&pki->report);
}

/* Two RSA keys and one of P-384, and one of each that nobody expects. */
struct amd_keys {
    struct key *root, *issuer, *leaf, *other_rsa, *other_p384;
};
static inline const struct amd_keys *amd_keys(void)
{
    static struct amd_keys keys;
    if (keys.root != NULL) return &keys;
    amd_must(key_generate(KEY_RSA, 2048, &keys.root));
    amd_must(key_generate(KEY_RSA, 2048, &keys.issuer));
    amd_must(key_generate(KEY_RSA, 2048, &keys.other_rsa));
    amd_must(key_generate(KEY_P384, 0, &keys.leaf));
    amd_must(key_generate(KEY_P384, 0, &keys.other_p384));
    return &keys;
}

/* REPORTED_TCB of every product's report; 217 needs two bytes in DER. */
static const uint8_t amd_tcb[SNP_PRODUCT_COUNT][SNP_TCB_BYTES] = {
    [SNP_MILAN] = {4, 0, 0, 0, 0, 0, 24, 217},
    [SNP_GENOA] = {10, 0, 0, 0, 0, 0, 27, 27},
    [SNP_TURIN] = {1, 2, 3, 4, 0, 0, 0, 81},
};

/* ---- certificates ---- */

static inline void amd_add_extension(struct amd_extensions *extensions, const char *oid, struct slice value)
{
    struct amd_extension *const extension = &extensions->items[extensions->count++];
    *extension = (struct amd_extension){.oid = oid, .size = value.size};
    memcpy(extension->value, value.bytes, value.size);
}

static inline void amd_add_value(struct amd_extensions *extensions, const char *oid, unsigned tag, struct slice content)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(256);
    amd_must(mint_value(&der, tag, content));
    amd_add_extension(extensions, oid, buffer_slice(&der));
}

static inline void amd_add_number(struct amd_extensions *extensions, const char *oid, uint64_t number)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(16);
    amd_must(der_append_number(&der, DER_INTEGER, number));
    amd_add_extension(extensions, oid, buffer_slice(&der));
}

static inline struct amd_extension *amd_find_extension(struct amd_extensions *extensions, const char *oid)
{
    for (size_t i = 0; i < extensions->count; i++) {
        if (strcmp(extensions->items[i].oid, oid) == 0) return &extensions->items[i];
    }
    abort();
}

static inline void amd_drop_extension(struct amd_extensions *extensions, const char *oid)
{
    *amd_find_extension(extensions, oid) = extensions->items[extensions->count - 1];
    extensions->count--;
}

/* The chip's id: 0x11 throughout. */
static inline struct slice amd_chip_id(enum snp_product product)
{
    static uint8_t id[SNP_CHIP_ID_BYTES];
    memset(id, 0x11, sizeof(id));
    return slice_of(id, product == SNP_TURIN ? 8 : sizeof(id));
}

static inline struct amd_extensions amd_leaf_extensions(const struct amd_pki_options *options)
{
    static const char *const first[] = {"3.1", "3.2", "3.4", "3.5", "3.6", "3.7", "3.3", "3.8"};
    static const char *const turin[] = {"3.9", "3.1", "3.2", "3.3", "3.5", "3.6", "3.7", "3.8"};
    static const char *const names[] = {"Milan-B0", "Genoa", "Turin"};
    struct amd_extensions extensions = {};
    amd_add_number(&extensions, "1", options->product == SNP_TURIN);
    amd_add_value(&extensions, "2", MINT_IA5_STRING,
                  slice_of_text(options->is_vlek ? snp_product_name(options->product) : names[options->product]));
    for (size_t i = 0; i < SNP_TCB_BYTES; i++)
        amd_add_number(&extensions, (options->product == SNP_TURIN ? turin : first)[i], amd_tcb[options->product][i]);
    if (options->is_vlek)
        amd_add_value(&extensions, "5", MINT_IA5_STRING, SLICE_LITERAL("CN=cloud.example"));
    else
        amd_add_extension(&extensions, "4", amd_chip_id(options->product));
    if (options->leaf != NULL) options->leaf(&extensions);
    return extensions;
}

static inline void amd_write_leaf_extensions(const struct amd_pki_options *options, struct buffer *list)
{
    const struct amd_extensions extensions = amd_leaf_extensions(options);
    for (size_t i = 0; i < extensions.count; i++) {
        const struct amd_extension *const extension = &extensions.items[i];
        char oid[64];
        const bool is_whole = strlen(extension->oid) > 4;
        (void)snprintf(oid, sizeof(oid), "%s%s", is_whole ? "" : "1.3.6.1.4.1.3704.1.", extension->oid);
        amd_must(mint_extension(list, oid, extension->critical, slice_of(extension->value, extension->size)));
    }
}

static inline void amd_write_authority_extensions(const struct amd_pki_options *options, enum amd_pki_role role,
                                                  struct buffer *list)
{
    struct amd_authority_text text = {
        .is_ca = true, .path_length = role == AMD_PKI_ROOT ? -1 : 0, .usage = role == AMD_PKI_ROOT ? 6 : 4};
    if (options->authority != NULL) options->authority(role, &text);
    amd_must(mint_authority_extensions(list, text.is_ca, text.path_length, text.usage));
    if (text.critical != NULL) amd_must(mint_extension(list, text.critical, true, SLICE_LITERAL("\x05\x00")));
}

struct amd_names {
    char root[32], issuer[32], leaf[32];
};

static inline struct amd_names amd_names(const struct amd_pki_options *options)
{
    struct amd_names names;
    const char *const product = snp_product_name(options->product);
    (void)snprintf(names.root, sizeof(names.root), "Simulated ARK-%s", product);
    (void)snprintf(names.issuer, sizeof(names.issuer), "Simulated SEV-%s%s", options->is_vlek ? "VLEK-" : "", product);
    (void)snprintf(names.leaf, sizeof(names.leaf), "Simulated SEV-%s", options->is_vlek ? "VLEK" : "VCEK");
    return names;
}

static inline void amd_pki_issue(struct amd_pki *pki, enum amd_pki_role role, const struct amd_pki_options *options)
{
    const struct amd_names names = amd_names(options);
    const char *const called[] = {names.root, names.issuer, names.leaf};
    const enum amd_pki_role issuer = role == AMD_PKI_LEAF ? AMD_PKI_ISSUER : AMD_PKI_ROOT;
    CLEANUP(buffer_done) struct buffer extensions = buffer_of_maximum(MINT_MAX_BYTES);
    role == AMD_PKI_LEAF ? amd_write_leaf_extensions(options, &extensions)
                         : amd_write_authority_extensions(options, role, &extensions);
    struct mint_certificate text = {.subject = called[role],
                                    .issuer = called[issuer],
                                    .subject_key = pki->keys[role],
                                    .issuer_key = pki->keys[issuer],
                                    .serial = role == AMD_PKI_LEAF ? 0 : 0x10000 + (uint64_t)role,
                                    .not_before_s = AMD_NOW_S - 100 * AMD_DAY_S,
                                    .not_after_s = AMD_NOW_S + (300 - 100 * (int64_t)role) * AMD_DAY_S,
                                    .extensions = buffer_slice(&extensions)};
    if (options->certificate != NULL) options->certificate(role, &text);
    pki->certificates[role] = buffer_of_maximum(MINT_MAX_BYTES);
    amd_must(mint_certificate(&text, &pki->certificates[role]));
    pki->given[role] = buffer_slice(&pki->certificates[role]);
}

static inline struct buffer amd_pki_crl(const struct amd_pki *pki, const struct amd_pki_options *options)
{
    const struct amd_names names = amd_names(options);
    struct mint_crl text = {.issuer = names.root,
                            .issuer_key = pki->keys[AMD_PKI_ROOT],
                            .this_update_s = AMD_NOW_S - 10 * AMD_DAY_S,
                            .next_update_s = AMD_NOW_S + 10 * AMD_DAY_S};
    if (options->crl != NULL) options->crl(&text);
    struct buffer der = buffer_of_maximum(MINT_MAX_BYTES);
    amd_must(mint_crl(&text, &der));
    return der;
}

/* ---- reports ---- */

static inline void amd_put_u32(uint8_t *at, uint32_t number)
{
    for (size_t i = 0; i < 4; i++) at[i] = (uint8_t)(number >> 8 * i);
}

/* Version 3, every field told from the next one by its bytes. */
static inline void amd_fill_report(const struct amd_pki_options *options, uint8_t *report)
{
    static const uint8_t cpuid[SNP_PRODUCT_COUNT][3] = {{0x19, 0x01, 0x01}, {0x19, 0x11, 0x02}, {0x1a, 0x02, 0x01}};
    const struct slice chip_id = amd_chip_id(options->product);
    amd_put_u32(report, 3);
    amd_put_u32(report + 0x004, 7);
    amd_put_u32(report + 0x008, 0x3011f);
    memset(report + 0x010, 0x21, 16);
    memset(report + 0x020, 0x22, 16);
    amd_put_u32(report + 0x030, 2);
    amd_put_u32(report + 0x034, 1);
    memcpy(report + 0x038, amd_tcb[options->product], SNP_TCB_BYTES);
    report[0x03f] = 218; /* CURRENT_TCB: what runs is newer than what the key is for */
    report[0x040] = 0x25;
    report[0x048] = options->is_vlek ? 4 : 0;
    memset(report + 0x050, 0x23, 64);
    memset(report + 0x090, 0x24, 48);
    memset(report + 0x0c0, 0x25, 32);
    memset(report + 0x0e0, 0x26, 48);
    memset(report + 0x110, 0x27, 48);
    memset(report + 0x140, 0x28, 32);
    memset(report + 0x160, 0xff, 32);
    memcpy(report + 0x180, amd_tcb[options->product], SNP_TCB_BYTES);
    memcpy(report + 0x188, cpuid[options->product], 3);
    if (!options->is_vlek) memcpy(report + 0x1a0, chip_id.bytes, chip_id.size);
    memcpy(report + 0x1e0, amd_tcb[options->product], SNP_TCB_BYTES);
    memcpy(report + 0x1e8, "\x1d\x37\x01\x00\x1c\x36\x01", 7);
    memcpy(report + 0x1f0, amd_tcb[options->product], SNP_TCB_BYTES);
}

/* Signs the first part of a report and puts the signature behind it. */
static inline void amd_sign_report(const struct key *key, uint8_t report[static SNP_REPORT_BYTES])
{
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(P384_SIGNATURE_BYTES);
    amd_must(key_sign_with(key, HASH_SHA384, KEY_PKCS1, slice_of(report, SNP_SIGNED_BYTES), &signature));
    for (size_t i = 0; i < P384_COORDINATE_BYTES; i++) {
        report[SNP_SIGNED_BYTES + i] = signature.bytes[P384_COORDINATE_BYTES - 1 - i];
        report[SNP_SIGNED_BYTES + 72 + i] = signature.bytes[P384_SIGNATURE_BYTES - 1 - i];
    }
}

static inline struct buffer amd_pki_report(const struct amd_pki *pki, const struct amd_pki_options *options)
{
    struct buffer report = buffer_of_maximum(SNP_REPORT_BYTES);
    uint8_t *bytes;
    amd_must(buffer_extend(&report, SNP_REPORT_BYTES, &bytes));
    amd_fill_report(options, bytes);
    if (options->report != NULL) options->report(bytes);
    amd_sign_report(pki->keys[AMD_PKI_LEAF], bytes);
    return report;
}

/* ---- the whole ---- */

static inline struct amd_pki amd_pki_make(const struct amd_pki_options *options)
{
    static const struct amd_pki_options nothing = {};
    if (options == NULL) options = &nothing;
    struct amd_pki pki = {.keys = {amd_keys()->root, amd_keys()->issuer, amd_keys()->leaf}};
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) amd_pki_issue(&pki, (enum amd_pki_role)i, options);
    pki.crl = amd_pki_crl(&pki, options);
    pki.report = amd_pki_report(&pki, options);
    return pki;
}

/* All certificates and the list. Borrows from `pki`, which must stay where it is. */
static inline struct snp_endorsements amd_pki_endorsements(const struct amd_pki *pki)
{
    return (struct snp_endorsements){.certificates = pki->given,
                                     .certificate_count = AMD_PKI_ROLE_COUNT,
                                     .crl = buffer_slice(&pki->crl),
                                     .crl_required = true,
                                     .simulated_root = pki->keys[AMD_PKI_ROOT]};
}
