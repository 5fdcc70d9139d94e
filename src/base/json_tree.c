/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_tree.h"

#include "base/encoding.h"
#include "base/json_checks.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static const char any[] = "one JSON object or array", too_deep[] = "at most 32 levels";

struct parser {
    struct slice text;
    size_t at;
    struct json_tree *tree;
    size_t capacity; /* of its nodes */
    char *end;       /* of its strings: where the next byte goes */
    unsigned depth;
    const char *expected; /* what the fault is told with */
};

void json_tree_done(struct json_tree *tree)
{
    free(tree->nodes);
    free(tree->strings);
    *tree = (struct json_tree){};
}

static enum status fault(struct parser *p, const char *expected)
{
    p->expected = expected;
    return ERR_JSON_SYNTAX;
}

/* NUL, which stands nowhere in JSON, at the end. */
static uint8_t peek(const struct parser *p)
{
    return p->at < p->text.size ? p->text.bytes[p->at] : 0;
}

static uint8_t peek_past_space(struct parser *p)
{
    uint8_t c = peek(p);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        p->at++;
        c = peek(p);
    }
    return c;
}

static enum status take(struct parser *p, uint8_t wanted)
{
    if (peek_past_space(p) != wanted) return fault(p, any);
    p->at++;
    return OK;
}

/* The strings' memory is as large as the text: none grows as it is decoded, and its quotes make room for the NUL. */
static void put(struct parser *p, uint32_t byte)
{
    *p->end++ = (char)(uint8_t)byte;
}

/* RFC 3629 section 3. */
static void put_code_point(struct parser *p, uint32_t c)
{
    if (c < 0x80) {
        put(p, c);
        return;
    }
    if (c < 0x800) {
        put(p, 0xc0 | c >> 6);
    } else if (c < 0x10000) {
        put(p, 0xe0 | c >> 12);
        put(p, 0x80 | (c >> 6 & 0x3f));
    } else {
        put(p, 0xf0 | c >> 18);
        put(p, 0x80 | (c >> 12 & 0x3f));
        put(p, 0x80 | (c >> 6 & 0x3f));
    }
    put(p, 0x80 | (c & 0x3f));
}

/* "uXXXX" */
static enum status read_unit(struct parser *p, uint32_t *unit_out)
{
    uint8_t bytes[2];
    if (hex_decode_exact(slice_part(p->text, p->at + 1, 4), sizeof(bytes), bytes) != OK) return fault(p, any);
    *unit_out = (uint32_t)bytes[0] << 8 | bytes[1];
    p->at += 5;
    return OK;
}

/* Characters beyond U+FFFF are two escapes, a high and a low surrogate, which have no meaning alone. */
static enum status read_code_point(struct parser *p)
{
    enum { HIGH = 0xd800 >> 10, LOW = 0xdc00 >> 10 };
    uint32_t unit, low;
    TRY(read_unit(p, &unit));
    if (unit == 0 || unit >> 10 == LOW) return fault(p, any);
    if (unit >> 10 == HIGH) {
        if (!slice_starts_with(slice_part(p->text, p->at, 2), SLICE_LITERAL("\\u"))) return fault(p, any);
        p->at++;
        TRY(read_unit(p, &low));
        if (low >> 10 != LOW) return fault(p, any);
        unit = 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
    }
    put_code_point(p, unit);
    return OK;
}

static enum status read_escape(struct parser *p)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    p->at++;
    const uint8_t c = peek(p);
    if (c == 'u') return read_code_point(p);
    const char *const letter = memchr(letters, c, sizeof(letters) - 1);
    if (letter == NULL) return fault(p, any);
    put(p, (uint8_t)meanings[letter - letters]);
    p->at++;
    return OK;
}

/* Takes over, eight at a time, what stands in a string as it is: a quote's base64 is one long run of it. */
static void read_run(struct parser *p, uint8_t *seen)
{
    enum { STEP = sizeof(uint64_t) };
    uint64_t eight, all = 0;
    while (p->text.size - p->at >= STEP) {
        memcpy(&eight, p->text.bytes + p->at, STEP);
        if (json_has_special(eight)) break;
        memcpy(p->end, &eight, STEP);
        all |= eight;
        p->at += STEP;
        p->end += STEP;
    }
    if ((all & JSON_TOP_BITS) != 0) *seen |= 0x80;
}

