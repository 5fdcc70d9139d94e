/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding of strangers' pictures in contained processes: each picture gets a process of its own, without files,
 * sockets or threads, limited in memory and time, that ends when its picture is done. What comes back is checked again
 * here.
 */
#pragma once

#include "imaging/decode.h"

enum { DECODER_MEMORY_BYTES = 768 * 1024 * 1024, DECODER_CPU_SECONDS = 20, DECODER_TIMEOUT_MS = 30000 };

struct decoder; /* thread-safe; several pictures may be decoded at once */

/* Call before any thread is started: it forks. ERR_IO, ERR_UNSUPPORTED (no sandbox on this machine). */
enum status decoder_start(struct refusal *why, struct decoder **decoder_out);
void decoder_stop(struct decoder *decoder);

/* As image_decode, and: ERR_CHILD_DIED if two processes in turn died of this picture (the next one gets another),
 * ERR_TIMEOUT, ERR_IO if there is no process to be had. */
enum status decoder_decode(struct decoder *decoder, struct slice file, struct refusal *why, struct film *film_out);
