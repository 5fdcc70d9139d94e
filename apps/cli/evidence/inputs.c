/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/inputs.h"

#include "base/encoding.h"
#include "base/file.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "feeds/collateral_files.h"

#include <string.h>

enum { RUNTIME_DATA_MAX_BYTES = 1024 * 1024, EVIDENCE_FILE_MAX_BYTES = QUOTE_MAX_BYTES + 16 };

/* An unreadable file that the command line names is bad usage; one that is too large is refused evidence. */
static enum status read_file(const char *path, size_t max_size, struct refusal *why, struct buffer *bytes)
{
    *bytes = buffer_of_maximum(max_size);
    return file_read(path, why, bytes);
}

/* ---- Intel's collateral ---- */

static enum status read_collateral(const struct evidence_options *options, struct refusal *why,
                                   struct evidence_inputs *inputs)
{
    if (options->collateral == NULL) return OK;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(collateral_files_read(options->collateral, why, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    TRY(collateral_new(&texts, &inputs->roots, why, &inputs->collateral));
    inputs->evidence.collateral = inputs->collateral;
    return OK;
}

/* ---- certificates ---- */

static struct slice without_zeros(struct slice text)
{
    while (text.size > 0 && text.bytes[text.size - 1] == '\0') text.size--;
    return text;
}

/* Text tools end PEM with a NUL now and then. */
static enum status read_certificates(const struct evidence_options *options, struct refusal *why,
                                     struct evidence_inputs *inputs)
{
    for (size_t i = 0; i < options->certificate_count; i++) {
        struct buffer *const file = &inputs->certificates[i];
        TRY(read_file(options->certificates[i], CERTIFICATE_PEM_MAX_BYTES, why, file));
        const struct slice bytes = buffer_slice(file);
        inputs->certificate_slices[i] = pem_is_likely(bytes) ? without_zeros(bytes) : bytes;
    }
    return OK;
}

/* Quotes without certificates of their own take one chain in PEM, as quotes carry it. */
static enum status join_pck_chain(const struct evidence_options *options, struct evidence_inputs *inputs)
{
    inputs->pck_chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    for (size_t i = 0; i < options->certificate_count; i++) {
        const struct slice bytes = inputs->certificate_slices[i];
        TRY(pem_is_likely(bytes) ? buffer_append(&inputs->pck_chain, bytes)
                                 : certificate_pem(bytes, &inputs->pck_chain));
        TRY(buffer_append_text(&inputs->pck_chain, "\n"));
    }
    inputs->evidence.pck_chain = buffer_slice(&inputs->pck_chain);
    return OK;
}

/* ---- quotes ---- */

static enum status refuse_wrapped(struct refusal *why)
{
    (void)!refuse(why, ERR_QUOTE_UNSUPPORTED, "header.version", "3, a bare SGX quote",
                  "1 or 3, a wrapper of Open Enclave's");
    return refuse_fix(why, ERR_QUOTE_UNSUPPORTED, "use --tee oe");
}

/* Linux hands TD quotes out in a buffer of fixed size, so its zeros are no fault; they are told. */
static enum status take_quote(const struct evidence_options *options, struct refusal *why,
                              struct evidence_inputs *inputs)
{
    struct slice bytes = buffer_slice(&inputs->file);
    struct oe_evidence opened = {.quote = bytes};
    if (options->kind == EVIDENCE_OPEN_ENCLAVE)
        TRY(oe_evidence_open(bytes, why, &opened));
    else if (oe_evidence_is_wrapped(bytes))
        return refuse_wrapped(why);
    bytes = opened.quote;
    const size_t size = bytes.size;
    if (options->allow_zero_padding || options->kind == EVIDENCE_TDX) TRY(quote_without_padding(bytes, why, &bytes));
    inputs->padding = size - bytes.size;
    inputs->evidence.bytes = opened.has_claims ? buffer_slice(&inputs->file) : bytes; /* claims must be bound */
    inputs->quote = bytes;
    return join_pck_chain(options, inputs);
}

/* ---- the whole ---- */

#ifdef LAZARET_SIMULATION
static enum status read_root(const struct evidence_options *options, struct refusal *why,
                             struct evidence_inputs *inputs)
{
    if (options->simulated_root == NULL) return OK;
    CLEANUP(buffer_done) struct buffer pem = {};
    TRY(read_file(options->simulated_root, KEY_PEM_MAX_BYTES, why, &pem));
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

static enum status read_runtime_data(const struct evidence_options *options, struct refusal *why,
                                     struct evidence_inputs *inputs)
{
    if (options->runtime_data == NULL) return OK;
    TRY(read_file(options->runtime_data, RUNTIME_DATA_MAX_BYTES, why, &inputs->runtime_data));
    inputs->evidence.runtime_data = buffer_slice(&inputs->runtime_data);
    inputs->evidence.has_runtime_data = true;
    return OK;
}

/* What the command line names is read first: a file that is not there is bad usage, whatever the evidence is. */
enum status evidence_inputs_read(const struct evidence_options *options, struct refusal *why,
                                 struct evidence_inputs *inputs)
{
    inputs->evidence.kind = options->kind;
    TRY(read_root(options, why, inputs));
    TRY(read_file(options->file, EVIDENCE_FILE_MAX_BYTES, why, &inputs->file));
    TRY(read_certificates(options, why, inputs));
    TRY(read_runtime_data(options, why, inputs));
    TRY(take_quote(options, why, inputs));
    return read_collateral(options, why, inputs);
}

void evidence_inputs_done(struct evidence_inputs *inputs)
{
    struct buffer *const buffers[] = {&inputs->file, &inputs->runtime_data, &inputs->crl, &inputs->nonce,
                                      &inputs->pck_chain};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) buffer_done(buffers[i]);
    for (size_t i = 0; i < EVIDENCE_CERTIFICATE_FILES_MAX_COUNT; i++) buffer_done(&inputs->certificates[i]);
    collateral_free(inputs->collateral);
    key_free(inputs->simulated_root);
}
