/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/inputs.h"

#include "crypto/pem.h"
#include "crypto/x509.h"

#include <string.h>

enum { DER_SEQUENCE_BYTE = 0x30 };

/* ---- the attestation key ---- */

static enum status key_of_certificate(struct slice bytes, struct key **key_out)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    if (pem_is_likely(bytes)) {
        TRY(certificate_list_from_pem(bytes, &list));
    } else {
        TRY(certificate_from_der(bytes, &list.items[0]));
        list.count = 1;
    }
    *key_out = key_share(certificate_key(list.items[0]));
    return OK;
}

/* SubjectPublicKeyInfo or a certificate, whose first key counts; otherwise a TPM's public area, whose attributes are
 * then held to what an attestation key must have. */
static enum status read_key(struct slice bytes, struct refusal *why, struct evidence_inputs *inputs)
{
    const bool is_der = bytes.size > 0 && bytes.bytes[0] == DER_SEQUENCE_BYTE;
    if (!is_der && !pem_is_likely(bytes)) {
        inputs->evidence.tpm.key_public = bytes;
        return tpm_public_key(bytes, why, &inputs->attestation_key);
    }
    if (!is_der && key_from_public_pem(bytes, &inputs->attestation_key) == OK) return OK;
    if (key_of_certificate(bytes, &inputs->attestation_key) == OK) return OK;
    return refuse(why, ERR_TPM_KEY, "certs", "a public key, a certificate or a TPM's public area", "%zu other bytes",
                  bytes.size);
}

static enum status read_attestation_key(struct refusal *why, struct evidence_inputs *inputs)
{
    if (inputs->certificate_count > 1)
        return refuse(why, ERR_USAGE, "--certs", "the one attestation key", "%zu files", inputs->certificate_count);
    if (inputs->certificate_count == 1) TRY(read_key(inputs->certificates[0], why, inputs));
    inputs->evidence.tpm.key = inputs->attestation_key;
    return OK;
}

/* ---- the quote ---- */

enum status evidence_inputs_tpm_parts(const struct evidence_options *options, struct refusal *why,
                                      struct evidence_inputs *inputs, struct tpm_quote *quote)
{
    TRY(evidence_inputs_file(options->signature, TPM_SIGNATURE_MAX_BYTES, why, &inputs->signature));
    TRY(evidence_inputs_file(options->pcrs, TPM_PCR_FILE_MAX_BYTES, why, &inputs->pcr_file));
    TRY(evidence_inputs_file(options->event_log, TPM_EVENT_LOG_MAX_BYTES, why, &inputs->event_log));
    quote->nonce = buffer_slice(&inputs->nonce);
    if (options->signature != NULL) {
        quote->signature = buffer_slice(&inputs->signature);
        quote->is_bare_rsa = tpm_signature_is_bare_rsa(quote->signature);
    }
    if (quote->attest.size > 0 && quote->signature.size == 0) {
        (void)refuse(why, ERR_TPM_SIGNATURE, "signature", "the signature of the quote", "none");
        return refuse_fix(why, ERR_TPM_SIGNATURE, "give --signature FILE, as tpm2_quote -s writes it");
    }
    if (options->event_log != NULL) quote->event_log = buffer_slice(&inputs->event_log);
    if (options->pcrs == NULL) return OK;
    TRY(tpm_pcrs_read_quoted(buffer_slice(&inputs->pcr_file), quote->attest, why, &inputs->pcrs));
    quote->pcrs = &inputs->pcrs;
    return OK;
}

/* A key that stands beside the quote proves nothing: it is the one of --certs that counts, and its public area. */
static enum status read_quote(struct refusal *why, struct evidence_inputs *inputs)
{
    struct tpm_quote *const quote = &inputs->evidence.tpm;
    const struct slice bytes = buffer_slice(&inputs->file), key_public = quote->key_public;
    if (!evidence_inputs_is_json(bytes)) {
        quote->attest = bytes;
        return OK;
    }
    TRY(tpm_evidence_json(bytes, why, &inputs->tpm_text));
    *quote = inputs->tpm_text.quote;
    quote->key = inputs->attestation_key;
    if (key_public.size > 0) quote->key_public = key_public;
    return OK;
}

enum status evidence_inputs_tpm(const struct evidence_options *options, struct refusal *why,
                                struct evidence_inputs *inputs)
{
    TRY(read_attestation_key(why, inputs));
    TRY(evidence_inputs_file(options->file, TPM_EVIDENCE_JSON_MAX_BYTES, why, &inputs->file));
    TRY(read_quote(why, inputs));
    return evidence_inputs_tpm_parts(options, why, inputs, &inputs->evidence.tpm);
}
