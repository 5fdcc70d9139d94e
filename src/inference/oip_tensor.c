/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/oip_tensor.h"

#include <string.h>

enum status oip_set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

/* ---- reading ---- */

static enum status parse_size(const char *text, size_t maximum, struct refusal *why, size_t *size_out)
{
    size_t size = 0;
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits] != '\0')
        return refuse(why, ERR_FIELD_VALUE, OIP_JSON_SIZE_HEADER, "a number of bytes", "%zu characters", strlen(text));
    for (size_t i = 0; i < digits; i++) size = size * 10 + (size_t)(text[i] - '0');
    if (size > maximum)
        return refuse(why, ERR_FIELD_VALUE, OIP_JSON_SIZE_HEADER, "no more than the body has", "%zu of %zu", size,
                      maximum);
    *size_out = size;
    return OK;
}

enum status oip_split(struct slice body, const char *json_size, struct refusal *why, struct slice *json_out,
                      struct reader *binary_out)
{
    size_t size = body.size;
    if (json_size != NULL) TRY(parse_size(json_size, body.size, why, &size));
    *json_out = slice_part(body, 0, size);
    *binary_out = reader_over(slice_part(body, size, body.size));
    return OK;
}

enum status oip_read_shape(const json_t *tensor, const char *path, struct refusal *why, struct tensor_spec *spec,
                           size_t *batch_out)
{
    json_t *shape;
    TRY(json_get_array(tensor, path, "shape", TENSOR_MAX_RANK, why, &shape));
    spec->rank = json_array_size(shape);
    if (spec->rank < 2) return refuse(why, ERR_TENSOR, path, "a shape of two to four sides", "%zu", spec->rank);
    for (size_t i = 0; i < spec->rank; i++) {
        const json_int_t side = json_integer_value(json_array_get(shape, i));
        const json_int_t maximum = i == 0 ? MODEL_MAX_BATCH : TENSOR_SIDE_MAX;
        if (side < 1 || side > maximum)
            return refuse(why, ERR_TENSOR, path, i == 0 ? "1 to 8 pictures" : "sides from 1 to 4096", "%lld",
                          (long long)side);
        spec->shape[i] = i == 0 ? 0 : (uint32_t)side;
    }
    if (tensor_item_bytes(spec) > TENSOR_ITEM_MAX_BYTES)
        return refuse(why, ERR_TENSOR, path, "at most 1048576 values for a picture", "more");
    *batch_out = (size_t)json_integer_value(json_array_get(shape, 0));
    return OK;
}

static enum status append_number(const json_t *number, const char *path, struct refusal *why, struct buffer *values)
{
    if (!json_is_number(number)) return refuse(why, ERR_TENSOR, path, "numbers", "something else");
    const float value = (float)json_number_value(number);
    return buffer_append(values, slice_of(&value, sizeof(value)));
}

/* Nested arrays, one level for each side from `side` on. The depth is bounded by the rank. */
static enum status append_nested(const json_t *array, const char *path, const struct tensor_spec *spec, size_t batch,
                                 size_t side, struct refusal *why, struct buffer *values)
{
    const size_t count = side == 0 ? batch : spec->shape[side];
    if (!json_is_array(array) || json_array_size(array) != count)
        return refuse(why, ERR_TENSOR, path, "data of the shape that it names", "another number of values");
    size_t i;
    json_t *entry;
    json_array_foreach (array, i, entry) {
        if (side + 1 == spec->rank)
            TRY(append_number(entry, path, why, values));
        else
            TRY(append_nested(entry, path, spec, batch, side + 1, why, values));
    }
    return OK;
}

static enum status append_flat(const json_t *array, const char *path, size_t count, struct refusal *why,
                               struct buffer *values)
{
    if (json_array_size(array) != count)
        return refuse(why, ERR_TENSOR, path, "as many values as the shape says", "%zu, not %zu", json_array_size(array),
                      count);
    size_t i;
    json_t *entry;
    json_array_foreach (array, i, entry) TRY(append_number(entry, path, why, values));
    return OK;
}

