/* SPDX-License-Identifier: Apache-2.0
 *
 * What is derived from good evidence byte by byte: flipped, lengths that say something else, bytes behind the end, and
 * points off their curve. All of it is refused, and the refusal names a field. (tamper_test.c flips every single byte
 * of one genuine case.)
 */
#include "intel_world.h"

#include "base/reader.h"
#include "base/sanitized.h"

/* Every so manieth byte or length is changed: all would take minutes. Minted evidence gets the smaller steps. */
enum { MINTED_FLIP_STEP = 5, GENUINE_FLIP_STEP = 17, MINTED_LENGTH_STEP = 1, GENUINE_LENGTH_STEP = 5, SLOW = 9 };

static size_t step_of(const struct world *world, size_t minted, size_t genuine)
{
    return (world->is_minted ? minted : genuine) * (UNDER_ADDRESS_SANITIZER ? SLOW : 1);
}

/* ---- flipped bytes ---- */

static void flip_quote(struct world *world)
{
    static const uint8_t masks[] = {0x01, 0x40, 0x80}; /* 0x20 would make a space of the NUL that ends the text */
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = world_texts(world);
    assert_ok(collateral_new(&texts, world->roots, NULL, &collateral));
    struct buffer *const quote = &world->parts[PART_QUOTE];
    for (size_t at = 0; at < quote->size; at += step_of(world, MINTED_FLIP_STEP, GENUINE_FLIP_STEP)) {
        struct refusal why = {};
        quote->bytes[at] ^= masks[at % 3];
        assert_refused(world_verify_quote(world, collateral, world->now_s, &why), &why, world, "quote", at);
        quote->bytes[at] ^= masks[at % 3];
    }
}

static void flip_text(struct world *world, enum part part)
{
    struct buffer *const text = &world->parts[part];
    for (size_t at = 0; at < text->size; at += step_of(world, MINTED_FLIP_STEP, GENUINE_FLIP_STEP)) {
        text->bytes[at] ^= 0x01;
        assert_world_refused(world, part_names[part], at);
        text->bytes[at] ^= 0x01;
    }
}

static void check_flips(struct world *world)
{
    flip_quote(world);
    for (enum part part = PART_TCB_INFO; part < PART_COUNT; part++) flip_text(world, part);
}

static void test_a_flipped_byte_is_refused_wherever_it_is(void **)
{
    each_world(check_flips);
}

/* ---- lengths in the quote ---- */

/* A little-endian number of the quote that says how long something is. */
struct length {
    size_t at, size;
};
enum { LENGTH_MAX_COUNT = 8 };

static uint64_t number_at(const struct world *world, struct length length)
{
    uint64_t number = 0;
    for (size_t i = length.size; i > 0; i--) number = number << 8 | world->parts[PART_QUOTE].bytes[length.at + i - 1];
    return number;
}

static void set_number(struct world *world, struct length length, uint64_t number)
{
    for (size_t i = 0; i < length.size; i++) world->parts[PART_QUOTE].bytes[length.at + i] = (uint8_t)(number >> 8 * i);
}

/* The layouts of quote versions 3 to 5 (reference: evidence-formats sections 2 to 4). */
static size_t find_lengths(const struct world *world, struct length *lengths)
{
    enum { HEADER = 48, TD10 = 584, ENCLAVE = 384, SIGNATURE_AND_KEY = 128, QE_REPORT_AND_SIGNATURE = 448 };
    const unsigned version = world->parts[PART_QUOTE].bytes[0];
    size_t count = 0, at = HEADER + (version == 3 ? ENCLAVE : TD10);
    if (version == 5) {
        lengths[count] = (struct length){HEADER + 2, 4};
        at = HEADER + 6 + (size_t)number_at(world, lengths[count++]);
    }
    lengths[count++] = (struct length){at, 4};
    at += 4 + SIGNATURE_AND_KEY;
    if (version != 3) {
        lengths[count++] = (struct length){at + 2, 4};
        at += 6;
    }
    at += QE_REPORT_AND_SIGNATURE;
    lengths[count] = (struct length){at, 2};
    at += 2 + (size_t)number_at(world, lengths[count++]);
    lengths[count++] = (struct length){at + 2, 4};
    return count;
}

