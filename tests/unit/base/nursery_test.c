/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nursery.h"

#include "base/clock.h"
#include "base/sanitized.h"
#include "testing.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A child that does what one byte asks, and answers with one byte: 1 it could, 0 it could not. */
enum deed {
    DEED_NOTHING,
    DEED_ABORT,
    DEED_SPIN,
    DEED_SLEEP,
    DEED_OPEN_SYSTEM_FILE,
    DEED_OPEN_OTHER_FILE,
    DEED_OPEN_FOR_WRITING,
    DEED_SOCKET,
    DEED_FORK,
    DEED_EXECUTE,
    DEED_TRACE,
    DEED_THREAD,
    DEED_EXECUTABLE_MEMORY,
    DEED_MUCH_MEMORY,
    DEED_OTHER_DESCRIPTOR,
    DEED_CORE_LIMIT,
    DEED_COUNT_PROCESSORS, /* answers with how many it may use */
    DEED_NAME_PROCESSOR,   /* and with the one it runs on */
};

enum { DEADLINE_MS = 10000, SECRET_DESCRIPTOR = 63 };

static void *thread_that_ends(void *argument)
{
    return argument;
}

static bool could_open(const char *path, int flags)
{
    const int file = open(path, flags | O_CLOEXEC, 0600);
    if (file >= 0) (void)close(file);
    return file >= 0;
}

static bool could_fork(void)
{
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return child > 0;
}

static bool could_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, thread_that_ends, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool could_map(size_t size, int protection)
{
    void *const memory = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) (void)munmap(memory, size);
    return memory != MAP_FAILED;
}

static bool may_dump_core(void)
{
    struct rlimit limit = {.rlim_max = 1};
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max > 0;
}

static bool execute_other_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return false;
}

static void spin(void)
{
    for (volatile unsigned turns = 0;; turns++) {}
}

static bool did(enum deed deed)
{
    switch (deed) {
    case DEED_NOTHING: return true;
    case DEED_ABORT: abort();
    case DEED_SPIN: spin(); return false;
    case DEED_SLEEP: return poll(NULL, 0, 60000) == 0;
    case DEED_OPEN_SYSTEM_FILE: return could_open("/proc/cpuinfo", O_RDONLY);
    case DEED_OPEN_OTHER_FILE: return could_open("/etc/passwd", O_RDONLY);
    case DEED_OPEN_FOR_WRITING: return could_open("/tmp/lazaret-containment-test", O_WRONLY | O_CREAT);
    case DEED_SOCKET: return socket(AF_INET, SOCK_STREAM, 0) >= 0;
    case DEED_FORK: return could_fork();
    case DEED_EXECUTE: return execute_other_program();
    case DEED_TRACE: return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
    case DEED_THREAD: return could_thread();
    case DEED_EXECUTABLE_MEMORY: return could_map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    case DEED_MUCH_MEMORY: return could_map((size_t)512 << 20, PROT_READ | PROT_WRITE);
    case DEED_OTHER_DESCRIPTOR: return fcntl(SECRET_DESCRIPTOR, F_GETFD) >= 0;
    case DEED_CORE_LIMIT: return may_dump_core();
    default: return false;
    }
}

static uint8_t answer_to(enum deed deed)
{
    if (deed == DEED_COUNT_PROCESSORS) return (uint8_t)processors_allowed().count;
    if (deed == DEED_NAME_PROCESSOR) return (uint8_t)processors_current();
    return did(deed) ? 1 : 0;
}

static void do_deeds(const void *context, int socket)
{
    (void)context;
    for (uint8_t deed; nursery_receive(socket, 1, NURSERY_NO_DEADLINE, &deed) == OK;) {
        const uint8_t answer = answer_to((enum deed)deed);
        if (nursery_send(socket, slice_of(&answer, 1), NURSERY_NO_DEADLINE) != OK) return;
    }
}

static struct nursery *start(enum containment_level level)
{
    const struct nursery_plan plan = {
        .name = "test-children",
        .work = do_deeds,
        .containment = {.level = level, .memory_bytes = 256 << 20, .cpu_seconds = 1},
        .keep_descriptor = -1,
    };
    struct nursery *nursery = NULL;
    assert_ok(nursery_start(&plan, NULL, &nursery));
    return nursery;
}

static enum status ask_within(struct nursery *nursery, enum deed deed, int64_t time_ms, uint8_t *answer_out)
{
    int socket;
    const uint8_t byte = (uint8_t)deed;
    const int64_t deadline_ms = clock_monotonic_ms() + time_ms;
    assert_ok(nursery_open(nursery, &socket));
    enum status status = nursery_send(socket, slice_of(&byte, 1), deadline_ms);
    if (status == OK) status = nursery_receive(socket, 1, deadline_ms, answer_out);
    (void)close(socket);
    return status;
}

