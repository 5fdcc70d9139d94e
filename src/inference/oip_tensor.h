/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside src/inference: tensors in Open Inference Protocol messages.
 */
#pragma once

#include "base/reader.h"
#include "inference/oip.h"

/* A message's two parts, by the value of OIP_JSON_SIZE_HEADER (NULL: all JSON). ERR_FIELD_VALUE, ERR_TOO_LARGE. */
enum status oip_split(struct slice body, const char *json_size, struct refusal *why, struct slice *json_out,
                      struct reader *binary_out);

/* "shape" of one tensor, whose first side becomes `batch_out` (1 to MODEL_MAX_BATCH); the others go into `spec`. */
enum status oip_read_shape(const json_t *tensor, const char *path, struct refusal *why, struct tensor_spec *spec,
                           size_t *batch_out);

/* The values of one tensor of that shape, from "data" or, as "parameters"."binary_data_size" says, from `binary`.
 * ERR_TENSOR, ERR_TRUNCATED, ERR_FIELD_*. */
enum status oip_read_values(const json_t *tensor, const char *path, const struct tensor_spec *spec, size_t batch,
                            struct reader *binary, struct refusal *why, struct buffer *values);

/* {"name","datatype","shape"}; the caller adds the values. ERR_NO_MEMORY. */
enum status oip_new_tensor(const struct tensor_spec *spec, int64_t batch, json_t **tensor_out);

/* Adds the values: as numbers, or as a size with the bytes appended to `binary`. */
enum status oip_add_values(json_t *tensor, struct slice values, bool is_binary, struct buffer *binary);

/* json_object_set_new that takes a failed `value` (NULL) as what it is. */
enum status oip_set(json_t *object, const char *name, json_t *value);

/* A boolean in an object's "parameters"; false where there is none. ERR_FIELD_TYPE. */
enum status oip_read_flag(const json_t *object, const char *path, const char *name, struct refusal *why,
                          bool *flag_out);
