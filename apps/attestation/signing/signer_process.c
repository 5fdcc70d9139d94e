/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/signer_process.h"

#include "attestation/signing/policy_result.h"
#include "attestation/signing/question.h"
#include "attestation/tpm/tpm.h"
#include "base/encoding.h"
#include "crypto/x509.h"
#include "evidence/amd.h"
#include "evidence/intel.h"
#include "token/jws.h"

#include <string.h>

enum { CHAINS_KEPT = 256 }; /* certificate chains whose signatures need not be verified again */

/* Headers of tokens differ in how they name the key's certificate: TPM reports carry it, or its digest. */
enum head { HEAD_PLAIN, HEAD_X5C, HEAD_X5T, HEAD_COUNT };

struct signer_process {
    const struct signer_plan *plan;
    struct appraiser appraiser; /* the plan's, with this process's caches */
    struct evidence_caches caches;
    struct shelf *shelf;
    struct appraised *appraised;
    struct key *key;                            /* NULL: none is used yet */
    struct buffer heads[HEAD_COUNT];            /* of its tokens, encoded, with the dot behind them */
    struct buffer payload, outgoing, signature; /* reused from question to question */
};

/* ---- signing ---- */

static enum status add_certificate(enum head kind, struct slice der, json_t *header)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNING_KEY_MAX_BYTES * 2);
    uint8_t digest[HASH_MAX_BYTES];
    if (kind == HEAD_PLAIN) return OK;
    if (kind == HEAD_X5C) TRY(base64_encode(der, &text));
    if (kind == HEAD_X5T) {
        TRY(hash_parts(HASH_SHA1, &der, 1, digest));
        TRY(base64url_encode(slice_of(digest, SHA1_BYTES), &text));
    }
    json_t *const value = json_stringn((const char *)text.bytes, text.size);
    json_t *const member = kind == HEAD_X5C ? json_pack("[o]", value) : value;
    return json_object_set_new(header, kind == HEAD_X5C ? "x5c" : "x5t", member) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status write_head(enum head kind, const struct signer_process *signer, const struct key *key,
                              const char *kid, struct slice certificate, struct buffer *head)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNING_KEY_MAX_BYTES * 2);
    CLEANUP(json_done)
    json_t *header = json_pack("{s:s, s:s+, s:s, s:s}", "alg", key_kind(key) == KEY_RSA ? "RS256" : "ES256", "jku",
                               signer->plan->place.issuer, "/certs", "kid", kid, "typ", JWS_TYP_TOKEN);
    if (header == NULL) return ERR_NO_MEMORY;
    *head = buffer_of_maximum(SIGNING_KEY_MAX_BYTES * 3);
    TRY(add_certificate(kind, certificate, header));
    TRY(json_write(header, &text));
    TRY(base64url_encode(buffer_slice(&text), head));
    return buffer_append_text(head, ".");
}

static enum status sign(struct signer_process *signer, enum head head, struct slice payload, struct refusal *why,
                        struct buffer *token)
{
    if (signer->key == NULL) return refuse(why, ERR_INTERNAL, "signing key", "one that is used", "none yet");
    const size_t from = token->size;
    TRY(buffer_append(token, buffer_slice(&signer->heads[head])));
    TRY(base64url_encode(payload, token));
    buffer_clear(&signer->signature);
    TRY(key_sign(signer->key, slice_part(buffer_slice(token), from, SIZE_MAX), &signer->signature));
    TRY(buffer_append_text(token, "."));
    TRY(base64url_encode(buffer_slice(&signer->signature), token));
    if (token->size - from <= ATTESTATION_TOKEN_MAX_BYTES) return OK;
    return refuse(why, ERR_TOO_LARGE, "token", "at most 262144 bytes", "%zu bytes", token->size - from);
}

/* ---- the table ---- */

/* A key as the service keeps it: the sizes of its id and certificate, then all three parts. */
static enum status make_key(struct signer_process *signer, const struct signer_ask *ask, struct buffer *answer)
{
    CLEANUP(signing_key_done) struct signing_key made = {};
    TRY(signing_key_make(&signer->plan->place, ask->now_s, &made));
    TRY(buffer_append(answer, slice_of(made.kid, ATTESTATION_KEY_ID_BYTES)));
    TRY(buffer_append_u32(answer, (uint32_t)made.certificate.size));
    TRY(buffer_append(answer, buffer_slice(&made.certificate)));
    return buffer_append(answer, buffer_slice(&made.sealed));
}

