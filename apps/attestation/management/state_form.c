/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/state_form.h"

#include "base/encoding.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "policy/default_policy.h"

#include <string.h>

enum { FORM = 1, POLICY_IS_DEFAULT = 1 };

/* ---- views ---- */

void state_view_init(struct state_view *view)
{
    *view = (struct state_view){};
    for (size_t i = 0; i < ATTESTATION_TYPE_COUNT; i++)
        view->policies[i].jws = buffer_of_maximum(STATE_POLICY_JWS_MAX_BYTES);
    for (size_t i = 0; i < STATE_POLICY_SIGNER_MAX_COUNT; i++)
        view->policy_signers[i] = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    for (size_t i = 0; i < SIGNING_KEY_MAX_COUNT; i++) {
        view->keys[i].key.certificate = buffer_of_maximum(SIGNING_KEY_MAX_BYTES);
        view->keys[i].key.sealed = buffer_of_maximum(SIGNING_KEY_MAX_BYTES);
    }
}

void state_view_clear(struct state_view *view)
{
    for (size_t i = 0; i < ATTESTATION_TYPE_COUNT; i++) buffer_done(&view->policies[i].jws);
    for (size_t i = 0; i < STATE_POLICY_SIGNER_MAX_COUNT; i++) buffer_done(&view->policy_signers[i]);
    for (size_t i = 0; i < SIGNING_KEY_MAX_COUNT; i++) {
        buffer_done(&view->keys[i].key.certificate);
        buffer_done(&view->keys[i].key.sealed);
    }
    *view = (struct state_view){};
}

/* By the form itself: what cannot be written is not copied either. */
enum status state_view_copy(const struct state_view *view, struct state_view *copy_out)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(STATE_MAX_BYTES);
    TRY(state_write(view, &bytes));
    TRY(state_read(buffer_slice(&bytes), NULL, copy_out));
    copy_out->version = view->version;
    return OK;
}

enum status state_policy_set(struct state_policy *policy, struct slice jws, bool is_default)
{
    struct buffer copy = buffer_of_maximum(STATE_POLICY_JWS_MAX_BYTES);
    uint8_t digest[SHA256_BYTES] = {};
    if (jws.size > 0) TRY(sha256(jws, digest));
    TRY(buffer_append(&copy, jws));
    buffer_done(&policy->jws);
    policy->jws = copy;
    memcpy(policy->digest, digest, sizeof(digest));
    policy->is_default = is_default;
    return OK;
}

/* ---- defaults ---- */

enum status state_default_policy(enum attestation_type type, struct buffer *jws)
{
    enum { PAYLOAD_MAX_BYTES = 2048 };
    const struct slice text = default_policy_text(attestation_type_name(type));
    if (text.size == 0) return OK;
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(PAYLOAD_MAX_BYTES);
    TRY(buffer_append_text(&payload, "{\"AttestationPolicy\":\""));
    TRY(base64url_encode(text, &payload));
    TRY(buffer_append_text(&payload, "\"}"));
    TRY(base64url_encode(SLICE_LITERAL("{\"alg\":\"none\"}"), jws));
    TRY(buffer_append_u8(jws, '.'));
    TRY(base64url_encode(buffer_slice(&payload), jws));
    return buffer_append_u8(jws, '.');
}

static enum status fill_defaults(struct state_view *view)
{
    for (size_t i = 0; i < ATTESTATION_TYPE_COUNT; i++) {
        CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(STATE_POLICY_JWS_MAX_BYTES);
        TRY(state_default_policy((enum attestation_type)i, &jws));
        TRY(state_policy_set(&view->policies[i], buffer_slice(&jws), true));
    }
    return OK;
}

enum status state_defaults(struct state_view *view_out)
{
    struct state_view view;
    state_view_init(&view);
    const enum status status = fill_defaults(&view);
    if (status == OK)
        *view_out = view;
    else
        state_view_clear(&view);
    return status;
}

/* ---- writing ---- */

static enum status put(struct buffer *bytes, const struct buffer *part)
{
    TRY(buffer_append_u32(bytes, (uint32_t)part->size));
    return buffer_append(bytes, buffer_slice(part));
}

static enum status write_key(const struct state_key *key, struct buffer *bytes)
{
    const struct slice kid = slice_of_text(key->key.kid);
    TRY(buffer_append_u8(bytes, (uint8_t)key->use));
    TRY(buffer_append_u64(bytes, (uint64_t)key->made_s));
    TRY(buffer_append_u64(bytes, (uint64_t)key->current_since_s));
    TRY(buffer_append_u64(bytes, (uint64_t)key->retired_s));
    TRY(buffer_append_u8(bytes, (uint8_t)kid.size));
    TRY(buffer_append(bytes, kid));
    TRY(put(bytes, &key->key.certificate));
    return put(bytes, &key->key.sealed);
}

