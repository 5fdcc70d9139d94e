/* SPDX-License-Identifier: Apache-2.0
 *
 * What expressions find, by kind.
 */
#include "policy/jmespath.h"
#include "testing.h"

enum { STEPS = 100000 };

static json_t *json_of(const char *text)
{
    json_t *const value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (value == NULL) fail_msg("not JSON: %s", text);
    return value;
}

static enum status run(const char *document, const char *text, struct refusal *why, json_t **result_out)
{
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *given = json_of(document);
    uint64_t steps = STEPS;
    TRY(jmespath_compile(slice_of_text(text), why, &expression));
    return jmespath_search(expression, given, &steps, why, result_out);
}

/* Members in the order in which they are found. */
static void assert_finds(const char *document, const char *text, const char *expected)
{
    CLEANUP(json_done) json_t *result = NULL;
    struct refusal why = {};
    if (run(document, text, &why, &result) != OK)
        fail_msg("%s: %s: expected %s, seen %s", text, why.field, why.expected, why.seen);
    char *const seen = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
    if (strcmp(seen, expected) != 0) fail_msg("%s: found %s, expected %s", text, seen, expected);
    free(seen);
}

struct found {
    const char *text, *expected;
};

#define assert_all(document, cases)                                                                                    \
    do {                                                                                                               \
        for (size_t i_ = 0; i_ < sizeof(cases) / sizeof(cases[0]); i_++)                                               \
            assert_finds(document, cases[i_].text, cases[i_].expected);                                                \
    } while (0)

/* ---- paths ---- */

static const char harbour[] =
    "{\"name\":\"lazaret\",\"berths\":[{\"ship\":\"Aurora\",\"crew\":12,\"flags\":[\"Q\",\"L\"]},"
    "{\"ship\":\"Borealis\",\"crew\":7,\"flags\":[]},{\"ship\":null,\"crew\":0.5}],"
    "\"wards\":{\"north\":{\"beds\":4},\"south\":{\"beds\":9},\"east\":{\"closed\":true}},"
    "\"a b\":{\"c\\\"d\":1},\"grid\":[[1,2],[3,[4]],5],\"digits\":[0,1,2,3,4,5]}";

static void test_identifiers(void **)
{
    static const struct found cases[] = {
        {"name", "\"lazaret\""},           {" name\t\r\n", "\"lazaret\""}, {"\"name\"", "\"lazaret\""},
        {"\"n\\u0061me\"", "\"lazaret\""}, {"\"a b\".\"c\\\"d\"", "1"},    {"_1x", "null"},
        {"@.name", "\"lazaret\""},         {"name.deeper.still", "null"},  {"wards.north.beds", "4"},
        {"wards . north\n. beds", "4"},    {"berths.ship", "null"},
    };
    assert_all(harbour, cases);
    assert_finds("{\"✚\":{\"été\":1}}", "\"✚\".\"été\"", "1");
    assert_finds("5", "@", "5");
    assert_finds("\"text\"", "length(@)", "4");
}

static void test_indices(void **)
{
    static const struct found cases[] = {
        {"digits[0]", "0"},
        {"digits[-1]", "5"},
        {"digits[-6]", "0"},
        {"digits[6]", "null"},
        {"digits[-7]", "null"},
        {"digits[007]", "null"},
        {"digits[999999999999999999]", "null"},
        {"digits[-999999999999999999]", "null"},
        {"name[0]", "null"},
        {"wards[0]", "null"},
        {"grid[1][1][0]", "4"},
        {"berths[1].ship", "\"Borealis\""},
    };
    assert_all(harbour, cases);
    assert_finds("[7,8]", "[1]", "8");
}

static void test_slices(void **)
{
    static const struct found cases[] = {
        {"digits[:]", "[0,1,2,3,4,5]"},
        {"digits[::]", "[0,1,2,3,4,5]"},
        {"digits[1:3]", "[1,2]"},
        {"digits[-2:]", "[4,5]"},
        {"digits[:-4]", "[0,1]"},
        {"digits[::2]", "[0,2,4]"},
        {"digits[1::3]", "[1,4]"},
        {"digits[::-1]", "[5,4,3,2,1,0]"},
        {"digits[4:1:-2]", "[4,2]"},
        {"digits[100:-100:-5]", "[5,0]"},
        {"digits[-100:100:999999999999999999]", "[0]"},
        {"digits[::-999999999999999999]", "[5]"},
        {"digits[3:3]", "[]"},
        {"digits[3:1]", "[]"},
        {"name[1:2]", "null"},
        {"wards[:]", "null"},
        {"berths[:2].ship", "[\"Aurora\",\"Borealis\"]"},
        {"berths[:2].flags[0]", "[\"Q\"]"},
        {"berths[:2] | [1].crew", "7"},
    };
    assert_all(harbour, cases);
    assert_finds("[1,2,3]", "[1:]", "[2,3]");
    assert_finds("[]", "[::-1]", "[]");
}