struct heads {
    struct buffer items[HEAD_COUNT];
};

static void heads_done(struct heads *heads)
{
    for (int i = 0; i < HEAD_COUNT; i++) buffer_done(&heads->items[i]);
}

static void take_over(struct signer_process *signer, struct key **key, struct heads *heads)
{
    key_free(signer->key);
    signer->key = *key;
    *key = NULL;
    for (int i = 0; i < HEAD_COUNT; i++) {
        buffer_done(&signer->heads[i]);
        signer->heads[i] = buffer_take(&heads->items[i]);
    }
}

/* The certificate is what others will look the key up by, so it must be the key's. */
static enum status check_certificate(struct slice der, const struct key *key, struct refusal *why)
{
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    TRY(certificate_from_der(der, &certificate));
    if (key_equal(certificate_key(certificate), key)) return OK;
    return refuse(why, ERR_AUTHENTICATION, "signing key's certificate", "one of the sealed key", "another key's");
}

static enum status use_key(struct signer_process *signer, const struct signer_ask *ask, struct refusal *why,
                           struct buffer *answer)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(heads_done) struct heads heads = {};
    struct attestation_key_id id;
    TRY(signing_key_open(&signer->plan->place, ask->sealed, &key));
    TRY(check_certificate(ask->certificate, key, why));
    TRY(attestation_key_id(key, &id));
    for (enum head head = HEAD_PLAIN; head < HEAD_COUNT; head++)
        TRY(write_head(head, signer, key, id.text, ask->certificate, &heads.items[head]));
    take_over(signer, &key, &heads);
    return buffer_append(answer, slice_of(id.text, ATTESTATION_KEY_ID_BYTES));
}

/* Claims are written in one way only, so equal bytes are equal claims. */
static enum status compare(struct signer_process *signer, struct slice claimed, struct refusal *why)
{
    buffer_clear(&signer->outgoing);
    TRY(claim_set_write(signer->appraised->outgoing, &signer->outgoing));
    if (slice_equal(buffer_slice(&signer->outgoing), claimed)) return OK;
    return refuse(why, ERR_APPRAISAL_DIFFERS, "outgoing claims", "those that the signer's own appraisal issued",
                  "others");
}

/* Whether a TPM's challenge is ours only a signer can tell. What its report's header names follows the policy. */
static enum status judge_report(const struct signer_process *signer, int64_t now_s, struct refusal *why,
                                enum appraisal_step *step_out, enum head *head_out)
{
    *head_out = HEAD_PLAIN;
    if (signer->appraised->tpm == NULL) return OK;
    bool omits_certificate;
    *step_out = APPRAISAL_EVIDENCE;
    TRY(tpm_challenge_check(signer->appraised->tpm, signer->plan->challenge_key, now_s, why));
    *step_out = APPRAISAL_POLICY;
    TRY(tpm_report_omits_certificate(signer->appraised->properties, why, &omits_certificate));
    *head_out = omits_certificate ? HEAD_X5T : HEAD_X5C;
    return OK;
}

static enum status sign_token(struct signer_process *signer, struct link *link, const struct signer_ask *ask,
                              struct refusal *why, enum appraisal_step *step_out, struct buffer *answer)
{
    const struct signer_question *const question = &ask->token;
    CLEANUP(attest_request_done) struct attest_request request = {};
    struct appraisal_materials materials;
    struct attestation_token_id id;
    enum head head;
    *step_out = APPRAISAL_SIGNING;
    TRY(attest_request_read(question->request, why, &request));
    TRY(shelf_take(signer->shelf, link, &request, question->generation, question->policy, question->now_s, why,
                   step_out, &materials));
    TRY(appraise(&signer->appraiser, &request, &materials, why, step_out, signer->appraised));
    *step_out = APPRAISAL_SIGNING;
    TRY(compare(signer, question->outgoing, why));
    TRY(judge_report(signer, question->now_s, why, step_out, &head));
    *step_out = APPRAISAL_SIGNING;
    TRY(attestation_token_new_id(&id));
    buffer_clear(&signer->payload);
    *step_out = APPRAISAL_REQUEST;
    TRY(appraised_payload(&signer->appraiser, &request, &materials, signer->appraised, id.text, why, &signer->payload));
    *step_out = APPRAISAL_SIGNING;
    return sign(signer, head, buffer_slice(&signer->payload), why, answer);
}

