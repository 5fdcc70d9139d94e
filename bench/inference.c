/* SPDX-License-Identifier: Apache-2.0
 *
 * The model bare in ONNX Runtime, in this process, without a chain, a child or a protocol: what the latency of a
 * diagnosis is measured against. Method: warm up, then time single pictures one after the other; the median and the
 * 10th and 90th of 100 are printed, for one thread and two.
 *
 *     bench-inference [SECONDS [MODEL.json LIBRARY]]      SECONDS is not used: the runs are counted
 */
#include "timing.h"

#include "base/file.h"
#include "crypto/hash.h"
#include "inference/session.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP_RUNS = 10, TIMED_RUNS = 100 };

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

static enum status time_runs(struct session *session, struct slice picture, struct refusal *why,
                             double times_out[static TIMED_RUNS])
{
    for (int run = -WARM_UP_RUNS; run < TIMED_RUNS; run++) {
        CLEANUP(inference_result_done) struct inference_result result = {};
        const double start = now_ms();
        TRY(session_run(session, 1, picture, why, &result));
        if (run >= 0) times_out[run] = now_ms() - start;
    }
    qsort(times_out, TIMED_RUNS, sizeof(*times_out), compare);
    return OK;
}

static enum status bench_threads(struct runtime *runtime, const struct model_package *package, struct slice model,
                                 unsigned threads, struct refusal *why)
{
    CLEANUP(session_cleanup) struct session *session = NULL;
    CLEANUP(buffer_done) struct buffer picture = buffer_of_maximum(tensor_item_bytes(&package->input));
    double times[TIMED_RUNS];
    for (size_t i = 0; i < tensor_item_bytes(&package->input) / sizeof(float); i++) {
        const float grey = (float)(i * 2654435761U % 256);
        TRY(buffer_append(&picture, slice_of(&grey, sizeof(grey))));
    }
    TRY(session_new(runtime, package, model, threads, why, &session));
    TRY(time_runs(session, buffer_slice(&picture), why, times));
    char name[96];
    (void)snprintf(name, sizeof(name), "bare model, %u thread%s, median (10th to 90th %.1f to %.1f)", threads,
                   threads == 1 ? "" : "s", times[TIMED_RUNS / 10], times[TIMED_RUNS * 9 / 10]);
    bench_figure("inference", name, times[TIMED_RUNS / 2], "ms");
    return OK;
}

/* There is nothing to compare the digest with here, so the file's own is taken. */
static enum status load_runtime(const char *path, struct refusal *why, struct runtime **runtime_out)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(RUNTIME_FILE_MAX_BYTES);
    uint8_t digest[SHA256_BYTES];
    int image;
    TRY(file_read(path, why, &bytes));
    TRY(sha256(buffer_slice(&bytes), digest));
    TRY(runtime_image_open(path, digest, why, &image));
    const enum status status = runtime_load(image, why, runtime_out);
    (void)close(image);
    return status;
}

static enum status bench(const char *package_path, const char *library, struct refusal *why)
{
    char folder[PATH_MAX], model_path[2 * PATH_MAX], runtime_path[PATH_MAX];
    struct model_package package;
    CLEANUP(runtime_cleanup) struct runtime *runtime = NULL;
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(MODEL_JSON_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer model = buffer_of_maximum(MODEL_FILE_MAX_BYTES);
    TRY(file_read(package_path, why, &json));
    TRY(model_package_parse(buffer_slice(&json), why, &package));
    (void)snprintf(folder, sizeof(folder), "%s", package_path);
    (void)snprintf(model_path, sizeof(model_path), "%s/%s", dirname(folder), package.file);
    TRY(file_read(model_path, why, &model));
    if (realpath(library, runtime_path) == NULL) return refuse(why, ERR_IO, library, "a library", "none");
    TRY(load_runtime(runtime_path, why, &runtime));
    for (unsigned threads = 1; threads <= 2; threads++)
        TRY(bench_threads(runtime, &package, buffer_slice(&model), threads, why));
    return OK;
}

int main(int count, char **arguments)
{
    struct refusal why = {};
    const bool has_paths = count == 4;
    const enum status status = bench(has_paths ? arguments[2] : "models/chest-xray/model.json",
                                     has_paths ? arguments[3] : ".deps/onnxruntime/lib/libonnxruntime.so.1", &why);
    if (status == OK) return 0;
    char line[1024];
    refusal_text(&why, line, sizeof(line));
    (void)fprintf(stderr, "bench-inference: %s %s\n", status_name(status), line);
    return 1;
}
