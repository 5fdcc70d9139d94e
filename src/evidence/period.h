/* SPDX-License-Identifier: Apache-2.0
 *
 * When a part of the evidence is valid. Kept apart from what can be checked once, so that a kept certificate or list is
 * held to the clock on every use.
 */
#pragma once

#include "base/refusal.h"
#include "crypto/x509.h"

struct period {
    enum status status;                 /* what being outside of it is called */
    const char *part;                   /* "pck_crl"; a literal */
    const char *from_name, *until_name; /* "thisUpdate", "nextUpdate"; literals */
    int64_t from_s;                     /* first second of validity */
    int64_t until_s;                    /* first second after it */
};

struct period period_of_certificate(const struct certificate *certificate, const char *part);
struct period period_of_crl(const struct crl *crl, const char *part);
struct period period_of_json(int64_t issued_s, int64_t next_update_s, const char *part);

/* The refusal names the bound that `now_s` lies beyond, such as "pck_crl.nextUpdate". */
enum status period_check(const struct period *period, int64_t now_s, struct refusal *why);
