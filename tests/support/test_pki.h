/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole simulated vendor for tests: root, PCK CA, PCK certificate, TCB signing, lists, TCB info, QE identity and
 * quotes, each of which a test can make wrong in one respect before it is signed. Whoever needs only good simulated
 * evidence uses tee/simulation.
 */
#pragma once

#include "testing.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "crypto/der_write.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "evidence/intel.h"

enum { PKI_NOW_S = 1790000000, PKI_DAY_S = 86400 };

enum pki_role { PKI_ROOT, PKI_CA, PKI_LEAF, PKI_SIGNING, PKI_ROLE_COUNT };

/* What a test changes, and where. All-zero: nothing. */
struct pki_options {
    void (*certificate)(enum pki_role role, struct certificate_text *text);
    bool second_extension_element; /* FMSPC twice in Intel's extension */
    const char *fmspc, *pce_id;    /* of the TCB info; hexadecimal */
    const char *tcb_info_id, *qe_identity_id;
    const char *tcb_levels;  /* what stands in "tcbLevels" instead of the one level */
    const char *tdx_module;  /* the value of "tdxModule"; NULL: signed by zeros */
    const char *tdx_modules; /* what stands in "tdxModuleIdentities"; NULL: "TDX_01" with ISVSVN 4; "": no member */
    const char *tcb_status, *qe_status;
    const char *advisories;    /* of the TCB level: JSON strings with commas between them */
    unsigned tcb_info_days;    /* its age, instead of 5; the QE identity's is 4 */
    unsigned lowest_component; /* of the only TCB level; the platform has 4 */
    unsigned lowest_qe_svn;    /* of the only QE level; the quoting enclave has 8 */
    void (*crl)(bool is_root, struct crl_text *text);
    const struct key *signing_key; /* signs TCB info and QE identity instead of the TCB signing key */
};

struct test_pki {
    struct key *keys[PKI_ROLE_COUNT], *attestation;
    struct buffer certificates[PKI_ROLE_COUNT]; /* DER */
    struct buffer root_crl, pck_crl, tcb_info, qe_identity, signing_chain, ca_chain;
    struct trust_roots roots;
    const struct key *root;
};

static inline void pki_done(struct test_pki *pki)
{
    for (size_t i = 0; i < PKI_ROLE_COUNT; i++) {
        key_free(pki->keys[i]);
        buffer_done(&pki->certificates[i]);
    }
    key_free(pki->attestation);
    struct buffer *const buffers[] = {&pki->root_crl,    &pki->pck_crl,       &pki->tcb_info,
                                      &pki->qe_identity, &pki->signing_chain, &pki->ca_chain};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) buffer_done(buffers[i]);
}

/* Appends { OID, value } of Intel's extension, whose value is `content` under `tag`. */
static inline void pki_element(struct buffer *list, const char *suffix, enum der_tag tag, struct slice content)
{
    char oid[64];
    (void)snprintf(oid, sizeof(oid), "1.2.840.113741.1.13.1%s", suffix);
    CLEANUP(buffer_done) struct buffer pair = buffer_of_maximum(4096);
    assert_ok(der_append_oid(&pair, oid));
    assert_ok(der_append(&pair, tag, content));
    assert_ok(der_append(list, DER_SEQUENCE, buffer_slice(&pair)));
}

static inline void pki_tcb(struct buffer *list)
{
    static const uint8_t cpu_svn[16] = {};
    for (int i = 1; i <= 17; i++) {
        char suffix[8];
        const uint8_t svn = 4;
        (void)snprintf(suffix, sizeof(suffix), ".2.%d", i);
        pki_element(list, suffix, DER_INTEGER, slice_of(&svn, 1));
    }
    pki_element(list, ".2.18", DER_OCTET_STRING, SLICE_ARRAY(cpu_svn));
}