static void test_projections(void **)
{
    static const struct found cases[] = {
        {"berths[*].ship", "[\"Aurora\",\"Borealis\"]"},
        {"berths[*].flags[*]", "[[\"Q\",\"L\"],[]]"},
        {"berths[*].flags[]", "[\"Q\",\"L\"]"},
        {"berths[*].flags[] | [0]", "\"Q\""},
        {"berths[*].flags | [0]", "[\"Q\",\"L\"]"},
        {"berths[*].flags[0]", "[\"Q\"]"},
        {"(berths[*].flags)[0]", "[\"Q\",\"L\"]"},
        {"wards.*.beds", "[4,9]"},
        {"wards.*.*", "[[4],[9],[true]]"},
        {"*.north", "[{\"beds\":4}]"},
        {"wards.* | length(@)", "3"},
        {"grid[]", "[1,2,3,[4],5]"},
        {"grid[][]", "[1,2,3,4,5]"},
        {"grid[*][0]", "[1,3]"},
        {"grid[][0]", "[4]"},
        {"[]", "null"},
        {"[*]", "null"},
        {"berths.*", "null"},
        {"name[*]", "null"},
        {"name[]", "null"},
        {"name.*", "null"},
        {"missing[*].x", "null"},
        {"berths[*].missing", "[]"},
        {"berths[*].[ship, crew]", "[[\"Aurora\",12],[\"Borealis\",7],[null,0.5]]"},
        {"berths[*].{s: ship}", "[{\"s\":\"Aurora\"},{\"s\":\"Borealis\"},{\"s\":null}]"},
        {"berths[*].length(flags || `[]`)", "[2,0,0]"},
    };
    assert_all(harbour, cases);
    assert_finds("[1,null,2]", "[*]", "[1,2]");
    assert_finds("{\"a\":null,\"b\":1}", "*", "[1]");
    assert_finds("[[1,null],null,[2]]", "[]", "[1,2]");
}

static void test_filters(void **)
{
    static const struct found cases[] = {
        {"berths[?crew > `1`].ship", "[\"Aurora\",\"Borealis\"]"},
        {"berths[?crew>`7`].ship", "[\"Aurora\"]"},
        {"berths[?crew >= `7` && ship != 'Aurora'].ship", "[\"Borealis\"]"},
        {"berths[?ship].crew", "[12,7]"},
        {"berths[?!ship].crew", "[0.5]"},
        {"berths[?flags].ship", "[\"Aurora\"]"},
        {"berths[?contains(flags || `[]`, 'L')].ship | [0]", "\"Aurora\""},
        {"berths[?ship == 'Aurora' || ship == `null`].crew", "[12,0.5]"},
        {"berths[?(crew < `1` || crew > `10`) && flags].crew", "[12]"},
        {"digits[?@ > `2` && @ < `5`]", "[3,4]"},
        {"digits[?`true`]", "[0,1,2,3,4,5]"},
        {"digits[?missing]", "[]"},
        {"name[?@]", "null"},
        {"wards[?@]", "null"},
        {"berths[?flags[?@ == 'Q']].ship", "[\"Aurora\"]"},
        {"berths[?crew == `7`][].ship", "[\"Borealis\"]"},
        {"berths[?crew == `7`] | [0].ship", "\"Borealis\""},
        {"grid[?[0] == `1`]", "[[1,2]]"},
    };
    assert_all(harbour, cases);
    assert_finds("[1,2,3]", "[?@ != `2`]", "[1,3]");
}

static void test_multiselect(void **)
{
    static const struct found cases[] = {
        {"[name, digits[0]]", "[\"lazaret\",0]"},
        {"{n: name, \"d 0\": digits[0]}", "{\"n\":\"lazaret\",\"d 0\":0}"},
        {"wards.[north.beds, none]", "[4,null]"},
        {"{a: {b: [name]}}.a.b[0]", "\"lazaret\""},
        {"missing.[a]", "null"},
        {"missing.{a: a}", "null"},
        {"{z: name, a: name} | keys(@)", "[\"z\",\"a\"]"},
        {"{a: `1`, a: `2`}", "{\"a\":2}"},
        {"[[*], *] | [0]", "null"},
    };
    assert_all(harbour, cases);
}

