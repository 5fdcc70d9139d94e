/* SPDX-License-Identifier: Apache-2.0
 * Hits model_package_parse. */
#include "fuzz.h"
#include "inference/model_package.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct model_package package;
    if (model_package_parse(slice_of(bytes, size), NULL, &package) != OK) return 0;
    if (package.finding_output >= package.output_count || package.suitability_output >= package.output_count) abort();
    if (tensor_item_bytes(&package.outputs[package.finding_output]) != sizeof(float)) abort();
    return 0;
}
