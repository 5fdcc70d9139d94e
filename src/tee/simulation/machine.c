/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/simulation/machine.h"

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "tee/simulation/state.h"

#include <stdlib.h>

enum {
    MACHINE_SECRET_BYTES = 32,
    REPORT_BODY_BYTES = 384,
    CHAIN_MAX_BYTES = 8 * 1024,
    QE_AUTHENTICATION_BYTES = 32,
    QUOTE_VERSION_SGX = 3,
    QUOTE_VERSION_TDX = 4,
    TEE_TYPE_TDX = 0x81,
    ATTESTATION_KEY_P256 = 2,
    CERTIFICATION_PEM_CHAIN = 5,
    CERTIFICATION_QE_REPORT = 6,
    ATTRIBUTE_INIT = 0x01,
    ATTRIBUTE_DEBUG = 0x02,
    ATTRIBUTE_MODE64 = 0x04,
    ATTRIBUTE_PROVISION_KEY = 0x10,
    XFRM_LEGACY = 0x03,
};

/* Intel's: the verifier takes no other, and the root certificate says whose simulation this is. */
static const uint8_t qe_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                      0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

struct simulated_machine {
    struct key *pck_key, *attestation_key;
    struct certificate *pck;
    struct certificate_list chain; /* Platform CA and root */
    struct secret secret;
    struct simulated_machine_options options;
    uint8_t platform_id[16];
    struct buffer tail, td_tail; /* all that follows a quote's signature: the same for every quote of one kind */
};

void simulated_machine_free(struct simulated_machine *machine)
{
    if (machine == NULL) return;
    key_free(machine->pck_key);
    key_free(machine->attestation_key);
    certificate_free(machine->pck);
    certificate_list_done(&machine->chain);
    secret_done(&machine->secret);
    buffer_done(&machine->tail);
    buffer_done(&machine->td_tail);
    free(machine);
}

void simulated_machine_cleanup(struct simulated_machine **machine)
{
    simulated_machine_free(*machine);
    *machine = NULL;
}

struct slice simulated_machine_pck(const struct simulated_machine *machine)
{
    return certificate_der(machine->pck);
}

const struct key *simulated_machine_root(const struct simulated_machine *machine)
{
    return certificate_key(machine->chain.items[machine->chain.count - 1]);
}

struct report_body {
    uint8_t svn_of_cpu, flags;
    const uint8_t *mrenclave, *mrsigner; /* 32 bytes each */
    uint16_t product_id, svn;
    struct slice report_data; /* at most 64 bytes; zeros follow */
};

static enum status append_zeros(struct buffer *buffer, size_t size)
{
    uint8_t *zeros;
    return buffer_extend(buffer, size, &zeros);
}

/* The 384 bytes of an SGX report body (reference: evidence-formats section 1). */
static enum status append_report_body(struct buffer *out, const struct report_body *body)
{
    for (size_t i = 0; i < 16; i++) TRY(buffer_append_u8(out, body->svn_of_cpu)); /* CPUSVN */
    TRY(append_zeros(out, 4 + 12 + 16)); /* MISCSELECT, reserved, ISVEXTPRODID */
    TRY(buffer_append_u8(out, body->flags));
    TRY(append_zeros(out, 7));
    TRY(buffer_append_u8(out, XFRM_LEGACY));
    TRY(append_zeros(out, 7));
    TRY(buffer_append(out, slice_of(body->mrenclave, 32)));
    TRY(append_zeros(out, 32));
    TRY(buffer_append(out, slice_of(body->mrsigner, 32)));
    TRY(append_zeros(out, 32 + 64)); /* reserved, CONFIGID */
    TRY(buffer_append_u16_le(out, body->product_id));
    TRY(buffer_append_u16_le(out, body->svn));
    TRY(append_zeros(out, 2 + 42 + 16)); /* CONFIGSVN, reserved, ISVFAMILYID */
    TRY(buffer_append(out, body->report_data));
    return append_zeros(out, 64 - body->report_data.size);
}

/* A quoting enclave's report: it names the attestation key in its REPORTDATA. */
static enum status append_qe_report(const struct simulated_machine *machine, uint16_t product_id,
                                    struct slice attestation_point, struct slice authentication, struct buffer *out)
{
    uint8_t digest[SHA256_BYTES], mrsigner[32], mrenclave[32];
    const struct slice named[] = {attestation_point, authentication};
    TRY(sha256_parts(named, 2, digest));
    TRY(simulated_qe_signer(mrsigner));
    TRY(sha256(SLICE_ARRAY(mrsigner), mrenclave));
    if (machine->options.foreign_qe) mrsigner[0] ^= 1;
    const struct report_body body = {
        .svn_of_cpu = machine->options.tcb_svn,
        .flags = ATTRIBUTE_INIT | ATTRIBUTE_MODE64 | ATTRIBUTE_PROVISION_KEY,
        .mrenclave = mrenclave,
        .mrsigner = mrsigner,
        .product_id = product_id,
        .svn = machine->options.qe_svn,
        .report_data = SLICE_ARRAY(digest),
    };
    return append_report_body(out, &body);
}

