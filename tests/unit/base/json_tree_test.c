/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_tree.h"

#include "corpus.h"
#include "json_alike.h"

#include <dirent.h>

enum { MAX_BYTES = 1 << 20 };

static struct json_tree tree_of(const char *text)
{
    struct json_tree tree = {};
    assert_ok(json_tree_parse(slice_of_text(text), MAX_BYTES, "json", NULL, &tree));
    return tree;
}

static bool readers_agree(struct slice text)
{
    CLEANUP(json_done) json_t *value = NULL;
    CLEANUP(json_tree_done) struct json_tree tree = {};
    return json_readers_agree(text, &value, &tree);
}

/* As json_parse refuses it. */
static void assert_fault_at(struct slice text, const char *expected, const char *seen)
{
    struct json_tree tree = {};
    struct refusal why = {};
    assert_true(readers_agree(text));
    assert_status(json_tree_parse(text, MAX_BYTES, "json", &why, &tree), ERR_JSON_SYNTAX);
    assert_string_equal(why.field, "json");
    assert_string_equal(why.expected, expected);
    if (seen != NULL) assert_string_equal(why.seen, seen);
    assert_null(tree.nodes);
    assert_null(tree.strings);
}

static void assert_fault(const char *text)
{
    assert_fault_at(slice_of_text(text), "one JSON object or array", NULL);
}

static void test_every_break_of_the_grammar_is_refused(void **)
{
    static const char *const faults[] = {"",
                                         " ",
                                         "{",
                                         "[",
                                         "}",
                                         "]",
                                         "[}",
                                         "{]",
                                         "7",
                                         "\"a\"",
                                         "true",
                                         "[] x",
                                         "[][]",
                                         "{}}",
                                         "[1,]",
                                         "[,1]",
                                         "[1 2]",
                                         "{\"a\":1,}",
                                         "{,}",
                                         "{\"a\"}",
                                         "{\"a\":}",
                                         "{\"a\" 1}",
                                         "{1:1}",
                                         "{a:1}",
                                         "{'a':1}",
                                         "{\"a\":1 \"b\":2}",
                                         "{\"a\":1;\"b\":2}",
                                         "[tru]",
                                         "[True]",
                                         "[nul]",
                                         "[falsy]",
                                         "[truefalse]",
                                         "[NaN]",
                                         "[Infinity]",
                                         "[\f1]",
                                         "/**/[]",
                                         "\xef\xbb\xbf[]"};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) assert_fault(faults[i]);
    assert_fault_at(SLICE_LITERAL("[1]\0"), "one JSON object or array", NULL);
    assert_fault_at(SLICE_LITERAL("[\0]"), "one JSON object or array", NULL);
}

static void test_numbers_that_are_none_are_refused(void **)
{
    static const char *const faults[] = {"[01]",   "[-01]", "[00]",   "[-]",   "[+1]",  "[.5]",
                                         "[1.]",   "[-.5]", "[1.e5]", "[1e]",  "[1e+]", "[1E-]",
                                         "[0x10]", "[1a]",  "[1 .5]", "[--1]", "[1,-]"};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) assert_fault(faults[i]);
}

static void test_strings_that_are_none_are_refused(void **)
{
    static const char *const faults[] = {"[\"]",
                                         "[\"a",
                                         "[\"\\\"]",
                                         "[\"\\",
                                         "[\"\\x\"]",
                                         "[\"\\u\"]",
                                         "[\"\\u12\"]",
                                         "[\"\\u123",
                                         "[\"\\u123g\"]",
                                         "[\"\\U0041\"]",
                                         "[\"\n\"]",
                                         "[\"\x1f\"]",
                                         "[\"\\\n\"]",
                                         "[\"\\u0000\"]",
                                         "[\"a\\u0000b\"]", /* NUL */
                                         "[\"\\ud800\"]",
                                         "[\"\\ud800x\"]",
                                         "[\"\\ud800\\n\"]",
                                         "[\"\\ud800\\u0041\"]",
                                         "[\"\\ud800\\ud800\"]",
                                         "[\"\\udc00\"]",
                                         "[\"\\udfff\\ud800\"]",
                                         "[\"\\udbff\\ue000\"]", /* halves of pairs */
                                         "[\"\x80\"]",
                                         "[\"\xc3\"]",
                                         "[\"\xc0\x80\"]",
                                         "[\"\xed\xa0\x80\"]",
                                         "[\"\xf4\x90\x80\x80\"]",
                                         "[\"\xe2\x82\"]",
                                         "[\"\xff\"]",
                                         "{\"\xff\":1}",
                                         "[\"\xc3\\u0041\"]"};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) assert_fault(faults[i]);
    assert_fault_at(SLICE_LITERAL("[\"a\0b\"]"), "one JSON object or array", NULL);
    assert_fault_at(SLICE_LITERAL("[\"\\\0\"]"), "one JSON object or array", NULL);
}

