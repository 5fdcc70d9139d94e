/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys by which a process asks back for what it needs (link/link.h): a few numbers that it has read from the
 * evidence, in a form of fixed sizes, so that the service, which reads them, parses no evidence itself.
 */
#pragma once

#include "base/buffer.h"
#include "feeds/collateral_source.h"
#include "feeds/endorsement_source.h"
#include "feeds/pck_source.h"

enum { NEED_KEY_MAX_BYTES = 512 };

/* Writers append. Readers are strict: ERR_TRUNCATED, ERR_TRAILING_BYTES, ERR_FIELD_VALUE. */

enum status need_collateral_write(const struct collateral_platform *platform, struct buffer *key);
enum status need_collateral_read(struct slice key, struct collateral_platform *platform_out);

enum status need_pck_write(const struct pck_request *request, struct buffer *key);
enum status need_pck_read(struct slice key, struct pck_request *request_out);

enum status need_endorsements_write(const struct endorsement_request *request, struct buffer *key);
enum status need_endorsements_read(struct slice key, struct endorsement_request *request_out);
