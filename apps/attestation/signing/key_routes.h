/* SPDX-License-Identifier: Apache-2.0
 *
 * The routes of signing keys. Their context is struct attestation_routes.
 */
#pragma once

#include "http/server.h"

void key_handle_certs(void *context, const struct http_request *request, struct http_response *response);
void key_handle_metadata(void *context, const struct http_request *request, struct http_response *response);
void key_handle_history(void *context, const struct http_request *request, struct http_response *response);
/* For administrators who may change policies: the next key signs from now on. Answers as /certs. */
void key_handle_rotate(void *context, const struct http_request *request, struct http_response *response);

#define KEY_ROUTES                                                                                                     \
    {"GET", "/certs", 0, key_handle_certs}, {"GET", "/.well-known/openid-configuration", 0, key_handle_metadata},      \
        {"GET", "/.well-known/lazaret/keys", 0, key_handle_history},                                                   \
    {                                                                                                                  \
        "POST", "/.well-known/lazaret/keys:rotate", 0, key_handle_rotate                                               \
    }
