/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/tensor.h"

#include "imaging/resize.h"
#include "testing.h"

static struct film film_of(uint32_t width, uint32_t height)
{
    struct film film = {.width = width, .height = height, .pixels = buffer_of_maximum((size_t)width * height)};
    for (uint32_t i = 0; i < width * height; i++) assert_ok(buffer_append_u8(&film.pixels, (uint8_t)(i * 7)));
    return film;
}

static void the_tensor_is_the_resized_film_in_floats(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film film = film_of(300, 200);
    CLEANUP(buffer_done) struct buffer tensor = buffer_of_maximum(FILM_TENSOR_BYTES);
    CLEANUP(buffer_done) struct buffer greys = buffer_of_maximum(FILM_TENSOR_SIDE * FILM_TENSOR_SIDE);
    assert_ok(film_to_tensor(&film, &tensor));
    assert_int_equal(tensor.size, FILM_TENSOR_BYTES);
    assert_ok(resize_grey(buffer_slice(&film.pixels), 300, 200, FILM_TENSOR_SIDE, FILM_TENSOR_SIDE, &greys));
    for (size_t i = 0; i < greys.size; i++) {
        float value;
        memcpy(&value, tensor.bytes + i * sizeof(value), sizeof(value));
        assert_true(value == (float)greys.bytes[i]);
    }
}

static void an_empty_film_is_refused(void **state)
{
    (void)state;
    const struct film film = {};
    CLEANUP(buffer_done) struct buffer tensor = buffer_of_maximum(FILM_TENSOR_BYTES);
    assert_status(film_to_tensor(&film, &tensor), ERR_INTERNAL);
    assert_int_equal(tensor.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tensor_is_the_resized_film_in_floats),
        cmocka_unit_test(an_empty_film_is_refused),
    };
    return cmocka_run_group_tests_name("imaging/tensor", tests, NULL, NULL);
}
