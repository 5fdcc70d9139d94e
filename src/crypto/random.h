/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/secret.h"

/* Bytes from the crypto library's generator, seeded by the kernel. ERR_CRYPTO. */
enum status random_bytes(size_t size, uint8_t *bytes_out);
enum status random_secret(size_t size, struct secret *secret_out);

/* 128 random bits as 22 base64url characters and a NUL: record ids, session ids, jti. */
struct random_id {
    char text[23];
};
enum status random_id(struct random_id *id_out);
