/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled JMESPath expression: nodes in one array, each with its children as a list of indices. Immutable once
 * compiled. What is written as a chain (a.b[0] | c, or a || b || c) is one node with many children, so that searching
 * goes as deep as the expression is nested, not as long as it is.
 */
#pragma once

#include "policy/jmespath.h"

#include <assert.h>
#include <stdlib.h>

typedef uint16_t node_id;
enum { NODE_NONE = UINT16_MAX };
static_assert(JMESPATH_NODE_MAX_COUNT < UINT16_MAX);

enum node_kind {
    NODE_CURRENT,
    NODE_FIELD, /* value: its name */
    NODE_INDEX, /* index */
    NODE_LITERAL,
    NODE_SEQUENCE,   /* each child in what the one before found */
    NODE_OR,         /* children: two or more */
    NODE_AND,        /* likewise */
    NODE_NOT,        /* child */
    NODE_COMPARISON, /* left, right */
    NODE_LIST,       /* children */
    NODE_HASH,       /* children: NODE_MEMBER */
    NODE_MEMBER,     /* value: its name; child */
    NODE_CALL,       /* function; arguments */
    NODE_REFERENCE,  /* child: what a function applies itself; only an argument */
    /* Projections. Children: what to take elements from, what to find in each, of NODE_EACH_MATCHING the condition. */
    NODE_EACH,
    NODE_EACH_VALUE, /* of an object */
    NODE_EACH_FLAT,  /* elements that are arrays give their own */
    NODE_EACH_SLICED,
    NODE_EACH_MATCHING,
};

enum comparator { EQUAL, UNEQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

/* [start:stop:step] */
struct slicing {
    int64_t start, stop, step;
    bool has_start, has_stop;
};

struct function;

struct node {
    enum node_kind kind;
    enum comparator comparator;
    node_id first, last, next; /* children and the sibling */
    uint16_t height;           /* of the tree below it: 1 without children */
    uint32_t at;               /* offset in the text, for refusals */
    json_t *value;             /* owned */
    union {
        int64_t index;
        struct slicing slicing;
        const struct function *function;
    };
};

struct jmespath {
    struct node *nodes;
    size_t count, capacity;
    node_id root;
    struct slice text; /* owned: refusals of a search name a column of it */
};
