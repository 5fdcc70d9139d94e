/* SPDX-License-Identifier: Apache-2.0
 *
 * What was acknowledged survives the death of the process. A child writes numbered groups of three records, each group
 * in one transaction, and tells each commit through a pipe; it is killed (SIGKILL) at a random moment. Afterwards every
 * acknowledged group is whole, and at most one group that was not acknowledged is there, whole as well.
 */
#include "records/store.h"

#include "records_testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { ROUNDS = 30, GROUP = 3, LONGEST_LIFE_MS = 60 };

static enum status write_group(struct store *store, uint32_t number)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(store, &transaction));
    for (int i = 0; i < GROUP; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "%u-%d", number, i);
        /* Values of some pages, so that a commit takes more than one write. */
        char value[6000];
        memset(value, 'a' + i, sizeof(value));
        const struct store_record record = {.type = "group", .id = id, .owner = "", .value = SLICE_ARRAY(value)};
        TRY(store_put(transaction, &record, NULL, NULL));
    }
    return store_commit(&transaction);
}

_Noreturn static void write_until_killed(const struct place *place, uint32_t number, int pipe_out)
{
    struct store *store = NULL;
    if (store_open(place->store_path, 0, place->keys, NULL, &store) != OK) _exit(1);
    for (;; number++) {
        if (write_group(store, number) != OK) _exit(2);
        if (write(pipe_out, &number, sizeof(number)) != sizeof(number)) _exit(3);
    }
}

/* The number after the last that was acknowledged. */
static uint32_t run_and_kill(const struct place *place, uint32_t number)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) write_until_killed(place, number, ends[1]);
    (void)close(ends[1]);
    const struct timespec life = {.tv_nsec = (rand() % LONGEST_LIFE_MS) * 1000000L + rand() % 1000000};
    (void)nanosleep(&life, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    uint32_t acknowledged;
    while (read(ends[0], &acknowledged, sizeof(acknowledged)) == sizeof(acknowledged)) number = acknowledged + 1;
    (void)close(ends[0]);
    return number;
}

static int records_of_group(struct store_transaction *transaction, uint32_t number)
{
    int there = 0;
    for (int i = 0; i < GROUP; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "%u-%d", number, i);
        CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(8192);
        const enum status status = store_get(transaction, "group", id, &value, NULL);
        if (status != ERR_NOT_FOUND) assert_ok(status);
        if (status == OK) {
            there++;
            assert_int_equal(value.size, 6000);
            assert_int_equal(value.bytes[5999], 'a' + i);
        }
    }
    return there;
}

/* The number of groups that are there: all that were acknowledged, and perhaps one more. */
static uint32_t check(struct place *place, uint32_t acknowledged)
{
    place_open(place);
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    assert_ok(store_begin(place->store, &transaction));
    for (uint32_t number = 0; number < acknowledged; number++)
        assert_int_equal(records_of_group(transaction, number), GROUP);
    const int next = records_of_group(transaction, acknowledged);
    assert_true(next == 0 || next == GROUP);
    const uint32_t groups = acknowledged + (next == GROUP ? 1 : 0);
    assert_int_equal(records_of_group(transaction, groups), 0);
    struct store_head head;
    store_rollback(&transaction);
    assert_ok(store_head(place->store, &head));
    assert_int_equal(head.generation, groups);
    place_close(place);
    return groups;
}

static void test_killed_writers_lose_nothing_that_was_acknowledged(void **)
{
    CLEANUP(place_remove) struct place place;
    place_make(&place);
    srand((unsigned)time(NULL));
    uint32_t groups = 0;
    for (int round = 0; round < ROUNDS; round++) groups = check(&place, run_and_kill(&place, groups));
    print_message("%d kills, %u groups\n", ROUNDS, groups);
    assert_true(groups > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_writers_lose_nothing_that_was_acknowledged),
    };
    return cmocka_run_group_tests_name("records/store_crash", tests, NULL, NULL);
}
