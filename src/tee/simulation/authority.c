/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/simulation/authority.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "crypto/der_write.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "tee/simulation/state.h"

#include <stdlib.h>

const uint8_t simulated_fmspc[SIMULATED_FMSPC_BYTES] = {'L', 'Z', 'R', 'T', 0x00, 0x01};

static const char organization[] = "Lazaret software TEE simulation";
static const char pck_common_name[] = "Simulated SGX PCK Certificate";
static const char tcb_date[] = "2026-11-01T00:00:00Z";

/* Certificates begin an hour early and collateral five minutes, so that clocks which differ a little do not matter. */
enum {
    CERTIFICATE_MARGIN_S = 3600,
    COLLATERAL_MARGIN_S = 300,
    YEAR_S = 365 * 24 * 3600,
    PCK_LIFE_YEARS = 7,
    EXTENSION_MAX_BYTES = 2048,
    COLLATERAL_TEXT_MAX_BYTES = 64 * 1024,
    COMPONENT_COUNT = 16,
    SVN_OUT_OF_DATE = 1,
};

/* Who signs, in the order of their certificates: each but the root is certified by the root. */
enum role { ROOT, PLATFORM_CA, TCB_SIGNING, ROLE_COUNT };

static const struct {
    const char *common_name;
    bool is_ca;
    int path_length, life_years;
    unsigned usage;
} role_texts[ROLE_COUNT] = {
    [ROOT] = {"Simulated SGX Root CA", true, 1, 30, CERTIFICATE_USAGE_SIGN_CERTIFICATES | CERTIFICATE_USAGE_SIGN_CRLS},
    [PLATFORM_CA] = {"Simulated SGX PCK Platform CA", true, 0, 15,
                     CERTIFICATE_USAGE_SIGN_CERTIFICATES | CERTIFICATE_USAGE_SIGN_CRLS},
    [TCB_SIGNING] = {"Simulated SGX TCB Signing", false, CERTIFICATE_NO_PATH_LIMIT, 30, CERTIFICATE_USAGE_SIGN_DATA},
};

struct signer {
    struct key *key;
    struct certificate *certificate;
};

struct simulated_authority {
    struct signer signers[ROLE_COUNT];
};

void simulated_authority_free(struct simulated_authority *authority)
{
    if (authority == NULL) return;
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        key_free(authority->signers[i].key);
        certificate_free(authority->signers[i].certificate);
    }
    free(authority);
}

void simulated_authority_cleanup(struct simulated_authority **authority)
{
    simulated_authority_free(*authority);
    *authority = NULL;
}

const struct key *simulated_authority_root(const struct simulated_authority *authority)
{
    return authority->signers[ROOT].key;
}

static enum status certify_role(struct simulated_authority *authority, enum role role, int64_t now_s)
{
    struct signer *const signer = &authority->signers[role];
    const struct signer *const root = &authority->signers[ROOT];
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    TRY(key_generate(KEY_P256, 0, &signer->key));
    const struct certificate_text text = {
        .subject = {.organization = organization, .common_name = role_texts[role].common_name},
        .subject_key = signer->key,
        .issuer_name = role == ROOT ? (struct slice){} : certificate_subject_der(root->certificate),
        .issuer_key = root->key,
        .not_before_s = now_s - CERTIFICATE_MARGIN_S,
        .not_after_s = now_s + (int64_t)role_texts[role].life_years * YEAR_S,
        .is_ca = role_texts[role].is_ca,
        .path_length = role_texts[role].path_length,
        .usage = role_texts[role].usage,
    };
    TRY(certificate_issue(&text, &der));
    return certificate_from_der(buffer_slice(&der), &signer->certificate);
}

enum status simulated_authority_new(int64_t now_s, struct simulated_authority **authority_out)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = calloc(1, sizeof(*authority));
    if (authority == NULL) return ERR_NO_MEMORY;
    for (enum role role = ROOT; role < ROLE_COUNT; role++) TRY(certify_role(authority, role, now_s));
    *authority_out = authority;
    authority = NULL;
    return OK;
}

enum status simulated_authority_write(const struct simulated_authority *authority, struct buffer *state)
{
    TRY(simulation_state_begin(SIMULATION_STATE_AUTHORITY, state));
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        CLEANUP(secret_done) struct secret scalar = {};
        TRY(key_private_bytes(authority->signers[i].key, &scalar));
        TRY(simulation_state_add(state, secret_slice(&scalar)));
        TRY(simulation_state_add(state, certificate_der(authority->signers[i].certificate)));
    }
    return OK;
}

