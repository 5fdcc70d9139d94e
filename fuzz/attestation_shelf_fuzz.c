/* SPDX-License-Identifier: Apache-2.0
 * Hits what a shelf reads of what it is supplied with, and what the service reads of what it is asked back for:
 * collateral_wire_read, collateral_new, stored_policy_open, policy_text_of_draft, need_collateral_read, need_pck_read,
 * need_endorsements_read, parser_question_read, parser_answer_read. The first byte says which.
 */
#include "attestation/appraise/needs.h"
#include "attestation/appraise/shelf.h"
#include "attestation/parser/wire.h"
#include "feeds/collateral_wire.h"
#include "fuzz.h"
#include "policy/policy_text.h"

#include <stdlib.h>

enum what { COLLATERAL, POLICY, DRAFT, NEED_COLLATERAL, NEED_PCK, NEED_ENDORSEMENTS, QUESTION, ANSWER, WHAT_COUNT };

static void must_be(const struct buffer *again, struct slice bytes)
{
    if (!slice_equal(buffer_slice(again), bytes)) abort();
}

static void read_collateral(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(bytes.size);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct collateral_texts texts;
    struct refusal why = {};
    if (collateral_wire_read(bytes, &why, &texts) != OK) return;
    if (collateral_wire_write(&texts, &why, &again) != OK) abort();
    must_be(&again, bytes);
    (void)!collateral_new(&texts, NULL, &why, &collateral);
}

static void read_policy(struct slice jws)
{
    struct stored_policy policy = {};
    struct refusal why = {};
    if (stored_policy_open(jws, &why, &policy) != OK) return;
    if (policy.policy == NULL || policy.hash[42] == '\0' || policy.text.size > POLICY_MAX_BYTES) abort();
    stored_policy_done(&policy);
}

static void read_draft(struct slice draft)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    struct refusal why = {};
    (void)!policy_text_of_draft(draft, &why, &text);
}

/* A key has one form. */
static void read_needs(enum what what, struct slice key)
{
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(NEED_KEY_MAX_BYTES);
    struct collateral_platform platform;
    struct pck_request pck;
    struct endorsement_request endorsements;
    enum status status = ERR_FIELD_VALUE;
    if (what == NEED_COLLATERAL && need_collateral_read(key, &platform) == OK)
        status = need_collateral_write(&platform, &again);
    if (what == NEED_PCK && need_pck_read(key, &pck) == OK) status = need_pck_write(&pck, &again);
    if (what == NEED_ENDORSEMENTS && need_endorsements_read(key, &endorsements) == OK)
        status = need_endorsements_write(&endorsements, &again);
    if (status == OK) must_be(&again, key);
}

static void read_question(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(bytes.size);
    struct parser_question question;
    if (parser_question_read(bytes, &question) != OK) return;
    if (parser_question_write(&question, &again) != OK) abort();
    must_be(&again, bytes);
}

static void read_answer(struct slice bytes)
{
    CLEANUP(parser_answer_done) struct parser_answer answer = {};
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(bytes.size);
    if (parser_answer_read(bytes, &answer) != OK) return;
    if (parser_answer_write(&answer, &again) != OK) abort();
    must_be(&again, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    switch ((enum what)(bytes[0] % WHAT_COUNT)) {
    case COLLATERAL: read_collateral(rest); break;
    case POLICY: read_policy(rest); break;
    case DRAFT: read_draft(rest); break;
    case NEED_COLLATERAL:
    case NEED_PCK:
    case NEED_ENDORSEMENTS: read_needs((enum what)(bytes[0] % WHAT_COUNT), rest); break;
    case QUESTION: read_question(rest); break;
    case ANSWER: read_answer(rest); break;
    case WHAT_COUNT: break;
    }
    return 0;
}
