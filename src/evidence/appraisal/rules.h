/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sections of an appraisal policy have in common: rules over values (hexadecimal) and over flags, listed in a
 * table for each kind of evidence, read and checked in one place. Private to src/evidence/appraisal.
 *
 * The form of a value's rule:  "any"  |  "zero"  |  [values]  |  {"allow": "any" | [values], "deny": "none" | [values]}
 */
#pragma once

#include "base/buffer.h"
#include "base/json.h"

enum { SECTION_VALUE_MAX_COUNT = 16, APPRAISAL_VALUE_MAX_BYTES = 64, UUID_BYTES = 16 };

/* Values of one size, one after the other in the policy's store. */
struct value_list {
    size_t at, count;
};

struct value_rule {
    bool any; /* but those denied */
    struct value_list allowed, denied;
};

struct value_field {
    const char *name;
    size_t offset, size;  /* in the claims */
    bool is_never_zero;   /* zeros say that there is none: they are in no list, and satisfy only "any" */
    bool zero_by_default; /* may be left out, and is then "zero" */
    bool is_uuid;         /* written with hyphens */
    const char *fix;
};

enum flag_kind {
    FLAG_ALLOW,    /* if false, the claim must not be set */
    FLAG_REQUIRE,  /* if true, the claim must be set */
    FLAG_INSECURE, /* as FLAG_ALLOW; may be left out and is then false; a simulation build alone knows it */
};

/* The name of such a flag. A release does not even hold the word, and takes no member for one: its name is empty there.
 */
#ifdef LAZARET_SIMULATION
#define INSECURE(name) "insecure_" name
#else
#define INSECURE(name) ""
#endif

struct flag_field {
    const char *name, *claim;
    enum flag_kind kind;
    size_t offset; /* in the claims, of a bool, or of a uint64_t if `mask` is not 0 */
    uint64_t mask;
    const char *fix;
};

/* All that a section is made of. */
struct section_shape {
    const struct value_field *values;
    size_t value_count;
    const struct flag_field *flags;
    size_t flag_count;
    const char *const *others; /* members that the section's own file reads; ends with NULL */
};

struct section_rules {
    struct value_rule values[SECTION_VALUE_MAX_COUNT];
    uint32_t flags; /* bit i: the value of flag i */
};

/* Where a section is read from, and what is shared while a policy is read. */
struct section_source {
    const json_t *json;
    const char *path; /* for refusals: "azure-vtpm.snp" */
    struct buffer *values;
    struct refusal *why;
};

/* Refuses unknown members, then reads all rules of the tables. */
enum status section_read(const struct section_shape *shape, const struct section_source *source,
                         struct section_rules *rules_out);

/* What claims are checked with. */
struct appraisal {
    struct slice values; /* the policy's store */
    const char *path;
    int64_t now_s;
    struct refusal *why;
};

enum status section_check(const struct section_shape *shape, const struct section_rules *rules,
                          const struct appraisal *appraisal, const void *claims);

enum status value_rule_read(const struct value_field *field, const struct section_source *source,
                            struct value_rule *rule_out);
enum status value_rule_check(const struct value_field *field, const struct value_rule *rule,
                             const struct appraisal *appraisal, const uint8_t *seen);

/* A list of values without the other forms; `path` is of the list. Not empty, each value once. */
enum status value_list_read(const struct value_field *field, const json_t *list, const char *path,
                            const struct section_source *source, struct value_list *list_out);

/* Whether the member is this word, such as "any". */
bool rule_is_word(const json_t *object, const char *name, const char *word);

/* A list of names from the table, not empty, each once: bit i stands for names[i]. */
enum status rule_names_read(const struct section_source *source, const char *name, const char *const *names,
                            size_t count, uint32_t *mask_out);

/* 8-4-4-4-12 hexadecimal digits, in either case. ERR_ENCODING. */
enum status uuid_decode(struct slice text, uint8_t bytes_out[static UUID_BYTES]);

/* A number, or `any` for the word "any". */
enum status rule_number_read(const struct section_source *source, const char *name, int64_t minimum, int64_t maximum,
                             int64_t any, int64_t *number_out);

/* A list that is not empty, of at most `max_count`. */
enum status rule_list_read(const struct section_source *source, const char *name, size_t max_count, json_t **list_out);

/* Refuses evidence: ERR_APPRAISAL with the claim's path and the fix. */
[[gnu::format(printf, 5, 6)]] enum status disagree(const struct appraisal *appraisal, const char *claim,
                                                   const char *fix, const char *expected, const char *seen_format, ...);
