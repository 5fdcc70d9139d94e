/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chain_report.h"

#include <stdio.h>

void chain_report_print(const struct chain_report *report)
{
    for (size_t i = 0; i < report->hop_count; i++) {
        const struct hop_report *const hop = &report->hops[i];
        (void)printf("  %-10s %-12s%s\n", hop->service,
                     hop->is_accepted      ? "verified"
                     : hop->is_unreachable ? "away"
                                           : "REFUSED",
                     hop->is_simulated ? " (simulated TEE: the machine's owner could read what is entered)" : "");
        if (hop->measurement[0] != '\0')
            (void)printf("             measurement %.16s..., token %lld s old\n", hop->measurement,
                         (long long)hop->token_age_s);
        (void)printf("             %s\n", hop->reason);
    }
    (void)printf("chain: %s\n", report->is_accepted ? "accepted" : "REFUSED; nothing is sent");
}

void chain_report_print_json(const struct chain_report *report)
{
    CLEANUP(json_done) json_t *hops = json_array();
    for (size_t i = 0; i < report->hop_count; i++) {
        const struct hop_report *const hop = &report->hops[i];
        (void)json_array_append_new(hops, json_pack("{s:s, s:s, s:s, s:s, s:b}", "service", hop->service, "verdict",
                                                    hop->is_accepted      ? "accepted"
                                                    : hop->is_unreachable ? "unreachable"
                                                                          : "refused",
                                                    "reason", hop->reason, "measurement", hop->measurement, "simulated",
                                                    hop->is_simulated));
    }
    CLEANUP(json_done)
    json_t *all = json_pack("{s:b, s:O, s:I}", "accepted", report->is_accepted, "hops", hops, "manifest_version",
                            (json_int_t)report->manifest_version);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(HOSPITAL_BODY_MAX_BYTES);
    if (json_write(all, &text) == OK) (void)printf("%.*s\n", (int)text.size, (const char *)text.bytes);
}