static enum status read_signer(struct slice scalar, struct slice der, struct refusal *why, struct signer *signer)
{
    TRY(key_private_from_p256(scalar, &signer->key));
    TRY(certificate_from_der(der, &signer->certificate));
    if (!key_equal(signer->key, certificate_key(signer->certificate)))
        return refuse(why, ERR_KEY_INVALID, "state", "keys and certificates that belong together", "another key");
    return OK;
}

enum status simulated_authority_read(struct slice state, struct refusal *why,
                                     struct simulated_authority **authority_out)
{
    struct slice fields[2 * ROLE_COUNT];
    TRY(simulation_state_read(state, SIMULATION_STATE_AUTHORITY, 2 * ROLE_COUNT, why, fields));
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = calloc(1, sizeof(*authority));
    if (authority == NULL) return ERR_NO_MEMORY;
    for (size_t i = 0; i < ROLE_COUNT; i++)
        TRY(read_signer(fields[2 * i], fields[2 * i + 1], why, &authority->signers[i]));
    *authority_out = authority;
    authority = NULL;
    return OK;
}

/* The members of Intel's extension have the arcs below this one (reference: evidence-formats section 5). */
#define SGX_EXTENSIONS_OID "1.2.840.113741.1.13.1"

/* SEQUENCE { OID, value }, the form of every member; `value` is DER already. */
static enum status append_member(struct buffer *members, const char *arc, struct slice value)
{
    CLEANUP(buffer_done) struct buffer oid = buffer_of_maximum(64);
    CLEANUP(buffer_done) struct buffer pair = buffer_of_maximum(EXTENSION_MAX_BYTES);
    const char *dotted;
    TRY(buffer_append_format(&oid, SGX_EXTENSIONS_OID ".%s", arc));
    TRY(buffer_text(&oid, &dotted));
    TRY(der_append_oid(&pair, dotted));
    TRY(buffer_append(&pair, value));
    return der_append(members, DER_SEQUENCE, buffer_slice(&pair));
}

static enum status append_octets(struct buffer *members, const char *arc, struct slice octets)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(EXTENSION_MAX_BYTES);
    TRY(der_append(&value, DER_OCTET_STRING, octets));
    return append_member(members, arc, buffer_slice(&value));
}

static enum status append_number(struct buffer *members, const char *arc, enum der_tag tag, uint64_t number)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(16);
    TRY(der_append_number(&value, tag, number));
    return append_member(members, arc, buffer_slice(&value));
}

static enum status append_boolean(struct buffer *members, const char *arc, bool truth)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(16);
    TRY(der_append_boolean(&value, truth));
    return append_member(members, arc, buffer_slice(&value));
}

static enum status append_sequence(struct buffer *members, const char *arc, struct slice content)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(EXTENSION_MAX_BYTES);
    TRY(der_append(&value, DER_SEQUENCE, content));
    return append_member(members, arc, buffer_slice(&value));
}

static enum status append_tcb(struct buffer *members, uint8_t tcb_svn)
{
    CLEANUP(buffer_done) struct buffer tcb = buffer_of_maximum(EXTENSION_MAX_BYTES);
    uint8_t cpu_svn[COMPONENT_COUNT];
    for (unsigned i = 0; i < COMPONENT_COUNT; i++) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(8);
        TRY(buffer_append_format(&text, "2.%u", i + 1));
        const char *dotted;
        TRY(buffer_text(&text, &dotted));
        TRY(append_number(&tcb, dotted, DER_INTEGER, tcb_svn));
        cpu_svn[i] = tcb_svn;
    }
    TRY(append_number(&tcb, "2.17", DER_INTEGER, tcb_svn));
    TRY(append_octets(&tcb, "2.18", SLICE_ARRAY(cpu_svn)));
    return append_sequence(members, "2", buffer_slice(&tcb));
}

static enum status append_configuration(struct buffer *members)
{
    CLEANUP(buffer_done) struct buffer configuration = buffer_of_maximum(EXTENSION_MAX_BYTES);
    TRY(append_boolean(&configuration, "7.1", true));
    TRY(append_boolean(&configuration, "7.2", false));
    TRY(append_boolean(&configuration, "7.3", true));
    return append_sequence(members, "7", buffer_slice(&configuration));
}

