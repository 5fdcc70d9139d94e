/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/runtime.h"

#include "base/file.h"
#include "crypto/hash.h"
#include "inference/runtime_api.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static enum status check_digest(const char *path, struct slice bytes, const uint8_t sha256_wanted[static SHA256_BYTES],
                                struct refusal *why)
{
    uint8_t digest[SHA256_BYTES];
    TRY(sha256(bytes, digest));
    if (slice_equal(SLICE_ARRAY(digest), slice_of(sha256_wanted, SHA256_BYTES))) return OK;
    const struct refusal_hex wanted = refusal_hex(slice_of(sha256_wanted, SHA256_BYTES));
    (void)refuse(why, ERR_MODEL_DIGEST, path, wanted.text, "%s", refusal_hex(SLICE_ARRAY(digest)).text);
    return refuse_fix(why, ERR_MODEL_DIGEST, "put back the file that this program was built for, or build it anew");
}

static enum status write_all(int file, struct slice bytes)
{
    while (bytes.size > 0) {
        const ssize_t put = write(file, bytes.bytes, bytes.size);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return ERR_IO;
        bytes = slice_of(bytes.bytes + put, bytes.size - (size_t)put);
    }
    return OK;
}

/* Nobody can change the file after this, not even this process. */
static enum status seal(int file)
{
    const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    return fcntl(file, F_ADD_SEALS, seals) == 0 ? OK : ERR_IO;
}

enum status runtime_image_open(const char *path, const uint8_t sha256_wanted[static RUNTIME_DIGEST_BYTES],
                               struct refusal *why, int *descriptor_out)
{
    if (path[0] != '/') return refuse(why, ERR_CONFIG, "runtime", "an absolute path", "%s", path);
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(RUNTIME_FILE_MAX_BYTES);
    TRY(file_read(path, why, &bytes));
    TRY(check_digest(path, buffer_slice(&bytes), sha256_wanted, why));
    const int image = memfd_create("onnxruntime", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (image < 0) return refuse(why, ERR_IO, "memfd_create", "a file in memory", "%s", strerror(errno));
    if (write_all(image, buffer_slice(&bytes)) != OK || seal(image) != OK) {
        const enum status status = refuse(why, ERR_IO, "memfd", "a sealed file in memory", "%s", strerror(errno));
        (void)close(image);
        return status;
    }
    *descriptor_out = image;
    return OK;
}

enum status runtime_check(const struct runtime *runtime, OrtStatusPtr result, enum status failure, const char *field,
                          struct refusal *why)
{
    if (result == NULL) return OK;
    (void)refuse(why, failure, field, "a call that succeeds", "%s", RUNTIME_CALL(runtime, GetErrorMessage)(result));
    RUNTIME_CALL(runtime, ReleaseStatus)(result);
    return failure;
}

static enum status open_library(struct runtime *runtime, int image, struct refusal *why)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
    runtime->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (runtime->library == NULL) return refuse(why, ERR_INFERENCE, "runtime", "a library that loads", "%s", dlerror());
    const OrtApiBase *(*get_base)(void) = NULL;
    void *const symbol = dlsym(runtime->library, "OrtGetApiBase");
    memcpy(&get_base, &symbol, sizeof(get_base)); /* ISO C has no cast from an object to a function pointer */
    if (get_base == NULL) return refuse(why, ERR_INFERENCE, "runtime", "OrtGetApiBase", "no such symbol");
    runtime->base = get_base();
    runtime->api = runtime->base->GetApi(RUNTIME_API_VERSION);
    if (runtime->api == NULL)
        return refuse(why, ERR_INFERENCE, "runtime", "API version 20", "%s", runtime->base->GetVersionString());
    return OK;
}

static enum status make_environment(struct runtime *runtime, struct refusal *why)
{
    /* Fatal messages only: others may quote what a picture led to. */
    TRY(runtime_check(runtime,
                      RUNTIME_CALL(runtime, CreateEnv)(ORT_LOGGING_LEVEL_FATAL, "lazaret", &runtime->environment),
                      ERR_INFERENCE, "runtime.environment", why));
    return runtime_check(runtime, RUNTIME_CALL(runtime, DisableTelemetryEvents)(runtime->environment), ERR_INFERENCE,
                         "runtime.telemetry", why);
}

enum status runtime_load(int image, struct refusal *why, struct runtime **runtime_out)
{
    CLEANUP(runtime_cleanup) struct runtime *runtime = calloc(1, sizeof(*runtime));
    if (runtime == NULL) return ERR_NO_MEMORY;
    if (setenv("ORT_DISABLE_TELEMETRY", "1", 1) != 0) return ERR_NO_MEMORY;
    TRY(open_library(runtime, image, why));
    TRY(make_environment(runtime, why));
    *runtime_out = runtime;
    runtime = NULL;
    return OK;
}

void runtime_free(struct runtime *runtime)
{
    if (runtime == NULL) return;
    if (runtime->environment != NULL) RUNTIME_CALL(runtime, ReleaseEnv)(runtime->environment);
    /* The library stays loaded: its threads and thread-local destructors may outlive the environment. */
    free(runtime);
}

void runtime_cleanup(struct runtime **runtime)
{
    runtime_free(*runtime);
    *runtime = NULL;
}

const char *runtime_version(const struct runtime *runtime)
{
    return runtime->base->GetVersionString();
}