/* ---- conditions ---- */

static void test_order_of_precedence(void **)
{
    static const struct found cases[] = {
        {"t || f && f", "true"},
        {"(t || f) && f", "false"},
        {"f && f || t", "true"},
        {"f || f | t", "null"},
        {"!t || t", "true"},
        {"!t && t", "false"},
        {"!f == t", "true"},
        {"!(f == t)", "true"},
        {"!o.yes", "false"},
        {"!o.no", "true"},
        {"!o.missing", "true"},
        {"!l[0]", "false"},
        {"!l[?@ > `9`]", "true"},
        {"!l[]", "false"},
        {"!!o.yes", "true"},
        {"one == one && two == two", "true"},
        {"one < two == t", "true"},
        {"one < two || nothing.here", "true"},
        {"one == two || one < two && two", "2"},
        {"l | [0] == `1`", "true"},
        {"l[*] | length(@) == `2`", "true"},
    };
    assert_all("{\"t\":true,\"f\":false,\"one\":1,\"two\":2,\"l\":[1,2],\"o\":{\"yes\":true,\"no\":false}}", cases);
}

static void test_truth(void **)
{
    static const struct found cases[] = {
        {"empty_text || 'x'", "\"x\""},
        {"empty_list || 'x'", "\"x\""},
        {"empty_hash || 'x'", "\"x\""},
        {"no || 'x'", "\"x\""},
        {"nothing || 'x'", "\"x\""},
        {"zero || 'x'", "0"},
        {"zero && 'x'", "\"x\""},
        {"empty_list && 'x'", "[]"},
        {"missing && 'x'", "null"},
        {"no || nothing", "null"},
        {"nothing || no", "false"},
        {"a || b || c || 'd'", "\"d\""},
        {"!zero", "false"},
        {"!empty_text", "true"},
    };
    assert_all("{\"empty_text\":\"\",\"empty_list\":[],\"empty_hash\":{},\"no\":false,\"nothing\":null,\"zero\":0}",
               cases);
}

static void test_comparisons(void **)
{
    static const struct found cases[] = {
        {"`1` == `1.0`", "true"},
        {"`[1, {\"a\": 2.0}]` == `[1.0, {\"a\": 2}]`", "true"},
        {"`{\"a\": 1, \"b\": 2}` == `{\"b\": 2, \"a\": 1}`", "true"},
        {"`{\"a\": 1}` == `{\"b\": 1}`", "false"},
        {"`{\"a\": 1}` == `{\"a\": 1, \"b\": 1}`", "false"},
        {"`[1, 2]` == `[2, 1]`", "false"},
        {"`[1]` == `[1, 1]`", "false"},
        {"'1' == `1`", "false"},
        {"`true` == `1`", "false"},
        {"`null` == missing", "true"},
        {"`false` != missing", "true"},
        {"'abc' != 'abd'", "true"},
        {"'abc' == 'abcd'", "false"},
        {"`9223372036854775807` > `9223372036854775806`", "true"},
        {"`9223372036854775807` == `9223372036854775806`", "false"},
        {"`-0.5` <= `0`", "true"},
        {"`2` >= `2.5`", "false"},
        {"'a' < 'b'", "null"},
        {"'a' >= `1`", "null"},
        {"missing > `1`", "null"},
        {"`[1]` < `[2]`", "null"},
    };
    assert_all("{}", cases);
}

/* ---- literals ---- */

static void test_literals(void **)
{
    static const struct found cases[] = {
        {"`null`", "null"},
        {"` 1 `", "1"},
        {"`-1.5e2`", "-150.0"},
        {"`\"a\\`b\"`", "\"a`b\""},
        {"`\"\\\"\"`", "\"\\\"\""},
        {"`\"\\u00e9\\ud83d\\ude80\"`", "\"é🚀\""},
        {"`[{\"a\": [true, false]}]`[0].a[1]", "false"},
        {"'raw'", "\"raw\""},
        {"''", "\"\""},
        {"'it\\'s'", "\"it's\""},
        {"'\\\\'", "\"\\\\\\\\\""},
        {"'\\n\"`'", "\"\\\\n\\\"`\""},
        {"'line\nbreak'", "\"line\\nbreak\""},
        {"'ἰατρός'", "\"ἰατρός\""},
    };
    assert_all("{}", cases);
}

/* ---- functions ---- */

