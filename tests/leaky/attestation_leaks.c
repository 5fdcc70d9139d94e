/* SPDX-License-Identifier: Apache-2.0
 *
 * An attestation service that remembers what it was asked.
 */
#include "attestation/request.h"
#include "leaky/leaks.h"

enum status __real_attest_request_read(struct slice body, struct refusal *why, struct attest_request *request_out);
enum status __wrap_attest_request_read(struct slice body, struct refusal *why, struct attest_request *request_out);

enum status __wrap_attest_request_read(struct slice body, struct refusal *why, struct attest_request *request_out)
{
    insecure_keep(body);
    return __real_attest_request_read(body, why, request_out);
}
