/* SPDX-License-Identifier: Apache-2.0
 *
 * What the model's package says about a result: the parameters of an answer beside its tensors.
 */
#pragma once

#include "base/json.h"
#include "diagnosis/receipt.h"

/* The first unsuitable picture of a result and the reason that speaks most strongly against it; false if all pictures
 * are suitable. */
bool verdict_unsuitable(const struct model_package *package, const struct inference_result *result, size_t *picture_out,
                        size_t *reason_out);

/* {"model_digest","receipt","receipt_input_salt","receipt_output_salt","threshold","unsuitable"?}. ERR_NO_MEMORY. */
enum status verdict_parameters(const struct model_package *package, const struct inference_result *result,
                               const struct receipt *receipt, json_t **parameters_out);
