/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/simulation/authority_internal.h"

#include "crypto/der_write.h"
#include "crypto/random.h"
#include "crypto/x509_issue.h"
#include "tee/simulation/state.h"

#include <stdlib.h>

const uint8_t simulated_fmspc[SIMULATED_FMSPC_BYTES] = {'L', 'Z', 'R', 'T', 0x00, 0x01};

static const char organization[] = "Lazaret software TEE simulation";
static const char pck_common_name[] = "Simulated SGX PCK Certificate";

/* Certificates begin an hour early, so that clocks which differ a little do not matter. */
enum {
    CERTIFICATE_MARGIN_S = 3600,
    YEAR_S = 365 * 24 * 3600,
    PCK_LIFE_YEARS = 7,
    EXTENSION_MAX_BYTES = 2048,
};

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

enum status simulated_authority_chain(const struct simulated_authority *authority, enum role first, struct buffer *pem)
{
    TRY(certificate_pem(certificate_der(authority->signers[first].certificate), pem));
    return certificate_pem(certificate_der(authority->signers[ROOT].certificate), pem);
}

enum status simulated_authority_platform_chain(const struct simulated_authority *authority, struct buffer *pem)
{
    return simulated_authority_chain(authority, PLATFORM_CA, pem);
}
