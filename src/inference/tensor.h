/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model takes and gives: FP32 tensors of known name and shape, whose first dimension is the number of pictures.
 */
#pragma once

#include "base/buffer.h"

enum {
    TENSOR_NAME_MAX_BYTES = 64,
    TENSOR_MAX_RANK = 4,
    TENSOR_SIDE_MAX = 4096,
    TENSOR_ITEM_MAX_BYTES = 4 * 1024 * 1024, /* of one picture's values */
    MODEL_MAX_OUTPUTS = 8,
    MODEL_MAX_BATCH = 8,
};

struct tensor_spec {
    char name[TENSOR_NAME_MAX_BYTES + 1];
    size_t rank;                     /* 2 to TENSOR_MAX_RANK, with the batch */
    uint32_t shape[TENSOR_MAX_RANK]; /* shape[0] is 0: any batch; the others are at least 1 */
};

/* Bytes of one picture's values. */
size_t tensor_item_bytes(const struct tensor_spec *spec);

/* Whether FP32 values (little endian, as everywhere here) are all numbers from `minimum` to `maximum`. */
bool tensor_is_within(struct slice values, float minimum, float maximum);
bool tensor_is_finite(struct slice values);

/* One run's outputs, in the model's order. All-zero is empty. */
struct inference_result {
    size_t batch, output_count;
    struct buffer outputs[MODEL_MAX_OUTPUTS];
};
void inference_result_done(struct inference_result *result);