static enum status write_sgx_extension(uint8_t tcb_svn, struct buffer *der)
{
    enum { SGX_TYPE_SCALABLE = 1 };
    static const uint8_t pce_id[2] = {};
    uint8_t platform_id[16], instance_id[16];
    TRY(random_bytes(sizeof(platform_id), platform_id));
    TRY(random_bytes(sizeof(instance_id), instance_id));
    CLEANUP(buffer_done) struct buffer members = buffer_of_maximum(EXTENSION_MAX_BYTES);
    TRY(append_octets(&members, "1", SLICE_ARRAY(platform_id)));
    TRY(append_tcb(&members, tcb_svn));
    TRY(append_octets(&members, "3", SLICE_ARRAY(pce_id)));
    TRY(append_octets(&members, "4", SLICE_ARRAY(simulated_fmspc)));
    TRY(append_number(&members, "5", DER_ENUMERATED, SGX_TYPE_SCALABLE));
    TRY(append_octets(&members, "6", SLICE_ARRAY(instance_id)));
    TRY(append_configuration(&members));
    return der_append(der, DER_SEQUENCE, buffer_slice(&members));
}

enum status simulated_authority_certify(const struct simulated_authority *authority, const struct key *pck_key,
                                        uint8_t tcb_svn, int64_t now_s, struct buffer *der)
{
    const struct signer *const issuer = &authority->signers[PLATFORM_CA];
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(EXTENSION_MAX_BYTES);
    TRY(write_sgx_extension(tcb_svn, &value));
    const struct extension_text extension = {.oid = SGX_EXTENSIONS_OID, .value = buffer_slice(&value)};
    const struct certificate_text text = {
        .subject = {.organization = organization, .common_name = pck_common_name},
        .subject_key = pck_key,
        .issuer_name = certificate_subject_der(issuer->certificate),
        .issuer_key = issuer->key,
        .not_before_s = now_s - CERTIFICATE_MARGIN_S,
        .not_after_s = now_s + (int64_t)PCK_LIFE_YEARS * YEAR_S,
        .usage = CERTIFICATE_USAGE_SIGN_DATA,
        .extensions = &extension,
        .extension_count = 1,
    };
    return certificate_issue(&text, der);
}

static enum status append_chain(const struct simulated_authority *authority, enum role first, struct buffer *pem)
{
    TRY(certificate_pem(certificate_der(authority->signers[first].certificate), pem));
    return certificate_pem(certificate_der(authority->signers[ROOT].certificate), pem);
}

enum status simulated_authority_platform_chain(const struct simulated_authority *authority, struct buffer *pem)
{
    return append_chain(authority, PLATFORM_CA, pem);
}

enum status simulated_qe_signer(uint8_t mrsigner_out[static 32])
{
    return sha256(SLICE_LITERAL("lazaret-softtee quoting enclave"), mrsigner_out);
}

static enum status append_dates(struct buffer *text, int64_t now_s)
{
    const int64_t issued_s = now_s - COLLATERAL_MARGIN_S;
    return buffer_append_format(text, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\"", time_iso8601(issued_s).text,
                                time_iso8601(now_s + SIMULATED_COLLATERAL_LIFE_S).text);
}

static enum status append_tcb_level(struct buffer *text, unsigned svn, const char *status, const char *advisories)
{
    TRY(buffer_append_text(text, "{\"tcb\":{\"sgxtcbcomponents\":["));
    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        TRY(buffer_append_format(text, "%s{\"svn\":%u}", i == 0 ? "" : ",", svn));
    return buffer_append_format(text, "],\"pcesvn\":%u},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"%s}", svn, tcb_date,
                                status, advisories);
}

/* Version 3, as API version 4 serves it. The first level is what machines have; the second is for tests of older
 * ones. */
static enum status write_tcb_info(const struct simulated_collateral_options *options, struct buffer *text)
{
    TRY(buffer_append_text(text, "{\"id\":\"SGX\",\"version\":3,"));
    TRY(append_dates(text, options->now_s));
    TRY(buffer_append_text(text, ",\"fmspc\":\""));
    TRY(hex_encode(SLICE_ARRAY(simulated_fmspc), text));
    TRY(buffer_append_format(text, "\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%d,\"tcbLevels\":[",
                             SIMULATED_TCB_EVALUATION));
    TRY(append_tcb_level(text, SIMULATED_TCB_SVN, options->tcb_status != NULL ? options->tcb_status : "UpToDate", ""));
    TRY(buffer_append_text(text, ","));
    TRY(append_tcb_level(text, SVN_OUT_OF_DATE, "OutOfDate", ",\"advisoryIDs\":[\"LAZARET-SIM-00001\"]"));
    return buffer_append_text(text, "]}");
}

