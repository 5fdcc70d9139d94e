/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/period.h"

#include "base/clock.h"

#include <stdio.h>

struct period period_of_certificate(const struct certificate *certificate, const char *part)
{
    return (struct period){.status = ERR_CERTIFICATE_EXPIRED,
                           .part = part,
                           .from_name = "notBefore",
                           .until_name = "notAfter",
                           .from_s = certificate_not_before_s(certificate),
                           .until_s = certificate_not_after_s(certificate) + 1}; /* RFC 5280: notAfter is inside */
}

struct period period_of_crl(const struct crl *crl, const char *part)
{
    return (struct period){.status = ERR_CRL_EXPIRED,
                           .part = part,
                           .from_name = "thisUpdate",
                           .until_name = "nextUpdate",
                           .from_s = crl_this_update_s(crl),
                           .until_s = crl_next_update_s(crl)};
}

struct period period_of_json(int64_t issued_s, int64_t next_update_s, const char *part)
{
    return (struct period){.status = ERR_COLLATERAL_EXPIRED,
                           .part = part,
                           .from_name = "issueDate",
                           .until_name = "nextUpdate",
                           .from_s = issued_s,
                           .until_s = next_update_s};
}

enum status period_check(const struct period *period, int64_t now_s, struct refusal *why)
{
    if (now_s >= period->from_s && now_s < period->until_s) return OK;
    const bool is_early = now_s < period->from_s;
    char field[REFUSAL_FIELD_BYTES], expected[80];
    (void)snprintf(field, sizeof(field), "%s.%s", period->part, is_early ? period->from_name : period->until_name);
    (void)snprintf(expected, sizeof(expected), "%s %s", is_early ? "not after" : "later than",
                   time_iso8601(now_s).text);
    (void)refuse(why, period->status, field, expected, "%s",
                 time_iso8601(is_early ? period->from_s : period->until_s).text);
    return refuse_fix(why, period->status,
                      period->status == ERR_CERTIFICATE_EXPIRED
                          ? "use evidence whose certificates are valid at this time"
                      : is_early ? "use collateral that was already issued at this time, or mend the clock"
                                 : "fetch current collateral");
}
