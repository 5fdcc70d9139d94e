/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims as attestation policies see them (reference: azure-attestation section 4.3), and sets of them. Pure.
 */
#pragma once

#include "base/refusal.h"
#include "base/slice.h"

enum {
    CLAIM_SET_MAX_COUNT = 2048,
    CLAIM_TYPE_MAX_BYTES = 256,
    CLAIM_TEXT_MAX_BYTES = 512 * 1024,    /* of one String value: `events` is the JSON of a whole event log */
    CLAIM_SET_MAX_BYTES = 2 * 1024 * 1024 /* of all types and values of a set */
};

enum claim_issuer {
    CLAIM_OF_SERVICE, /* "AttestationService": from evidence */
    CLAIM_OF_POLICY,  /* "AttestationPolicy": made by a rule */
    CLAIM_OF_CLIENT,  /* "CustomClaim": sent along, the default */
};
enum claim_value_type { CLAIM_STRING, CLAIM_INTEGER, CLAIM_BOOLEAN };

struct claim_value {
    enum claim_value_type type;
    struct slice text; /* CLAIM_STRING: UTF-8; otherwise empty */
    int64_t integer;   /* CLAIM_INTEGER */
    bool boolean;      /* CLAIM_BOOLEAN */
};

struct claim {
    struct slice type;
    struct claim_value value;
    enum claim_issuer issuer;
    bool read_only; /* cannot be issued, nor what functions make of it: `pcrs` (docs/policy-language.md, "Read-only") */
};

/* Claims in the order in which they were added; several may have one type. Copies what it is given. */
struct claim_set;
enum status claim_set_new(struct claim_set **set_out);
void claim_set_free(struct claim_set *set);
void claim_set_cleanup(struct claim_set **set);
void claim_set_clear(struct claim_set *set); /* empties; keeps its memory for the next use */

/* ERR_POLICY_LIMIT with the maximum's name, ERR_NO_MEMORY. */
enum status claim_set_add(struct claim_set *set, const struct claim *claim, struct refusal *why);
enum status claim_set_add_text(struct claim_set *set, const char *type, struct slice text, enum claim_issuer issuer,
                               struct refusal *why);
enum status claim_set_add_integer(struct claim_set *set, const char *type, int64_t integer, enum claim_issuer issuer,
                                  struct refusal *why);
enum status claim_set_add_boolean(struct claim_set *set, const char *type, bool boolean, enum claim_issuer issuer,
                                  struct refusal *why);

size_t claim_set_count(const struct claim_set *set);
const struct claim *claim_set_at(const struct claim_set *set, size_t index);       /* borrowed until the next change */
const struct claim *claim_set_find(const struct claim_set *set, const char *type); /* the first of that type, or NULL */

/* Whether both hold the same claims in the same order. */
bool claim_set_equal(const struct claim_set *one, const struct claim_set *other);

/* A set between processes; what was written is read back as it was. claim_set_read empties the set first.
 * ERR_TRUNCATED, ERR_POLICY_LIMIT and others for bytes that are no set. */
struct buffer;
enum status claim_set_write(const struct claim_set *set, struct buffer *bytes);
enum status claim_set_read(struct slice bytes, struct refusal *why, struct claim_set *set);