static enum status ask(struct nursery *nursery, enum deed deed, uint8_t *answer_out)
{
    return ask_within(nursery, deed, DEADLINE_MS, answer_out);
}

static void assert_dies(enum deed deed)
{
    struct nursery *const nursery = start(CONTAINED_COMPUTE);
    uint8_t answer = 9;
    assert_status(ask(nursery, deed, &answer), ERR_CHILD_DIED);
    assert_int_equal(answer, 9);
    /* The next request has a child of its own. */
    assert_ok(ask(nursery, DEED_NOTHING, &answer));
    assert_int_equal(answer, 1);
    nursery_stop(nursery);
}

static void assert_answer(enum deed deed, uint8_t expected)
{
    struct nursery *const nursery = start(CONTAINED_LIBRARY);
    uint8_t answer = 9;
    assert_ok(ask(nursery, deed, &answer));
    assert_int_equal(answer, expected);
    nursery_stop(nursery);
}

static void a_dead_child_costs_only_its_request(void **state)
{
    (void)state;
    assert_dies(DEED_ABORT);
}

static void computing_child_dies_of_forbidden_calls(void **state)
{
    (void)state;
    static const enum deed forbidden[] = {
        DEED_OPEN_SYSTEM_FILE,
        DEED_OPEN_OTHER_FILE,
        DEED_OPEN_FOR_WRITING,
        DEED_SOCKET,
        DEED_FORK,
        DEED_EXECUTE,
        DEED_TRACE,
        DEED_THREAD,
        DEED_EXECUTABLE_MEMORY,
    };
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) assert_dies(forbidden[i]);
}

static void computing_child_dies_when_its_time_is_up(void **state)
{
    (void)state;
    assert_dies(DEED_SPIN);
}

static void library_child_reads_system_files_and_makes_threads(void **state)
{
    (void)state;
    assert_answer(DEED_OPEN_SYSTEM_FILE, 1);
    assert_answer(DEED_THREAD, 1);
}

static void library_child_is_refused_everything_else(void **state)
{
    (void)state;
    assert_answer(DEED_OPEN_FOR_WRITING, 0);
    assert_answer(DEED_SOCKET, 0);
    assert_answer(DEED_FORK, 0);
    assert_answer(DEED_EXECUTE, 0);
    assert_answer(DEED_TRACE, 0);
    assert_answer(DEED_CORE_LIMIT, 0);
}

static void landlock_hides_files_of_others(void **state)
{
    (void)state;
    if (!containment_has_landlock()) {
        print_message("SKIP: this kernel has no Landlock\n");
        skip();
    }
    assert_answer(DEED_OPEN_OTHER_FILE, 0);
}

static void memory_is_limited(void **state)
{
    (void)state;
    if (UNDER_ADDRESS_SANITIZER != 0) {
        print_message("SKIP: the address sanitizer maps terabytes; the product's build is tested too\n");
        skip();
    }
    assert_answer(DEED_MUCH_MEMORY, 0);
}

static void children_have_no_descriptors_of_the_program(void **state)
{
    (void)state;
    assert_int_equal(dup2(STDERR_FILENO, SECRET_DESCRIPTOR), SECRET_DESCRIPTOR);
    assert_answer(DEED_OTHER_DESCRIPTOR, 0);
    (void)close(SECRET_DESCRIPTOR);
}

static void waiting_ends_at_the_deadline(void **state)
{
    (void)state;
    struct nursery *const nursery = start(CONTAINED_LIBRARY);
    uint8_t answer;
    assert_status(ask_within(nursery, DEED_SLEEP, 50, &answer), ERR_TIMEOUT);
    nursery_stop(nursery);
}

static void a_child_that_is_at_work_can_be_killed_and_no_other(void **state)
{
    (void)state;
    struct nursery *const nursery = start(CONTAINED_LIBRARY);
    const uint8_t sleep = DEED_SLEEP, nothing = DEED_NOTHING;
    const int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    uint32_t hanging, other;
    int sockets[2];
    uint8_t answer;
    assert_ok(nursery_open_numbered(nursery, ANY_PROCESSOR, &hanging, &sockets[0]));
    assert_ok(nursery_open_numbered(nursery, ANY_PROCESSOR, &other, &sockets[1]));
    assert_ok(nursery_send(sockets[0], slice_of(&sleep, 1), deadline_ms));
    nursery_kill(nursery, hanging);
    assert_status(nursery_receive(sockets[0], 1, deadline_ms, &answer), ERR_CHILD_DIED);
    nursery_kill(nursery, hanging);
    nursery_kill(nursery, other + 1);
    assert_ok(nursery_send(sockets[1], slice_of(&nothing, 1), deadline_ms));
    assert_ok(nursery_receive(sockets[1], 1, deadline_ms, &answer));
    (void)close(sockets[0]);
    (void)close(sockets[1]);
    nursery_stop(nursery);
}