enum status state_write(const struct state_view *view, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, FORM));
    TRY(buffer_append_u8(bytes, ATTESTATION_TYPE_COUNT));
    for (size_t i = 0; i < ATTESTATION_TYPE_COUNT; i++) {
        TRY(buffer_append_u8(bytes, view->policies[i].is_default ? POLICY_IS_DEFAULT : 0));
        TRY(put(bytes, &view->policies[i].jws));
    }
    TRY(buffer_append_u8(bytes, (uint8_t)view->policy_signer_count));
    for (size_t i = 0; i < view->policy_signer_count; i++) TRY(put(bytes, &view->policy_signers[i]));
    TRY(buffer_append_u8(bytes, (uint8_t)view->key_count));
    for (size_t i = 0; i < view->key_count; i++) TRY(write_key(&view->keys[i], bytes));
    return OK;
}

/* ---- reading ---- */

static enum status take(struct reader *reader, size_t max_size, struct slice *part_out)
{
    uint32_t size;
    TRY(reader_u32(reader, &size));
    if (size > max_size) return ERR_TOO_LARGE;
    return reader_slice(reader, size, part_out);
}

static enum status read_policy(struct reader *reader, struct state_policy *policy)
{
    uint8_t flags;
    struct slice jws;
    TRY(reader_u8(reader, &flags));
    if (flags > POLICY_IS_DEFAULT) return ERR_FIELD_VALUE;
    TRY(take(reader, STATE_POLICY_JWS_MAX_BYTES, &jws));
    return state_policy_set(policy, jws, flags == POLICY_IS_DEFAULT);
}

static enum status read_time(struct reader *reader, int64_t *time_out)
{
    uint64_t time_s;
    TRY(reader_u64(reader, &time_s));
    if (time_s > INT64_MAX) return ERR_FIELD_VALUE;
    *time_out = (int64_t)time_s;
    return OK;
}

static enum status read_kid(struct reader *reader, char kid_out[static ATTESTATION_KEY_ID_BYTES + 1])
{
    uint8_t size;
    struct slice kid;
    TRY(reader_u8(reader, &size));
    if (size == 0 || size > ATTESTATION_KEY_ID_BYTES) return ERR_FIELD_VALUE;
    TRY(reader_slice(reader, size, &kid));
    if (memchr(kid.bytes, '\0', kid.size) != NULL) return ERR_FIELD_VALUE;
    memcpy(kid_out, kid.bytes, kid.size);
    kid_out[kid.size] = '\0';
    return OK;
}

static enum status read_key(struct reader *reader, struct state_key *key)
{
    uint8_t use;
    struct slice certificate, sealed;
    TRY(reader_u8(reader, &use));
    if (use > STATE_KEY_RETIRED) return ERR_FIELD_VALUE;
    key->use = (enum state_key_use)use;
    TRY(read_time(reader, &key->made_s));
    TRY(read_time(reader, &key->current_since_s));
    TRY(read_time(reader, &key->retired_s));
    TRY(read_kid(reader, key->key.kid));
    TRY(take(reader, SIGNING_KEY_MAX_BYTES, &certificate));
    TRY(take(reader, SIGNING_KEY_MAX_BYTES, &sealed));
    TRY(buffer_append(&key->key.certificate, certificate));
    return buffer_append(&key->key.sealed, sealed);
}

static enum status read_count(struct reader *reader, size_t maximum, size_t *count_out)
{
    uint8_t count;
    TRY(reader_u8(reader, &count));
    if (count > maximum) return ERR_FIELD_VALUE;
    *count_out = count;
    return OK;
}

static enum status read_all(struct reader *reader, struct state_view *view)
{
    uint8_t form;
    size_t type_count;
    TRY(reader_u8(reader, &form));
    if (form != FORM) return ERR_UNSUPPORTED;
    TRY(read_count(reader, ATTESTATION_TYPE_COUNT, &type_count));
    if (type_count != ATTESTATION_TYPE_COUNT) return ERR_FIELD_VALUE;
    for (size_t i = 0; i < type_count; i++) TRY(read_policy(reader, &view->policies[i]));
    TRY(read_count(reader, STATE_POLICY_SIGNER_MAX_COUNT, &view->policy_signer_count));
    for (size_t i = 0; i < view->policy_signer_count; i++) {
        struct slice der;
        TRY(take(reader, CERTIFICATE_MAX_BYTES, &der));
        TRY(buffer_append(&view->policy_signers[i], der));
    }
    TRY(read_count(reader, SIGNING_KEY_MAX_COUNT, &view->key_count));
    for (size_t i = 0; i < view->key_count; i++) TRY(read_key(reader, &view->keys[i]));
    return reader_end(reader);
}

enum status state_read(struct slice bytes, struct refusal *why, struct state_view *view_out)
{
    struct state_view view;
    struct reader reader = reader_over(bytes);
    state_view_init(&view);
    const enum status status = read_all(&reader, &view);
    if (status == OK) {
        *view_out = view;
        return OK;
    }
    state_view_clear(&view);
    if (status == ERR_NO_MEMORY || status == ERR_CRYPTO) return status;
    return refuse(why, ERR_STORE_CORRUPT, "state", "a state of this program's form", "%s before its last %zu bytes",
                  status_name(status), reader_left(&reader));
}
