/* SPDX-License-Identifier: Apache-2.0
 *
 * The collateral that a simulated authority signs: TCB info, QE identity and lists, in the forms of Intel's service.
 */
#include "base/clock.h"
#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/x509_issue.h"
#include "tee/simulation/authority_internal.h"

static const char tcb_date[] = "2026-11-01T00:00:00Z";

/* Collateral begins five minutes early, so that clocks which differ a little do not matter. */
enum { COLLATERAL_MARGIN_S = 300, SVN_OUT_OF_DATE = 1 };

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

/* `name` is that of the components, all of them at `svn`. */
static enum status append_components(struct buffer *text, const char *name, unsigned svn)
{
    TRY(buffer_append_format(text, "\"%s\":[", name));
    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        TRY(buffer_append_format(text, "%s{\"svn\":%u}", i == 0 ? "" : ",", svn));
    return buffer_append_text(text, "],");
}

static enum status append_tcb_level(struct buffer *text, bool tdx, unsigned svn, const char *status,
                                    const char *advisories)
{
    TRY(buffer_append_text(text, "{\"tcb\":{"));
    TRY(append_components(text, "sgxtcbcomponents", svn));
    if (tdx) TRY(append_components(text, "tdxtcbcomponents", 0));
    return buffer_append_format(text, "\"pcesvn\":%u},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"%s}", svn, tcb_date,
                                status, advisories);
}

/* Of software that is numbered by one SVN: the quoting enclave and the TDX module. */
static enum status append_svn_levels(struct buffer *text, int newest, const char *status)
{
    TRY(buffer_append_format(text, "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"},",
                             newest, tcb_date, status != NULL ? status : "UpToDate"));
    return buffer_append_format(text, "{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"%s\",\"tcbStatus\":\"OutOfDate\"}]",
                                SVN_OUT_OF_DATE, tcb_date);
}

/* Modules of major version 1, signed by nobody, as Intel's are by zeros. */
static enum status append_modules(struct buffer *text, const char *status)
{
    static const char module[] = "\"mrsigner\":\"%096d\",\"attributes\":\"0000000000000000\","
                                 "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"";
    TRY(buffer_append_text(text, ",\"tdxModule\":{"));
    TRY(buffer_append_format(text, module, 0));
    TRY(buffer_append_format(text, "},\"tdxModuleIdentities\":[{\"id\":\"TDX_%02X\",", SIMULATED_TDX_MODULE_VERSION));
    TRY(buffer_append_format(text, module, 0));
    TRY(buffer_append_text(text, ","));
    TRY(append_svn_levels(text, SIMULATED_TDX_MODULE_SVN, status));
    return buffer_append_text(text, "}]");
}

/* Version 3, as API version 4 serves it. The first level is what machines have; the second is for tests of older
 * ones. */
static enum status write_tcb_info(const struct simulated_collateral_options *options, struct buffer *text)
{
    TRY(buffer_append_format(text, "{\"id\":\"%s\",\"version\":3,", options->tdx ? "TDX" : "SGX"));
    TRY(append_dates(text, options->now_s));
    TRY(buffer_append_text(text, ",\"fmspc\":\""));
    TRY(hex_encode(SLICE_ARRAY(simulated_fmspc), text));
    TRY(buffer_append_format(text, "\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%d",
                             SIMULATED_TCB_EVALUATION));
    if (options->tdx) TRY(append_modules(text, options->module_status));
    TRY(buffer_append_text(text, ",\"tcbLevels\":["));
    TRY(append_tcb_level(text, options->tdx, SIMULATED_TCB_SVN,
                         options->tcb_status != NULL ? options->tcb_status : "UpToDate", ""));
    TRY(buffer_append_text(text, ","));
    TRY(append_tcb_level(text, options->tdx, SVN_OUT_OF_DATE, "OutOfDate", ",\"advisoryIDs\":[\"LAZARET-SIM-00001\"]"));
    return buffer_append_text(text, "]}");
}

static enum status write_qe_identity(const struct simulated_collateral_options *options, struct buffer *text)
{
    uint8_t mrsigner[32];
    TRY(simulated_qe_signer(mrsigner));
    TRY(buffer_append_format(text, "{\"id\":\"%s\",\"version\":2,", options->tdx ? "TD_QE" : "QE"));
    TRY(append_dates(text, options->now_s));
    TRY(buffer_append_format(text,
                             ",\"tcbEvaluationDataNumber\":%d,\"miscselect\":\"00000000\","
                             "\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\","
                             "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%s\","
                             "\"isvprodid\":%d,",
                             SIMULATED_TCB_EVALUATION, hex_of_32(mrsigner).text,
                             options->tdx ? SIMULATED_TD_QE_PRODUCT_ID : SIMULATED_QE_PRODUCT_ID));
    TRY(append_svn_levels(text, SIMULATED_QE_SVN, options->qe_status));
    return buffer_append_text(text, "}");
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
    TRY(simulated_authority_chain(authority, TCB_SIGNING, &collateral.tcb_issuer_chain));
    TRY(simulated_authority_chain(authority, PLATFORM_CA, &collateral.pck_crl_issuer_chain));
    *collateral_out = collateral;
    collateral = (struct simulated_collateral){};
    return OK;
}
