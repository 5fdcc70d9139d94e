/* SPDX-License-Identifier: Apache-2.0
 *
 * One result type for the whole project. A function that can fail returns `enum status`; outputs come last, end in
 * `_out` and are written only on OK. Codes are numbered by module (high byte), so that a log line names its origin.
 */
#pragma once

/* Every code with its text. The text says what happened; a `struct refusal` (base/refusal.h) says to which field. */
#define STATUS_LIST(X)                                                                                                 \
    X(OK, 0x0000, "ok")                                                                                                \
    /* base */                                                                                                         \
    X(ERR_TRUNCATED, 0x0101, "input ends too early")                                                                   \
    X(ERR_TRAILING_BYTES, 0x0102, "bytes follow the end of the message")                                               \
    X(ERR_TOO_LARGE, 0x0103, "input is larger than its named maximum")                                                 \
    X(ERR_NO_MEMORY, 0x0104, "out of memory")                                                                          \
    X(ERR_ENCODING, 0x0105, "text is not valid base64, base64url, hex or UTF-8")                                       \
    X(ERR_JSON_SYNTAX, 0x0106, "text is not valid JSON")                                                               \
    X(ERR_FIELD_MISSING, 0x0107, "a required field is missing")                                                        \
    X(ERR_FIELD_TYPE, 0x0108, "a field has the wrong type")                                                            \
    X(ERR_FIELD_VALUE, 0x0109, "a field has a value that is not allowed")                                              \
    X(ERR_FIELD_UNKNOWN, 0x010a, "a field is not known here")                                                          \
    X(ERR_IO, 0x010b, "the operating system refused a file or socket operation")                                       \
    X(ERR_INTERNAL, 0x010c, "a call that cannot fail on valid state failed")                                           \
    X(ERR_UNSUPPORTED, 0x010d, "a valid form that this program does not support")                                      \
    X(ERR_CLOSED, 0x010e, "the other side closed the connection")                                                      \
    X(ERR_TIMEOUT, 0x010f, "no answer within the time limit")                                                          \
    X(ERR_CONFIG, 0x0110, "the configuration is not usable")                                                           \
    X(ERR_USAGE, 0x0111, "the command line is not usable")                                                             \
    X(ERR_BUSY, 0x0112, "a named limit of concurrent work is reached")                                                 \
    X(ERR_FILE_DIGEST, 0x0113, "a file is not the one that is named by its digest")                                    \
    /* crypto */                                                                                                       \
    X(ERR_CRYPTO, 0x0201, "the crypto library refused an operation")                                                   \
    X(ERR_KEY_INVALID, 0x0202, "a key is malformed or not on its curve")                                               \
    X(ERR_SIGNATURE, 0x0203, "a signature does not verify")                                                            \
    X(ERR_AUTHENTICATION, 0x0204, "sealed data does not open: wrong key, or altered")                                  \
    X(ERR_CERTIFICATE_MALFORMED, 0x0205, "a certificate is malformed")                                                 \
    X(ERR_CRL_MALFORMED, 0x0206, "a certificate revocation list is malformed")                                         \
    /* evidence */                                                                                                     \
    X(ERR_QUOTE_MALFORMED, 0x0301, "the quote is malformed")                                                           \
    X(ERR_QUOTE_UNSUPPORTED, 0x0302, "the quote's version or kind is not supported")                                   \
    X(ERR_CHAIN, 0x0303, "a certificate chain does not lead to a pinned root")                                         \
    X(ERR_CERTIFICATE_EXPIRED, 0x0304, "a certificate is not valid at this time")                                      \
    X(ERR_CERTIFICATE_REVOKED, 0x0305, "a certificate is revoked")                                                     \
    X(ERR_CRL_EXPIRED, 0x0306, "a certificate revocation list is not current at this time")                            \
    X(ERR_CRL_SIGNATURE, 0x0307, "a certificate revocation list is not signed by its issuer")                          \
    X(ERR_COLLATERAL_MALFORMED, 0x0308, "TCB info or QE identity is malformed")                                        \
    X(ERR_COLLATERAL_SIGNATURE, 0x0309, "TCB info or QE identity is not signed by its issuer")                         \
    X(ERR_COLLATERAL_EXPIRED, 0x030a, "TCB info or QE identity is not current at this time")                           \
    X(ERR_COLLATERAL_MISMATCH, 0x030b, "collateral belongs to another platform or kind of TEE")                        \
    X(ERR_COLLATERAL_MISSING, 0x030c, "collateral for this platform is not at hand")                                   \
    X(ERR_QE_REPORT_SIGNATURE, 0x030d, "the quoting enclave's report is not signed by the PCK key")                    \
    X(ERR_QE_REPORT_DATA, 0x030e, "the quoting enclave's report does not name the attestation key")                    \
    X(ERR_QE_IDENTITY, 0x030f, "the quoting enclave is not the one that the QE identity describes")                    \
    X(ERR_QUOTE_SIGNATURE, 0x0310, "the quote is not signed by its attestation key")                                   \
    X(ERR_TCB_NOT_SUPPORTED, 0x0311, "no TCB level matches this platform")                                             \
    X(ERR_TCB_REVOKED, 0x0312, "the platform's TCB level is revoked")                                                  \
    X(ERR_REPORT_DATA, 0x0313, "report_data does not bind the given runtime data")                                     \
    X(ERR_TDX_MODULE, 0x0314, "the TDX module is not one that the TCB info describes")                                 \
    X(ERR_SNP_MALFORMED, 0x0320, "the SEV-SNP report or certificate table is malformed")                               \
    X(ERR_SNP_SIGNATURE, 0x0321, "the SEV-SNP report is not signed by its endorsement key")                            \
    X(ERR_SNP_KEY, 0x0322, "the endorsement key is not the one of this SEV-SNP report")                                \
    X(ERR_TPM_MALFORMED, 0x0330, "the TPM quote, signature or public area is malformed")                               \
    X(ERR_TPM_SIGNATURE, 0x0331, "the TPM quote is not signed by its attestation key")                                 \
    X(ERR_TPM_NONCE, 0x0332, "the TPM quote does not carry the nonce that was asked for")                              \
    X(ERR_TPM_PCR, 0x0333, "the TPM quote is over other PCRs, or over other values")                                   \
    X(ERR_TPM_EVENT_LOG, 0x0334, "the event log is malformed, or does not lead to the quoted PCRs")                    \
    X(ERR_TPM_KEY, 0x0335, "the TPM key is not fit for attestation")                                                   \
    X(ERR_AZURE_REPORT, 0x0340, "the HCL report is malformed, or its parts do not belong together")                    \
    X(ERR_APPRAISAL, 0x0350, "the appraisal policy does not accept this evidence")                                     \
    X(ERR_APPRAISAL_DIFFERS, 0x0352, "a signer's own appraisal comes to another result than a parser's")               \
    X(ERR_APPRAISAL_POLICY, 0x0351, "the appraisal policy is not usable")                                              \
    /* token */                                                                                                        \
    X(ERR_TOKEN_MALFORMED, 0x0401, "the token is malformed")                                                           \
    X(ERR_TOKEN_ALGORITHM, 0x0402, "the token's algorithm is not allowed")                                             \
    X(ERR_TOKEN_TYPE, 0x0403, "the token is of another type")                                                          \
    X(ERR_TOKEN_KEY_UNKNOWN, 0x0404, "the token names a signing key that is not trusted")                              \
    X(ERR_TOKEN_SIGNATURE, 0x0405, "the token's signature does not verify")                                            \
    X(ERR_TOKEN_ISSUER, 0x0406, "the token is from another issuer")                                                    \
    X(ERR_TOKEN_EXPIRED, 0x0407, "the token is expired or too old")                                                    \
    X(ERR_TOKEN_NOT_YET_VALID, 0x0408, "the token is not valid yet")                                                   \
    X(ERR_TOKEN_CLAIM, 0x0409, "a claim is missing or malformed")                                                      \
    X(ERR_TOKEN_DEBUG, 0x040a, "the enclave is a debug enclave")                                                       \
    X(ERR_TOKEN_IDENTITY, 0x040b, "the enclave's measurement is not accepted for its role")                            \
    X(ERR_TOKEN_SERVICE, 0x040c, "the token is of another service role")                                               \
    X(ERR_TOKEN_DEPLOYMENT, 0x040d, "the token is of another deployment")                                              \
    X(ERR_TOKEN_POLICY, 0x040e, "the token was issued under another policy")                                           \
    X(ERR_TOKEN_KEY_BINDING, 0x040f, "the presenter's key is not the attested key for this purpose")                   \
    X(ERR_TOKEN_SIMULATED, 0x0410, "the token is from simulated evidence, which this deployment does not accept")      \
    X(ERR_TOKEN_NONCE, 0x0411, "the token does not carry the nonce that was asked for")                                \
    X(ERR_TOKEN_MISSING, 0x0412, "no token was presented")                                                             \
    X(ERR_TOKEN_TCB, 0x0413, "the platform's TCB status is not accepted")                                              \
    /* policy and manifest */                                                                                          \
    X(ERR_MANIFEST, 0x0501, "the manifest is not usable")                                                              \
    X(ERR_MANIFEST_SIGNATURE, 0x0502, "the manifest is not signed by the deployment key")                              \
    X(ERR_MANIFEST_OLD, 0x0503, "the manifest is older than the newest one seen")                                      \
    X(ERR_MANIFEST_SIMULATION, 0x0504, "the manifest asks for simulation, which this build does not contain")          \
    X(ERR_POLICY_DENIED, 0x0505, "the attestation policy does not permit this evidence")                               \
    X(ERR_POLICY_SYNTAX, 0x0506, "the attestation policy is not well-formed")                                          \
    X(ERR_POLICY_LIMIT, 0x0507, "the attestation policy or its evaluation passes a limit")                             \
    X(ERR_POLICY_VALUE, 0x0508, "a function of the attestation policy was given what it does not take")                \
    X(ERR_JMESPATH, 0x0509, "the JMESPath expression is not usable")                                                   \
    /* tee */                                                                                                          \
    X(ERR_TEE_ABSENT, 0x0601, "no trusted execution environment is at hand")                                           \
    X(ERR_TEE_PROTOCOL, 0x0602, "the trusted execution environment answered out of protocol")                          \
    /* channel */                                                                                                      \
    X(ERR_BHTTP, 0x0701, "the binary HTTP message is malformed")                                                       \
    X(ERR_OHTTP_FORMAT, 0x0702, "the encapsulated request is malformed")                                               \
    X(ERR_OHTTP_KEY, 0x0703, "the encapsulated request is for a key that is not held here")                            \
    X(ERR_REPLAY, 0x0704, "the request was seen before")                                                               \
    X(ERR_DATE, 0x0705, "the request's date is outside the accepted window")                                           \
    X(ERR_TLS, 0x0706, "the TLS handshake failed")                                                                     \
    X(ERR_PEER_REFUSED, 0x0707, "the peer's attestation was refused")                                                  \
    X(ERR_CONNECT, 0x0708, "the peer cannot be reached")                                                               \
    X(ERR_REPLAY_FULL, 0x0709, "no more requests can be remembered for now")                                           \
    /* http */                                                                                                         \
    X(ERR_HTTP_MALFORMED, 0x0801, "the HTTP message is malformed")                                                     \
    X(ERR_HTTP_STATUS, 0x0802, "the HTTP answer has an unexpected status")                                             \
    X(ERR_HTTP_TYPE, 0x0803, "the HTTP message has an unexpected content type")                                        \
    /* feeds */                                                                                                        \
    X(ERR_FEED_STALE, 0x0901, "what a feed holds is out of date")                                                      \
    X(ERR_COLLATERAL_OLD, 0x0902, "collateral is older than what was seen before, or than the minimum")                \
    /* records */                                                                                                      \
    X(ERR_STORE, 0x0a01, "the record store failed")                                                                    \
    X(ERR_STORE_LOCKED, 0x0a02, "the record store is locked: hand-over or recovery key needed")                        \
    X(ERR_STORE_CORRUPT, 0x0a03, "a sealed record was altered or moved")                                               \
    X(ERR_NOT_FOUND, 0x0a04, "there is no such record")                                                                \
    X(ERR_CONFLICT, 0x0a05, "the record was changed meanwhile, or exists already")                                     \
    X(ERR_FHIR, 0x0a06, "the resource does not conform")                                                               \
    X(ERR_FORBIDDEN, 0x0a07, "the account's role does not allow this")                                                 \
    X(ERR_SIGN_IN, 0x0a08, "user name or password is wrong")                                                           \
    X(ERR_SESSION, 0x0a09, "the session is unknown or over")                                                           \
    X(ERR_CACHE, 0x0a0a, "the cache is away or answered out of protocol")                                              \
    X(ERR_THROTTLED, 0x0a0b, "too many attempts; wait")                                                                \
    X(ERR_STORE_IN_USE, 0x0a0c, "another process has the record store open")                                           \
    X(ERR_STORE_FULL, 0x0a0d, "there is no room on the disk of the records: nothing was kept")                         \
    X(ERR_STORE_ROLLBACK, 0x0a0e, "the record store was set back to an earlier state")                                 \
    X(ERR_PRECONDITION, 0x0a40, "the record has another version by now")                                               \
    /* imaging */                                                                                                      \
    X(ERR_IMAGE_FORMAT, 0x0b01, "the file is not a picture of a known format")                                         \
    X(ERR_IMAGE_MALFORMED, 0x0b02, "the picture is malformed or truncated")                                            \
    X(ERR_IMAGE_UNSUPPORTED, 0x0b03, "the picture uses a form that is not supported")                                  \
    X(ERR_IMAGE_UNSUITABLE, 0x0b04, "the picture is not one that the model can read")                                  \
    X(ERR_CHILD_DIED, 0x0b05, "the contained child process died")                                                      \
    /* inference */                                                                                                    \
    X(ERR_MODEL, 0x0c01, "the model package is not usable")                                                            \
    X(ERR_MODEL_DIGEST, 0x0c02, "a file has another digest than the one pinned")                                       \
    X(ERR_INFERENCE, 0x0c03, "the model could not be run")                                                             \
    X(ERR_TENSOR, 0x0c04, "a tensor's name, type or shape is not what the model takes")

enum [[nodiscard]] status{
#define STATUS_ENUM(name, number, text) name = (number),
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

/* The code's name ("ERR_TRUNCATED") and its sentence. Never NULL; "ERR_UNKNOWN" and a sentence for a foreign number. */
const char *status_name(enum status status);
const char *status_text(enum status status);

/* Runs `done(&variable)` when the variable leaves its scope. */
#define CLEANUP(done) [[gnu::cleanup(done)]]

/* Leaves the function with the first failure. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const enum status try_status_ = (call);                                                                        \
        if (try_status_ != OK) return try_status_;                                                                     \
    } while (0)