static enum status write_qe_identity(const struct simulated_collateral_options *options, struct buffer *text)
{
    uint8_t mrsigner[32];
    TRY(simulated_qe_signer(mrsigner));
    TRY(buffer_append_text(text, "{\"id\":\"QE\",\"version\":2,"));
    TRY(append_dates(text, options->now_s));
    TRY(buffer_append_format(text,
                             ",\"tcbEvaluationDataNumber\":%d,\"miscselect\":\"00000000\","
                             "\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\","
                             "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%s\","
                             "\"isvprodid\":1,\"tcbLevels\":[",
                             SIMULATED_TCB_EVALUATION, hex_of_32(mrsigner).text));
    TRY(buffer_append_format(text, "{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"},",
                             SIMULATED_QE_SVN, tcb_date, options->qe_status != NULL ? options->qe_status : "UpToDate"));
    return buffer_append_format(text, "{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"%s\",\"tcbStatus\":\"OutOfDate\"}]}",
                                SVN_OUT_OF_DATE, tcb_date);
}

enum status simulated_authority_sign(const struct simulated_authority *authority, const char *member,
                                     struct slice value, struct buffer *text)
{
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(P256_SIGNATURE_BYTES);
    TRY(key_sign(authority->signers[TCB_SIGNING].key, value, &signature));
    TRY(buffer_append_format(text, "{\"%s\":", member));
    TRY(buffer_append(text, value));
    TRY(buffer_append_text(text, ",\"signature\":\""));
    TRY(hex_encode(buffer_slice(&signature), text));
    return buffer_append_text(text, "\"}");
}

static enum status issue_crl(const struct signer *issuer, int64_t now_s, const struct slice *revoked,
                             size_t revoked_count, struct buffer *der)
{
    const struct crl_text text = {
        .issuer_name = certificate_subject_der(issuer->certificate),
        .issuer_key = issuer->key,
        .this_update_s = now_s - COLLATERAL_MARGIN_S,
        .next_update_s = now_s + SIMULATED_COLLATERAL_LIFE_S,
        .number = (uint64_t)now_s, /* grows with time, whoever signs */
        .revoked = revoked,
        .revoked_count = revoked_count,
    };
    return crl_issue(&text, der);
}

static enum status write_crls(const struct simulated_authority *authority,
                              const struct simulated_collateral_options *options,
                              struct simulated_collateral *collateral)
{
    struct slice revoked[2];
    size_t count = 0;
    if (options->revoke_platform_ca) revoked[count++] = certificate_serial(authority->signers[PLATFORM_CA].certificate);
    if (options->revoke_tcb_signing) revoked[count++] = certificate_serial(authority->signers[TCB_SIGNING].certificate);
    TRY(issue_crl(&authority->signers[ROOT], options->now_s, revoked, count, &collateral->root_ca_crl));
    return issue_crl(&authority->signers[PLATFORM_CA], options->now_s, &options->revoked_pck,
                     options->revoked_pck.size > 0 ? 1 : 0, &collateral->pck_crl);
}

static enum status write_signed_texts(const struct simulated_authority *authority,
                                      const struct simulated_collateral_options *options,
                                      struct simulated_collateral *collateral)
{
    CLEANUP(buffer_done) struct buffer tcb_info = buffer_of_maximum(COLLATERAL_TEXT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer qe_identity = buffer_of_maximum(COLLATERAL_TEXT_MAX_BYTES);
    TRY(write_tcb_info(options, &tcb_info));
    TRY(write_qe_identity(options, &qe_identity));
    TRY(simulated_authority_sign(authority, "tcbInfo", buffer_slice(&tcb_info), &collateral->tcb_info));
    return simulated_authority_sign(authority, "enclaveIdentity", buffer_slice(&qe_identity), &collateral->qe_identity);
}

void simulated_collateral_done(struct simulated_collateral *collateral)
{
    buffer_done(&collateral->tcb_info);
    buffer_done(&collateral->qe_identity);
    buffer_done(&collateral->tcb_issuer_chain);
    buffer_done(&collateral->pck_crl);
    buffer_done(&collateral->pck_crl_issuer_chain);
    buffer_done(&collateral->root_ca_crl);
}

enum status simulated_authority_collateral(const struct simulated_authority *authority,
                                           const struct simulated_collateral_options *options,
                                           struct simulated_collateral *collateral_out)
{
    const struct buffer empty = buffer_of_maximum(COLLATERAL_TEXT_MAX_BYTES);
    CLEANUP(simulated_collateral_done)
    struct simulated_collateral collateral = {empty, empty, empty, empty, empty, empty};
    TRY(write_signed_texts(authority, options, &collateral));
    TRY(write_crls(authority, options, &collateral));
    TRY(append_chain(authority, TCB_SIGNING, &collateral.tcb_issuer_chain));
    TRY(append_chain(authority, PLATFORM_CA, &collateral.pck_crl_issuer_chain));
    *collateral_out = collateral;
    collateral = (struct simulated_collateral){};
    return OK;
}
