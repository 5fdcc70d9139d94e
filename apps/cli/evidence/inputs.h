/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that the command line names, read and put together as evidence.
 */
#pragma once

#include "base/buffer.h"
#include "cli/evidence/options.h"
#include "evidence/appraisal.h"
#include "feeds/endorsement_source.h"

/* A host's certificate table stands for as many as four certificates. */
enum { EVIDENCE_CERTIFICATES_MAX_COUNT = EVIDENCE_CERTIFICATE_FILES_MAX_COUNT + 4 };

/* Everything that the evidence borrows from. */
struct evidence_inputs {
    struct evidence evidence;
    struct slice quote;              /* of SGX or TDX, else empty */
    size_t padding;                  /* zeros behind it that were left out */
    struct appraisal_policy *policy; /* NULL: none */
    struct trust_roots roots;
    struct key *simulated_root;
    const struct key *simulated[1];
    struct buffer file, runtime_data;
    struct buffer certificate_files[EVIDENCE_CERTIFICATE_FILES_MAX_COUNT];
    struct slice certificates[EVIDENCE_CERTIFICATES_MAX_COUNT];
    size_t certificate_count;
    struct collateral *collateral;                                  /* Intel's */
    struct buffer pck_chain;                                        /* Intel's */
    struct endorsement_files endorsements;                          /* AMD's */
    struct buffer crl;                                              /* AMD's */
    struct buffer tpm_quote, signature, pcr_file, event_log, nonce; /* a TPM's */
    struct tpm_pcrs pcrs;
    struct key *attestation_key;
    struct tpm_evidence tpm_text;
    struct buffer td_quote; /* Azure's */
    struct azure_evidence_text azure_text;
};

/* ERR_USAGE, ERR_IO and ERR_APPRAISAL_POLICY for what the command line names wrongly; what the files hold is refused as
 * evidence is. */
enum status evidence_inputs_read(const struct evidence_options *options, struct refusal *why,
                                 struct evidence_inputs *inputs);
void evidence_inputs_done(struct evidence_inputs *inputs);

/* ---- its parts, by maker ---- */

/* `path` NULL leaves the buffer empty. An unreadable file that the command line names is bad usage; one that is too
 * large is refused evidence. */
enum status evidence_inputs_file(const char *path, size_t max_size, struct refusal *why, struct buffer *bytes);

enum status evidence_inputs_intel(const struct evidence_options *options, struct refusal *why,
                                  struct evidence_inputs *inputs);
enum status evidence_inputs_amd(const struct evidence_options *options, struct refusal *why,
                                struct evidence_inputs *inputs);

/* What evidence of AMD's may have beside it; azure-vtpm takes it too. */
enum status evidence_inputs_endorsements(const struct evidence_options *options, struct refusal *why,
                                         struct evidence_inputs *inputs);

enum status evidence_inputs_tpm(const struct evidence_options *options, struct refusal *why,
                                struct evidence_inputs *inputs);

enum status evidence_inputs_azure(const struct evidence_options *options, struct refusal *why,
                                  struct evidence_inputs *inputs);

/* Evidence as one JSON text, not in its binary form. */
bool evidence_inputs_is_json(struct slice bytes);

/* Cuts zeros from behind a quote and tells how many. */
enum status evidence_inputs_quote(struct slice bytes, bool is_padding_allowed, struct refusal *why,
                                  struct evidence_inputs *inputs);

/* Parts of a TPM's quote that azure-vtpm takes too. */
enum status evidence_inputs_tpm_parts(const struct evidence_options *options, struct refusal *why,
                                      struct evidence_inputs *inputs, struct tpm_quote *quote);