static void test_a_fault_tells_its_place_and_does_not_quote_the_text(void **)
{
    assert_fault_at(SLICE_LITERAL("[1,\n 2,\n  Canary]"), "one JSON object or array", "a fault at line 3, column 3");
    assert_fault_at(SLICE_LITERAL("{\"a\":1"), "one JSON object or array", "a fault at line 1, column 6");
    assert_fault_at(SLICE_LITERAL("[\n"), "one JSON object or array", "a fault at line 2, column 0");
}

static void test_members_stand_once(void **)
{
    assert_fault_at(SLICE_LITERAL("{\"a\":1,\"a\":2}"), "each member once", NULL);
    assert_fault_at(SLICE_LITERAL("{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3,\"d\":4}"), "each member once", NULL);
    assert_fault_at(SLICE_LITERAL("[{\"\":1,\"x\":{},\"\":2}]"), "each member once", NULL);
    struct json_tree tree = tree_of("{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]},\"aa\":3,\"A\":4}");
    assert_int_equal(tree.nodes->size, 3);
    json_tree_done(&tree);
}

/* So that the same name cannot stand twice in two spellings. */
static void test_names_have_no_escapes(void **)
{
    assert_fault_at(SLICE_LITERAL("{\"\\u0061\":1}"), "names without escapes", NULL);
    assert_fault_at(SLICE_LITERAL("{\"x\":[{\"a\\/b\":1}]}"), "names without escapes", NULL);
    struct json_tree tree = tree_of("{\"a\":\"\\u0061\"}");
    assert_string_equal(tree.nodes[1].string, "a");
    json_tree_done(&tree);
}

static struct buffer repeated(const char *before, const char *unit, size_t count, const char *after)
{
    struct buffer text = buffer_of_maximum(MAX_BYTES);
    assert_ok(buffer_append_text(&text, before));
    for (size_t i = 0; i < count; i++) assert_ok(buffer_append_text(&text, unit));
    assert_ok(buffer_append_text(&text, after));
    return text;
}

static void test_depth_has_a_maximum(void **)
{
    CLEANUP(buffer_done)
    struct buffer open = repeated("", "[", JSON_MAX_DEPTH, ""), close = repeated("", "]", JSON_MAX_DEPTH, "");
    CLEANUP(buffer_done) struct buffer deepest = buffer_of_maximum(100), deeper = buffer_of_maximum(100);
    assert_ok(buffer_append_format(&deepest, "%.32s%.32s", (const char *)open.bytes, (const char *)close.bytes));
    assert_ok(buffer_append_format(&deeper, "%.32s{}%.32s", (const char *)open.bytes, (const char *)close.bytes));
    CLEANUP(json_tree_done) struct json_tree tree = {};
    assert_ok(json_tree_parse(buffer_slice(&deepest), MAX_BYTES, "json", NULL, &tree));
    assert_int_equal(tree.count, JSON_MAX_DEPTH);
    assert_true(readers_agree(buffer_slice(&deepest)));
    assert_fault_at(buffer_slice(&deeper), "at most 32 levels", "more levels");
    /* One after another, they are not deep. */
    CLEANUP(buffer_done) struct buffer flat = repeated("[0", ",[{}]", JSON_MAX_DEPTH, "]");
    assert_true(readers_agree(buffer_slice(&flat)));
}

static void test_members_have_a_maximum(void **)
{
    for (unsigned count = JSON_NODE_MAX_MEMBERS; count <= JSON_NODE_MAX_MEMBERS + 1; count++) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4096);
        for (unsigned i = 0; i < count; i++)
            assert_ok(buffer_append_format(&text, "%c\"m%u\":[%u,0]", i == 0 ? '{' : ',', i, i));
        assert_ok(buffer_append_text(&text, "}"));
        CLEANUP(json_tree_done) struct json_tree tree = {};
        if (count > JSON_NODE_MAX_MEMBERS)
            assert_fault_at(buffer_slice(&text), "at most 64 members in an object", NULL);
        else
            assert_ok(json_tree_parse(buffer_slice(&text), 4096, "json", NULL, &tree));
    }
}

