/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/inputs.h"

#include "base/encoding.h"
#include "base/file.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "feeds/collateral_source.h"

#include <string.h>

enum { RUNTIME_DATA_FILE_MAX_BYTES = 1024 * 1024 };

enum status evidence_inputs_file(const char *path, size_t max_size, struct refusal *why, struct buffer *bytes)
{
    *bytes = buffer_of_maximum(max_size);
    return path != NULL ? file_read(path, why, bytes) : OK;
}

/* HCL reports and quotes begin with signatures of their own. */
bool evidence_inputs_is_json(struct slice bytes)
{
    while (bytes.size > 0 && (bytes.bytes[0] == ' ' || bytes.bytes[0] == '\n' || bytes.bytes[0] == '\r'))
        bytes = slice_part(bytes, 1, bytes.size - 1);
    return bytes.size > 0 && bytes.bytes[0] == '{';
}

/* ---- what every kind may have ---- */

#ifdef LAZARET_SIMULATION
static enum status read_root(const struct evidence_options *options, struct refusal *why,
                             struct evidence_inputs *inputs)
{
    if (options->simulated_root == NULL) return OK;
    CLEANUP(buffer_done) struct buffer pem = {};
    TRY(evidence_inputs_file(options->simulated_root, KEY_PEM_MAX_BYTES, why, &pem));
    if (key_from_public_pem(buffer_slice(&pem), &inputs->simulated_root) != OK)
        return refuse(why, ERR_USAGE, "--simulated-root", "a public key in PEM", "%s", options->simulated_root);
    inputs->simulated[0] = inputs->simulated_root;
    inputs->roots = (struct trust_roots){.simulated = inputs->simulated, .simulated_count = 1};
    return OK;
}
#else
static enum status read_root(const struct evidence_options *, struct refusal *, struct evidence_inputs *)
{
    return OK;
}
#endif

static enum status read_nonce(const struct evidence_options *options, struct refusal *why,
                              struct evidence_inputs *inputs)
{
    if (options->nonce == NULL) return OK;
    inputs->nonce = buffer_of_maximum(TPM_EXTRA_DATA_MAX_BYTES);
    if (hex_decode(slice_of_text(options->nonce), &inputs->nonce) == OK && inputs->nonce.size > 0) return OK;
    return refuse(why, ERR_USAGE, "--nonce", "1 to 66 bytes in hexadecimal", "%s", options->nonce);
}

static enum status read_policy(const struct evidence_options *options, struct refusal *why,
                               struct evidence_inputs *inputs)
{
    if (options->policy == NULL) return OK;
    CLEANUP(buffer_done) struct buffer text = {};
    TRY(evidence_inputs_file(options->policy, APPRAISAL_POLICY_MAX_BYTES, why, &text));
    return appraisal_policy_new(buffer_slice(&text), why, &inputs->policy);
}

static enum status read_runtime_data(const struct evidence_options *options, struct refusal *why,
                                     struct evidence_inputs *inputs)
{
    TRY(evidence_inputs_file(options->runtime_data, RUNTIME_DATA_FILE_MAX_BYTES, why, &inputs->runtime_data));
    inputs->evidence.runtime_data = buffer_slice(&inputs->runtime_data);
    inputs->evidence.has_runtime_data = options->runtime_data != NULL;
    return OK;
}

/* Some tools end PEM text with a NUL. */
static struct slice without_zeros(struct slice text)
{
    while (text.size > 0 && text.bytes[text.size - 1] == '\0') text.size--;
    return text;
}

static enum status read_certificates(const struct evidence_options *options, struct refusal *why,
                                     struct evidence_inputs *inputs)
{
    for (size_t i = 0; i < options->certificate_count; i++) {
        struct buffer *const file = &inputs->certificate_files[i];
        TRY(evidence_inputs_file(options->certificates[i], CERTIFICATE_PEM_MAX_BYTES, why, file));
        const struct slice bytes = buffer_slice(file);
        inputs->certificates[inputs->certificate_count++] = pem_is_likely(bytes) ? without_zeros(bytes) : bytes;
    }
    return OK;
}

/* The folder itself, or the sub-folder of the platform that the quote names, as services keep it. */
static enum status read_folder(const char *folder, struct slice quote, struct refusal *why,
                               struct collateral_files *files_out)
{
    struct quote_facts facts;
    struct pacing_hint hint = {};
    if (quote_facts_read(quote, NULL, &facts) != OK || !facts.has_platform)
        return collateral_files_read(folder, why, files_out);
    struct collateral_platform platform = {.tee = facts.tee};
    memcpy(platform.fmspc, facts.fmspc, sizeof(platform.fmspc));
    memcpy(platform.ca, facts.ca, sizeof(platform.ca));
    return collateral_fetch_folder((void *)folder, &platform, why, &hint, files_out);
}

static enum status read_collateral(const struct evidence_options *options, struct refusal *why,
                                   struct evidence_inputs *inputs)
{
    const bool is_looked_at = inputs->quote.size > 0 || evidence_options_are_intels(options);
    if (options->collateral == NULL || !is_looked_at) return OK;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(read_folder(options->collateral, inputs->quote, why, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    TRY(collateral_new(&texts, &inputs->roots, why, &inputs->collateral));
    inputs->evidence.collateral = inputs->collateral;
    return OK;
}

/* ---- the whole ---- */

static enum status read_kind(const struct evidence_options *options, struct refusal *why,
                             struct evidence_inputs *inputs)
{
    switch (options->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE:
    case EVIDENCE_TDX: return evidence_inputs_intel(options, why, inputs);
    case EVIDENCE_SNP: return evidence_inputs_amd(options, why, inputs);
    case EVIDENCE_AZURE_VTPM: return evidence_inputs_azure(options, why, inputs);
    case EVIDENCE_TPM: return evidence_inputs_tpm(options, why, inputs);
    }
    return OK;
}

/* Evidence that cannot be read is refused before anybody looks at the collateral for it. */
enum status evidence_inputs_read(const struct evidence_options *options, struct refusal *why,
                                 struct evidence_inputs *inputs)
{
    inputs->evidence.kind = options->kind;
    TRY(read_nonce(options, why, inputs));
    TRY(read_root(options, why, inputs));
    TRY(read_policy(options, why, inputs));
    TRY(read_certificates(options, why, inputs));
    TRY(read_runtime_data(options, why, inputs));
    TRY(read_kind(options, why, inputs));
    return read_collateral(options, why, inputs);
}

void evidence_inputs_done(struct evidence_inputs *inputs)
{
    struct buffer *const buffers[] = {
        &inputs->file,      &inputs->runtime_data, &inputs->pck_chain, &inputs->crl,   &inputs->tpm_quote,
        &inputs->signature, &inputs->pcr_file,     &inputs->event_log, &inputs->nonce, &inputs->td_quote,
    };
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) buffer_done(buffers[i]);
    for (size_t i = 0; i < EVIDENCE_CERTIFICATE_FILES_MAX_COUNT; i++) buffer_done(&inputs->certificate_files[i]);
    endorsement_files_done(&inputs->endorsements);
    tpm_evidence_done(&inputs->tpm_text);
    azure_evidence_text_done(&inputs->azure_text);
    collateral_free(inputs->collateral);
    appraisal_policy_free(inputs->policy);
    key_free(inputs->attestation_key);
    key_free(inputs->simulated_root);
}
