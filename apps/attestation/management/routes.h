/* SPDX-License-Identifier: Apache-2.0
 *
 * The routes of management. Their context is struct attestation_routes.
 */
#pragma once

#include "attestation/management/body_jws.h"
#include "http/server.h"

void management_handle_policy_get(void *context, const struct http_request *request, struct http_response *response);
void management_handle_policy_set(void *context, const struct http_request *request, struct http_response *response);
/* POST /policies/{type}:reset, as one segment. */
void management_handle_policy_reset(void *context, const struct http_request *request, struct http_response *response);
void management_handle_certificates(void *context, const struct http_request *request, struct http_response *response);
void management_handle_certificate_add(void *context, const struct http_request *request,
                                       struct http_response *response);
void management_handle_certificate_remove(void *context, const struct http_request *request,
                                          struct http_response *response);

#define MANAGEMENT_ROUTES                                                                                              \
    {"GET", "/policies/{type}", 0, management_handle_policy_get},                                                      \
        {"PUT", "/policies/{type}", BODY_MAX_BYTES, management_handle_policy_set, "text/plain"},                       \
        {"POST", "/policies/{type}", BODY_MAX_BYTES, management_handle_policy_reset, "text/plain"},                    \
        {"GET", "/certificates", 0, management_handle_certificates},                                                   \
        {"POST", "/certificates:add", MANAGEMENT_BODY_MAX_BYTES, management_handle_certificate_add,                    \
         "application/json"},                                                                                          \
    {                                                                                                                  \
        "POST", "/certificates:remove", MANAGEMENT_BODY_MAX_BYTES, management_handle_certificate_remove,               \
            "application/json"                                                                                         \
    }