static enum status append_certification_data(const struct simulated_machine *machine, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CHAIN_MAX_BYTES);
    TRY(certificate_pem(certificate_der(machine->pck), &pem));
    for (size_t i = 0; i < machine->chain.count; i++)
        TRY(certificate_pem(certificate_der(machine->chain.items[i]), &pem));
    TRY(buffer_append_u8(&pem, 0)); /* genuine quotes count a NUL behind the text */
    TRY(buffer_append_u16_le(out, CERTIFICATION_PEM_CHAIN));
    TRY(buffer_append_u32_le(out, (uint32_t)pem.size));
    return buffer_append(out, buffer_slice(&pem));
}

/* QE report with its signature, authentication data, certificates (section 4 of the reference). */
static enum status append_qe_part(const struct simulated_machine *machine, uint16_t product_id, struct slice point,
                                  struct buffer *out)
{
    uint8_t authentication[QE_AUTHENTICATION_BYTES];
    for (size_t i = 0; i < sizeof(authentication); i++) authentication[i] = (uint8_t)i;
    CLEANUP(buffer_done) struct buffer report = buffer_of_maximum(REPORT_BODY_BYTES);
    TRY(append_qe_report(machine, product_id, point, SLICE_ARRAY(authentication), &report));
    TRY(buffer_append(out, buffer_slice(&report)));
    TRY(key_sign(machine->pck_key, buffer_slice(&report), out));
    TRY(buffer_append_u16_le(out, QE_AUTHENTICATION_BYTES));
    TRY(buffer_append(out, SLICE_ARRAY(authentication)));
    return append_certification_data(machine, out);
}

/* Version 4 wraps what follows the attestation key in certification data of type 6. */
static enum status make_tails(struct simulated_machine *machine)
{
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    CLEANUP(buffer_done) struct buffer td_part = buffer_of_maximum(SIMULATED_QUOTE_MAX_BYTES);
    TRY(key_public_bytes(machine->attestation_key, &point));
    machine->tail = buffer_of_maximum(SIMULATED_QUOTE_MAX_BYTES);
    TRY(buffer_append(&machine->tail, buffer_slice(&point)));
    TRY(append_qe_part(machine, SIMULATED_QE_PRODUCT_ID, buffer_slice(&point), &machine->tail));
    machine->td_tail = buffer_of_maximum(SIMULATED_QUOTE_MAX_BYTES);
    TRY(append_qe_part(machine, SIMULATED_TD_QE_PRODUCT_ID, buffer_slice(&point), &td_part));
    TRY(buffer_append(&machine->td_tail, buffer_slice(&point)));
    TRY(buffer_append_u16_le(&machine->td_tail, CERTIFICATION_QE_REPORT));
    TRY(buffer_append_u32_le(&machine->td_tail, (uint32_t)td_part.size));
    return buffer_append(&machine->td_tail, buffer_slice(&td_part));
}

/* What follows from the keys and certificates that are in place. */
static enum status complete(struct simulated_machine *machine, const struct simulated_machine_options *options)
{
    uint8_t digest[32];
    if (options != NULL) machine->options = *options;
    if (machine->options.tcb_svn == 0) machine->options.tcb_svn = SIMULATED_TCB_SVN;
    if (machine->options.qe_svn == 0) machine->options.qe_svn = SIMULATED_QE_SVN;
    if (machine->options.module_svn == 0) machine->options.module_svn = SIMULATED_TDX_MODULE_SVN;
    certificate_digest(machine->pck, digest);
    for (size_t i = 0; i < sizeof(machine->platform_id); i++) machine->platform_id[i] = digest[i];
    return make_tails(machine);
}

static enum status certify(struct simulated_machine *machine, const struct simulated_authority *authority,
                           uint8_t tcb_svn, int64_t now_s)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(CHAIN_MAX_BYTES);
    TRY(simulated_authority_certify(authority, machine->pck_key, tcb_svn, now_s, &der));
    TRY(certificate_from_der(buffer_slice(&der), &machine->pck));
    TRY(simulated_authority_platform_chain(authority, &chain));
    return certificate_list_from_pem(buffer_slice(&chain), &machine->chain);
}

