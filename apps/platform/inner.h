/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens inside the sealed channel (docs/protocols.md, section 8): requests that were opened, matched against a
 * table, checked (statement, session, role, idempotency) and handled; and the answers that will be sealed. Nothing here
 * knows HTTP servers or HPKE.
 */
#pragma once

#include "base/json.h"
#include "channel/bhttp.h"
#include "records/accounts.h"

enum {
    INNER_BODY_MAX_BYTES = 2 * 1024 * 1024, /* a part of a film, or a resource */
    INNER_ANSWER_MAX_BYTES = 8 * 1024 * 1024,
    INNER_SEGMENT_MAX_COUNT = 3,
    INNER_SEGMENT_MAX_BYTES = 64,
    INNER_FIELD_MAX_COUNT = 8,
    INNER_FIELD_VALUE_MAX_BYTES = 256,
    INNER_QUERY_VALUE_MAX_BYTES = 256,
};

/* Who may call: any of these roles. A route without a bit needs no session. */
enum inner_roles {
    INNER_NOBODY = 0,
    INNER_CLERK = 1 << ROLE_CLERK,
    INNER_CLINICIAN = 1 << ROLE_CLINICIAN,
    INNER_ADMINISTRATOR = 1 << ROLE_ADMINISTRATOR,
    INNER_STAFF = INNER_CLERK | INNER_CLINICIAN,
    INNER_ANYBODY = INNER_STAFF | INNER_ADMINISTRATOR,
};

struct inner_request {
    const struct bhttp_request *message;
    struct slice path, query;                       /* of the message's path; still percent-encoded */
    struct slice segments[INNER_SEGMENT_MAX_COUNT]; /* what the pattern's {} matched, in order */
    const struct account *account;                  /* NULL on routes without a session */
    struct slice session;                           /* the session's id; empty likewise */
    struct slice idempotency_key;                   /* of POST, PUT and DELETE */
    int64_t now_s;
};

struct inner_response {
    unsigned status;
    const char *content_type; /* a literal; NULL: no body */
    struct buffer body;
    struct {
        const char *name; /* a literal, lower case */
        char value[INNER_FIELD_VALUE_MAX_BYTES];
    } fields[INNER_FIELD_MAX_COUNT];
    size_t field_count;
};
void inner_response_done(struct inner_response *response);

struct platform;
typedef enum status inner_handler(struct platform *platform, const struct inner_request *request, struct refusal *why,
                                  struct inner_response *response);

/* A handler fills the response and returns OK, or returns an error that becomes a problem document (inner_problem). A
 * failed handler has changed nothing. */
struct inner_route {
    const char *method, *pattern; /* "/films/{}/parts/{}" */
    unsigned roles;               /* enum inner_roles */
    bool without_statement;       /* GET /session only: a client may ask before the chain is judged */
    inner_handler *handle;
};

/* The route for method and path, with its segments; NULL if none. `is_path_known_out`: some other method would match.
 */
const struct inner_route *inner_route_find(const struct inner_route *routes, size_t count, struct slice method,
                                           struct slice path, struct slice segments_out[static INNER_SEGMENT_MAX_COUNT],
                                           bool *is_path_known_out);

/* The decoded value of a query parameter, appended. ERR_FIELD_MISSING; ERR_FIELD_VALUE for a bad escape, invalid UTF-8
 * or one that is longer than INNER_QUERY_VALUE_MAX_BYTES. */
enum status inner_query(const struct inner_request *request, const char *name, struct buffer *value);

/* Answers. `inner_json` takes the value over. */
enum status inner_json(struct inner_response *response, unsigned status, json_t *value);
enum status inner_text(struct inner_response *response, unsigned status, const char *content_type, struct slice body);
void inner_empty(struct inner_response *response, unsigned status);
enum status inner_field(struct inner_response *response, const char *name, const char *value);

/* Forgets the fields that were set: a failed handler's location and version are of a resource that was never kept. */
void inner_forget_fields(struct inner_response *response);

/* The HTTP status that stands for a failure, and its problem document (for FHIR routes an OperationOutcome). Of the
 * fields only retry-after stays. */
unsigned inner_status_of(enum status status);
void inner_problem(struct inner_response *response, enum status status, const struct refusal *why, bool is_fhir);