/* The size that the tensor itself names, if its values are binary. */
static enum status read_binary_size(const json_t *tensor, const char *path, struct refusal *why, bool *is_binary_out,
                                    int64_t *size_out)
{
    json_t *parameters;
    *is_binary_out = false;
    if (!json_has(tensor, "parameters")) return OK;
    TRY(json_get_object(tensor, path, "parameters", why, &parameters));
    if (!json_has(parameters, "binary_data_size")) return OK;
    TRY(json_get_integer(parameters, path, "binary_data_size", 0, INT32_MAX, why, size_out));
    *is_binary_out = true;
    return OK;
}

static enum status read_binary(const char *path, int64_t named, size_t needed, struct reader *binary,
                               struct refusal *why, struct buffer *values)
{
    struct slice bytes;
    if ((uint64_t)named != needed)
        return refuse(why, ERR_TENSOR, path, "a binary_data_size that the shape gives", "%lld, not %zu",
                      (long long)named, needed);
    if (reader_slice(binary, needed, &bytes) != OK)
        return refuse(why, ERR_TRUNCATED, path, "as many bytes after the JSON as binary_data_size says", "%zu of %zu",
                      reader_left(binary), needed);
    return buffer_append(values, bytes);
}

enum status oip_read_values(const json_t *tensor, const char *path, const struct tensor_spec *spec, size_t batch,
                            struct reader *binary, struct refusal *why, struct buffer *values)
{
    const size_t needed = batch * tensor_item_bytes(spec);
    bool is_binary;
    int64_t named = 0;
    json_t *data;
    TRY(read_binary_size(tensor, path, why, &is_binary, &named));
    if (is_binary && json_has(tensor, "data"))
        return refuse(why, ERR_FIELD_VALUE, path, "data or binary_data_size", "both");
    if (is_binary) return read_binary(path, named, needed, binary, why, values);
    TRY(json_get_array(tensor, path, "data", needed / sizeof(float), why, &data));
    if (json_is_array(json_array_get(data, 0))) return append_nested(data, path, spec, batch, 0, why, values);
    return append_flat(data, path, needed / sizeof(float), why, values);
}

enum status oip_read_flag(const json_t *object, const char *path, const char *name, struct refusal *why, bool *flag_out)
{
    json_t *parameters;
    *flag_out = false;
    if (!json_has(object, "parameters")) return OK;
    TRY(json_get_object(object, path, "parameters", why, &parameters));
    return json_has(parameters, name) ? json_get_bool(parameters, path, name, why, flag_out) : OK;
}

/* ---- writing ---- */

enum status oip_new_tensor(const struct tensor_spec *spec, int64_t batch, json_t **tensor_out)
{
    CLEANUP(json_done) json_t *tensor = json_object();
    json_t *const shape = json_array();
    if (tensor == NULL || shape == NULL || json_object_set_new(tensor, "shape", shape) != 0) return ERR_NO_MEMORY;
    TRY(oip_set(tensor, "name", json_string(spec->name)));
    TRY(oip_set(tensor, "datatype", json_string("FP32")));
    for (size_t i = 0; i < spec->rank; i++) {
        if (json_array_append_new(shape, json_integer(i == 0 ? batch : spec->shape[i])) != 0) return ERR_NO_MEMORY;
    }
    *tensor_out = tensor;
    tensor = NULL;
    return OK;
}

static enum status add_binary(json_t *tensor, struct slice values, struct buffer *binary)
{
    CLEANUP(json_done)
    json_t *parameters = json_pack("{s:I}", "binary_data_size", (json_int_t)values.size);
    if (parameters == NULL || json_object_set(tensor, "parameters", parameters) != 0) return ERR_NO_MEMORY;
    return buffer_append(binary, values);
}

enum status oip_add_values(json_t *tensor, struct slice values, bool is_binary, struct buffer *binary)
{
    if (is_binary) return add_binary(tensor, values, binary);
    json_t *const data = json_array();
    TRY(oip_set(tensor, "data", data));
    for (size_t at = 0; at + sizeof(float) <= values.size; at += sizeof(float)) {
        float value;
        memcpy(&value, values.bytes + at, sizeof(value));
        if (json_array_append_new(data, json_real((double)value)) != 0) return ERR_NO_MEMORY;
    }
    return OK;
}