static void check_quote_lengths(struct world *world)
{
    struct length lengths[LENGTH_MAX_COUNT];
    const size_t count = find_lengths(world, lengths);
    for (size_t i = 0; i < count; i++) {
        const uint64_t good = number_at(world, lengths[i]);
        const uint64_t bad[] = {0, 1, UINT64_MAX, good - 1, good + 1, UINT64_MAX >> 33, 65536, good * 2};
        for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
            set_number(world, lengths[i], bad[j]);
            if (number_at(world, lengths[i]) != good) assert_world_refused(world, "length in the quote", 100 * i + j);
        }
        set_number(world, lengths[i], good);
    }
}

static void test_lengths_in_the_quote_that_say_something_else_are_refused(void **)
{
    each_world(check_quote_lengths);
}

/* ---- certificates and lists ---- */

/* Calls `change` on the DER of each certificate of a part, which stands in its PEM again while `change` verifies. */
typedef void change_der(struct world *world, enum part part, struct buffer *der, void (*put)(void *), void *context);

struct chain_place {
    struct world *world;
    enum part part;
    size_t pem_at;
    struct buffer before; /* the part as it was */
    struct buffer ders[CERTIFICATE_CHAIN_MAX_COUNT];
    size_t count;
};

static void put_chain(void *context)
{
    struct chain_place *const place = context;
    struct buffer text = copy_of(slice_part(buffer_slice(&place->before), 0, place->pem_at));
    text.maximum = CERTIFICATE_PEM_MAX_BYTES;
    for (size_t i = 0; i < place->count; i++) assert_ok(certificate_pem(buffer_slice(&place->ders[i]), &text));
    buffer_done(&place->world->parts[place->part]);
    place->world->parts[place->part] = text;
}

/* The quote's own lengths must fit what is put in. */
static void put_certification(void *context)
{
    struct chain_place *const place = context;
    struct length lengths[LENGTH_MAX_COUNT];
    put_chain(place);
    const size_t count = find_lengths(place->world, lengths);
    const size_t size = place->world->parts[PART_QUOTE].size;
    for (size_t i = 0; i < count; i++) {
        if (lengths[i].size == 4 && lengths[i].at != 50)
            set_number(place->world, lengths[i], size - lengths[i].at - lengths[i].size);
    }
}

static void put_nothing(void *)
{
}

static void each_certificate_der(struct world *world, enum part part, change_der *change)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    struct chain_place place = {.world = world, .part = part};
    place.pem_at = world_certificates(world, part, &list);
    place.before = copy_of(buffer_slice(&world->parts[part]));
    place.count = list.count;
    for (size_t i = 0; i < list.count; i++) place.ders[i] = copy_of(certificate_der(list.items[i]));
    for (size_t i = 0; i < list.count; i++)
        change(world, part, &place.ders[i], part == PART_QUOTE ? put_certification : put_chain, &place);
    /* Written again as they were, they are good: what was refused was refused for its change. */
    assert_ok(world_verify(world, world->now_s, NULL));
    world_restore(world, part, place.before);
    for (size_t i = 0; i < place.count; i++) buffer_done(&place.ders[i]);
}

static void each_der(struct world *world, change_der *change)
{
    static const enum part chains[] = {PART_QUOTE, PART_TCB_INFO_CHAIN, PART_QE_IDENTITY_CHAIN, PART_PCK_CRL_CHAIN};
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) each_certificate_der(world, chains[i], change);
    change(world, PART_PCK_CRL, &world->parts[PART_PCK_CRL], put_nothing, NULL);
    change(world, PART_ROOT_CRL, &world->parts[PART_ROOT_CRL], put_nothing, NULL);
}

static void set_byte(struct world *world, enum part part, struct buffer *der, size_t at, unsigned value,
                     void (*put)(void *), void *context)
{
    const uint8_t good = der->bytes[at];
    if ((uint8_t)value == good) return;
    der->bytes[at] = (uint8_t)value;
    put(context);
    assert_world_refused(world, part_names[part], at);
    der->bytes[at] = good;
}