static enum status read_string(struct parser *p, const char **string_out, uint32_t *size_out)
{
    const char *const string = p->end;
    uint8_t seen = 0;
    TRY(take(p, '"'));
    read_run(p, &seen);
    for (uint8_t c; (c = peek(p)) != '"';) {
        if (c < 0x20) return fault(p, any);
        if (c == '\\') {
            TRY(read_escape(p));
            read_run(p, &seen);
            continue;
        }
        seen |= c;
        put(p, c);
        p->at++;
    }
    p->at++;
    const size_t size = (size_t)(p->end - string);
    if (seen >= 0x80 && !utf8_is_valid(slice_of(string, size), true)) return fault(p, any);
    put(p, 0);
    *string_out = string;
    *size_out = (uint32_t)size;
    return OK;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static enum status skip_digits(struct parser *p)
{
    if (!is_digit(peek(p))) return fault(p, any);
    while (is_digit(peek(p))) p->at++;
    return OK;
}

static enum status skip_fraction_and_exponent(struct parser *p)
{
    if (peek(p) == '.') {
        p->at++;
        TRY(skip_digits(p));
    }
    if (peek(p) != 'e' && peek(p) != 'E') return OK;
    p->at++;
    if (peek(p) == '+' || peek(p) == '-') p->at++;
    return skip_digits(p);
}

/* Below zero all along, as the least number has no positive counterpart. */
static bool to_integer(struct slice digits, bool is_negative, int64_t *integer_out)
{
    int64_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, digits.bytes[i] - '0', &number))
            return false;
    }
    *integer_out = number;
    return is_negative || !__builtin_sub_overflow(0, number, integer_out);
}

static enum status read_number(struct parser *p, struct json_node *node)
{
    const bool is_negative = peek(p) == '-';
    if (is_negative) p->at++;
    const size_t start = p->at;
    TRY(skip_digits(p));
    const struct slice digits = slice_part(p->text, start, p->at - start);
    if (digits.size > 1 && digits.bytes[0] == '0') return fault(p, any);
    TRY(skip_fraction_and_exponent(p));
    const bool is_integer = p->at == start + digits.size && to_integer(digits, is_negative, &node->integer);
    node->type = is_integer ? JSON_INTEGER : JSON_REAL;
    return OK;
}

static enum status read_word(struct parser *p, struct json_node *node)
{
    static const struct {
        struct slice text;
        json_type type;
    } words[] = {
        {SLICE_LITERAL("true"), JSON_TRUE}, {SLICE_LITERAL("false"), JSON_FALSE}, {SLICE_LITERAL("null"), JSON_NULL}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!slice_starts_with(slice_part(p->text, p->at, SIZE_MAX), words[i].text)) continue;
        node->type = words[i].type;
        p->at += words[i].text.size;
        return OK;
    }
    return fault(p, any);
}

static enum status add_node(struct parser *p, struct json_node **node_out)
{
    enum { FIRST_CAPACITY = 1024 };
    struct json_tree *const tree = p->tree;
    if (tree->count == JSON_TREE_MAX_NODES) return fault(p, "at most 65536 values");
    if (tree->count == p->capacity) {
        const size_t capacity = p->capacity == 0 ? FIRST_CAPACITY : 2 * p->capacity;
        struct json_node *const nodes = realloc(tree->nodes, capacity * sizeof(*nodes));
        if (nodes == NULL) return ERR_NO_MEMORY;
        tree->nodes = nodes;
        p->capacity = capacity;
    }
    *node_out = &tree->nodes[tree->count++];
    return OK;
}

static enum status read_value(struct parser *p, const char *name);

/* `object` is the index of the node whose member is read: the array of nodes moves as it grows. */
static enum status read_member(struct parser *p, size_t object)
{
    const size_t start = p->at;
    const struct json_node *const nodes = p->tree->nodes;
    const char *name;
    uint32_t size;
    TRY(read_string(p, &name, &size));
    if (memchr(p->text.bytes + start, '\\', p->at - start) != NULL) return fault(p, "names without escapes");
    for (size_t i = object + 1; i < p->tree->count; i += nodes[i].span) {
        if (strcmp(nodes[i].name, name) == 0) return fault(p, "each member once");
    }
    TRY(take(p, ':'));
    return read_value(p, name);
}

static enum status read_members(struct parser *p, size_t object, uint8_t close, uint32_t *count_out)
{
    uint32_t count = 0;
    p->at++;
    if (peek_past_space(p) != close) {
        do {
            if (count > 0) p->at++;
            if (close == '}' && count == JSON_NODE_MAX_MEMBERS) return fault(p, "at most 64 members in an object");
            TRY(close == '}' ? read_member(p, object) : read_value(p, NULL));
            count++;
        } while (peek_past_space(p) == ',');
    }
    *count_out = count;
    return take(p, close);
}

/* By recursion no deeper than JSON_MAX_DEPTH. */
static enum status read_container(struct parser *p, size_t index, uint8_t open)
{
    uint32_t count;
    if (p->depth == JSON_MAX_DEPTH) return fault(p, too_deep);
    p->depth++;
    TRY(read_members(p, index, open == '{' ? '}' : ']', &count));
    p->depth--;
    struct json_node *const node = &p->tree->nodes[index];
    node->type = open == '{' ? JSON_OBJECT : JSON_ARRAY;
    node->size = count;
    return OK;
}

static enum status read_scalar(struct parser *p, uint8_t first, struct json_node *node)
{
    if (first == '"') {
        node->type = JSON_STRING;
        return read_string(p, &node->string, &node->size);
    }
    return first == '-' || is_digit(first) ? read_number(p, node) : read_word(p, node);
}

