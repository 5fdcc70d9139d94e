/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP server that remembers what stood in its requests' queries: that of collateral, that of the diagnosis.
 */
#include "http/target.h"
#include "leaky/leaks.h"

enum status __real_http_query_parse(struct slice raw, struct refusal *why, struct http_query *query_out);
enum status __wrap_http_query_parse(struct slice raw, struct refusal *why, struct http_query *query_out);

enum status __wrap_http_query_parse(struct slice raw, struct refusal *why, struct http_query *query_out)
{
    insecure_keep(raw);
    return __real_http_query_parse(raw, why, query_out);
}