static inline struct buffer pki_sgx_extension(bool twice)
{
    CLEANUP(buffer_done) struct buffer tcb = buffer_of_maximum(4096);
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096);
    struct buffer extension = buffer_of_maximum(4096);
    static const uint8_t ppid[16] = {0x99}, scalable = 1;
    pki_tcb(&tcb);
    pki_element(&list, ".1", DER_OCTET_STRING, SLICE_ARRAY(ppid));
    pki_element(&list, ".2", DER_SEQUENCE, buffer_slice(&tcb));
    pki_element(&list, ".3", DER_OCTET_STRING, SLICE_LITERAL("\x00\x00"));
    pki_element(&list, ".4", DER_OCTET_STRING, SLICE_LITERAL("\x00\x00\x00\x00\x00\x07"));
    pki_element(&list, ".5", DER_ENUMERATED, slice_of(&scalable, 1));
    if (twice) pki_element(&list, ".4", DER_OCTET_STRING, SLICE_LITERAL("\x00\x00\x00\x00\x00\x07"));
    assert_ok(der_append(&extension, DER_SEQUENCE, buffer_slice(&list)));
    return extension;
}

static inline void pki_issue(struct test_pki *pki, enum pki_role role, const struct pki_options *options)
{
    static const char *const names[] = {"Simulated SGX Root CA", "Simulated SGX PCK Platform CA",
                                        "Simulated SGX PCK Certificate", "Simulated SGX TCB Signing"};
    const bool is_ca = role == PKI_ROOT || role == PKI_CA;
    const enum pki_role issuer = role == PKI_LEAF ? PKI_CA : PKI_ROOT;
    CLEANUP(buffer_done) struct buffer extension = pki_sgx_extension(options->second_extension_element);
    const struct extension_text sgx = {.oid = "1.2.840.113741.1.13.1", .value = buffer_slice(&extension)};
    CLEANUP(certificate_cleanup) struct certificate *issuer_certificate = NULL;
    if (role != PKI_ROOT)
        assert_ok(certificate_from_der(buffer_slice(&pki->certificates[issuer]), &issuer_certificate));
    struct certificate_text text = {
        .subject = {.organization = "Test", .common_name = names[role]},
        .subject_key = pki->keys[role],
        .issuer_name = role == PKI_ROOT ? (struct slice){} : certificate_subject_der(issuer_certificate),
        .issuer_key = pki->keys[issuer],
        .not_before_s = PKI_NOW_S - 100 * PKI_DAY_S,
        .not_after_s = PKI_NOW_S + 100 * PKI_DAY_S,
        .is_ca = is_ca,
        .path_length = role == PKI_ROOT ? 1
                       : role == PKI_CA ? 0
                                        : CERTIFICATE_NO_PATH_LIMIT,
        .usage =
            is_ca ? CERTIFICATE_USAGE_SIGN_CERTIFICATES | CERTIFICATE_USAGE_SIGN_CRLS : CERTIFICATE_USAGE_SIGN_DATA,
        .extensions = &sgx,
        .extension_count = role == PKI_LEAF ? 1 : 0,
    };
    if (options->certificate != NULL) options->certificate(role, &text);
    pki->certificates[role] = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    assert_ok(certificate_issue(&text, &pki->certificates[role]));
}

static inline struct buffer pki_crl(const struct test_pki *pki, bool is_root, const struct pki_options *options)
{
    const enum pki_role issuer = is_root ? PKI_ROOT : PKI_CA;
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&pki->certificates[issuer]), &certificate));
    struct crl_text text = {.issuer_name = certificate_subject_der(certificate),
                            .issuer_key = pki->keys[issuer],
                            .this_update_s = PKI_NOW_S - 10 * PKI_DAY_S,
                            .next_update_s = PKI_NOW_S + 10 * PKI_DAY_S,
                            .number = 1};
    if (options->crl != NULL) options->crl(is_root, &text);
    struct buffer der = buffer_of_maximum(CRL_MAX_BYTES);
    assert_ok(crl_issue(&text, &der));
    return der;
}