static void test_values_have_a_maximum(void **)
{
    CLEANUP(json_tree_done) struct json_tree tree = {};
    CLEANUP(buffer_done) struct buffer most = repeated("[0", ",0", JSON_TREE_MAX_NODES - 2, "]");
    CLEANUP(buffer_done) struct buffer more = repeated("[0", ",0", JSON_TREE_MAX_NODES - 1, "]");
    assert_ok(json_tree_parse(buffer_slice(&most), MAX_BYTES, "json", NULL, &tree));
    assert_int_equal(tree.nodes->size, JSON_TREE_MAX_NODES - 1);
    assert_fault_at(buffer_slice(&more), "at most 65536 values", NULL);
}

static void test_text_has_a_maximum(void **)
{
    struct refusal why = {};
    struct json_tree tree = {};
    assert_status(json_tree_parse(SLICE_LITERAL("[1]"), 2, "json", &why, &tree), ERR_TOO_LARGE);
    assert_string_equal(why.expected, "at most 2 bytes");
    assert_string_equal(why.seen, "3 bytes");
    assert_ok(json_tree_parse(SLICE_LITERAL("[1]"), 3, "json", &why, &tree));
    json_tree_done(&tree);
}

static const struct json_node *element(const struct json_tree *tree, size_t index)
{
    const struct json_node *node = json_node_first(tree->nodes);
    while (index-- > 0) node = json_node_next(node);
    return node;
}

static void test_integers_of_64_bits_are_read(void **)
{
    CLEANUP(json_tree_done)
    struct json_tree tree =
        tree_of("[0,-0,7,-120,9223372036854775807,-9223372036854775808,0.0,1e1,-1E-2,5.25e+3,1e999]");
    static const int64_t integers[] = {0, 0, 7, -120, INT64_MAX, INT64_MIN};
    assert_int_equal(tree.nodes->size, 11);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(element(&tree, i)->type, i < 6 ? JSON_INTEGER : JSON_REAL);
        if (i < 6) assert_true(element(&tree, i)->integer == integers[i]);
    }
}

static void test_larger_numbers_are_no_integers(void **)
{
    static const char text[] =
        "[9223372036854775808,-9223372036854775809,92233720368547758070,99999999999999999999999999]";
    CLEANUP(json_tree_done) struct json_tree tree = tree_of(text);
    assert_int_equal(tree.nodes->size, 4);
    for (size_t i = 0; i < 4; i++) assert_int_equal(element(&tree, i)->type, JSON_REAL);
    assert_true(slice_equal_text(json_node_text(element(&tree, 0), slice_of_text(text)), "9223372036854775808"));
    assert_true(readers_agree(slice_of_text(text)));
}

