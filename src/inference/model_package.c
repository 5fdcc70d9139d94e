/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/model_package.h"

#include <stdio.h>
#include <string.h>

static enum status get_text(const json_t *object, const char *path, const char *name, size_t size, char *text_out,
                            struct refusal *why)
{
    struct slice text;
    TRY(json_get_string(object, path, name, size - 1, why, &text));
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

/* Names stand in paths and in file names. */
static enum status get_plain_name(const json_t *object, const char *path, const char *name, size_t size, char *text_out,
                                  struct refusal *why)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    TRY(get_text(object, path, name, size, text_out, why));
    if (strspn(text_out, allowed) == strlen(text_out) && text_out[0] != '.') return OK;
    return refuse(why, ERR_FIELD_VALUE, name, "letters, digits, '-', '_' and '.', not first '.'", "%s", text_out);
}

static enum status read_shape(const json_t *object, const char *path, struct tensor_spec *spec, struct refusal *why)
{
    json_t *shape;
    TRY(json_get_array(object, path, "shape", TENSOR_MAX_RANK, why, &shape));
    spec->rank = json_array_size(shape);
    if (spec->rank < 2 || json_integer_value(json_array_get(shape, 0)) != -1)
        return refuse(why, ERR_FIELD_VALUE, path, "a shape of two to four sides, the first -1", "another");
    for (size_t i = 1; i < spec->rank; i++) {
        const json_int_t side = json_integer_value(json_array_get(shape, i));
        if (side < 1 || side > TENSOR_SIDE_MAX)
            return refuse(why, ERR_FIELD_VALUE, path, "sides from 1 to 4096", "%lld", (long long)side);
        spec->shape[i] = (uint32_t)side;
    }
    if (tensor_item_bytes(spec) > TENSOR_ITEM_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, path, "at most 1048576 values for a picture", "more");
    return OK;
}

static enum status read_tensor(const json_t *object, const char *path, struct tensor_spec *spec, struct refusal *why)
{
    struct slice datatype;
    TRY(get_plain_name(object, path, "name", sizeof(spec->name), spec->name, why));
    TRY(json_get_string(object, path, "datatype", 8, why, &datatype));
    if (!slice_equal_text(datatype, "FP32")) return refuse(why, ERR_FIELD_VALUE, path, "the datatype FP32", "another");
    return read_shape(object, path, spec, why);
}

static enum status read_outputs(const json_t *root, struct model_package *package, struct refusal *why)
{
    json_t *outputs;
    TRY(json_get_array(root, "model", "outputs", MODEL_MAX_OUTPUTS, why, &outputs));
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        TRY(read_tensor(json_array_get(outputs, i), "model.outputs", &package->outputs[i], why));
        const struct slice name = slice_of_text(package->outputs[i].name);
        if (model_package_output(package, name, NULL) != NULL)
            return refuse(why, ERR_MODEL, "model.outputs", "names that differ", "%s twice", package->outputs[i].name);
        package->output_count++;
    }
    return OK;
}

static enum status read_finding(const json_t *root, struct model_package *package, struct refusal *why)
{
    json_t *finding;
    TRY(json_get_object(root, "model", "finding", why, &finding));
    TRY(get_text(finding, "model.finding", "code", sizeof(package->finding.code), package->finding.code, why));
    TRY(get_text(finding, "model.finding", "display", sizeof(package->finding.display), package->finding.display, why));
    const json_t *const threshold = json_object_get(finding, "threshold");
    if (!json_is_number(threshold))
        return refuse(why, ERR_FIELD_TYPE, "model.finding.threshold", "a number", "something else");
    package->finding.threshold = json_number_value(threshold);
    if (!(package->finding.threshold > 0 && package->finding.threshold < 1))
        return refuse(why, ERR_FIELD_VALUE, "model.finding.threshold", "a number between 0 and 1", "%g",
                      package->finding.threshold);
    const struct tensor_spec *const score =
        model_package_output(package, slice_of_text(package->finding.code), &package->finding_output);
    if (score == NULL || tensor_item_bytes(score) != sizeof(float))
        return refuse(why, ERR_MODEL, "model.finding.code", "an output of one value for a picture", "%s",
                      package->finding.code);
    return OK;
}

static enum status read_suitability(const json_t *root, struct model_package *package, struct refusal *why)
{
    json_t *reasons;
    TRY(json_get_array(root, "model", "suitability", MODEL_MAX_REASONS, why, &reasons));
    package->suitability_count = json_array_size(reasons);
    for (size_t i = 0; i < package->suitability_count; i++) {
        const json_t *const entry = json_array_get(reasons, i);
        TRY(get_text(entry, "model.suitability", "name", sizeof(package->suitability[i].name),
                     package->suitability[i].name, why));
        TRY(get_text(entry, "model.suitability", "reason", sizeof(package->suitability[i].reason),
                     package->suitability[i].reason, why));
    }
    const struct tensor_spec *const output =
        model_package_output(package, SLICE_LITERAL("suitability"), &package->suitability_output);
    if (output == NULL || output->rank != 2 || output->shape[1] != package->suitability_count)
        return refuse(why, ERR_MODEL, "model.suitability", "an output of that name with a value for each reason",
                      "%zu reasons", package->suitability_count);
    return OK;
}

static enum status check_heatmap(const struct model_package *package, struct refusal *why)
{
    const struct tensor_spec *const heatmap = model_package_output(package, SLICE_LITERAL("heatmap"), NULL);
    if (heatmap == NULL || (heatmap->rank == 4 && heatmap->shape[1] == 1)) return OK;
    return refuse(why, ERR_MODEL, "model.outputs", "a heat map of [-1,1,height,width]", "another shape");
}

static enum status read_package(const json_t *root, struct model_package *package, struct refusal *why)
{
    json_t *input;
    TRY(get_plain_name(root, "model", "name", sizeof(package->name), package->name, why));
    TRY(get_plain_name(root, "model", "version", sizeof(package->version), package->version, why));
    TRY(get_plain_name(root, "model", "file", sizeof(package->file), package->file, why));
    TRY(json_get_hex(root, "model", "sha256", MODEL_DIGEST_BYTES, why, package->sha256));
    TRY(json_get_object(root, "model", "input", why, &input));
    TRY(read_tensor(input, "model.input", &package->input, why));
    TRY(read_outputs(root, package, why));
    TRY(read_finding(root, package, why));
    TRY(read_suitability(root, package, why));
    return check_heatmap(package, why);
}

enum status model_package_parse(struct slice json, struct refusal *why, struct model_package *package_out)
{
    CLEANUP(json_done) json_t *root = NULL;
    struct model_package package = {};
    TRY(json_parse(json, MODEL_JSON_MAX_BYTES, why, &root));
    TRY(read_package(root, &package, why));
    *package_out = package;
    return OK;
}

const struct tensor_spec *model_package_output(const struct model_package *package, struct slice name,
                                               size_t *index_out)
{
    for (size_t i = 0; i < package->output_count; i++) {
        if (!slice_equal_text(name, package->outputs[i].name)) continue;
        if (index_out != NULL) *index_out = i;
        return &package->outputs[i];
    }
    return NULL;
}
