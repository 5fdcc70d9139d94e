/* SPDX-License-Identifier: Apache-2.0
 * Hits diagnosis_client_run: what the diagnosis service answers, with its receipt. If the first byte is 'r', the next
 * two say how long the JSON is and the rest is the answer as it comes. Otherwise the input is a JSON object that
 * changes an answer that would be accepted; in its "receipt" (under "parameters", signed here), "$I" and "$O" are the
 * right commitments to input and output. */
#include "base/encoding.h"
#include "crypto/hash.h"
#include "fuzz.h"
#include "inference/oip.h"
#include "platform/diagnosis_client.h"
#include "tokens.h"

enum { INPUT_MAX_BYTES = 64 * 1024, SALT_BYTES = 32 };

/* ---- stand-ins ---- */

static struct slice answer_body;
static size_t answer_json_size;
static unsigned answer_status;

enum status __wrap_attested_client_new(struct service *service, const char *address, const char *role,
                                       struct refusal *why, struct attested_client *client_out);
enum status __wrap_attested_client_new(struct service *, const char *, const char *, struct refusal *,
                                       struct attested_client *client_out)
{
    *client_out = (struct attested_client){};
    return OK;
}

void __wrap_attested_client_done(struct attested_client *client);
void __wrap_attested_client_done(struct attested_client *)
{
}

void __wrap_tunnel_endpoint_set_rule(struct tunnel_endpoint *endpoint, const struct tunnel_peer_rule *rule);
void __wrap_tunnel_endpoint_set_rule(struct tunnel_endpoint *, const struct tunnel_peer_rule *)
{
}

void __wrap_http_client_forget_connections(struct http_client *client);
void __wrap_http_client_forget_connections(struct http_client *)
{
}

enum status __wrap_http_client_exchange(struct http_client *client, const struct http_exchange *exchange,
                                        struct refusal *why, struct http_answer *answer_out);
enum status __wrap_http_client_exchange(struct http_client *, const struct http_exchange *exchange, struct refusal *,
                                        struct http_answer *answer_out)
{
    if (answer_body.size > exchange->max_answer) return ERR_TOO_LARGE;
    *answer_out = (struct http_answer){
        .status = answer_status, .body = buffer_of_maximum(exchange->max_answer), .headers = buffer_of_maximum(256)};
    must(buffer_append_format(&answer_out->headers, OIP_JSON_SIZE_HEADER ": %zu\r\n", answer_json_size));
    return buffer_append(&answer_out->body, answer_body);
}

/* ---- what would be accepted ---- */

static struct diagnosis_client *client;
static struct buffer token;
static json_t *good;
static const float outputs[1 + 4 + 1] = {0.75F, 0, 0.25F, 0.5F, 1, 0};
static uint8_t tensor[224 * 224 * 4];

static void make_client(void)
{
    static struct manifest manifest;
    static struct service service = {.manifest = &manifest};
    must(clock_new_fixed(FUZZ_NOW_S, &service.clock));
    fuzz_rules(&manifest.relying_party);
    manifest.roles[0] = fuzz_role("diagnosis", FUZZ_POLICY);
    manifest.role_count = 1;
    must(diagnosis_client_new(&service, "d:1", NULL, &client));
    CLEANUP(json_done) json_t *payload = fuzz_payload("diagnosis", FUZZ_POLICY, (struct slice){});
    token = buffer_of_maximum(TOKEN_MAX_BYTES);
    if (!fuzz_sign(JWS_TYP_TOKEN, ISSUER_SCALAR, payload, &token)) abort();
}

static json_t *good_output(const char *name, json_t *shape, int size)
{
    return json_pack("{s:s, s:s, s:o, s:{s:i}}", "name", name, "datatype", "FP32", "shape", shape, "parameters",
                     "binary_data_size", size);
}

static void make_good(void)
{
    good = json_pack("{s:s, s:s, s:[o,o,o], s:{s:s, s:f, s:s, s:s, s:{s:s, s:s}}}", "model_name", "m", "model_version",
                     "1", "outputs", good_output("pneumonia", json_pack("[i,i]", 1, 1), 4),
                     good_output("heatmap", json_pack("[i,i,i,i]", 1, 1, 2, 2), 16),
                     good_output("suitability", json_pack("[i,i]", 1, 1), 4), "parameters", "model_digest", "00",
                     "threshold", 0.5, "receipt_input_salt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                     "receipt_output_salt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "receipt", "input_hmac",
                     "$I", "output_hmac", "$O");
    if (good == NULL) abort();
}

/* ---- one input ---- */

static void commit(json_t *parameters, json_t *receipt, const char *salt_name, const char *name, const char *mark,
                   struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer salt = buffer_of_maximum(SALT_BYTES);
    const char *const seen = json_string_value(json_object_get(receipt, name));
    uint8_t mac[SHA256_BYTES];
    if (seen == NULL || strcmp(seen, mark) != 0) return;
    (void)!base64url_decode(slice_of_text(json_string_value(json_object_get(parameters, salt_name))), &salt);
    must(hmac_sha256(buffer_slice(&salt), bytes, mac));
    (void)json_object_set_new(receipt, name, json_string(base64url_of_32(mac).text));
}

static bool write_changed(struct slice changes_text, struct buffer *body)
{
    CLEANUP(json_done) json_t *changes = NULL;
    if (json_parse(changes_text, INPUT_MAX_BYTES, NULL, &changes) != OK || !json_is_object(changes)) return false;
    CLEANUP(json_done) json_t *answer = json_deep_copy(good);
    if (json_object_update_recursive(answer, changes) != 0) return false;
    json_t *const parameters = json_object_get(answer, "parameters");
    json_t *const receipt = json_object_get(parameters, "receipt");
    commit(parameters, receipt, "receipt_input_salt", "input_hmac", "$I", SLICE_ARRAY(tensor));
    commit(parameters, receipt, "receipt_output_salt", "output_hmac", "$O", slice_of(outputs, sizeof(outputs)));
    if (json_is_object(parameters)) fuzz_sign_member(parameters, "receipt", JWS_TYP_RECEIPT, SIGN_SCALAR);
    must(json_write(answer, body));
    answer_json_size = body->size;
    must(buffer_append(body, slice_of(outputs, sizeof(outputs))));
    return true;
}

static bool make_answer(struct slice input, struct buffer *body)
{
    if (input.size < 3) return false;
    if (input.bytes[0] != 'r') return write_changed(input, body);
    answer_json_size = (size_t)(input.bytes[1] | input.bytes[2] << 8);
    must(buffer_append(body, slice_part(input, 3, input.size)));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (client == NULL) {
        make_client();
        make_good();
    }
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(1 << 20);
    if (!make_answer(slice_of(bytes, size), &body)) return 0;
    answer_body = buffer_slice(&body);
    answer_status = 200;
    CLEANUP(diagnosis_result_done) struct diagnosis_result result = {};
    struct refusal why = {};
    if (diagnosis_client_run(client, "", buffer_slice(&token), SLICE_ARRAY(tensor), &why, &result) != OK) return 0;
    if (!(result.score >= 0 && result.score <= 1) || result.receipt.size == 0) abort();
    if (result.heatmap.size != (size_t)result.heatmap_side * result.heatmap_side * sizeof(float)) abort();
    return 0;
}
