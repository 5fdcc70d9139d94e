/* SPDX-License-Identifier: Apache-2.0
 *
 * The collateral of the simulated platform over plain HTTP, at the paths of Intel's PCS (version 4) and with its
 * headers. What is served is signed and public. It is signed anew once a day, long before it expires.
 */
#pragma once

#include "base/clock.h"
#include "http/server.h"
#include "tee/simulation/authority.h"

enum { COLLATERAL_RENEW_S = 24 * 3600 };

struct collateral_desk; /* thread-safe */

/* Both are borrowed for the desk's life. */
enum status collateral_desk_new(const struct simulated_authority *authority, const struct clock *clock,
                                struct collateral_desk **desk_out);
void collateral_desk_free(struct collateral_desk *desk);

/* The server's options, with the desk as the routes' context. */
struct http_server_options collateral_desk_options(struct collateral_desk *desk);