static void test_strings_are_decoded(void **)
{
    static const struct {
        const char *text, *decoded;
    } cases[] = {
        {"[\"\"]", ""},
        {"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "\"\\/\b\f\n\r\t"},
        {"[\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uFFFF\"]", "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
        {"[\"\\ud7ff\\ue000\"]", "\xed\x9f\xbf\xee\x80\x80"},
        {"[\"\\ud800\\udc00\\uDBFF\\uDFFF\"]", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        {"[\"M\xc3\xbcnze \xe2\x82\xac \xf0\x9f\x98\x80\\n\x7f\"]", "M\xc3\xbcnze \xe2\x82\xac \xf0\x9f\x98\x80\n\x7f"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(json_tree_done) struct json_tree tree = tree_of(cases[i].text);
        assert_string_equal(element(&tree, 0)->string, cases[i].decoded);
        assert_int_equal(element(&tree, 0)->size, strlen(cases[i].decoded));
        assert_true(readers_agree(slice_of_text(cases[i].text)));
    }
}

static void test_the_text_of_a_value_is_exact(void **)
{
    static const char text[] =
        " {\"x\" : [1, \"]}\\\"\", [ ] ] , \"tcbInfo\":\t{\"a\" : {} }\r\n,\"s\":\"q\", \"n\":12 ,\"t\":true} ";
    CLEANUP(json_tree_done) struct json_tree tree = tree_of(text);
    CLEANUP(json_done) json_t *value = NULL;
    assert_ok(json_parse(SLICE_LITERAL(text), MAX_BYTES, NULL, &value));
    assert_true(json_texts_are_exact(tree.nodes, SLICE_LITERAL(text), value));
    assert_true(slice_equal_text(json_node_text(json_node_member(tree.nodes, "tcbInfo"), SLICE_LITERAL(text)),
                                 "{\"a\" : {} }"));
    assert_null(json_node_member(tree.nodes, "a"));
    assert_null(json_node_member(json_node_member(tree.nodes, "x"), "a"));
}

static void test_getters_say_what_those_of_jansson_say(void **)
{
    static const char text[] =
        "{\"s\":\"text\",\"e\":\"\",\"n\":5,\"b\":true,\"f\":1.5,\"z\":null,\"o\":{},\"a\":[1,2]}";
    static const char *const names[] = {"s", "e", "n", "b", "f", "z", "o", "a", "missing"};
    CLEANUP(json_tree_done) struct json_tree tree = tree_of(text);
    CLEANUP(json_done) json_t *value = NULL;
    assert_ok(json_parse(SLICE_LITERAL(text), MAX_BYTES, NULL, &value));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t maximum = 1; maximum < 6; maximum++) {
            struct refusal why[10] = {};
            struct slice string = {}, other_string = {};
            int64_t number = 0, other_number = 0;
            const struct json_node *node;
            json_t *json;
            uint8_t bytes[2];
            const char *const name = names[i];
            const int64_t most = (int64_t)maximum;
            const enum status statuses[] = {
                json_get_string(value, "top", name, maximum, &why[0], &string),
                json_node_get_string(tree.nodes, "top", name, maximum, &why[1], &other_string),
                json_get_integer(value, "top", name, 3, most, &why[2], &number),
                json_node_get_integer(tree.nodes, "top", name, 3, most, &why[3], &other_number),
                json_get_object(value, "top", name, &why[4], &json),
                json_node_get_object(tree.nodes, "top", name, &why[5], &node),
                json_get_array(value, "top", name, maximum, &why[6], &json),
                json_node_get_array(tree.nodes, "top", name, maximum, &why[7], &node),
                json_get_hex(value, "top", name, sizeof(bytes), &why[8], bytes),
                json_node_get_hex(tree.nodes, "top", name, sizeof(bytes), &why[9], bytes),
            };
            for (size_t j = 0; j < 10; j += 2) {
                assert_int_equal(statuses[j], statuses[j + 1]);
                assert_memory_equal(&why[j], &why[j + 1], sizeof(why[j]));
            }
            assert_true(slice_equal(string, other_string));
            assert_int_equal(number, other_number);
        }
    }
}

static void test_getters_give_what_stands_there(void **)
{
    CLEANUP(json_tree_done) struct json_tree tree = tree_of("{\"a\":[1,[2],3],\"o\":{\"n\":6},\"h\":\"00fF\"}");
    const struct json_node *node;
    int64_t number;
    uint8_t bytes[2];
    assert_ok(json_node_get_array(tree.nodes, "", "a", 3, NULL, &node));
    assert_int_equal(json_node_next(json_node_next(json_node_first(node)))->integer, 3);
    assert_ok(json_node_get_object(tree.nodes, "", "o", NULL, &node));
    assert_ok(json_node_get_integer(node, "", "n", 6, 6, NULL, &number));
    assert_int_equal(number, 6);
    assert_ok(json_node_get_hex(tree.nodes, "", "h", 2, NULL, bytes));
    assert_memory_equal(bytes, "\x00\xff", 2);
}

static void test_unknown_members_are_refused_by_name(void **)
{
    CLEANUP(json_tree_done)
    struct json_tree tree = tree_of("{\"listen\":{\"x\":1},\"lisen\":2}"), nameless = tree_of("{\"\":1}");
    struct refusal why = {};
    static const char *const names[] = {"listen", NULL}, *const both[] = {"lisen", "listen", NULL};
    assert_ok(json_node_only(tree.nodes, "config", both, &why));
    assert_status(json_node_only(tree.nodes, "config", names, &why), ERR_FIELD_UNKNOWN);
    assert_string_equal(why.field, "config.lisen");
    assert_status(json_node_only(nameless.nodes, "", names, &why), ERR_FIELD_UNKNOWN);
    assert_string_equal(why.field, "\"\"");
}

/* Every file whole, cut short at each byte, and with each byte changed. */
static void compare_readers_on(struct slice file)
{
    CLEANUP(buffer_done) struct buffer changed = buffer_of_maximum(file.size + 1);
    assert_ok(buffer_append(&changed, file));
    for (size_t at = 0; at < file.size && at < 512; at++) {
        static const char others[] = "\"\\{}[],:u0-.e \n\xc3";
        assert_true(readers_agree(slice_part(file, 0, at)));
        for (size_t i = 0; i < sizeof(others); i++) {
            changed.bytes[at] = (uint8_t)others[i];
            assert_true(readers_agree(buffer_slice(&changed)));
        }
        changed.bytes[at] = file.bytes[at];
    }
    assert_true(readers_agree(file));
}

static void assert_written(const char *text, const char *expected)
{
    CLEANUP(json_tree_done) struct json_tree tree = {};
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(256);
    assert_ok(json_tree_parse(slice_of_text(text), 256, "json", NULL, &tree));
    const enum status status = json_node_write(tree.nodes, &written);
    assert_status(status, expected != NULL ? OK : ERR_UNSUPPORTED);
    assert_true(slice_equal_text(buffer_slice(&written), expected != NULL ? expected : ""));
}

static void test_values_are_written_compact_and_sorted(void **)
{
    assert_written(
        "{ \"b\" : [ 1, -2, true, false, null, {} , [ ] ], \"a\":\"\\u00e9\\n\\/\", \"ab\": {\"z\":1,\"y\":2} }",
        "{\"a\":\"\xc3\xa9\\n/\",\"ab\":{\"y\":2,\"z\":1},\"b\":[1,-2,true,false,null,{},[]]}");
    assert_written("[-0,9223372036854775807,-9223372036854775808]", "[0,9223372036854775807,-9223372036854775808]");
    assert_written("{\"a\":[1,0.5]}", NULL);
    assert_written("[1e2]", NULL);
    CLEANUP(json_tree_done) struct json_tree tree = {};
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(4);
    assert_ok(json_tree_parse(SLICE_LITERAL("[1,2,3]"), 256, "json", NULL, &tree));
    assert_status(json_node_write(tree.nodes, &small), ERR_TOO_LARGE);
    assert_int_equal(small.size, 0);
}

static void test_both_readers_agree_on_the_fuzzers_corpus(void **)
{
    static const char *const folders[] = {"base_json", "evidence_tcb_info", "evidence_qe_identity"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[PATH_MAX];
        const char *const source = getenv("LAZARET_SOURCE");
        (void)snprintf(path, sizeof(path), "%s/fuzz/corpus/%s", source != NULL ? source : ".", folders[i]);
        DIR *const folder = opendir(path);
        assert_non_null(folder);
        size_t count = 0;
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            if (entry->d_name[0] == '.') continue;
            char relative[512];
            (void)snprintf(relative, sizeof(relative), "%s/%.255s", folders[i], entry->d_name);
            CLEANUP(buffer_done) struct buffer file = corpus_file(relative);
            compare_readers_on(buffer_slice(&file));
            count++;
        }
        (void)closedir(folder);
        assert_true(count >= 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_break_of_the_grammar_is_refused),
        cmocka_unit_test(test_numbers_that_are_none_are_refused),
        cmocka_unit_test(test_strings_that_are_none_are_refused),
        cmocka_unit_test(test_a_fault_tells_its_place_and_does_not_quote_the_text),
        cmocka_unit_test(test_members_stand_once),
        cmocka_unit_test(test_names_have_no_escapes),
        cmocka_unit_test(test_depth_has_a_maximum),
        cmocka_unit_test(test_members_have_a_maximum),
        cmocka_unit_test(test_values_have_a_maximum),
        cmocka_unit_test(test_text_has_a_maximum),
        cmocka_unit_test(test_integers_of_64_bits_are_read),
        cmocka_unit_test(test_larger_numbers_are_no_integers),
        cmocka_unit_test(test_strings_are_decoded),
        cmocka_unit_test(test_the_text_of_a_value_is_exact),
        cmocka_unit_test(test_getters_say_what_those_of_jansson_say),
        cmocka_unit_test(test_getters_give_what_stands_there),
        cmocka_unit_test(test_unknown_members_are_refused_by_name),
        cmocka_unit_test(test_values_are_written_compact_and_sorted),
        cmocka_unit_test(test_both_readers_agree_on_the_fuzzers_corpus),
    };
    return cmocka_run_group_tests_name("base/json_tree", tests, NULL, NULL);
}
