/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/rotation.h"

#include "crypto/x509.h"

#include <string.h>

static struct state_key *find(struct state_view *view, const struct rotation_rule *rule, enum state_key_use use)
{
    for (size_t i = view->key_count; i > 0; i--) {
        struct state_key *const key = &view->keys[i - 1];
        if (key->use == use && rule->is_ours(rule->context, &key->key)) return key;
    }
    return NULL;
}

const struct state_key *rotation_find(const struct state_view *view, const struct rotation_rule *rule,
                                      enum state_key_use use)
{
    return find((struct state_view *)view, rule, use);
}

static bool has_algorithm(const struct state_key *key, enum signing_algorithm algorithm)
{
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    if (certificate_from_der(buffer_slice(&key->key.certificate), &certificate) != OK) return false;
    return key_kind(certificate_key(certificate)) == (algorithm == SIGNING_ES256 ? KEY_P256 : KEY_RSA);
}

static int64_t later(int64_t one_s, int64_t other_s)
{
    return one_s > other_s ? one_s : other_s;
}

/* When the next key is to sign by itself. A current key of another algorithm than is configured is due at once. */
static int64_t due_s(const struct state_key *current, const struct state_key *next, const struct rotation_rule *rule)
{
    const int64_t listed_s = next->made_s + ROTATION_LISTED_S;
    if (!has_algorithm(current, rule->algorithm)) return listed_s;
    return rule->interval_s == 0 ? INT64_MAX : later(current->current_since_s + rule->interval_s, listed_s);
}

struct rotation_plan rotation_decide(const struct state_view *view, const struct rotation_rule *rule, int64_t now_s,
                                     bool is_asked)
{
    const struct state_key *const current = rotation_find(view, rule, STATE_KEY_CURRENT);
    const struct state_key *const next = rotation_find(view, rule, STATE_KEY_NEXT);
    const bool is_fit = next != NULL && has_algorithm(next, rule->algorithm);
    const bool is_full = view->key_count == SIGNING_KEY_MAX_COUNT && next == NULL;
    struct rotation_plan plan = {.step = ROTATION_NOTHING, .again_s = INT64_MAX, .is_full = is_full};
    if (current == NULL)
        plan.step = is_fit ? ROTATION_ADVANCE : ROTATION_MAKE_CURRENT;
    else if (!is_fit && !is_full)
        plan.step = ROTATION_MAKE_NEXT;
    else if (next != NULL && (is_asked || due_s(current, next, rule) <= now_s))
        plan.step = ROTATION_ADVANCE;
    else if (next != NULL)
        plan.again_s = due_s(current, next, rule);
    return plan;
}

static enum status copy_key(const struct signing_key *made, struct signing_key *copy)
{
    memcpy(copy->kid, made->kid, sizeof(copy->kid));
    buffer_clear(&copy->certificate);
    buffer_clear(&copy->sealed);
    TRY(buffer_append(&copy->certificate, buffer_slice(&made->certificate)));
    return buffer_append(&copy->sealed, buffer_slice(&made->sealed));
}

/* A next key that never signed and never will is nobody's history. */
static enum status add(const struct rotation_rule *rule, enum state_key_use use, const struct signing_key *made,
                       int64_t now_s, struct state_view *view)
{
    struct state_key *key = find(view, rule, STATE_KEY_NEXT);
    if (key == NULL && view->key_count == SIGNING_KEY_MAX_COUNT) return ERR_TOO_LARGE;
    const bool is_added = key == NULL;
    if (is_added) key = &view->keys[view->key_count];
    key->key.certificate.maximum = key->key.sealed.maximum = SIGNING_KEY_MAX_BYTES;
    TRY(copy_key(made, &key->key));
    key->use = use;
    key->made_s = now_s;
    key->current_since_s = use == STATE_KEY_CURRENT ? now_s : 0;
    key->retired_s = 0;
    if (is_added) view->key_count++;
    return OK;
}

/* What retires signs no more: the private key is not kept. */
static enum status advance(const struct rotation_rule *rule, int64_t now_s, struct state_view *view)
{
    struct state_key *const current = find(view, rule, STATE_KEY_CURRENT);
    struct state_key *const next = find(view, rule, STATE_KEY_NEXT);
    if (next == NULL) return ERR_CONFLICT;
    if (current != NULL) {
        current->use = STATE_KEY_RETIRED;
        current->retired_s = now_s;
        buffer_clear(&current->key.sealed);
    }
    next->use = STATE_KEY_CURRENT;
    next->current_since_s = now_s;
    return OK;
}

enum status rotation_apply(const struct rotation_rule *rule, enum rotation_step step, const struct signing_key *made,
                           int64_t now_s, struct state_view *view)
{
    const bool has_current = rotation_find(view, rule, STATE_KEY_CURRENT) != NULL;
    const struct state_key *const next = rotation_find(view, rule, STATE_KEY_NEXT);
    const bool has_next = next != NULL && has_algorithm(next, rule->algorithm);
    switch (step) {
    case ROTATION_NOTHING: return OK;
    case ROTATION_MAKE_CURRENT: return has_current ? ERR_CONFLICT : add(rule, STATE_KEY_CURRENT, made, now_s, view);
    case ROTATION_MAKE_NEXT: return has_next ? ERR_CONFLICT : add(rule, STATE_KEY_NEXT, made, now_s, view);
    case ROTATION_ADVANCE: return advance(rule, now_s, view);
    }
    return ERR_INTERNAL;
}

bool rotation_is_listed(const struct state_key *key, int64_t now_s)
{
    return key->use != STATE_KEY_RETIRED || key->retired_s + ROTATION_RETIRED_LISTED_S > now_s;
}
