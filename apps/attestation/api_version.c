/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/api_version.h"

#include <strings.h>

enum status api_version_check(const struct http_request *request, struct refusal *why)
{
    static const char *const known[] = {"2020-10-01", "2022-08-01", "2023-04-01-preview", "2025-06-01"};
    const char *const version = http_request_query(request, "api-version");
    for (size_t i = 0; version != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(version, known[i]) == 0) return OK;
    }
    return refuse(why, ERR_FIELD_VALUE, "api-version", "2020-10-01, 2022-08-01, 2023-04-01-preview or 2025-06-01", "%s",
                  version != NULL ? version : "nothing");
}