static inline const char *or_text(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static inline struct buffer pki_sign_json(const struct key *key, const char *name, struct slice value)
{
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(P256_SIGNATURE_BYTES);
    struct buffer text = buffer_of_maximum(65536);
    assert_ok(key_sign(key, value, &signature));
    assert_ok(
        buffer_append_format(&text, "{\"%s\":%.*s,\"signature\":\"", name, (int)value.size, (const char *)value.bytes));
    assert_ok(hex_encode(buffer_slice(&signature), &text));
    assert_ok(buffer_append_text(&text, "\"}"));
    return text;
}

static inline void pki_components(struct buffer *value, const char *name, unsigned svn)
{
    assert_ok(buffer_append_format(value, "\"%s\":[", name));
    for (int i = 0; i < 16; i++) assert_ok(buffer_append_format(value, "%s{\"svn\":%u}", i > 0 ? "," : "", svn));
    assert_ok(buffer_append_text(value, "],"));
}

static inline void pki_level(struct buffer *value, bool is_tdx, const struct pki_options *options)
{
    assert_ok(buffer_append_text(value, "{\"tcb\":{"));
    pki_components(value, "sgxtcbcomponents", options->lowest_component != 0 ? options->lowest_component : 4);
    if (is_tdx) pki_components(value, "tdxtcbcomponents", 0);
    assert_ok(buffer_append_format(value,
                                   "\"pcesvn\":4},\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"%s\","
                                   "\"advisoryIDs\":[%s]}",
                                   or_text(options->tcb_status, "UpToDate"),
                                   or_text(options->advisories, "\"TEST-2\",\"TEST-1\"")));
}

/* What says of a module that nobody signed it, as Intel's own is marked. */
#define PKI_MODULE                                                                                                     \
    "\"mrsigner\":\"" PKI_48_ZEROS "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define PKI_48_ZEROS                                                                                                   \
    "000000000000000000000000000000000000000000000000"                                                                 \
    "000000000000000000000000000000000000000000000000"

static inline void pki_modules(struct buffer *value, const struct pki_options *options)
{
    static const char module[] = "{\"id\":\"TDX_01\"," PKI_MODULE ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},"
                                 "\"tcbDate\":\"2026-01-02T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}";
    const char *const modules = or_text(options->tdx_modules, module);
    assert_ok(buffer_append_format(value, "\"tdxModule\":%s,", or_text(options->tdx_module, "{" PKI_MODULE "}")));
    if (modules[0] != '\0') assert_ok(buffer_append_format(value, "\"tdxModuleIdentities\":[%s],", modules));
}

static inline struct buffer pki_tcb_info(const struct test_pki *pki, const struct pki_options *options)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(65536);
    const bool is_tdx = strcmp(or_text(options->tcb_info_id, "SGX"), "TDX") == 0;
    assert_ok(buffer_append_format(
        &value,
        "{\"id\":\"%s\",\"version\":3,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",\"fmspc\":\"%s\",\"pceId\":\"%s\","
        "\"tcbType\":0,\"tcbEvaluationDataNumber\":9,",
        or_text(options->tcb_info_id, "SGX"),
        time_iso8601(PKI_NOW_S - (options->tcb_info_days != 0 ? options->tcb_info_days : 5) * PKI_DAY_S).text,
        time_iso8601(PKI_NOW_S + 5 * PKI_DAY_S).text, or_text(options->fmspc, "000000000007"),
        or_text(options->pce_id, "0000")));
    if (is_tdx) pki_modules(&value, options);
    assert_ok(buffer_append_text(&value, "\"tcbLevels\":["));
    if (options->tcb_levels != NULL)
        assert_ok(buffer_append_text(&value, options->tcb_levels));
    else
        pki_level(&value, is_tdx, options);
    assert_ok(buffer_append_text(&value, "]}"));
    return pki_sign_json(options->signing_key != NULL ? options->signing_key : pki->keys[PKI_SIGNING], "tcbInfo",
                         buffer_slice(&value));
}

static inline struct buffer pki_qe_identity(const struct test_pki *pki, const struct pki_options *options)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(65536);
    assert_ok(buffer_append_format(
        &value,
        "{\"id\":\"%s\",\"version\":2,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",\"tcbEvaluationDataNumber\":8,"
        "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":"
        "\"01000000000000000000000000000000\","
        "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%064d\",\"isvprodid\":1,\"tcbLevels\":["
        "{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"%s\",\"advisoryIDs\":[\"TEST-"
        "2\","
        "\"TEST-3\"]}]}",
        or_text(options->qe_identity_id, "QE"), time_iso8601(PKI_NOW_S - 4 * PKI_DAY_S).text,
        time_iso8601(PKI_NOW_S + 4 * PKI_DAY_S).text, 0, options->lowest_qe_svn != 0 ? options->lowest_qe_svn : 8,
        or_text(options->qe_status, "UpToDate")));
    return pki_sign_json(options->signing_key != NULL ? options->signing_key : pki->keys[PKI_SIGNING],
                         "enclaveIdentity", buffer_slice(&value));
}

