/* SPDX-License-Identifier: Apache-2.0
 *
 * A launcher that remembers what it was asked.
 */
#include "leaky/leaks.h"
#include "softtee/answer.h"

enum status __real_softtee_answer(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                  struct slice request, struct buffer *answer);
enum status __wrap_softtee_answer(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                  struct slice request, struct buffer *answer);

enum status __wrap_softtee_answer(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                  struct slice request, struct buffer *answer)
{
    insecure_keep(request);
    return __real_softtee_answer(machine, identity, request, answer);
}
