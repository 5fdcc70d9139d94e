/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/message.h"

#include "base/encoding.h"

static enum status check_type(struct slice type, struct refusal *why)
{
    if (slice_equal_text(type, "aikcert")) return OK;
    return refuse(why, ERR_FIELD_VALUE, "payload.type", "aikcert", "%.*s", (int)type.size, type.bytes);
}

enum status tpm_message_parse(struct slice message, struct refusal *why, struct tpm_message *message_out)
{
    CLEANUP(tpm_message_done) struct tpm_message parsed = {};
    const struct json_node *payload;
    struct slice type;
    TRY(json_tree_parse(message, TPM_MESSAGE_MAX_BYTES, "data", why, &parsed.tree));
    TRY(json_node_get_object(&parsed.tree.nodes[0], "", "payload", why, &payload));
    if (json_node_member(payload, "request") != NULL) {
        parsed.kind = TPM_MESSAGE_REQUEST;
        TRY(json_node_get_string(payload, "payload", "request", TPM_REQUEST_MAX_BYTES, why, &parsed.request));
    } else {
        parsed.kind = TPM_MESSAGE_INIT;
        TRY(json_node_get_string(payload, "payload", "type", 32, why, &type));
        TRY(check_type(type, why));
    }
    *message_out = parsed;
    parsed = (struct tpm_message){};
    return OK;
}

void tpm_message_done(struct tpm_message *message)
{
    json_tree_done(&message->tree);
}

enum status tpm_message_kind(struct slice message, struct refusal *why, enum tpm_message_kind *kind_out)
{
    CLEANUP(tpm_message_done) struct tpm_message parsed = {};
    TRY(tpm_message_parse(message, why, &parsed));
    *kind_out = parsed.kind;
    return OK;
}

/* ---- answers ---- */

static enum status write_body(const struct buffer *message, struct buffer *body)
{
    TRY(buffer_append_text(body, "{\"data\":\""));
    TRY(base64url_encode(buffer_slice(message), body));
    return buffer_append_text(body, "\"}");
}

enum status tpm_write_challenge(struct slice challenge, struct slice context, struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(2 * (TPM_CHALLENGE_BYTES + TPM_CONTEXT_MAX_BYTES));
    TRY(buffer_append_text(&message, "{\"payload\":{\"challenge\":\""));
    TRY(base64url_encode(challenge, &message));
    TRY(buffer_append_text(&message, "\",\"service_context\":\""));
    TRY(base64url_encode(context, &message));
    TRY(buffer_append_text(&message, "\"}}"));
    return write_body(&message, body);
}

/* A token is base64url and dots: nothing in it needs an escape. */
enum status tpm_write_report(struct slice token, struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(token.size + 64);
    TRY(buffer_append_text(&message, "{\"payload\":{\"report\":\""));
    TRY(buffer_append(&message, token));
    TRY(buffer_append_text(&message, "\"}}"));
    return write_body(&message, body);
}
