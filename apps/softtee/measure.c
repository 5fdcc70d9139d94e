/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/measure.h"

#include "base/buffer.h"
#include "crypto/hash.h"
#include "softtee/elf.h"
#include "softtee/libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Above the descriptors that have a number of their own. */
enum { FIRST_DESCRIPTOR = 20 };

/* What may load programs: a program that names another could have its libraries listed as it likes. */
static const char *const known_loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"};

struct library {
    char path[PATH_MAX];
    const char *name; /* the last part of `path` */
    uint8_t digest[32];
};

struct libraries {
    struct library *items; /* LIBRARY_MAX_COUNT */
    size_t count;
};

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

static void libraries_done(struct libraries *libraries)
{
    free(libraries->items);
}

void program_unload(struct loaded_program *program)
{
    close_descriptor(&program->descriptor);
    program->descriptor = -1;
}

static enum status refuse_errno(struct refusal *why, const char *path, const char *expected)
{
    return refuse(why, ERR_IO, path, expected, "%s", strerror(errno));
}

static enum status copy_bytes(int from, int to, const char *path, struct refusal *why)
{
    struct stat facts;
    if (fstat(from, &facts) != 0 || !S_ISREG(facts.st_mode))
        return refuse(why, ERR_IO, path, "an ordinary file", "another kind");
    if (facts.st_size > PROGRAM_MAX_BYTES) return refuse(why, ERR_TOO_LARGE, path, "at most 512 MiB", "more");
    size_t left = (size_t)facts.st_size;
    while (left > 0) {
        const ssize_t moved = sendfile(to, from, NULL, left);
        if (moved < 0 && errno == EINTR) continue;
        if (moved < 0) return refuse_errno(why, path, "a readable program");
        if (moved == 0) return refuse(why, ERR_IO, path, "a file that stays as it is", "a file that became shorter");
        left -= (size_t)moved;
    }
    return OK;
}

