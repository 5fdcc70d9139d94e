/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside src/inference: the library's function table, for runtime.c and session.c alone.
 */
#pragma once

#include "inference/runtime.h"

#include <assert.h>
#include <onnxruntime_c_api.h>
#include <stddef.h>

/* The header is newer than the library. Version 20 of the table ends with SetEpDynamicOptions; a later member would
 * compile and call past the table's end. */
enum { RUNTIME_API_VERSION = 20, RUNTIME_API_LAST = offsetof(OrtApi, SetEpDynamicOptions) };

#define RUNTIME_CALL(runtime, member)                                                                                  \
    ((void)sizeof(struct {                                                                                             \
         static_assert(offsetof(OrtApi, member) <= RUNTIME_API_LAST, #member " is newer than version 20");             \
         char unused;                                                                                                  \
     }),                                                                                                               \
     (runtime)->api->member)

struct runtime {
    void *library;
    const OrtApiBase *base;
    const OrtApi *api;
    OrtEnv *environment;
};

/* Turns the library's status into ours and releases it: OK for NULL, otherwise `failure` with the library's words. */
enum status runtime_check(const struct runtime *runtime, OrtStatusPtr result, enum status failure, const char *field,
                          struct refusal *why);
