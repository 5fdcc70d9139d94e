/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/state.h"

#include "base/file.h"
#include "tee/simulation/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct path {
    char text[PATH_MAX];
};

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

static enum status path_of(const char *folder, const char *name, struct refusal *why, struct path *path_out)
{
    const int wanted = snprintf(path_out->text, sizeof(path_out->text), "%s/%s", folder, name);
    if (wanted < 0 || (size_t)wanted >= sizeof(path_out->text))
        return refuse(why, ERR_IO, "state", "a shorter path", "%d bytes", wanted);
    return OK;
}

static enum status read_state(const char *folder, const char *name, struct refusal *why, struct buffer *state)
{
    struct path path;
    TRY(path_of(folder, name, why, &path));
    if (file_exists(path.text)) return file_read(path.text, why, state);
    (void)!refuse(why, ERR_IO, path.text, "the software TEE's state", "no such file");
    return refuse_fix(why, ERR_IO, "run: lazaret-softtee init --state DIR");
}

enum status state_authority(const char *folder, struct refusal *why, struct simulated_authority **authority_out)
{
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(SIMULATION_STATE_MAX_BYTES);
    TRY(read_state(folder, "authority.state", why, &state));
    return simulated_authority_read(buffer_slice(&state), why, authority_out);
}

enum status state_machine(const char *folder, struct refusal *why, struct simulated_machine **machine_out)
{
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(SIMULATION_STATE_MAX_BYTES);
    TRY(read_state(folder, "machine.state", why, &state));
    return simulated_machine_read(buffer_slice(&state), why, machine_out);
}

static enum status write_state(const char *folder, const char *name, const struct buffer *state, struct refusal *why)
{
    struct path path;
    TRY(path_of(folder, name, why, &path));
    return file_write(path.text, buffer_slice(state), 0600, why);
}

static enum status make_authority(const char *folder, int64_t now_s, struct refusal *why,
                                  struct simulated_authority **authority_out)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = NULL;
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(SIMULATION_STATE_MAX_BYTES);
    TRY(simulated_authority_new(now_s, &authority));
    TRY(simulated_authority_write(authority, &state));
    TRY(write_state(folder, "authority.state", &state, why));
    *authority_out = authority;
    authority = NULL;
    return OK;
}

static enum status make_machine(const char *folder, const struct simulated_authority *authority, int64_t now_s,
                                struct refusal *why, struct simulated_machine **machine_out)
{
    CLEANUP(simulated_machine_cleanup) struct simulated_machine *machine = NULL;
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(SIMULATION_STATE_MAX_BYTES);
    TRY(simulated_machine_new(authority, NULL, now_s, &machine));
    TRY(simulated_machine_write(machine, &state));
    TRY(write_state(folder, "machine.state", &state, why));
    *machine_out = machine;
    machine = NULL;
    return OK;
}

static bool has_state(const char *folder, const char *name)
{
    struct path path;
    return path_of(folder, name, NULL, &path) == OK && file_exists(path.text);
}

static enum status fill(const char *folder, int64_t now_s, struct refusal *why)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = NULL;
    CLEANUP(simulated_machine_cleanup) struct simulated_machine *machine = NULL;
    if (has_state(folder, "authority.state"))
        TRY(state_authority(folder, why, &authority));
    else
        TRY(make_authority(folder, now_s, why, &authority));
    if (has_state(folder, "machine.state"))
        TRY(state_machine(folder, why, &machine));
    else
        TRY(make_machine(folder, authority, now_s, why, &machine));
    if (key_equal(simulated_authority_root(authority), simulated_machine_root(machine))) return OK;
    (void)!refuse(why, ERR_CONFIG, "machine.state", "a machine of this folder's authority", "that of another");
    return refuse_fix(why, ERR_CONFIG, "remove machine.state (its sealed data is lost) and run init again");
}

/* Opens the folder, made if it is not there, for this user alone. */
static enum status open_folder(const char *folder, struct refusal *why, int *descriptor_out)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return refuse(why, ERR_IO, folder, "a folder that can be made", "%s", strerror(errno));
    CLEANUP(close_descriptor) int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat facts;
    if (opened < 0 || fstat(opened, &facts) != 0)
        return refuse(why, ERR_IO, folder, "a readable folder", "%s", strerror(errno));
    if ((facts.st_mode & 077) != 0) {
        (void)!refuse(why, ERR_CONFIG, folder, "a folder that only its owner may enter", "mode %03o",
                      facts.st_mode & 0777);
        return refuse_fix(why, ERR_CONFIG, "chmod 700 the folder");
    }
    *descriptor_out = opened;
    opened = -1;
    return OK;
}

enum status state_init(const char *folder, int64_t now_s, struct refusal *why)
{
    CLEANUP(close_descriptor) int opened = -1;
    TRY(open_folder(folder, why, &opened));
    /* Two at once would make a machine of one authority beside the other. The lock goes with the descriptor. */
    if (flock(opened, LOCK_EX) != 0) return refuse(why, ERR_IO, folder, "a lock", "%s", strerror(errno));
    return fill(folder, now_s, why);
}
