/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/inputs.h"

#include "crypto/pem.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"

enum { OPEN_ENCLAVE_EVIDENCE_MAX_BYTES = 2 * QUOTE_MAX_BYTES }; /* quote, headers and custom claims */

/* Quotes without certificates of their own take one chain in PEM, as quotes carry it. */
static enum status join_pck_chain(struct evidence_inputs *inputs)
{
    inputs->pck_chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    for (size_t i = 0; i < inputs->certificate_count; i++) {
        const struct slice bytes = inputs->certificates[i];
        TRY(pem_is_likely(bytes) ? buffer_append(&inputs->pck_chain, bytes)
                                 : certificate_pem(bytes, &inputs->pck_chain));
        TRY(buffer_append_text(&inputs->pck_chain, "\n"));
    }
    inputs->evidence.pck_chain = buffer_slice(&inputs->pck_chain);
    return OK;
}

enum status evidence_inputs_quote(struct slice bytes, bool is_padding_allowed, struct refusal *why,
                                  struct evidence_inputs *inputs)
{
    inputs->quote = bytes;
    if (is_padding_allowed) TRY(quote_without_padding(bytes, why, &inputs->quote));
    inputs->padding = bytes.size - inputs->quote.size;
    return OK;
}

static enum status refuse_wrapped(struct refusal *why)
{
    (void)!refuse(why, ERR_QUOTE_UNSUPPORTED, "header.version", "3 to 5, a bare quote",
                  "1 or 3, a wrapper of Open Enclave's");
    return refuse_fix(why, ERR_QUOTE_UNSUPPORTED, "use --tee oe");
}

/* Linux hands TD quotes out in a buffer of fixed size, so its zeros are no fault; they are told. Wrapped evidence goes
 * on with its wrapper, which verification looks at, unless zeros stand inside. */
enum status evidence_inputs_intel(const struct evidence_options *options, struct refusal *why,
                                  struct evidence_inputs *inputs)
{
    TRY(evidence_inputs_file(options->file, OPEN_ENCLAVE_EVIDENCE_MAX_BYTES, why, &inputs->file));
    const struct slice bytes = buffer_slice(&inputs->file);
    struct oe_evidence opened = {.quote = bytes};
    if (options->kind == EVIDENCE_OPEN_ENCLAVE)
        TRY(oe_evidence_open(bytes, why, &opened));
    else if (oe_evidence_is_wrapped(bytes))
        return refuse_wrapped(why);
    TRY(evidence_inputs_quote(opened.quote, options->allow_zero_padding || options->kind == EVIDENCE_TDX, why, inputs));
    inputs->evidence.bytes = inputs->padding == 0 ? bytes : inputs->quote;
    return join_pck_chain(inputs);
}