enum status simulated_machine_new(const struct simulated_authority *authority,
                                  const struct simulated_machine_options *options, int64_t now_s,
                                  struct simulated_machine **machine_out)
{
    CLEANUP(simulated_machine_cleanup) struct simulated_machine *machine = calloc(1, sizeof(*machine));
    if (machine == NULL) return ERR_NO_MEMORY;
    const uint8_t tcb_svn = options != NULL && options->tcb_svn != 0 ? options->tcb_svn : SIMULATED_TCB_SVN;
    TRY(key_generate(KEY_P256, 0, &machine->pck_key));
    TRY(key_generate(KEY_P256, 0, &machine->attestation_key));
    TRY(random_secret(MACHINE_SECRET_BYTES, &machine->secret));
    TRY(certify(machine, authority, tcb_svn, now_s));
    TRY(complete(machine, options));
    *machine_out = machine;
    machine = NULL;
    return OK;
}

/* The fields of a machine's state, in their order. */
enum field { FIELD_PCK_KEY, FIELD_PCK, FIELD_CHAIN, FIELD_ATTESTATION_KEY, FIELD_SECRET, FIELD_COUNT };

enum status simulated_machine_write(const struct simulated_machine *machine, struct buffer *state)
{
    CLEANUP(secret_done) struct secret pck_key = {};
    CLEANUP(secret_done) struct secret attestation_key = {};
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(CHAIN_MAX_BYTES);
    TRY(key_private_bytes(machine->pck_key, &pck_key));
    TRY(key_private_bytes(machine->attestation_key, &attestation_key));
    for (size_t i = 0; i < machine->chain.count; i++)
        TRY(certificate_pem(certificate_der(machine->chain.items[i]), &chain));
    TRY(simulation_state_begin(SIMULATION_STATE_MACHINE, state));
    TRY(simulation_state_add(state, secret_slice(&pck_key)));
    TRY(simulation_state_add(state, certificate_der(machine->pck)));
    TRY(simulation_state_add(state, buffer_slice(&chain)));
    TRY(simulation_state_add(state, secret_slice(&attestation_key)));
    return simulation_state_add(state, secret_slice(&machine->secret));
}

static enum status read_fields(struct simulated_machine *machine, const struct slice *fields, struct refusal *why)
{
    TRY(key_private_from_p256(fields[FIELD_PCK_KEY], &machine->pck_key));
    TRY(certificate_from_der(fields[FIELD_PCK], &machine->pck));
    TRY(certificate_list_from_pem(fields[FIELD_CHAIN], &machine->chain));
    TRY(key_private_from_p256(fields[FIELD_ATTESTATION_KEY], &machine->attestation_key));
    if (fields[FIELD_SECRET].size != MACHINE_SECRET_BYTES || machine->chain.count == 0)
        return refuse(why, ERR_FIELD_VALUE, "state", "a machine's secret and chain", "other sizes");
    if (!key_equal(machine->pck_key, certificate_key(machine->pck)))
        return refuse(why, ERR_KEY_INVALID, "state", "a key and a certificate that belong together", "another key");
    return secret_copy(fields[FIELD_SECRET], &machine->secret);
}

enum status simulated_machine_read(struct slice state, struct refusal *why, struct simulated_machine **machine_out)
{
    struct slice fields[FIELD_COUNT];
    TRY(simulation_state_read(state, SIMULATION_STATE_MACHINE, FIELD_COUNT, why, fields));
    CLEANUP(simulated_machine_cleanup) struct simulated_machine *machine = calloc(1, sizeof(*machine));
    if (machine == NULL) return ERR_NO_MEMORY;
    TRY(read_fields(machine, fields, why));
    TRY(complete(machine, NULL));
    *machine_out = machine;
    machine = NULL;
    return OK;
}

/* The 48 bytes before the report body (section 2 of the reference). */
static enum status append_quote_header(const struct simulated_machine *machine, bool tdx, struct buffer *out)
{
    TRY(buffer_append_u16_le(out, tdx ? QUOTE_VERSION_TDX : QUOTE_VERSION_SGX));
    TRY(buffer_append_u16_le(out, ATTESTATION_KEY_P256));
    TRY(buffer_append_u32_le(out, tdx ? TEE_TYPE_TDX : 0));
    TRY(buffer_append_u16_le(out, machine->options.qe_svn));
    TRY(buffer_append_u16_le(out, machine->options.tcb_svn)); /* the PCE's SVN */
    TRY(buffer_append(out, SLICE_ARRAY(qe_vendor)));
    TRY(buffer_append(out, SLICE_ARRAY(machine->platform_id)));
    return append_zeros(out, 4);
}

