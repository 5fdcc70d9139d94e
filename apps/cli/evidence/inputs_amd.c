/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/inputs.h"

#include "crypto/pem.h"
#include "crypto/x509.h"

enum { DER_SEQUENCE_BYTE = 0x30 };

/* A certificate table begins with the GUID of its first entry. */
static bool is_table(struct slice bytes)
{
    return !pem_is_likely(bytes) && bytes.size > 0 && bytes.bytes[0] != DER_SEQUENCE_BYTE;
}

static void append_certificate(struct evidence_inputs *inputs, struct slice certificate)
{
    if (certificate.size > 0) inputs->certificates[inputs->certificate_count++] = certificate;
}

/* What the host hands its guest, as `auxblob` of configfs-tsm has it; one table, in place of files. */
static enum status open_table(struct refusal *why, struct evidence_inputs *inputs)
{
    for (size_t i = 0; i < inputs->certificate_count; i++) {
        if (!is_table(inputs->certificates[i])) continue;
        struct snp_certificate_table table;
        TRY(snp_certificate_table_parse(inputs->certificates[i], why, &table));
        inputs->certificates[i] = inputs->certificates[--inputs->certificate_count];
        append_certificate(inputs, table.vcek);
        append_certificate(inputs, table.vlek);
        append_certificate(inputs, table.ask);
        append_certificate(inputs, table.ark);
        return OK;
    }
    return OK;
}

/* A folder as `lazaret collateral fetch` makes it, where no certificates are given one by one. An Azure machine's may
 * be Intel's instead. */
static enum status read_folder(const struct evidence_options *options, struct refusal *why,
                               struct evidence_inputs *inputs)
{
    if (options->collateral == NULL || inputs->certificate_count > 0) return OK;
    if (options->kind != EVIDENCE_SNP && !endorsement_folder_is_likely(options->collateral)) return OK;
    struct endorsement_files *const files = &inputs->endorsements;
    TRY(endorsement_files_read(options->collateral, why, files));
    append_certificate(inputs, buffer_slice(&files->vcek));
    append_certificate(inputs, buffer_slice(&files->cert_chain));
    return OK;
}

enum status evidence_inputs_endorsements(const struct evidence_options *options, struct refusal *why,
                                         struct evidence_inputs *inputs)
{
    TRY(evidence_inputs_file(options->crl, CRL_MAX_BYTES, why, &inputs->crl));
    TRY(open_table(why, inputs));
    TRY(read_folder(options, why, inputs));
    const struct buffer *const crl = options->crl != NULL ? &inputs->crl : &inputs->endorsements.crl;
    inputs->evidence.endorsements = (struct snp_endorsements){
        .certificates = inputs->certificates,
        .certificate_count = inputs->certificate_count,
        .crl = buffer_slice(crl),
        .simulated_root = inputs->simulated_root,
    };
    return OK;
}

enum status evidence_inputs_amd(const struct evidence_options *options, struct refusal *why,
                                struct evidence_inputs *inputs)
{
    TRY(evidence_inputs_file(options->file, QUOTE_MAX_BYTES, why, &inputs->file));
    inputs->evidence.bytes = buffer_slice(&inputs->file);
    return evidence_inputs_endorsements(options, why, inputs);
}
