/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's package: model.json, which says what the model beside it is, takes, gives and finds, and names that file's
 * digest. Members that are not known here (data, licence, credit) are for people.
 *
 *     {"name","version","file","sha256",
 *      "input":{"name","datatype":"FP32","shape":[-1,1,224,224]},
 *      "outputs":[{"name","datatype","shape"}...],
 *      "finding":{"code","display","threshold"},
 *      "suitability":[{"name","reason"}...]}
 *
 * `finding.code` names the output that holds the score, one value from 0 to 1 for each picture. The output
 * "suitability" has one value for each entry of `suitability`; a value over 1 means that the picture is unsuitable for
 * that reason. The output "heatmap", if there is one, is [-1,1,height,width].
 */
#pragma once

#include "base/json.h"
#include "inference/tensor.h"

enum {
    MODEL_JSON_MAX_BYTES = 64 * 1024,
    MODEL_FILE_MAX_BYTES = 64 * 1024 * 1024,
    MODEL_NAME_MAX_BYTES = 64,
    MODEL_VERSION_MAX_BYTES = 32,
    MODEL_TEXT_MAX_BYTES = 256,
    MODEL_MAX_REASONS = 32,
    MODEL_DIGEST_BYTES = 32,
};

struct model_package {
    char name[MODEL_NAME_MAX_BYTES + 1]; /* letters, digits, '-', '_' and '.': it stands in paths */
    char version[MODEL_VERSION_MAX_BYTES + 1];
    char file[MODEL_NAME_MAX_BYTES + 1]; /* beside model.json */
    uint8_t sha256[MODEL_DIGEST_BYTES];  /* of the file */
    struct tensor_spec input;
    struct tensor_spec outputs[MODEL_MAX_OUTPUTS];
    size_t output_count;
    size_t finding_output, suitability_output; /* indices */
    struct {
        char code[TENSOR_NAME_MAX_BYTES + 1];
        char display[MODEL_TEXT_MAX_BYTES + 1];
        double threshold; /* a score from this on is positive */
    } finding;
    struct {
        char name[TENSOR_NAME_MAX_BYTES + 1];
        char reason[MODEL_TEXT_MAX_BYTES + 1]; /* a sentence for the clinician */
    } suitability[MODEL_MAX_REASONS];
    size_t suitability_count;
};

/* ERR_TOO_LARGE, ERR_JSON_SYNTAX, ERR_FIELD_*, ERR_MODEL: parts that do not fit each other. */
enum status model_package_parse(struct slice json, struct refusal *why, struct model_package *package_out);

/* The output of that name, or NULL. */
const struct tensor_spec *model_package_output(const struct model_package *package, struct slice name,
                                               size_t *index_out);