/* The bytes of all lengths from `from` on to `until`, those inside of constructed values too. Returns how many. */
static size_t find_der_lengths(const struct buffer *der, size_t from, size_t until, size_t *places, size_t max_count)
{
    size_t count = 0;
    while (from + 2 <= until && count + 4 < max_count) {
        const bool is_constructed = (der->bytes[from] & 0x20) != 0;
        size_t size = der->bytes[from + 1], head = 2;
        places[count++] = from + 1;
        if (size > 0x80) {
            const size_t extra = size & 0x7f;
            size = 0;
            for (size_t i = 0; i < extra; i++) {
                places[count++] = from + 2 + i;
                size = size << 8 | der->bytes[from + 2 + i];
            }
            head += extra;
        }
        if (is_constructed)
            count += find_der_lengths(der, from + head, from + head + size, places + count, max_count - count);
        from += head + size;
    }
    return count;
}

static void change_der_lengths(struct world *world, enum part part, struct buffer *der, void (*put)(void *),
                               void *context)
{
    enum { PLACE_MAX_COUNT = 4096 };
    static size_t places[PLACE_MAX_COUNT];
    const size_t count = find_der_lengths(der, 0, der->size, places, PLACE_MAX_COUNT);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i += step_of(world, MINTED_LENGTH_STEP, GENUINE_LENGTH_STEP)) {
        const unsigned good = der->bytes[places[i]];
        const unsigned bad[] = {0, 1, 0x7f, 0x80, 0xff, good - 1, good + 1};
        for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
            set_byte(world, part, der, places[i], bad[j], put, context);
    }
    put(context);
}

static void check_der_lengths(struct world *world)
{
    each_der(world, change_der_lengths);
}

static void test_lengths_in_der_that_say_something_else_are_refused(void **)
{
    each_world(check_der_lengths);
}

/* ---- bytes behind the end ---- */

static void append_to_der(struct world *world, enum part part, struct buffer *der, void (*put)(void *), void *context)
{
    static const uint8_t bytes[] = {0x00, 0x05, 0x30, 0xff};
    der->maximum = der->size + 1;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        assert_ok(buffer_append_u8(der, bytes[i]));
        put(context);
        assert_world_refused(world, part_names[part], i);
        buffer_truncate(der, der->size - 1);
    }
    put(context);
}

static void append_to_part(struct world *world, enum part part)
{
    static const uint8_t bytes[] = {0x00, 0x01, '0', 'x', '{', 0xff};
    for (size_t i = 0; i < sizeof(bytes); i++) {
        /* One NUL may end PEM text, as it ends the text in quotes. */
        const bool is_text =
            part == PART_TCB_INFO_CHAIN || part == PART_QE_IDENTITY_CHAIN || part == PART_PCK_CRL_CHAIN;
        if (is_text && bytes[i] == 0x00) continue;
        struct buffer longer = copy_of(buffer_slice(&world->parts[part]));
        assert_ok(buffer_append_u8(&longer, bytes[i]));
        const struct buffer before = world_exchange(world, part, longer);
        assert_world_refused(world, part_names[part], i);
        world_restore(world, part, before);
    }
}

static void check_trailing(struct world *world)
{
    each_der(world, append_to_der);
    for (enum part part = PART_QUOTE; part < PART_COUNT; part++) append_to_part(world, part);
}

static void test_bytes_behind_the_end_are_refused(void **)
{
    each_world(check_trailing);
}

/* ---- points off their curve ---- */

static void move_point(struct world *world, enum part part, struct buffer *der, void (*put)(void *), void *context)
{
    static const uint8_t before_point[] = {0x03, 0x42, 0x00, 0x04};
    for (size_t at = 0; at + sizeof(before_point) + P256_POINT_BYTES <= der->size; at++) {
        if (memcmp(der->bytes + at, before_point, sizeof(before_point)) != 0) continue;
        for (size_t i = 0; i < P256_POINT_BYTES; i += 9)
            set_byte(world, part, der, at + sizeof(before_point) + i, der->bytes[at + sizeof(before_point) + i] ^ 1U,
                     put, context);
    }
    put(context);
}

static void check_points(struct world *world)
{
    each_der(world, move_point);
}

static void test_certified_points_off_their_curve_are_refused(void **)
{
    each_world(check_points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flipped_byte_is_refused_wherever_it_is),
        cmocka_unit_test(test_lengths_in_the_quote_that_say_something_else_are_refused),
        cmocka_unit_test(test_lengths_in_der_that_say_something_else_are_refused),
        cmocka_unit_test(test_bytes_behind_the_end_are_refused),
        cmocka_unit_test(test_certified_points_off_their_curve_are_refused),
    };
    return cmocka_run_group_tests_name("evidence/derived_bytes", tests, NULL, NULL);
}
