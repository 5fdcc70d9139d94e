/* SPDX-License-Identifier: Apache-2.0
 *
 * The predecessor's side of a hand-over (docs/protocols.md, section 13). A listener of its own, attested TLS on both
 * sides, that lets nobody in until a manifest is shown that this deployment's key signed and that is not older than any
 * seen; then those whom that manifest names as platform. Two requests: for the master key, which changes nothing here,
 * and for the store, after which this platform serves no more.
 */
#pragma once

#include "http/server.h"
#include "service/service.h"

struct platform;
struct hand_over;

/* Listens on `address`. `platform` is borrowed. */
enum status hand_over_new(struct platform *platform, const char *address, struct refusal *why,
                          struct hand_over **hand_over_out);
void hand_over_free(struct hand_over *hand_over);

/* Shows this platform's new token to the successor from now on. */
void hand_over_token_arrived(struct hand_over *hand_over, struct slice token);

/* POST /hand-over/manifest on the public listener: whom to let in. ERR_MANIFEST..., ERR_MANIFEST_OLD. */
enum status hand_over_take_manifest(struct hand_over *hand_over, struct slice jws, struct refusal *why);
