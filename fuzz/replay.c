/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays a corpus folder through a fuzz target without libFuzzer: every file whole, and cut at (up to) REPLAY_CUTS
 * places, fewer where the corpus would otherwise take more than the given number of executions.
 */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLAY_MAX_BYTES = 8 << 20, REPLAY_CUTS = 512 };

static int replay_file(const char *path, size_t cuts)
{
    FILE *const file = fopen(path, "rb");
    uint8_t *const bytes = malloc(REPLAY_MAX_BYTES);
    if (file == NULL || bytes == NULL) return -1;
    const size_t size = fread(bytes, 1, REPLAY_MAX_BYTES, file);
    (void)fclose(file);
    const size_t step = cuts == 0 ? SIZE_MAX / 2 : size / cuts + 1;
    for (size_t cut = cuts == 0 ? size : 0; cut < size; cut += step) {
        /* An exact copy, so that the sanitizer sees any read past the end. */
        uint8_t *const part = malloc(cut > 0 ? cut : 1);
        if (part == NULL) return -1;
        memcpy(part, bytes, cut);
        (void)LLVMFuzzerTestOneInput(part, cut);
        free(part);
    }
    uint8_t *const whole = malloc(size > 0 ? size : 1);
    if (whole == NULL) return -1;
    memcpy(whole, bytes, size);
    (void)LLVMFuzzerTestOneInput(whole, size);
    free(whole);
    free(bytes);
    return 0;
}

static DIR *open_corpus(const char *path)
{
    DIR *const folder = opendir(path);
    if (folder == NULL) (void)fprintf(stderr, "no corpus at %s\n", path);
    return folder;
}

static size_t count_files(const char *path)
{
    DIR *const folder = open_corpus(path);
    size_t count = 0;
    if (folder == NULL) return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

int main(int count, char **arguments)
{
    if (count != 3) return 2;
    const size_t files = count_files(arguments[1]);
    if (files == 0) return 1;
    const size_t affordable = strtoul(arguments[2], NULL, 10) / files;
    DIR *const folder = open_corpus(arguments[1]);
    if (folder == NULL) return 1;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", arguments[1], entry->d_name);
        if (replay_file(path, affordable < REPLAY_CUTS ? affordable : REPLAY_CUTS) != 0) return 1;
    }
    (void)closedir(folder);
    (void)printf("%zu files replayed\n", files);
    return 0;
}