enum status simulated_machine_report(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                     const uint8_t report_data[static 64], struct buffer *signed_part)
{
    const struct report_body body = {
        .svn_of_cpu = machine->options.tcb_svn,
        .flags = ATTRIBUTE_INIT | ATTRIBUTE_MODE64 | (identity->debug ? ATTRIBUTE_DEBUG : 0),
        .mrenclave = identity->mrenclave,
        .mrsigner = identity->mrsigner,
        .product_id = identity->product_id,
        .svn = identity->svn,
        .report_data = slice_of(report_data, 64),
    };
    TRY(append_quote_header(machine, false, signed_part));
    return append_report_body(signed_part, &body);
}

static enum status append_signed(const struct simulated_machine *machine, struct slice signed_part, struct slice tail,
                                 struct buffer *quote)
{
    TRY(buffer_append(quote, signed_part));
    TRY(buffer_append_u32_le(quote, (uint32_t)(P256_SIGNATURE_BYTES + tail.size)));
    TRY(key_sign(machine->attestation_key, signed_part, quote));
    return buffer_append(quote, tail);
}

enum status simulated_machine_sign(const struct simulated_machine *machine, struct slice signed_part,
                                   struct buffer *quote)
{
    return append_signed(machine, signed_part, buffer_slice(&machine->tail), quote);
}

enum status simulated_machine_quote(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                    const uint8_t report_data[static 64], struct buffer *quote)
{
    CLEANUP(buffer_done) struct buffer signed_part = buffer_of_maximum(SIMULATED_SIGNED_BYTES);
    TRY(simulated_machine_report(machine, identity, report_data, &signed_part));
    return simulated_machine_sign(machine, buffer_slice(&signed_part), quote);
}

/* The 584 bytes of a TD report of version 1.0 (section 3 of the reference). */
enum status simulated_machine_td_report(const struct simulated_machine *machine, const struct simulated_domain *domain,
                                        const uint8_t report_data[static 64], struct buffer *signed_part)
{
    enum { TD_ATTRIBUTE_DEBUG = 0x01, TD_ATTRIBUTE_SEPT_VE_DISABLE = 0x10 /* of the fourth byte */ };
    const uint8_t tee_tcb_svn[16] = {machine->options.module_svn, SIMULATED_TDX_MODULE_VERSION};
    const uint8_t attributes[8] = {domain->debug ? TD_ATTRIBUTE_DEBUG : 0, 0, 0, TD_ATTRIBUTE_SEPT_VE_DISABLE};
    TRY(append_quote_header(machine, true, signed_part));
    TRY(buffer_append(signed_part, SLICE_ARRAY(tee_tcb_svn)));
    TRY(append_zeros(signed_part, 2 * SIMULATED_TD_MEASUREMENT_BYTES + 8)); /* MRSEAM to SEAMATTRIBUTES */
    TRY(buffer_append(signed_part, SLICE_ARRAY(attributes)));
    TRY(buffer_append_u8(signed_part, XFRM_LEGACY));
    TRY(append_zeros(signed_part, 7));
    TRY(buffer_append(signed_part, SLICE_ARRAY(domain->mrtd)));
    TRY(append_zeros(signed_part, 3 * SIMULATED_TD_MEASUREMENT_BYTES)); /* MRCONFIGID to MROWNERCONFIG */
    TRY(buffer_append(signed_part, SLICE_ARRAY(domain->rtmr)));
    return buffer_append(signed_part, slice_of(report_data, 64));
}

enum status simulated_machine_td_sign(const struct simulated_machine *machine, struct slice signed_part,
                                      struct buffer *quote)
{
    return append_signed(machine, signed_part, buffer_slice(&machine->td_tail), quote);
}

enum status simulated_machine_td_quote(const struct simulated_machine *machine, const struct simulated_domain *domain,
                                       const uint8_t report_data[static 64], struct buffer *quote)
{
    CLEANUP(buffer_done) struct buffer signed_part = buffer_of_maximum(SIMULATED_TD_SIGNED_BYTES);
    TRY(simulated_machine_td_report(machine, domain, report_data, &signed_part));
    return simulated_machine_td_sign(machine, buffer_slice(&signed_part), quote);
}

enum status simulated_machine_sealing_key(const struct simulated_machine *machine,
                                          const struct simulated_identity *identity, struct slice label,
                                          struct secret *key_out)
{
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(256);
    TRY(buffer_append(&info, SLICE_ARRAY(identity->mrenclave)));
    TRY(buffer_append(&info, SLICE_ARRAY(identity->mrsigner)));
    TRY(buffer_append_u16_le(&info, identity->product_id));
    TRY(buffer_append_u8(&info, identity->debug ? 1 : 0));
    TRY(buffer_append(&info, label));
    return hkdf_derive(secret_slice(&machine->secret), SLICE_LITERAL("lazaret-softtee/1 sealing key"),
                       buffer_slice(&info), SIMULATED_SEALING_KEY_BYTES, key_out);
}
