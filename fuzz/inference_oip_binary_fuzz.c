/* SPDX-License-Identifier: Apache-2.0
 * Hits oip_request_parse, with binary tensors: two bytes say how long the JSON is. */
#include "fuzz.h"
#include "inference/oip.h"

#include <stdio.h>
#include <stdlib.h>

static const char package_json[] = "{\"name\":\"m\",\"version\":\"1\",\"file\":\"m.onnx\","
                                   "\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\","
                                   "\"input\":{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[-1,1,4,4]},"
                                   "\"outputs\":[{\"name\":\"pneumonia\",\"datatype\":\"FP32\",\"shape\":[-1,1]},"
                                   "{\"name\":\"heatmap\",\"datatype\":\"FP32\",\"shape\":[-1,1,2,2]},"
                                   "{\"name\":\"suitability\",\"datatype\":\"FP32\",\"shape\":[-1,1]}],"
                                   "\"finding\":{\"code\":\"pneumonia\",\"display\":\"Pneumonia\",\"threshold\":0.5},"
                                   "\"suitability\":[{\"name\":\"a\",\"reason\":\"b\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char json_size[16];
    struct model_package package;
    CLEANUP(oip_request_done) struct oip_request request = {};
    if (size < 2) return 0;
    (void)snprintf(json_size, sizeof(json_size), "%d", bytes[0] | bytes[1] << 8);
    if (model_package_parse(SLICE_LITERAL(package_json), NULL, &package) != OK) abort();
    if (oip_request_parse(slice_of(bytes + 2, size - 2), json_size, &package, NULL, &request) != OK) return 0;
    if (request.input.size != request.batch * tensor_item_bytes(&package.input)) abort();
    if (!tensor_is_within(buffer_slice(&request.input), OIP_MINIMUM_GREY, OIP_MAXIMUM_GREY)) abort();
    return 0;
}
