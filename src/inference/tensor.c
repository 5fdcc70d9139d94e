/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/tensor.h"

#include <float.h>
#include <string.h>

size_t tensor_item_bytes(const struct tensor_spec *spec)
{
    size_t bytes = sizeof(float);
    for (size_t i = 1; i < spec->rank; i++) bytes *= spec->shape[i];
    return bytes;
}

bool tensor_is_within(struct slice values, float minimum, float maximum)
{
    if (values.size % sizeof(float) != 0) return false;
    for (size_t at = 0; at < values.size; at += sizeof(float)) {
        float value;
        memcpy(&value, values.bytes + at, sizeof(value));
        /* Written so that a value that is not a number fails. */
        if (!(value >= minimum && value <= maximum)) return false;
    }
    return true;
}

bool tensor_is_finite(struct slice values)
{
    return tensor_is_within(values, -FLT_MAX, FLT_MAX);
}

void inference_result_done(struct inference_result *result)
{
    for (size_t i = 0; i < MODEL_MAX_OUTPUTS; i++) buffer_done(&result->outputs[i]);
    *result = (struct inference_result){};
}
