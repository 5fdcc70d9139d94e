/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operation is measured against: the signatures that it verifies or makes itself, done by OpenSSL alone with
 * keys made beforehand. Which those are is counted while it runs (the linker puts a counter before EVP_PKEY_verify and
 * EVP_PKEY_sign), not claimed.
 */
#pragma once

#include <stddef.h>

enum signature_kind { VERIFY_P256, VERIFY_P384, VERIFY_RSA_4096, SIGN_RSA_2048, SIGNATURE_KIND_COUNT };

/* So many of each kind. */
struct signatures {
    unsigned count[SIGNATURE_KIND_COUNT];
};

void limit_set_up(void);

/* Between the two calls this thread's signatures are counted. */
void limit_count_begin(void);
struct signatures limit_count_end(void);

void limit_run(const struct signatures *signatures);

/* "2 P-256" */
void limit_describe(const struct signatures *signatures, char *text_out, size_t size);