/* PEM of these roles' certificates, in this order. */
static inline struct buffer pki_pem(const struct test_pki *pki, const enum pki_role *roles, size_t count)
{
    struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    for (size_t i = 0; i < count; i++) assert_ok(certificate_pem(buffer_slice(&pki->certificates[roles[i]]), &pem));
    return pem;
}

static inline struct test_pki pki_make(const struct pki_options *options)
{
    static const struct pki_options nothing = {};
    if (options == NULL) options = &nothing;
    struct test_pki pki = {};
    for (size_t i = 0; i < PKI_ROLE_COUNT; i++) assert_ok(key_generate(KEY_P256, 0, &pki.keys[i]));
    assert_ok(key_generate(KEY_P256, 0, &pki.attestation));
    for (size_t i = 0; i < PKI_ROLE_COUNT; i++) pki_issue(&pki, (enum pki_role)i, options);
    pki.root_crl = pki_crl(&pki, true, options);
    pki.pck_crl = pki_crl(&pki, false, options);
    pki.tcb_info = pki_tcb_info(&pki, options);
    pki.qe_identity = pki_qe_identity(&pki, options);
    pki.signing_chain = pki_pem(&pki, (const enum pki_role[]){PKI_SIGNING, PKI_ROOT}, 2);
    pki.ca_chain = pki_pem(&pki, (const enum pki_role[]){PKI_CA, PKI_ROOT}, 2);
    return pki;
}

static inline struct collateral_texts pki_texts(const struct test_pki *pki)
{
    return (struct collateral_texts){
        .tcb_info = buffer_slice(&pki->tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&pki->signing_chain),
        .qe_identity = buffer_slice(&pki->qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&pki->signing_chain),
        .pck_crl = buffer_slice(&pki->pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&pki->ca_chain),
        .root_ca_crl = buffer_slice(&pki->root_crl),
    };
}

/* The root's key, as a manifest would name it. Borrows from `pki`, which must stay where it is. */
static inline const struct trust_roots *pki_roots(struct test_pki *pki)
{
    pki->root = pki->keys[PKI_ROOT];
    pki->roots = (struct trust_roots){.simulated = &pki->root, .simulated_count = 1};
    return &pki->roots;
}

/* A TD's report: all-zero but for the module, of version 1 and SVN 4, unless `tee_tcb_svn` is given. */
struct minted_td {
    bool is_td15;                              /* needs quote version 5 */
    const uint8_t *tee_tcb_svn, *tee_tcb_svn2; /* 16 bytes each, or NULL */
    uint8_t mrsignerseam, seam_attributes;     /* first bytes */
    uint8_t attributes[8];
    uint8_t fill; /* of all that is free */
};

/* A quote, wrong in what the options say. All-zero: a good one. */
struct minted_quote_options {
    uint8_t report_flags, qe_report_flags; /* 0: INIT */
    struct slice attestation_point;        /* empty: the attestation key's */
    bool qe_report_data_tail;              /* not zero */
    struct slice certification_data;       /* empty: leaf, CA, root */
    uint16_t certification_type;           /* 0: 5 */
    uint16_t version;                      /* 0: 3, and 4 with a TD */
    const struct minted_td *td;            /* NULL: an enclave's */
    const struct key *qe_report_key;       /* signs the QE report instead of the PCK key */
    struct slice report_data;              /* empty: "report data" */
};

static inline void mint_report(struct buffer *out, uint8_t flags, uint16_t product_id, uint16_t svn, struct slice data)
{
    uint8_t *body;
    assert_ok(buffer_extend(out, 384, &body));
    body[48] = flags != 0 ? flags : 1;
    memset(body + 64, product_id == 1 ? 0 : 0x4d, 32);
    body[256] = (uint8_t)product_id;
    body[258] = (uint8_t)svn;
    memcpy(body + 320, data.bytes, data.size);
}

static inline void mint_qe_part(const struct test_pki *pki, const struct minted_quote_options *options,
                                struct slice point, struct buffer *out)
{
    uint8_t data[64] = {}, authentication[32] = {5};
    const struct slice parts[] = {point, SLICE_ARRAY(authentication)};
    assert_ok(sha256_parts(parts, 2, data));
    if (options->qe_report_data_tail) data[63] = 1;
    CLEANUP(buffer_done) struct buffer report = buffer_of_maximum(384);
    mint_report(&report, options->qe_report_flags, 1, 8, SLICE_ARRAY(data));
    assert_ok(buffer_append(out, buffer_slice(&report)));
    assert_ok(key_sign(options->qe_report_key != NULL ? options->qe_report_key : pki->keys[PKI_LEAF],
                       buffer_slice(&report), out));
    assert_ok(buffer_append_u16_le(out, sizeof(authentication)));
    assert_ok(buffer_append(out, SLICE_ARRAY(authentication)));
}

