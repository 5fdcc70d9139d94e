/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of permitted questions to a signer, as bytes. What is not in it, or not wholly in its form, has no answer:
 * the signer ends. Private to signers.
 */
#pragma once

#include "attestation/signing/signers.h"

enum signer_deed {
    SIGNER_MAKE_KEY = 1, /* first signer alone */
    SIGNER_USE_KEY,
    SIGNER_TOKEN,
    SIGNER_POLICY_RESULT,
    SIGNER_CHALLENGE,
    SIGNER_QUOTE, /* first signer alone */
};

/* Only the member of its deed is filled in. Slices borrow from the question's bytes. */
struct signer_ask {
    enum signer_deed deed;
    int64_t now_s;                    /* all but SIGNER_USE_KEY and SIGNER_QUOTE */
    struct slice certificate, sealed; /* SIGNER_USE_KEY */
    struct slice data;                /* SIGNER_QUOTE: runtime data */
    struct signer_question token;
    struct policy_result_question result; /* its certificates are: */
    struct slice certificates[RESULT_CERTIFICATE_MAX_COUNT];
};

/* Appends. ERR_TOO_LARGE: a part, or more certificates, than the table permits. */
enum status signer_ask_write(const struct signer_ask *ask, struct buffer *bytes);

/* ERR_UNSUPPORTED: no deed of the table. ERR_TRUNCATED, ERR_TRAILING_BYTES, ERR_TOO_LARGE, ERR_FIELD_VALUE: not in its
 * form. */
enum status signer_ask_read(struct slice bytes, struct signer_ask *ask_out);

/* Whether a quote may be made over these bytes: they begin as runtime data do, which no PEM text does, so that nobody
 * in front of the signers gets a quote over a key of his own choice. */
bool signer_may_quote(struct slice data);