static enum status read_value(struct parser *p, const char *name)
{
    const uint8_t first = peek_past_space(p);
    const size_t index = p->tree->count;
    struct json_node *node;
    TRY(add_node(p, &node));
    *node = (struct json_node){.name = name, .start = (uint32_t)p->at};
    TRY(first == '{' || first == '[' ? read_container(p, index, first) : read_scalar(p, first, node));
    node = &p->tree->nodes[index];
    node->end = (uint32_t)p->at;
    node->span = (uint32_t)(p->tree->count - index);
    return OK;
}

static enum status read_document(struct parser *p)
{
    const uint8_t first = peek_past_space(p);
    if (first != '{' && first != '[') return fault(p, any);
    TRY(read_value(p, NULL));
    (void)peek_past_space(p);
    return p->at == p->text.size ? OK : fault(p, any);
}

/* As in json_parse, only the place is told, not the text. */
static enum status refuse_fault(const struct parser *p, const char *field, struct refusal *why)
{
    size_t line = 1, column = 0;
    if (p->expected == too_deep) return refuse(why, ERR_JSON_SYNTAX, field, too_deep, "more levels");
    for (size_t i = 0; i < p->text.size && i <= p->at; i++) {
        column = p->text.bytes[i] == '\n' ? 0 : column + 1;
        if (column == 0) line++;
    }
    return refuse(why, ERR_JSON_SYNTAX, field, p->expected, "a fault at line %zu, column %zu", line, column);
}

enum status json_tree_parse(struct slice text, uint32_t max_size, const char *field, struct refusal *why,
                            struct json_tree *tree_out)
{
    TRY(json_check_text_size(text.size, field, max_size, why));
    CLEANUP(json_tree_done) struct json_tree tree = {.strings = malloc(text.size + 1)};
    if (tree.strings == NULL) return ERR_NO_MEMORY;
    struct parser parser = {.text = text, .tree = &tree, .end = tree.strings};
    const enum status status = read_document(&parser);
    if (status == ERR_JSON_SYNTAX) return refuse_fault(&parser, field, why);
    TRY(status);
    *tree_out = tree;
    tree = (struct json_tree){};
    return OK;
}

/* ---- getters ---- */

struct slice json_node_text(const struct json_node *node, struct slice text)
{
    return slice_part(text, node->start, node->end - node->start);
}

const struct json_node *json_node_first(const struct json_node *array)
{
    return array + 1;
}

const struct json_node *json_node_next(const struct json_node *element)
{
    return element + element->span;
}

const struct json_node *json_node_member(const struct json_node *object, const char *name)
{
    if (object->type != JSON_OBJECT) return NULL;
    const struct json_node *member = json_node_first(object);
    for (uint32_t i = 0; i < object->size; i++, member = json_node_next(member)) {
        if (strcmp(member->name, name) == 0) return member;
    }
    return NULL;
}

static enum status get(const struct json_node *object, const char *path, const char *name, json_type type,
                       const char *expected, struct refusal *why, const struct json_node **value_out)
{
    const struct json_node *const value = json_node_member(object, name);
    if (value == NULL) return json_refuse_missing(path, name, expected, why);
    if (value->type != type) return json_refuse_type(value->type, path, name, expected, why);
    *value_out = value;
    return OK;
}

enum status json_node_get_string(const struct json_node *object, const char *path, const char *name, size_t max_size,
                                 struct refusal *why, struct slice *text_out)
{
    const struct json_node *value;
    TRY(get(object, path, name, JSON_STRING, "a string", why, &value));
    TRY(json_check_string(value->size, path, name, max_size, why));
    *text_out = slice_of(value->string, value->size);
    return OK;
}

enum status json_node_get_integer(const struct json_node *object, const char *path, const char *name, int64_t minimum,
                                  int64_t maximum, struct refusal *why, int64_t *value_out)
{
    const struct json_node *value;
    TRY(get(object, path, name, JSON_INTEGER, "an integer", why, &value));
    TRY(json_check_integer(value->integer, path, name, minimum, maximum, why));
    *value_out = value->integer;
    return OK;
}

enum status json_node_get_object(const struct json_node *object, const char *path, const char *name,
                                 struct refusal *why, const struct json_node **value_out)
{
    return get(object, path, name, JSON_OBJECT, "an object", why, value_out);
}

enum status json_node_get_array(const struct json_node *object, const char *path, const char *name, size_t max_count,
                                struct refusal *why, const struct json_node **value_out)
{
    const struct json_node *value;
    TRY(get(object, path, name, JSON_ARRAY, "an array", why, &value));
    TRY(json_check_count(value->size, path, name, max_count, why));
    *value_out = value;
    return OK;
}

enum status json_node_get_hex(const struct json_node *object, const char *path, const char *name, size_t size,
                              struct refusal *why, uint8_t *bytes_out)
{
    struct slice text;
    TRY(json_node_get_string(object, path, name, SIZE_MAX, why, &text));
    return json_check_hex(text, path, name, size, why, bytes_out);
}

enum status json_node_only(const struct json_node *object, const char *path, const char *const *names,
                           struct refusal *why)
{
    const struct json_node *member = json_node_first(object);
    for (uint32_t i = 0; i < object->size; i++, member = json_node_next(member))
        TRY(json_check_known(member->name, path, names, why));
    return OK;
}