static enum status sign_result(struct signer_process *signer, const struct signer_ask *ask, struct refusal *why,
                               struct buffer *answer)
{
    buffer_clear(&signer->payload);
    TRY(policy_result_payload(signer->plan->place.issuer, &ask->result, why, &signer->payload));
    return sign(signer, HEAD_PLAIN, buffer_slice(&signer->payload), why, answer);
}

static enum status challenge(const struct signer_process *signer, const struct signer_ask *ask, struct buffer *answer)
{
    CLEANUP(buffer_done) struct buffer challenge = buffer_of_maximum(TPM_CHALLENGE_BYTES);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(TPM_CONTEXT_MAX_BYTES);
    TRY(tpm_challenge_make(signer->plan->challenge_key, ask->now_s, &challenge, &sealed));
    TRY(buffer_append_u16(answer, (uint16_t)challenge.size));
    TRY(buffer_append(answer, buffer_slice(&challenge)));
    return buffer_append(answer, buffer_slice(&sealed));
}

/* ---- a life ---- */

static bool is_permitted(const struct signer_process *signer, enum signer_deed deed)
{
    return signer->plan->place.tee != NULL || (deed != SIGNER_MAKE_KEY && deed != SIGNER_QUOTE);
}

static enum status answer_one(void *context, struct link *link, struct slice question, struct refusal *why,
                              unsigned *step_out, struct buffer *answer)
{
    struct signer_process *const signer = context;
    struct signer_ask ask;
    enum appraisal_step step = APPRAISAL_SIGNING;
    *step_out = APPRAISAL_SIGNING;
    /* Who asks for what no service asks for has taken it over, or is mistaken about everything: there is nothing to
     * tell. */
    if (signer_ask_read(question, &ask) != OK || !is_permitted(signer, ask.deed)) {
        link_give_up(link);
        return ERR_UNSUPPORTED;
    }
    enum status status = ERR_UNSUPPORTED;
    switch (ask.deed) {
    case SIGNER_MAKE_KEY: return make_key(signer, &ask, answer);
    case SIGNER_USE_KEY: return use_key(signer, &ask, why, answer);
    case SIGNER_TOKEN:
        status = sign_token(signer, link, &ask, why, &step, answer);
        *step_out = step;
        return status;
    case SIGNER_POLICY_RESULT: return sign_result(signer, &ask, why, answer);
    case SIGNER_CHALLENGE: return challenge(signer, &ask, answer);
    case SIGNER_QUOTE: return tee_quote_data(signer->plan->place.tee, ask.data, answer);
    }
    return status;
}

static enum status begin(struct signer_process *signer)
{
    signer->appraiser = signer->plan->appraiser;
    TRY(verification_cache_new(CHAINS_KEPT, &signer->caches.intel));
    TRY(snp_cache_new(CHAINS_KEPT, &signer->caches.snp));
    signer->appraiser.caches = &signer->caches;
    TRY(shelf_new(signer->appraiser.roots, &signer->shelf));
    return appraised_new(&signer->appraised);
}

static void end(struct signer_process *signer)
{
    key_free(signer->key);
    for (int i = 0; i < HEAD_COUNT; i++) buffer_done(&signer->heads[i]);
    buffer_done(&signer->payload);
    buffer_done(&signer->outgoing);
    buffer_done(&signer->signature);
    appraised_free(signer->appraised);
    shelf_free(signer->shelf);
    verification_cache_free(signer->caches.intel);
    snp_cache_free(signer->caches.snp);
}

void signer_process(const void *context, int socket)
{
    struct signer_process signer = {.plan = context,
                                    .payload = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES),
                                    .outgoing = buffer_of_maximum(LINK_FRAME_MAX_BYTES),
                                    .signature = buffer_of_maximum(JWS_SIGNATURE_MAX_BYTES)};
    if (begin(&signer) == OK) link_serve(socket, answer_one, &signer);
    end(&signer);
}
