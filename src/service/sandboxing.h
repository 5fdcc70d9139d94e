/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program may still do once it runs (base/sandbox.h): what every program needs, and what it names itself with
 * service_program.allow from its configuration. Anything that a program opens, dials or listens at after its children
 * are forked must be named there, or the kernel refuses it.
 */
#pragma once

#include "base/sandbox.h"
#include "service/configuration.h"

/* Lets the program dial or listen at "host:port"; nothing for "unix:PATH", which Landlock does not hold. ERR_CONFIG. */
enum status service_allow_dialling(struct sandbox *sandbox, const char *address, struct refusal *why);
enum status service_allow_listening(struct sandbox *sandbox, const char *address, struct refusal *why);

/* The same for the host and port of an http:// or https:// URL; nothing for "". */
enum status service_allow_url(struct sandbox *sandbox, const char *url, struct refusal *why);

/* Adds what every program needs, enters, and tells in the log what stands. No thread may run. */
enum status service_enter_sandbox(const struct configuration *configuration, struct sandbox *sandbox,
                                  struct refusal *why);