static void test_functions_of_numbers(void **)
{
    static const struct found cases[] = {
        {"abs(`-3`)", "3"},
        {"abs(`-3.5`)", "3.5"},
        {"abs(`2`)", "2"},
        {"abs(`-9223372036854775808`)", "9.2233720368547758e18"},
        {"ceil(`1.2`)", "2"},
        {"ceil(`-1.2`)", "-1"},
        {"ceil(`7`)", "7"},
        {"floor(`1.8`)", "1"},
        {"floor(`-1.2`)", "-2"},
        {"floor(`1e300`)", "1.0000000000000001e300"},
        {"sum(`[1, 2, 3]`)", "6"},
        {"sum(`[1, 0.5]`)", "1.5"},
        {"sum(`[]`)", "0"},
        {"sum(`[9223372036854775807, 1]`)", "9.2233720368547758e18"},
        {"avg(`[1, 2]`)", "1.5"},
        {"avg(`[2, 4]`)", "3"},
        {"avg(`[]`)", "null"},
        {"to_number('12')", "12"},
        {"to_number('-1.5')", "-1.5"},
        {"to_number('1e3')", "1000.0"},
        {"to_number('99999999999999999999')", "1e20"},
        {"to_number('1e999')", "null"},
        {"to_number(' 1')", "null"},
        {"to_number('1,2')", "null"},
        {"to_number('01')", "null"},
        {"to_number('')", "null"},
        {"to_number('0x10')", "null"},
        {"to_number('1]')", "null"},
        {"to_number(`7`)", "7"},
        {"to_number(`true`)", "null"},
        {"to_number(@)", "null"},
    };
    assert_all("{}", cases);
}

static void test_functions_of_text(void **)
{
    static const struct found cases[] = {
        {"length('é🚀')", "2"},
        {"length('')", "0"},
        {"length(`[1, 2]`)", "2"},
        {"length(`{\"a\": 1}`)", "1"},
        {"reverse('aé🚀')", "\"🚀éa\""},
        {"reverse('')", "\"\""},
        {"reverse(`[1, \"a\", null]`)", "[null,\"a\",1]"},
        {"contains('haystack', 'st')", "true"},
        {"contains('haystack', '')", "true"},
        {"contains('haystack', 'haystacks')", "false"},
        {"contains('1', `1`)", "false"},
        {"contains(`[1, [2]]`, `[2.0]`)", "true"},
        {"contains(`[\"1\"]`, `1`)", "false"},
        {"contains(`[null]`, missing)", "true"},
        {"starts_with('abc', 'ab')", "true"},
        {"starts_with('abc', 'bc')", "false"},
        {"starts_with('a', 'ab')", "false"},
        {"ends_with('abc', 'bc')", "true"},
        {"ends_with('abc', 'ab')", "false"},
        {"ends_with('c', 'bc')", "false"},
        {"ends_with('abc', '')", "true"},
        {"join('-', `[\"a\", \"b\", \"c\"]`)", "\"a-b-c\""},
        {"join('-', `[]`)", "\"\""},
        {"equals_ignore_case('SecureBoot', 'sECUREbOOT')", "true"},
        {"equals_ignore_case('SecureBoot', 'SecureBoots')", "false"},
        {"equals_ignore_case('[', '{')", "false"},
        {"equals_ignore_case('É', 'é')", "false"},
        {"to_string('a')", "\"a\""},
        {"to_string(`[0.1, 1e30, 3, 2.0, -7.25]`)", "\"[0.1,1e+30,3,2.0,-7.25]\""},
        {"to_string(`{\"b\": [true, false, null], \"a\": \"\\\"é\\n\"}`)",
         "\"{\\\"b\\\":[true,false,null],\\\"a\\\":\\\"\\\\\\\"é\\\\n\\\"}\""},
        {"to_string(`0.30000000000000004`)", "\"0.30000000000000004\""},
    };
    assert_all("{}", cases);
}

