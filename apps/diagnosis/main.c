/* SPDX-License-Identifier: Apache-2.0
 *
 * lazaret-diagnosis: the confidential inference server.
 */
#include "base/encoding.h"
#include "base/file.h"
#include "diagnosis/routes.h"
#include "diagnosis_pinned.h"
#include "service/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIAGNOSIS_DEFAULT_THREADS = 2, DIAGNOSIS_MAX_THREADS = 64, DIAGNOSIS_WORKERS = 4 };

struct program {
    char package_path[PATH_MAX], runtime_path[PATH_MAX];
    int64_t threads;
    struct model_package package;
    struct diagnosis diagnosis;
    struct http_server *server;
    struct tunnel_listener *listener;
};

static enum status configure(void *context, const struct configuration *configuration, struct refusal *why)
{
    struct program *const program = context;
    const json_t *const json = configuration->json;
    TRY(configuration_path(configuration, json, "", "model", why, program->package_path));
    TRY(configuration_path(configuration, json, "", "runtime", why, program->runtime_path));
    program->threads = DIAGNOSIS_DEFAULT_THREADS;
    if (!json_has(json, "threads")) return OK;
    return json_get_integer(json, "", "threads", 1, DIAGNOSIS_MAX_THREADS, why, &program->threads);
}

/* The package decides what the model's answers mean, so it is pinned in this program as the model and the runtime are:
 * the program's measurement covers all three. */
static enum status read_package(struct program *program, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(MODEL_JSON_MAX_BYTES);
    uint8_t digest[SHA256_BYTES];
    TRY(file_read(program->package_path, why, &json));
    TRY(sha256(buffer_slice(&json), digest));
    if (!slice_equal(SLICE_ARRAY(digest), SLICE_ARRAY(pinned_package_sha256))) {
        (void)refuse(why, ERR_MODEL_DIGEST, program->package_path, hex_of_32(pinned_package_sha256).text, "%s",
                     hex_of_32(digest).text);
        return refuse_fix(why, ERR_MODEL_DIGEST, "put back the package that this program was built for");
    }
    TRY(model_package_parse(buffer_slice(&json), why, &program->package));
    if (slice_equal(SLICE_ARRAY(program->package.sha256), SLICE_ARRAY(pinned_model_sha256))) return OK;
    return refuse(why, ERR_MODEL_DIGEST, "model.sha256", "the pinned digest", "another");
}

/* The model's file stands beside its package. */
static enum status model_path(const struct program *program, char path_out[static PATH_MAX])
{
    const char *const slash = strrchr(program->package_path, '/');
    const int folder = slash == NULL ? 0 : (int)(slash - program->package_path) + 1;
    const int wanted = snprintf(path_out, PATH_MAX, "%.*s%s", folder, program->package_path, program->package.file);
    return wanted < 0 || wanted >= PATH_MAX ? ERR_CONFIG : OK;
}

static enum status before_threads(void *context, struct service *, struct refusal *why)
{
    struct program *const program = context;
    char model[PATH_MAX], runtime[PATH_MAX];
    TRY(read_package(program, why));
    TRY(model_path(program, model));
    if (realpath(program->runtime_path, runtime) == NULL)
        return refuse(why, ERR_IO, program->runtime_path, "ONNX Runtime's library", "%s", strerror(errno));
    struct inference_options options = {
        .runtime_path = runtime,
        .model_path = model,
        .package = &program->package,
        .threads = (unsigned)program->threads,
    };
    memcpy(options.runtime_sha256, pinned_runtime_sha256, sizeof(options.runtime_sha256));
    return inference_child_start(&options, why, &program->diagnosis.child);
}

static enum status open_server(struct program *program, struct service *service, struct refusal *why)
{
    const struct http_server_options options = {
        .routes = diagnosis_routes,
        .route_count = diagnosis_route_count,
        .context = &program->diagnosis,
        .workers = DIAGNOSIS_WORKERS,
        .limits = service->configuration->http_limits,
    };
    const struct role_rule *const platform = manifest_role(service->manifest, "platform");
    if (platform == NULL) return refuse(why, ERR_MANIFEST, "manifest.roles", "platform", "no rule for it");
    const struct tunnel_peer_rule rule = {
        .rules = &service->manifest->relying_party, .roles = {platform}, .role_count = 1};
    TRY(http_server_new(&options, &program->server));
    tunnel_endpoint_set_rule(service->attested, &rule);
    TRY(tunnel_listen(service->tunnel, service->configuration->listen, service->attested, http_server_on_connection,
                      program->server, why, &program->listener));
    return service_listening(service, tunnel_listener_port(program->listener), why);
}

static enum status start(void *context, struct service *service, struct refusal *why)
{
    struct program *const program = context;
    program->diagnosis.package = &program->package;
    TRY(receipt_book_new(enclave_key(service->enclave, KEY_USE_SIGN), service->clock, &program->package,
                         service->configuration->deployment, &program->diagnosis.receipts));
    return open_server(program, service, why);
}

static void token_arrived(void *context, struct service *, struct slice token, const struct token_claims *claims)
{
    struct program *const program = context;
    if (receipt_book_set_token(program->diagnosis.receipts, token, claims->policy_hash) != OK)
        log_event(LOG_ERROR, "receipts.token_not_taken", log_status(ERR_NO_MEMORY));
}

static void stop(void *context)
{
    struct program *const program = context;
    tunnel_listener_free(program->listener);
    http_server_free(program->server);
    inference_child_stop(program->diagnosis.child);
    receipt_book_free(program->diagnosis.receipts);
}

static bool is_ready(void *context, struct refusal *why)
{
    const struct program *const program = context;
    return diagnosis_is_ready(&program->diagnosis, why);
}

int main(int count, char **arguments)
{
    static struct program program;
    static const char *const own_names[] = {"model", "runtime", "threads", NULL};
    static const struct service_program service = {
        .name = "lazaret-diagnosis",
        .role = "diagnosis",
        .summary = "the confidential inference server, Open Inference Protocol v2",
        .configuration_help = "  model         path of the model package's model.json (required)\n"
                              "  runtime       path of ONNX Runtime's library (required)\n"
                              "  threads       for one picture, 1 to 64 (default 2)\n"
                              "What model and runtime name must be the files that this program was built for.\n",
        .own_names = own_names,
        .configure = configure,
        .before_threads = before_threads,
        .start = start,
        .token_arrived = token_arrived,
        .stop = stop,
        .is_ready = is_ready,
    };
    return service_main(&service, &program, count, arguments);
}
