/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/setup.h"

#include "attestation/management/body_jws.h"
#include "base/encoding.h"
#include "base/file.h"
#include "records/document_postgres.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>

#define MEMBER "management"

/* ---- configuration ---- */

void management_configuration_done(struct management_configuration *configuration)
{
    administrators_done(&configuration->administrators);
}

static enum status read_trust(const json_t *json, struct refusal *why, bool *is_isolated_out)
{
    enum { TRUST_MAX_BYTES = 32 };
    struct slice text = SLICE_LITERAL("bearer");
    if (json_has(json, "trust")) TRY(json_get_string(json, MEMBER, "trust", TRUST_MAX_BYTES, why, &text));
    *is_isolated_out = slice_equal_text(text, "isolated");
    if (*is_isolated_out || slice_equal_text(text, "bearer")) return OK;
    return refuse(why, ERR_FIELD_VALUE, MEMBER ".trust", "bearer or isolated", "%.*s", (int)text.size,
                  (const char *)text.bytes);
}

static enum status read_policy_signers(const struct configuration *configuration, const json_t *json,
                                       struct refusal *why, struct management_configuration *out)
{
    if (json_has(json, "policy_signers") != out->is_isolated)
        return refuse(why, ERR_FIELD_VALUE, MEMBER ".policy_signers",
                      "the first policy signers of an isolated service, and of no other", "%s",
                      out->is_isolated ? "nothing" : "a file, with trust bearer");
    if (!out->is_isolated) return OK;
    return configuration_path(configuration, json, MEMBER, "policy_signers", why, out->policy_signers);
}

static enum status read_postgres(const json_t *json, struct refusal *why, struct management_configuration *out)
{
    struct document_postgres_needs needs;
    if (!json_has(json, "postgres")) return OK;
    TRY(configuration_text(json, MEMBER, "postgres", MANAGEMENT_CONNECTION_MAX_BYTES, why, out->postgres));
    return document_postgres_look(out->postgres, why, &needs);
}

static enum status read_members(const struct configuration *configuration, const json_t *json, struct refusal *why,
                                struct management_configuration *out)
{
    static const char *const names[] = {"trust", "policy_signers", "administrators", "postgres", NULL};
    TRY(json_only(json, MEMBER, names, why));
    TRY(read_trust(json, why, &out->is_isolated));
    TRY(read_policy_signers(configuration, json, why, out));
    TRY(read_postgres(json, why, out));
    return administrators_configure(configuration, json, why, &out->administrators);
}

enum status management_configure(const struct configuration *configuration, struct refusal *why,
                                 struct management_configuration *configuration_out)
{
    json_t *json;
    if (!json_has(configuration->json, MEMBER)) return OK;
    TRY(json_get_object(configuration->json, "", MEMBER, why, &json));
    return read_members(configuration, json, why, configuration_out);
}

/* ---- sandbox ---- */

static enum status allow_postgres(const char *connection, struct sandbox *sandbox, struct refusal *why)
{
    struct document_postgres_needs needs;
    if (connection[0] == '\0') return OK;
    TRY(document_postgres_look(connection, why, &needs));
    for (size_t i = 0; i < needs.file_count; i++) TRY(sandbox_allow(sandbox, SANDBOX_READ, needs.files[i]));
    return needs.is_tcp ? sandbox_allow_connecting(sandbox, needs.port) : OK;
}

/* A key set's file is replaced by another of its name, so its folder is allowed. */
static enum status allow_keys(const struct administrator *administrator, struct sandbox *sandbox, struct refusal *why)
{
    char folder[PATH_MAX];
    if (administrator->keys[0] != '\0') {
        (void)snprintf(folder, sizeof(folder), "%s", administrator->keys);
        TRY(sandbox_allow(sandbox, SANDBOX_READ, dirname(folder)));
    }
    TRY(sandbox_allow(sandbox, SANDBOX_READ, administrator->ca));
    return service_allow_url(sandbox, administrator->url, why);
}

enum status management_allow(const struct management_configuration *configuration, struct sandbox *sandbox,
                             struct refusal *why)
{
    TRY(sandbox_allow(sandbox, SANDBOX_READ, configuration->policy_signers));
    TRY(allow_postgres(configuration->postgres, sandbox, why));
    for (size_t i = 0; i < configuration->administrators.count; i++)
        TRY(allow_keys(&configuration->administrators.items[i], sandbox, why));
    return OK;
}

/* ---- the state ---- */

enum status management_setup_seal(struct service *service, struct refusal *why, struct management_setup *setup)
{
    const char *const deployment = service->configuration->deployment;
    char label[TEE_LABEL_MAX_BYTES + 1], file[64];
    struct tee_measurement measurement;
    TRY(tee_measure(service->tee, &measurement));
    const struct hex32 mrenclave = hex_of_32(measurement.mrenclave);
    (void)snprintf(label, sizeof(label), "attestation-state:%s", deployment);
    (void)snprintf(setup->name, sizeof(setup->name), "%s/%s", deployment, mrenclave.text);
    (void)snprintf(file, sizeof(file), "policies-%.16s.db", mrenclave.text);
    TRY(service_state_path(service, file, setup->path));
    const enum status status = tee_sealing_key(service->tee, slice_of_text(label), &setup->key);
    if (status == OK) return OK;
    return refuse(why, status, "state", "a sealing key of the TEE", "%s", status_name(status));
}

