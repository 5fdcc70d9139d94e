/* SPDX-License-Identifier: Apache-2.0
 *
 * Endorsements of AMD's chips, from AMD's key distribution service (publication 57230, "Key Distribution Service") or
 * from a folder: vcek.der, cert_chain.pem (ASK and ARK), crl.der. Clouds' own keys (VLEK) are not given out there:
 * their certificates come with the evidence.
 */
#pragma once

#include "base/buffer.h"
#include "evidence/amd.h"
#include "feeds/source_answer.h"

/* Which endorsement: the key of one chip at the security versions that its reports name (REPORTED_TCB, not what
 * runs). */
struct endorsement_request {
    enum snp_product product;
    uint8_t chip_id[SNP_CHIP_ID_BYTES]; /* zeros behind a shorter one */
    struct snp_tcb tcb;
};

/* From what a report says of itself. ERR_UNSUPPORTED for a VLEK, or a host that hides the chip's id. */
enum status endorsement_request_of(const struct snp_report_facts *facts, struct refusal *why,
                                   struct endorsement_request *request_out);

struct endorsement_files {
    struct buffer vcek;       /* DER or PEM */
    struct buffer cert_chain; /* PEM */
    struct buffer crl;        /* DER or PEM */
};
struct endorsement_files endorsement_files_empty(void);
void endorsement_files_done(struct endorsement_files *files);

/* As they are given to verification: `certificates` has room for both, which borrow from `files`, as the rest does. */
struct snp_endorsements endorsement_files_texts(const struct endorsement_files *files,
                                                struct slice certificates[static 2]);

/* Whether a folder holds endorsements, by its vcek.der. */
bool endorsement_folder_is_likely(const char *folder);

/* ERR_COLLATERAL_MISSING (the refusal names the file), ERR_IO, ERR_TOO_LARGE. */
enum status endorsement_files_read(const char *folder, struct refusal *why, struct endorsement_files *files_out);

/* Makes the folder if it is not there; files that are empty are left out. ERR_IO. */
enum status endorsement_files_write(const char *folder, const struct endorsement_files *files, struct refusal *why);

/* From the service: the chip's certificate; the product's authorities and their revocation list. ERR_NOT_FOUND, and
 * those of source_get. `hint` is zero at the call. Both append. */
enum status endorsement_fetch_vcek(struct http_client *client, const struct endorsement_request *request,
                                   struct refusal *why, struct pacing_hint *hint, struct buffer *vcek);
enum status endorsement_fetch_authorities(struct http_client *client, enum snp_product product, struct refusal *why,
                                          struct pacing_hint *hint, struct endorsement_files *files);

/* Verified at `now_s` with a current list, and of the chip and versions that were asked for. Errors of
 * snp_endorsements_verify; ERR_SNP_KEY for another chip, product or version. `simulated_root` may be NULL. */
enum status endorsement_check(const struct endorsement_files *files, const struct endorsement_request *request,
                              const struct key *simulated_root, int64_t now_s, struct refusal *why,
                              struct snp_endorsement_facts *facts_out);
