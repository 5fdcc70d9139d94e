/* SPDX-License-Identifier: Apache-2.0
 * Hits inference_child_run: what a process says that has run somebody's model: that it is loaded, a verdict, and its
 * outputs. */
#include "base/nursery.h"
#include "fuzz.h"
#include "inference/child.h"
#include "inference/model_package.h"
#include "inference/session.h"
#include "parts.h"

#include <sys/socket.h>

static struct slice said;
static int peer = -1;

enum status __wrap_nursery_start(const struct nursery_plan *plan, struct refusal *why, struct nursery **nursery_out);
enum status __wrap_nursery_start(const struct nursery_plan *, struct refusal *, struct nursery **)
{
    return OK;
}

void __wrap_nursery_stop(struct nursery *nursery);
void __wrap_nursery_stop(struct nursery *)
{
}

enum status __wrap_runtime_image_open(const char *path, const uint8_t *sha256, struct refusal *why,
                                      int *descriptor_out);
enum status __wrap_runtime_image_open(const char *, const uint8_t *, struct refusal *, int *descriptor_out)
{
    *descriptor_out = -1;
    return OK;
}

enum status __wrap_session_check_digest(const struct model_package *package, struct slice model, struct refusal *why);
enum status __wrap_session_check_digest(const struct model_package *, struct slice, struct refusal *)
{
    return OK;
}

enum status __wrap_nursery_open(struct nursery *nursery, int *socket_out);
enum status __wrap_nursery_open(struct nursery *, int *socket_out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
    if (said.size > 0) (void)!send(pair[1], said.bytes, said.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(pair[1], SHUT_WR);
    *socket_out = pair[0];
    if (peer >= 0) (void)close(peer);
    peer = pair[1];
    return OK;
}

static const char package_json[] = "{\"name\":\"m\",\"version\":\"1\",\"file\":\"m.onnx\","
                                   "\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\","
                                   "\"input\":{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[-1,1,2,2]},"
                                   "\"outputs\":[{\"name\":\"pneumonia\",\"datatype\":\"FP32\",\"shape\":[-1,1]},"
                                   "{\"name\":\"heatmap\",\"datatype\":\"FP32\",\"shape\":[-1,1,2,2]},"
                                   "{\"name\":\"suitability\",\"datatype\":\"FP32\",\"shape\":[-1,1]}],"
                                   "\"finding\":{\"code\":\"pneumonia\",\"display\":\"Pneumonia\",\"threshold\":0.5},"
                                   "\"suitability\":[{\"name\":\"a\",\"reason\":\"b\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const float pixels[4] = {0, 0.25F, 0.5F, 1};
    static struct model_package package;
    if (package.output_count == 0) must(model_package_parse(SLICE_LITERAL(package_json), NULL, &package));
    const struct inference_options options = {
        .runtime_path = "/none", .model_path = "/dev/null", .package = &package, .threads = 1};
    struct inference_child *child = NULL;
    CLEANUP(inference_result_done) struct inference_result result = {};
    struct refusal why = {};
    said = slice_of(bytes, size);
    if (inference_child_start(&options, &why, &child) != OK) return 0;
    if (inference_child_run(child, 1, slice_of(pixels, sizeof(pixels)), &why, &result) == OK) {
        for (size_t i = 0; i < result.output_count; i++) {
            if (!tensor_is_finite(buffer_slice(&result.outputs[i]))) abort();
        }
    }
    inference_child_stop(child);
    return 0;
}
