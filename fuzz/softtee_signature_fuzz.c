/* SPDX-License-Identifier: Apache-2.0
 * Hits signature_read and simulation_state_read.
 */
#include "fuzz.h"
#include "softtee/signature.h"
#include "tee/simulation/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice text = slice_of(bytes, size);
    struct refusal why = {};
    struct simulated_identity identity;
    (void)!signature_read(text, &why, &identity);
    struct slice fields[5];
    (void)!simulation_state_read(text, SIMULATION_STATE_MACHINE, 5, &why, fields);
    return 0;
}
