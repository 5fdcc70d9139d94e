/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/inputs.h"

#include "crypto/x509.h"

struct option_value {
    const char *name, *value;
};

static enum status none_of(const struct option_value *values, size_t count, const char *expected, struct refusal *why)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].value == NULL) continue;
        (void)!refuse(why, ERR_USAGE, values[i].name, expected, "%s", values[i].value);
        return refuse_fix(why, ERR_USAGE, "see --help of this command");
    }
    return OK;
}

/* Evidence in one text has its quote with it: without one nothing would show when it was made. */
static enum status read_text(const struct evidence_options *options, struct refusal *why,
                             struct evidence_inputs *inputs)
{
    const struct option_value parts[] = {{"--tpm-quote", options->quote},
                                         {"--signature", options->signature},
                                         {"--pcrs", options->pcrs},
                                         {"--td-quote", options->td_quote}};
    TRY(none_of(parts, 4, "a binary HCL report: JSON has this part in itself", why));
    TRY(azure_evidence_json(buffer_slice(&inputs->file), why, &inputs->azure_text));
    inputs->evidence.azure = inputs->azure_text.evidence;
    inputs->evidence.azure.tpm_required = true;
    if (inputs->azure_text.certificates.size > 0)
        inputs->certificates[inputs->certificate_count++] = inputs->azure_text.certificates;
    return OK;
}

static enum status read_parts(const struct evidence_options *options, struct refusal *why,
                              struct evidence_inputs *inputs)
{
    const struct option_value parts[] = {{"--signature", options->signature},
                                         {"--pcrs", options->pcrs},
                                         {"--event-log", options->event_log},
                                         {"--nonce", options->nonce}};
    if (options->quote == NULL) TRY(none_of(parts, 4, "the quote that it belongs to, by --tpm-quote", why));
    TRY(evidence_inputs_file(options->quote, TPM_ATTEST_MAX_BYTES, why, &inputs->tpm_quote));
    TRY(evidence_inputs_file(options->td_quote, QUOTE_MAX_BYTES, why, &inputs->td_quote));
    inputs->evidence.azure.hcl_report = buffer_slice(&inputs->file);
    inputs->evidence.azure.td_quote = buffer_slice(&inputs->td_quote);
    inputs->evidence.azure.tpm.attest = buffer_slice(&inputs->tpm_quote);
    return OK;
}

enum status evidence_inputs_azure(const struct evidence_options *options, struct refusal *why,
                                  struct evidence_inputs *inputs)
{
    struct azure_evidence *const azure = &inputs->evidence.azure;
    TRY(evidence_inputs_file(options->file, AZURE_EVIDENCE_JSON_MAX_BYTES, why, &inputs->file));
    TRY(evidence_inputs_is_json(buffer_slice(&inputs->file)) ? read_text(options, why, inputs)
                                                             : read_parts(options, why, inputs));
    TRY(evidence_inputs_tpm_parts(options, why, inputs, &azure->tpm));
    TRY(evidence_inputs_endorsements(options, why, inputs));
    if (azure->td_quote.size == 0) return OK;
    TRY(evidence_inputs_quote(azure->td_quote, true, why, inputs));
    azure->td_quote = inputs->quote;
    return OK;
}
