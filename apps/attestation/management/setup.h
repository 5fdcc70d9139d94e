/* SPDX-License-Identifier: Apache-2.0
 *
 * Management as the program's configuration has it: the member "management", the sealed document that the state stands
 * in, and the key sets of administrators.
 *
 *   {"trust": "bearer" or "isolated", "policy_signers": PEM, "administrators": [...], "postgres": CONNECTION}
 */
#pragma once

#include "attestation/management/management.h"
#include "service/service.h"

enum {
    MANAGEMENT_CONNECTION_MAX_BYTES = 1024,
    MANAGEMENT_CHALLENGE_MAX_BYTES = 2 * ADMINISTRATOR_NAME_MAX_BYTES + 64,
};

struct management_configuration {
    bool is_isolated;
    char policy_signers[PATH_MAX];                      /* with which an isolated service begins, or "" */
    char postgres[MANAGEMENT_CONNECTION_MAX_BYTES + 1]; /* "": the state stands in a file */
    struct administrators administrators;
};
void management_configuration_done(struct management_configuration *configuration);

/* Without the member: the bearer model, and no administrators. ERR_CONFIG, ERR_FIELD_*. */
enum status management_configure(const struct configuration *configuration, struct refusal *why,
                                 struct management_configuration *configuration_out);
enum status management_allow(const struct management_configuration *configuration, struct sandbox *sandbox,
                             struct refusal *why);

struct management_setup {
    struct secret key; /* that the document is sealed with */
    char path[PATH_MAX], name[DOCUMENT_NAME_MAX_BYTES + 1];
    struct document *document;
    struct key_set_source sources[ADMINISTRATOR_MAX_COUNT];
    struct source_connection connections[ADMINISTRATOR_MAX_COUNT];
    struct buffer anchors[ADMINISTRATOR_MAX_COUNT];
    struct key_set_feed *feed;
    char challenge[MANAGEMENT_CHALLENGE_MAX_BYTES];
    struct management_options options; /* with the state */
};

/* While this process still has the TEE: derives the document's key, which is this measurement's and deployment's. */
enum status management_setup_seal(struct service *service, struct refusal *why, struct management_setup *setup);

/* Opens the state. `changed` as in state_options. ERR_STORE_CORRUPT for a state of another measurement. */
enum status management_setup_open_state(const struct management_configuration *configuration,
                                        const struct state_options *changed, struct refusal *why,
                                        struct management_setup *setup);

/* Fills in `options`, but for `sign` and its context. `issuer` is this service's own name. All borrowed. */
enum status management_setup_open(struct service *service, struct management_configuration *configuration,
                                  const char *issuer, struct refusal *why, struct management_setup *setup);
void management_setup_interrupt(struct management_setup *setup);
void management_setup_done(struct management_setup *setup);