/* The program's bytes in memory that nobody can change any more. */
static enum status seal_copy(const char *path, struct refusal *why, int *descriptor_out)
{
    CLEANUP(close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return refuse_errno(why, path, "a readable program");
    CLEANUP(close_descriptor) int memory = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0) return refuse_errno(why, "memory file", "a kernel with memfd_create");
    TRY(copy_bytes(file, memory, path, why));
    if (fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return refuse_errno(why, "memory file", "a kernel that seals it");
    const int moved = fcntl(memory, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    if (moved < 0) return refuse_errno(why, "memory file", "a free descriptor");
    *descriptor_out = moved;
    return OK;
}

static enum status hash_descriptor(int descriptor, const char *path, struct refusal *why, uint8_t digest_out[static 32])
{
    CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
    TRY(sha256_stream_new(&stream));
    off_t at = 0;
    while (true) {
        uint8_t chunk[65536];
        const ssize_t got = pread(descriptor, chunk, sizeof(chunk), at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse_errno(why, path, "a readable file");
        if (got == 0) return sha256_stream_end(stream, digest_out);
        TRY(sha256_stream_add(stream, slice_of(chunk, (size_t)got)));
        at += got;
    }
}

static enum status hash_library(struct library *library, struct refusal *why)
{
    CLEANUP(close_descriptor) int file = open(library->path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return refuse_errno(why, library->path, "a readable library");
    return hash_descriptor(file, library->path, why, library->digest);
}

/* The interpreter that the sealed program names, if it is one of the system's; "" for a static program. */
static enum status find_loader(int descriptor, struct refusal *why, const char **loader_out)
{
    struct stat facts;
    if (fstat(descriptor, &facts) != 0 || facts.st_size == 0)
        return refuse(why, ERR_UNSUPPORTED, "program", "a 64-bit ELF program", "an empty file");
    const size_t size = (size_t)facts.st_size;
    void *const bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) return refuse_errno(why, "program", "memory to read it");
    struct slice path = {};
    const enum status status = elf_interpreter(slice_of(bytes, size), why, &path);
    const char *loader = path.size == 0 ? "" : NULL;
    for (size_t i = 0; i < sizeof(known_loaders) / sizeof(known_loaders[0]); i++) {
        if (slice_equal_text(path, known_loaders[i])) loader = known_loaders[i];
    }
    if (status == OK && loader == NULL)
        (void)!refuse(why, ERR_UNSUPPORTED, "program.interpreter", "the system's dynamic loader", "%.*s",
                      (int)path.size, (const char *)path.bytes);
    (void)munmap(bytes, size);
    TRY(status);
    if (loader == NULL) return ERR_UNSUPPORTED;
    *loader_out = loader;
    return OK;
}

/* The loader reads the sealed file through this process's own table of descriptors, which the child has a copy of. */
static enum status spawn_loader(const char *loader, int descriptor, int output, struct refusal *why, pid_t *child_out)
{
    char file[64];
    (void)snprintf(file, sizeof(file), "/proc/self/fd/%d", descriptor);
    char list[] = "--list";
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s", loader);
    char *const arguments[] = {path, list, file, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* The same number on both sides takes the close-on-exec flag away in the child. */
    (void)posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor);
    errno = posix_spawn(child_out, loader, &actions, NULL, arguments, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    return errno == 0 ? OK : refuse_errno(why, loader, "a dynamic loader that starts");
}

static enum status read_all(int input, struct buffer *text)
{
    while (true) {
        uint8_t chunk[4096];
        const ssize_t got = read(input, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ERR_IO;
        if (got == 0) return OK;
        TRY(buffer_append(text, slice_of(chunk, (size_t)got)));
    }
}

static enum status run_loader(const char *loader, int descriptor, struct refusal *why, struct buffer *list)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return refuse_errno(why, "pipe", "a free descriptor");
    CLEANUP(close_descriptor) int input = ends[0];
    CLEANUP(close_descriptor) int output = ends[1];
    pid_t child;
    TRY(spawn_loader(loader, descriptor, output, why, &child));
    close_descriptor(&output);
    output = -1;
    const enum status status = read_all(input, list);
    close_descriptor(&input);
    input = -1;
    int ended = 0;
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR) {}
    TRY(status);
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        return refuse(why, ERR_UNSUPPORTED, "program", "a program that the dynamic loader can list", "exit code %d",
                      WEXITSTATUS(ended));
    return OK;
}

static enum status add_library(struct libraries *libraries, struct slice path, struct refusal *why)
{
    if (libraries->count == LIBRARY_MAX_COUNT || path.size >= PATH_MAX)
        return refuse(why, ERR_TOO_LARGE, "libraries", "at most 256", "more");
    struct library *const library = &libraries->items[libraries->count++];
    memcpy(library->path, path.bytes, path.size);
    library->path[path.size] = '\0';
    library->name = strrchr(library->path, '/') + 1;
    return hash_library(library, why);
}

static int compare_libraries(const void *left, const void *right)
{
    const struct library *const a = left, *const b = right;
    const int by_name = strcmp(a->name, b->name);
    return by_name != 0 ? by_name : memcmp(a->digest, b->digest, sizeof(a->digest));
}

static enum status find_libraries(int descriptor, struct refusal *why, struct libraries *libraries)
{
    const char *loader = "";
    TRY(find_loader(descriptor, why, &loader));
    if (loader[0] == '\0') return OK;
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(LOADER_LIST_MAX_BYTES);
    TRY(run_loader(loader, descriptor, why, &list));
    struct slice rest = buffer_slice(&list), line;
    while (slice_split(rest, '\n', &line, &rest)) {
        struct slice path;
        TRY(library_from_line(line, why, &path));
        if (path.size > 0) TRY(add_library(libraries, path, why));
    }
    return OK;
}

static enum status combine(const uint8_t program_digest[static 32], struct libraries *libraries,
                           uint8_t mrenclave_out[static 32])
{
    static const uint8_t tag[] = "lazaret-softtee/1"; /* with its NUL */
    CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
    qsort(libraries->items, libraries->count, sizeof(libraries->items[0]), compare_libraries);
    TRY(sha256_stream_new(&stream));
    TRY(sha256_stream_add(stream, SLICE_ARRAY(tag)));
    TRY(sha256_stream_add(stream, slice_of(program_digest, 32)));
    for (size_t i = 0; i < libraries->count; i++) {
        const struct library *const library = &libraries->items[i];
        TRY(sha256_stream_add(stream, slice_of(library->name, strlen(library->name) + 1)));
        TRY(sha256_stream_add(stream, SLICE_ARRAY(library->digest)));
    }
    return sha256_stream_end(stream, mrenclave_out);
}

static enum status measure(int descriptor, const char *path, struct refusal *why, uint8_t mrenclave_out[static 32])
{
    uint8_t digest[32];
    CLEANUP(libraries_done)
    struct libraries libraries = {.items = calloc(LIBRARY_MAX_COUNT, sizeof(struct library))};
    if (libraries.items == NULL) return ERR_NO_MEMORY;
    TRY(hash_descriptor(descriptor, path, why, digest));
    TRY(find_libraries(descriptor, why, &libraries));
    return combine(digest, &libraries, mrenclave_out);
}

enum status program_load(const char *path, struct refusal *why, struct loaded_program *program_out)
{
    CLEANUP(program_unload) struct loaded_program program = {.descriptor = -1};
    TRY(seal_copy(path, why, &program.descriptor));
    TRY(measure(program.descriptor, path, why, program.mrenclave));
    *program_out = program;
    program.descriptor = -1;
    return OK;
}
