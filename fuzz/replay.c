/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays a corpus folder through a fuzz target without libFuzzer: every file whole, and cut at (up to) 512 places.
 */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLAY_MAX_BYTES = 8 << 20, REPLAY_CUTS = 512 };

static int replay_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    uint8_t *const bytes = malloc(REPLAY_MAX_BYTES);
    if (file == NULL || bytes == NULL) return -1;
    const size_t size = fread(bytes, 1, REPLAY_MAX_BYTES, file);
    (void)fclose(file);
    const size_t step = size / REPLAY_CUTS + 1;
    for (size_t cut = 0; cut < size; cut += step) {
        /* An exact copy, so that the sanitizer sees any read past the end. */
        uint8_t *const part = malloc(cut > 0 ? cut : 1);
        if (part == NULL) return -1;
        memcpy(part, bytes, cut);
        (void)LLVMFuzzerTestOneInput(part, cut);
        free(part);
    }
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

int main(int count, char **arguments)
{
    if (count != 2) return 2;
    DIR *const folder = opendir(arguments[1]);
    if (folder == NULL) {
        (void)fprintf(stderr, "no corpus at %s\n", arguments[1]);
        return 1;
    }
    int files = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", arguments[1], entry->d_name);
        if (replay_file(path) != 0) return 1;
        files++;
    }
    (void)closedir(folder);
    (void)printf("%d files replayed\n", files);
    return files > 0 ? 0 : 1;
}
