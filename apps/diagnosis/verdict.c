/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnosis/verdict.h"

#include "base/encoding.h"

#include <string.h>

/* Over this a picture is unsuitable, by the packages' convention (inference/model_package.h). */
static const float suitability_limit = 1;

static float value_at(const struct buffer *values, size_t index)
{
    float value;
    memcpy(&value, values->bytes + index * sizeof(value), sizeof(value));
    return value;
}

bool verdict_unsuitable(const struct model_package *package, const struct inference_result *result, size_t *picture_out,
                        size_t *reason_out)
{
    const struct buffer *const values = &result->outputs[package->suitability_output];
    for (size_t picture = 0; picture < result->batch; picture++) {
        float worst = suitability_limit;
        for (size_t reason = 0; reason < package->suitability_count; reason++) {
            const float value = value_at(values, picture * package->suitability_count + reason);
            if (!(value > worst)) continue;
            worst = value;
            *reason_out = reason;
        }
        *picture_out = picture;
        if (worst > suitability_limit) return true;
    }
    return false;
}

static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

/* With several pictures the text says which; the tensors say the rest. */
static enum status set_unsuitable(const struct model_package *package, const struct inference_result *result,
                                  json_t *parameters)
{
    size_t picture, reason;
    if (!verdict_unsuitable(package, result, &picture, &reason)) return OK;
    const char *const text = package->suitability[reason].reason;
    if (result->batch == 1) return set(parameters, "unsuitable", json_string(text));
    return set(parameters, "unsuitable", json_sprintf("Picture %zu: %s", picture + 1, text));
}

enum status verdict_parameters(const struct model_package *package, const struct inference_result *result,
                               const struct receipt *receipt, json_t **parameters_out)
{
    CLEANUP(json_done) json_t *parameters = json_object();
    TRY(set(parameters, "model_digest", json_string(hex_of_32(package->sha256).text)));
    TRY(set(parameters, "threshold", json_real(package->finding.threshold)));
    TRY(set(parameters, "receipt", json_stringn((const char *)receipt->jws.bytes, receipt->jws.size)));
    TRY(set(parameters, "receipt_input_salt", json_string(base64url_of_32(receipt->input_salt).text)));
    TRY(set(parameters, "receipt_output_salt", json_string(base64url_of_32(receipt->output_salt).text)));
    TRY(set_unsuitable(package, result, parameters));
    *parameters_out = parameters;
    parameters = NULL;
    return OK;
}