static void test_functions_of_order(void **)
{
    static const struct found cases[] = {
        {"sort(`[3, 1.5, -2]`)", "[-2,1.5,3]"},
        {"sort(`[\"b\", \"a\", \"B\", \"\"]`)", "[\"\",\"B\",\"a\",\"b\"]"},
        {"sort(`[\"\xef\xbd\xa1\", \"\xf0\x90\x80\x80\"]`)", "[\"\xef\xbd\xa1\",\"\xf0\x90\x80\x80\"]"},
        {"sort(`[]`)", "[]"},
        {"sort(`[\"ab\", \"a\"]`)", "[\"a\",\"ab\"]"},
        {"max(`[1, 3, 2]`)", "3"},
        {"max(`[\"a\", \"é\"]`)", "\"é\""},
        {"max(`[]`)", "null"},
        {"min(`[1, 0.5]`)", "0.5"},
        {"min(`[]`)", "null"},
        {"sort_by(l, &k)[*].n", "[\"b\",\"d\",\"a\",\"c\"]"},
        {"sort_by(l, &n)[*].k", "[2,1,2,1]"},
        {"sort_by(l, &to_string(k))[0].n", "\"b\""},
        {"max_by(l, &k).n", "\"a\""},
        {"min_by(l, &k).n", "\"b\""},
        {"max_by(`[]`, &k)", "null"},
        {"min_by(`[]`, &k)", "null"},
        {"sort_by(`[]`, &k)", "[]"},
    };
    assert_all("{\"l\":[{\"n\":\"a\",\"k\":2},{\"n\":\"b\",\"k\":1},{\"n\":\"c\",\"k\":2},{\"n\":\"d\",\"k\":1}]}",
               cases);
}

static void test_functions_of_values(void **)
{
    static const struct found cases[] = {
        {"keys(`{\"b\": 1, \"a\": 2}`)", "[\"b\",\"a\"]"},
        {"values(`{\"b\": 1, \"a\": 2}`)", "[1,2]"},
        {"keys(`{}`)", "[]"},
        {"values(`{}`)", "[]"},
        {"map(&a, `[{\"a\": 1}, {}, 3]`)", "[1,null,null]"},
        {"map(&a.b | [0], `[]`)", "[]"},
        {"map(&[@, 'x'], `[1]`)", "[[1,\"x\"]]"},
        {"merge(`{\"a\": 1, \"b\": 1}`, `{\"b\": 2}`, `{\"c\": 3}`)", "{\"a\":1,\"b\":2,\"c\":3}"},
        {"merge(`{}`)", "{}"},
        {"not_null(a, b, `[]`, c)", "[]"},
        {"not_null(a)", "null"},
        {"not_null(a, b, c, d, e, f, 'last')", "\"last\""},
        {"to_array(`[1]`)", "[1]"},
        {"to_array('a')", "[\"a\"]"},
        {"to_array(missing)", "[null]"},
        {"type(`1.5`)", "\"number\""},
        {"type('')", "\"string\""},
        {"type(`false`)", "\"boolean\""},
        {"type(`[]`)", "\"array\""},
        {"type(@)", "\"object\""},
        {"type(missing)", "\"null\""},
    };
    assert_all("{}", cases);
}

/* ---- attestation's own questions ---- */

static void test_an_event_log(void **)
{
    static const char log[] =
        "{\"Events\":[{\"EventSeq\":0,\"PcrIndex\":7,\"EventTypeString\":\"EV_EFI_VARIABLE_DRIVER_CONFIG\","
        "\"ProcessedData\":{\"UnicodeName\":\"SecureBoot\",\"VariableData\":\"AQ\"}},"
        "{\"EventSeq\":1,\"PcrIndex\":4,\"EventTypeString\":\"EV_SEPARATOR\"}]}";
    static const struct found cases[] = {
        {"Events[?EventTypeString == 'EV_EFI_VARIABLE_DRIVER_CONFIG' && ProcessedData.UnicodeName == 'SecureBoot']"
         ".ProcessedData.VariableData | [0]",
         "\"AQ\""},
        {"length(Events[?PcrIndex == `4`]) == `1`", "true"},
        {"Events[?equals_ignore_case(EventTypeString, 'ev_separator')].EventSeq | @[0]", "1"},
        {"Events[? PcrIndex == `7`].{seq: EventSeq, name: ProcessedData.UnicodeName}",
         "[{\"seq\":0,\"name\":\"SecureBoot\"}]"},
    };
    assert_all(log, cases);
}

/* An error behind a condition that decides already is none. */
static void test_what_is_not_looked_at_cannot_fail(void **)
{
    assert_finds("{}", "`false` && abs('a')", "false");
    assert_finds("{}", "`1` || abs('a')", "1");
    assert_finds("[]", "[*].abs(@)", "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identifiers),
        cmocka_unit_test(test_indices),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_projections),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_multiselect),
        cmocka_unit_test(test_order_of_precedence),
        cmocka_unit_test(test_truth),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_functions_of_numbers),
        cmocka_unit_test(test_functions_of_text),
        cmocka_unit_test(test_functions_of_order),
        cmocka_unit_test(test_functions_of_values),
        cmocka_unit_test(test_an_event_log),
        cmocka_unit_test(test_what_is_not_looked_at_cannot_fail),
    };
    return cmocka_run_group_tests_name("policy/jmespath", tests, NULL, NULL);
}
