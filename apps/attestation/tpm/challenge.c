/* SPDX-License-Identifier: Apache-2.0
 *
 * A context is a nonce, then sealed: the second at which it ends (8 bytes, big endian) and the challenge. Whoever has
 * the key can tell any time whether a challenge was made here and is fresh, and nothing has to be kept for it.
 */
#include "attestation/tpm/report.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/random.h"

static const char label[] = "lazaret TPM challenge 1";

enum { CONTENT_BYTES = 8 + TPM_CHALLENGE_BYTES };

enum status tpm_challenge_make(struct slice key, int64_t now_s, struct buffer *challenge, struct buffer *context)
{
    uint8_t bytes[TPM_CHALLENGE_BYTES], nonce[AEAD_NONCE_BYTES];
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(CONTENT_BYTES);
    CLEANUP(buffer_done) struct buffer made = buffer_of_maximum(TPM_CONTEXT_MAX_BYTES);
    TRY(random_bytes(sizeof(bytes), bytes));
    TRY(random_bytes(sizeof(nonce), nonce));
    TRY(buffer_append_u64(&content, (uint64_t)(now_s + TPM_CHALLENGE_LIFE_S)));
    TRY(buffer_append(&content, SLICE_ARRAY(bytes)));
    TRY(buffer_append(&made, SLICE_ARRAY(nonce)));
    TRY(aead_seal(key, SLICE_ARRAY(nonce), slice_of_text(label), buffer_slice(&content), &made));
    TRY(buffer_append(challenge, SLICE_ARRAY(bytes)));
    return buffer_append(context, buffer_slice(&made));
}

static enum status refuse_context(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)refuse(why, ERR_TPM_NONCE, field, expected, "%s", seen);
    return refuse_fix(why, ERR_TPM_NONCE, "ask for a new challenge with {\"type\": \"aikcert\"}");
}

static enum status open_context(struct slice context, struct slice key, struct refusal *why, struct buffer *content)
{
    struct reader reader = reader_over(context);
    struct slice nonce;
    if (reader_slice(&reader, AEAD_NONCE_BYTES, &nonce) != OK)
        return refuse_context(why, "service_context", "what came with the challenge", "fewer bytes");
    const enum status status = aead_open(key, nonce, slice_of_text(label), reader.rest, content);
    if (status == OK || status == ERR_NO_MEMORY) return status;
    return refuse_context(why, "service_context", "one that this service made", "another one");
}

enum status tpm_challenge_check(const struct tpm_report *report, struct slice key, int64_t now_s, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(CONTENT_BYTES);
    uint64_t ends_s;
    TRY(open_context(buffer_slice(&report->request.context), key, why, &content));
    struct reader reader = reader_over(buffer_slice(&content));
    TRY(reader_u64(&reader, &ends_s));
    if (!slice_equal(reader.rest, buffer_slice(&report->request.challenge)))
        return refuse_context(why, "challenge", "the one of the service_context", "another one");
    if (now_s > (int64_t)ends_s || now_s < (int64_t)ends_s - TPM_CHALLENGE_LIFE_S - TPM_CHALLENGE_CLOCK_SLACK_S)
        return refuse_context(why, "challenge", "one of the last ten minutes", "an older one");
    return OK;
}