/* TD report 1.0 or 1.5 (evidence-formats section 3). */
static inline void mint_td_report(struct buffer *out, const struct minted_td *td, struct slice data)
{
    static const uint8_t module[16] = {4, 1};
    uint8_t *body;
    assert_ok(buffer_extend(out, td->is_td15 ? 648 : 584, &body));
    memset(body, td->fill, td->is_td15 ? 648 : 584);
    memcpy(body, td->tee_tcb_svn != NULL ? td->tee_tcb_svn : module, 16);
    memset(body + 64, 0, 48 + 8);
    body[64] = td->mrsignerseam;
    body[112] = td->seam_attributes;
    memcpy(body + 120, td->attributes, 8);
    memset(body + 520, 0, 64);
    memcpy(body + 520, data.bytes, data.size);
    if (td->is_td15) memcpy(body + 584, td->tee_tcb_svn2 != NULL ? td->tee_tcb_svn2 : module, 16);
}

/* Header and body, all that is signed. */
static inline void mint_signed_part(struct buffer *out, const struct minted_quote_options *options)
{
    static const uint8_t header[48] = {3,    0,    2,    0,    0,    0,    0,    0,    8,    0,
                                       13,   0,    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    const bool is_td = options->td != NULL;
    const uint16_t version = options->version != 0 ? options->version : is_td ? 4 : 3;
    const struct slice data = options->report_data.size > 0 ? options->report_data : SLICE_LITERAL("report data");
    assert_ok(buffer_append(out, SLICE_ARRAY(header)));
    out->bytes[0] = (uint8_t)version;
    out->bytes[4] = is_td ? 0x81 : 0;
    if (version >= 5) {
        assert_ok(buffer_append_u16_le(out, !is_td ? 1 : options->td->is_td15 ? 3 : 2));
        assert_ok(buffer_append_u32_le(out, !is_td ? 384 : options->td->is_td15 ? 648 : 584));
    }
    if (is_td)
        mint_td_report(out, options->td, data);
    else
        mint_report(out, options->report_flags, 3, 2, data);
}

static inline void mint_certification(struct buffer *out, uint16_t type, struct slice data)
{
    assert_ok(buffer_append_u16_le(out, type));
    assert_ok(buffer_append_u32_le(out, (uint32_t)data.size));
    assert_ok(buffer_append(out, data));
}

static inline struct buffer mint_quote(const struct test_pki *pki, const struct minted_quote_options *options)
{
    static const struct minted_quote_options nothing = {};
    if (options == NULL) options = &nothing;
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    CLEANUP(buffer_done) struct buffer tail = buffer_of_maximum(65536);
    CLEANUP(buffer_done) struct buffer qe_part = buffer_of_maximum(65536);
    CLEANUP(buffer_done)
    struct buffer chain = pki_pem(pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    const struct slice data = options->certification_data.size > 0 ? options->certification_data : buffer_slice(&chain);
    assert_ok(key_public_bytes(pki->attestation, &point));
    const struct slice key = options->attestation_point.size > 0 ? options->attestation_point : buffer_slice(&point);
    struct buffer quote = buffer_of_maximum(65536);
    mint_signed_part(&quote, options);
    assert_ok(key_sign(pki->attestation, buffer_slice(&quote), &tail));
    assert_ok(buffer_append(&tail, key));
    mint_qe_part(pki, options, key, &qe_part);
    mint_certification(&qe_part, options->certification_type != 0 ? options->certification_type : 5, data);
    if (quote.bytes[0] == 3)
        assert_ok(buffer_append(&tail, buffer_slice(&qe_part)));
    else
        mint_certification(&tail, 6, buffer_slice(&qe_part));
    assert_ok(buffer_append_u32_le(&quote, (uint32_t)tail.size));
    assert_ok(buffer_append(&quote, buffer_slice(&tail)));
    return quote;
}