/* What an isolated service begins with is there before anybody is told of the state. */
static enum status begin(const struct management_configuration *configuration, struct refusal *why,
                         struct management_setup *setup)
{
    if (!configuration->is_isolated) return OK;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    TRY(file_read(configuration->policy_signers, why, &pem));
    return management_begin_isolated(setup->options.state, buffer_slice(&pem), why);
}

enum status management_setup_open_state(const struct management_configuration *configuration,
                                        const struct state_options *changed, struct refusal *why,
                                        struct management_setup *setup)
{
    const bool is_shared = configuration->postgres[0] != '\0';
    const struct document_options options = {
        .path = is_shared ? NULL : setup->path,
        .postgres = is_shared ? configuration->postgres : NULL,
        .name = setup->name,
        .key = &setup->key,
    };
    TRY(document_open(&options, why, &setup->document));
    const struct state_options state = {
        .document = setup->document, .changed = changed->changed, .context = changed->context};
    TRY(state_open(&state, why, &setup->options.state));
    return begin(configuration, why, setup);
}

/* ---- administrators ---- */

static enum status open_url(struct service *service, const struct administrator *administrator, struct refusal *why,
                            size_t number, struct management_setup *setup)
{
    struct source_url url;
    struct key_set_source *const source = &setup->sources[number];
    struct buffer *const anchors = &setup->anchors[number];
    *anchors = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    if (administrator->ca[0] != '\0') TRY(file_read(administrator->ca, why, anchors));
    TRY(source_url_split(administrator->url, "keys_url", why, &url));
    TRY(source_connection_open(&url, service->tunnel, buffer_slice(anchors), why, &setup->connections[number]));
    source->client = setup->connections[number].client;
    source->url_path = url.path[0] != '\0' ? url.path : "/";
    return OK;
}

static enum status open_keys(struct service *service, const struct administrators *administrators, struct refusal *why,
                             struct management_setup *setup)
{
    for (size_t i = 0; i < administrators->count; i++) {
        const struct administrator *const administrator = &administrators->items[i];
        if (administrator->key != NULL) continue;
        setup->sources[i].name = administrator->issuer;
        if (administrator->keys[0] != '\0')
            setup->sources[i].path = administrator->keys;
        else
            TRY(open_url(service, administrator, why, i, setup));
    }
    const struct key_set_feed_options options = {
        .clock = service->clock, .sources = setup->sources, .source_count = administrators->count};
    return key_set_feed_start(&options, &setup->feed);
}

static bool is_plain(const char *text)
{
    return strpbrk(text, "\"\\\r\n") == NULL;
}

/* As Azure's own services ask for a token: of whom, and for what. */
static void write_challenge(const struct administrators *administrators, const char *issuer,
                            char challenge_out[static MANAGEMENT_CHALLENGE_MAX_BYTES])
{
    (void)snprintf(challenge_out, MANAGEMENT_CHALLENGE_MAX_BYTES, "Bearer realm=\"%s\"",
                   is_plain(issuer) ? issuer : "attestation");
    for (size_t i = 0; i < administrators->count; i++) {
        const struct administrator *const administrator = &administrators->items[i];
        if (administrator->key != NULL || !is_plain(administrator->issuer) || !is_plain(administrator->audience))
            continue;
        (void)snprintf(challenge_out, MANAGEMENT_CHALLENGE_MAX_BYTES,
                       "Bearer authorization_uri=\"%s\", resource=\"%s\"", administrator->issuer,
                       administrator->audience);
        return;
    }
}

enum status management_setup_open(struct service *service, struct management_configuration *configuration,
                                  const char *issuer, struct refusal *why, struct management_setup *setup)
{
    configuration->administrators.issuer = issuer;
    TRY(open_keys(service, &configuration->administrators, why, setup));
    configuration->administrators.feed = setup->feed;
    write_challenge(&configuration->administrators, issuer, setup->challenge);
    setup->options.administrators = &configuration->administrators;
    setup->options.clock = service->clock;
    setup->options.is_isolated = configuration->is_isolated;
    setup->options.challenge = setup->challenge;
    return OK;
}

void management_setup_interrupt(struct management_setup *setup)
{
    for (size_t i = 0; i < ADMINISTRATOR_MAX_COUNT; i++) http_client_interrupt(setup->connections[i].client);
    if (setup->document != NULL) document_interrupt(setup->document);
}

void management_setup_done(struct management_setup *setup)
{
    key_set_feed_free(setup->feed);
    for (size_t i = 0; i < ADMINISTRATOR_MAX_COUNT; i++) {
        source_connection_done(&setup->connections[i]);
        buffer_done(&setup->anchors[i]);
    }
    state_free(setup->options.state);
    document_free(setup->document);
    secret_done(&setup->key);
    *setup = (struct management_setup){};
}