/* ---- processors ---- */

static void assert_told(int socket, enum deed deed, uint8_t expected)
{
    const uint8_t byte = (uint8_t)deed;
    const int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    uint8_t answer;
    assert_ok(nursery_send(socket, slice_of(&byte, 1), deadline_ms));
    assert_ok(nursery_receive(socket, 1, deadline_ms, &answer));
    assert_int_equal(answer, expected);
}

static void children_keep_to_the_processor_they_are_given(void **state)
{
    (void)state;
    const struct processors all = processors_allowed();
    struct nursery *const nursery = start(CONTAINED_LIBRARY);
    for (unsigned i = 0; i < all.count; i++) {
        uint32_t child;
        int socket;
        assert_ok(nursery_open_numbered(nursery, all.numbers[i], &child, &socket));
        assert_told(socket, DEED_COUNT_PROCESSORS, 1);
        assert_told(socket, DEED_NAME_PROCESSOR, (uint8_t)all.numbers[i]);
        (void)close(socket);
    }
    /* Those that are given none, and the program, keep what they had. */
    uint8_t count;
    assert_ok(ask(nursery, DEED_COUNT_PROCESSORS, &count));
    assert_int_equal(count, all.count);
    assert_int_equal(processors_allowed().count, all.count);
    nursery_stop(nursery);
}

static void a_processor_that_is_not_there_is_no_failure(void **state)
{
    (void)state;
    struct nursery *const nursery = start(CONTAINED_LIBRARY);
    uint32_t child;
    int socket;
    assert_ok(nursery_open_numbered(nursery, 1023, &child, &socket));
    assert_told(socket, DEED_COUNT_PROCESSORS, (uint8_t)processors_allowed().count);
    (void)close(socket);
    nursery_stop(nursery);
}

static void a_child_without_a_nursery_keeps_to_its_processor(void **state)
{
    (void)state;
    const struct processors all = processors_allowed();
    const struct nursery_plan plan = {
        .name = "test-child", .work = do_deeds, .containment = {.level = CONTAINED_LIBRARY}, .keep_descriptor = -1};
    const struct {
        int processor;
        unsigned count;
    } cases[] = {{all.numbers[all.count - 1], 1}, {1023, all.count}, {ANY_PROCESSOR, all.count}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pid_t process;
        int socket;
        assert_ok(nursery_fork(&plan, cases[i].processor, NULL, &process, &socket));
        assert_told(socket, DEED_COUNT_PROCESSORS, (uint8_t)cases[i].count);
        if (i == 0) assert_told(socket, DEED_NAME_PROCESSOR, (uint8_t)cases[i].processor);
        (void)close(socket);
        assert_int_equal(waitpid(process, NULL, 0), process);
    }
}

static void children_past_those_that_are_known_still_work(void **state)
{
    (void)state;
    enum { MANY = 300 };
    struct nursery *const nursery = start(CONTAINED_COMPUTE);
    uint8_t answer = 0;
    for (int i = 0; i < MANY; i++) assert_ok(ask(nursery, DEED_NOTHING, &answer));
    nursery_stop(nursery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_child_costs_only_its_request),
        cmocka_unit_test(computing_child_dies_of_forbidden_calls),
        cmocka_unit_test(computing_child_dies_when_its_time_is_up),
        cmocka_unit_test(library_child_reads_system_files_and_makes_threads),
        cmocka_unit_test(library_child_is_refused_everything_else),
        cmocka_unit_test(landlock_hides_files_of_others),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(children_have_no_descriptors_of_the_program),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(a_child_that_is_at_work_can_be_killed_and_no_other),
        cmocka_unit_test(children_keep_to_the_processor_they_are_given),
        cmocka_unit_test(a_processor_that_is_not_there_is_no_failure),
        cmocka_unit_test(a_child_without_a_nursery_keeps_to_its_processor),
        cmocka_unit_test(children_past_those_that_are_known_still_work),
    };
    return cmocka_run_group_tests_name("base/nursery", tests, NULL, NULL);
}
