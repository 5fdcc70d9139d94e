/* SPDX-License-Identifier: Apache-2.0
 *
 * The tiny models of tests/support/tiny-model/ (made by make-tiny-model), and where ONNX Runtime stands in this build.
 */
#pragma once

#include "crypto/hash.h"
#include "inference/model_package.h"
#include "testing.h"

enum { TINY_ITEM_BYTES = 4 * 4 * 4 };

static inline const char *tiny_path(const char *file)
{
    static char path[PATH_MAX];
    const char *const source = getenv("LAZARET_SOURCE");
    (void)snprintf(path, sizeof(path), "%s/tests/support/tiny-model/%s", source != NULL ? source : ".", file);
    return path;
}

static inline struct model_package tiny_package(const char *file)
{
    CLEANUP(buffer_done) struct buffer json = read_whole(tiny_path(file));
    struct model_package package;
    assert_ok(model_package_parse(buffer_slice(&json), NULL, &package));
    return package;
}

/* `batch` pictures, the i-th of one grey. */
static inline struct buffer tiny_pictures(size_t batch, const float *greys)
{
    struct buffer pictures = buffer_of_maximum(batch * TINY_ITEM_BYTES);
    for (size_t i = 0; i < batch * 16; i++)
        assert_ok(buffer_append(&pictures, slice_of(&greys[i / 16], sizeof(float))));
    return pictures;
}

static inline float float_at(const struct buffer *values, size_t index)
{
    float value;
    assert_true((index + 1) * sizeof(value) <= values->size);
    memcpy(&value, values->bytes + index * sizeof(value), sizeof(value));
    return value;
}

static inline void assert_near(double seen, double expected)
{
    if (seen < expected - 1e-5 || seen > expected + 1e-5) fail_msg("%g, expected %g", seen, expected);
}

static inline const char *runtime_path(void)
{
    const char *const path = getenv("LAZARET_ONNXRUNTIME");
    if (path == NULL) fail_msg("LAZARET_ONNXRUNTIME does not name the library");
    return path;
}

static inline void runtime_digest(uint8_t digest_out[static SHA256_BYTES])
{
    CLEANUP(buffer_done) struct buffer bytes = read_whole(runtime_path());
    assert_ok(sha256(buffer_slice(&bytes), digest_out));
}
