/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables by which resources are validated: which elements a type has, how often, of what kind. Used by
 * records/fhir*.c alone.
 */
#pragma once

#include "records/fhir.h"

enum fhir_kind {
    FHIR_STRING,
    FHIR_TEXT, /* a string with line ends */
    FHIR_CODE,
    FHIR_URI,
    FHIR_ID,
    FHIR_BOOLEAN,
    FHIR_COUNT,   /* unsignedInt and positiveInt */
    FHIR_DECIMAL, /* a JSON number */
    FHIR_DATE,
    FHIR_BIRTH_DATE, /* not in the future */
    FHIR_DATETIME,
    FHIR_INSTANT,
    FHIR_OBJECT,            /* `children` */
    FHIR_CONCEPT,           /* a CodeableConcept with a coding of `system` whose code is one of `codes` */
    FHIR_REFERENCE,         /* to one of `targets` */
    FHIR_PATIENT_REFERENCE, /* the same, and by `reference` */
    FHIR_RESOURCE,          /* an object that is checked elsewhere: a bundle's entry */
};

enum fhir_cardinality { OPTIONAL = 0, REQUIRED = 1, MANY = 2, AT_LEAST_ONE = 3 };

struct fhir_element {
    const char *name; /* NULL ends a table */
    enum fhir_kind kind;
    enum fhir_cardinality cardinality;
    const struct fhir_element *children;
    const char *const *codes; /* NULL-terminated; FHIR_CODE: NULL leaves the code open */
    const char *system;
    const char *const *targets; /* NULL-terminated */
    const char *choice;         /* of the elements with the same choice ("onset") at most one may be there */
};

/* One validation under way: where it stands, and what it needs to know. */
struct fhir_check {
    struct refusal *why;
    int64_t now_s;
    char path[REFUSAL_FIELD_BYTES];
    size_t path_size;
};

/* ERR_FHIR at the present path. */
enum status fhir_refuse(const struct fhir_check *check, const char *expected, const char *seen);

/* ERR_FHIR at a member of the present path. */
enum status fhir_refuse_member(struct fhir_check *check, const char *member, const char *expected, const char *seen);

/* The elements of `object`, each by its row, and none that has no row. `base` (may be NULL) is a second table. */
enum status fhir_check_object(struct fhir_check *check, const json_t *object, const struct fhir_element *elements,
                              const struct fhir_element *base);

struct fhir_resource_rules {
    const struct fhir_element *elements; /* NULL: clients do not write this type */
    enum status (*invariants)(struct fhir_check *check, const json_t *resource); /* NULL: none */
};

/* Elements of every resource, and the rules of each type. */
extern const struct fhir_element fhir_base_elements[];
extern const struct fhir_resource_rules fhir_resource_rules[FHIR_TYPE_COUNT];

/* The value of `member` if it is a string, else the empty slice. */
struct slice fhir_text_of(const json_t *object, const char *member);

/* Whether a CodeableConcept has this code in some coding. */
bool fhir_concept_has(const json_t *concept, const char *code);
