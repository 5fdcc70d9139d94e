/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may read and change policies and policy signers: who shows, as a bearer token, a JWT by a key that the
 * configuration trusts. Either an OpenID provider's access token, judged by its issuer, audience, and subject or role;
 * or one that a local administrator signs for the purpose ("lazaret policy bearer"), valid for an hour at most. Of a
 * bearer token nothing is parsed before a trusted key's signature over it was verified: strangers' bytes go no further
 * than base64url and OpenSSL's verification. With no administrators nobody may do either.
 */
#pragma once

#include "feeds/key_sets.h"
#include "service/configuration.h"

enum {
    ADMINISTRATOR_MAX_COUNT = KEY_SET_SOURCE_MAX_COUNT,
    ADMINISTRATOR_NAME_MAX_BYTES = 255,    /* of an issuer, an audience */
    ADMINISTRATOR_ACCEPTED_MAX_COUNT = 64, /* of subjects, of roles */
    BEARER_MAX_BYTES = 12 * 1024,
    BEARER_SLACK_S = 60,       /* between clocks */
    BEARER_LOCAL_MAX_S = 3600, /* of a local administrator's token, from now */
};

enum administrator_right { RIGHT_READ, RIGHT_CHANGE };

struct administrator {
    struct key *key; /* of a local one; NULL: */
    char issuer[ADMINISTRATOR_NAME_MAX_BYTES + 1], audience[ADMINISTRATOR_NAME_MAX_BYTES + 1];
    char keys[PATH_MAX], url[URL_MAX_BYTES + 1], ca[PATH_MAX]; /* of its key set: a file or a URL */
    const json_t *readers, *contributors;                      /* {"subjects","roles"}, borrowed; NULL: none */
    bool is_reader_only;                                       /* a local one */
};

struct administrators {
    const char *issuer; /* our own name: the audience of local administrators' tokens; borrowed */
    struct administrator items[ADMINISTRATOR_MAX_COUNT];
    size_t count;
    struct key_set_feed *feed; /* the key set of items[i] is its source i; borrowed; NULL: there are none */
};
void administrators_done(struct administrators *administrators);

/* From the member "administrators" of `object`, which may be absent. `object` must outlive `administrators`.
 * ERR_FIELD_*, ERR_KEY_INVALID. */
enum status administrators_configure(const struct configuration *configuration, const json_t *object,
                                     struct refusal *why, struct administrators *administrators);

/* The value of "authorization", or NULL. ERR_TOKEN_MISSING, ERR_TOKEN_MALFORMED, ERR_TOO_LARGE; ERR_TOKEN_SIGNATURE;
 * ERR_TOKEN_ISSUER, ERR_TOKEN_CLAIM, ERR_TOKEN_EXPIRED, ERR_TOKEN_NOT_YET_VALID; ERR_FORBIDDEN: known, but without
 * this right. */
enum status administrators_check(const struct administrators *administrators, const char *authorization,
                                 enum administrator_right right, int64_t now_s, struct refusal *why);
