/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole of the road from a film's file to the model's answer, with the real model and films at their original
 * resolution: what training measured must come out of the C code too.
 */
#include "csv.h"
#include "diagnosis/verdict.h"
#include "imaging/decode.h"
#include "imaging/header_gate.h"
#include "imaging/tensor.h"
#include "inference/session.h"
#include "tiny_model.h"

struct reading_room {
    struct runtime *runtime;
    struct session *session;
    struct model_package package;
};

static const char *model_path(const char *file)
{
    static char path[PATH_MAX];
    const char *const source = getenv("LAZARET_SOURCE");
    (void)snprintf(path, sizeof(path), "%s/models/chest-xray/%s", source != NULL ? source : ".", file);
    return path;
}

static int set_up(void **state)
{
    static struct reading_room room;
    uint8_t digest[SHA256_BYTES];
    int image;
    runtime_digest(digest);
    CLEANUP(buffer_done) struct buffer json = read_whole(model_path("model.json"));
    if (model_package_parse(buffer_slice(&json), NULL, &room.package) != OK) return -1;
    CLEANUP(buffer_done) struct buffer model = read_whole(model_path(room.package.file));
    if (runtime_image_open(runtime_path(), digest, NULL, &image) != OK) return -1;
    if (runtime_load(image, NULL, &room.runtime) != OK) return -1;
    (void)close(image);
    *state = &room;
    return session_new(room.runtime, &room.package, buffer_slice(&model), 2, NULL, &room.session) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct reading_room *const room = *state;
    session_free(room->session);
    runtime_free(room->runtime);
    return 0;
}

struct reading {
    double score;
    bool is_suitable;
};

static struct reading read_film(struct reading_room *room, const struct film *film)
{
    size_t picture, reason;
    CLEANUP(buffer_done) struct buffer tensor = buffer_of_maximum(FILM_TENSOR_BYTES);
    CLEANUP(inference_result_done) struct inference_result result = {};
    assert_ok(film_to_tensor(film, &tensor));
    assert_ok(session_run(room->session, 1, buffer_slice(&tensor), NULL, &result));
    const double score = (double)float_at(&result.outputs[room->package.finding_output], 0);
    assert_true(score >= 0 && score <= 1);
    return (struct reading){.score = score,
                            .is_suitable = !verdict_unsuitable(&room->package, &result, &picture, &reason)};
}

static struct film decode(const char *relative)
{
    CLEANUP(buffer_done) struct buffer file = read_whole(shared_path(relative));
    struct film film = {};
    assert_ok(image_decode(buffer_slice(&file), NULL, &film));
    return film;
}

/* Counts by truth (second index 1: pneumonia) and answer. */
struct tally {
    size_t right[2], all[2], suitable;
};

static void tally_film(struct reading_room *room, const char *file, const char *label, struct tally *tally)
{
    char relative[640];
    (void)snprintf(relative, sizeof(relative), "data/chest-xray/%s", file);
    CLEANUP(film_done) struct film film = decode(relative);
    assert_ok(header_gate_check(&film.facts, NULL));
    const struct reading reading = read_film(room, &film);
    const size_t truth = strcmp(label, "PNEUMONIA") == 0 ? 1 : 0;
    const size_t answer = reading.score >= room->package.finding.threshold ? 1 : 0;
    tally->all[truth]++;
    if (truth == answer) tally->right[truth]++;
    if (reading.is_suitable) tally->suitable++;
}

static void films_at_full_resolution_are_read_as_in_training(void **state)
{
    static struct csv_row head, row;
    CLEANUP(buffer_done) struct buffer manifest = read_whole(shared_path("data/chest-xray/manifest.csv"));
    struct slice rest = buffer_slice(&manifest);
    struct tally tally = {};
    assert_true(csv_next(&rest, &head));
    while (csv_next(&rest, &row)) {
        if (strncmp(csv_field(&head, &row, "file"), "full/", 5) != 0) continue;
        tally_film(*state, csv_field(&head, &row, "file"), csv_field(&head, &row, "label"), &tally);
    }
    const size_t all = tally.all[0] + tally.all[1];
    print_message("%zu of %zu pneumonia, %zu of %zu normal read right; %zu of %zu suitable\n", tally.right[1],
                  tally.all[1], tally.right[0], tally.all[0], tally.suitable, all);
    assert_true(tally.all[0] >= 20 && tally.all[1] >= 30);
    assert_true(tally.right[1] * 100 >= tally.all[1] * 85);
    assert_true(tally.right[0] * 100 >= tally.all[0] * 85);
    assert_true(tally.suitable * 100 >= all * 90);
}

static void the_same_film_in_dicom_gives_the_same_score(void **state)
{
    CLEANUP(film_done) struct film jpeg = decode("data/chest-xray/full/val/PNEUMONIA/BACTERIA-1335423-0002.jpeg");
    CLEANUP(film_done) struct film dicom = decode("data/chest-xray/dicom/le8_pneumonia_1335423.dcm");
    const struct reading one = read_film(*state, &jpeg);
    const struct reading other = read_film(*state, &dicom);
    assert_near(one.score, other.score);
    assert_true(one.score >= 0.5);
}

static struct film plain_film(uint32_t side, uint8_t (*grey)(uint32_t index))
{
    struct film film = {.width = side, .height = side, .pixels = buffer_of_maximum((size_t)side * side)};
    for (uint32_t i = 0; i < side * side; i++) assert_ok(buffer_append_u8(&film.pixels, grey(i)));
    return film;
}

static uint8_t black(uint32_t index)
{
    (void)index;
    return 0;
}

static uint8_t white(uint32_t index)
{
    (void)index;
    return 255;
}

static uint8_t noise(uint32_t index)
{
    uint32_t mixed = index * 2654435761U;
    mixed ^= mixed >> 15;
    mixed *= 2246822519U;
    return (uint8_t)(mixed >> 24);
}

static void pictures_of_nothing_are_unsuitable(void **state)
{
    uint8_t (*const greys[])(uint32_t) = {black, white, noise};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(film_done) struct film film = plain_film(256, greys[i]);
        assert_false(read_film(*state, &film).is_suitable);
    }
}

static void an_inverted_film_is_unsuitable(void **state)
{
    CLEANUP(film_done) struct film film = decode("data/chest-xray/full/val/NORMAL/NORMAL-2187139-0001.jpeg");
    assert_true(read_film(*state, &film).is_suitable);
    for (size_t i = 0; i < film.pixels.size; i++) film.pixels.bytes[i] = (uint8_t)(255 - film.pixels.bytes[i]);
    assert_false(read_film(*state, &film).is_suitable);
}

static void a_slice_of_ct_is_unsuitable(void **state)
{
    CLEANUP(film_done)
    struct film film = decode("data/dicom/cornerstone_CTImage.dcm_LittleEndianExplicitTransferSyntax_"
                              "1.2.840.10008.1.2.1.dcm");
    struct refusal why = {};
    assert_status(header_gate_check(&film.facts, &why), ERR_IMAGE_UNSUITABLE);
    assert_string_equal(why.seen, "CT");
    assert_false(read_film(*state, &film).is_suitable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(films_at_full_resolution_are_read_as_in_training),
        cmocka_unit_test(the_same_film_in_dicom_gives_the_same_score),
        cmocka_unit_test(pictures_of_nothing_are_unsuitable),
        cmocka_unit_test(an_inverted_film_is_unsuitable),
        cmocka_unit_test(a_slice_of_ct_is_unsuitable),
    };
    return cmocka_run_group_tests_name("diagnosis/chest_model", tests, set_up, tear_down);
}
