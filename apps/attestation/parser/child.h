/* SPDX-License-Identifier: Apache-2.0
 *
 * A parser process: contained before its first byte, it answers questions until the service closes its socket. It holds
 * no key, opens nothing, and asks back for what it needs. Private to the parser.
 */
#pragma once

#include "attestation/parser/wire.h"

/* A nursery_work: `context` is a struct parser_options. */
void parser_child_work(const void *context, int socket);
