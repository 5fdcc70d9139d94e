/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the collateral of Intel's platforms comes from: a folder, or a service that speaks Intel's PCS protocol,
 * version 3 or 4 (PCS itself, a PCCS, lazaret-softtee serve). A source only brings bytes; what they are worth is for
 * evidence verification to say.
 */
#pragma once

#include "feeds/collateral_files.h"
#include "feeds/source_answer.h"

enum { PLATFORM_CA_MAX_BYTES = 15, PCS_VERSION_3 = 3, PCS_VERSION_4 = 4 };

/* Which collateral: for quotes of which kind, the FMSPC of the platform and the CA ("processor" or "platform") of its
 * PCK certificate. */
struct collateral_platform {
    uint8_t fmspc[6];
    char ca[PLATFORM_CA_MAX_BYTES + 1];
    enum intel_tee tee;
};

/* "4c5a52540001-platform", "tdx-4c5a52540001-platform": the name of the platform's folder. */
struct collateral_platform_name {
    char text[4 + 12 + 1 + PLATFORM_CA_MAX_BYTES + 1];
};
struct collateral_platform_name collateral_platform_name(const struct collateral_platform *platform);

/* Which evaluation of the TCB: the one that is enforced (all zero), the coming one, or one by its number. */
struct collateral_set {
    bool is_early;
    int64_t evaluation; /* tcbEvaluationDataNumber; 0: whatever the set has. Not together with `is_early` */
};

/* Brings one platform's texts. May wait. ERR_NOT_FOUND if the source knows no such platform; ERR_IO, ERR_CONNECT,
 * ERR_TIMEOUT, ERR_HTTP_STATUS, ERR_HTTP_MALFORMED, ERR_TOO_LARGE, ERR_CONFIG. `hint` is zero at the call, and says
 * what the source said of further calls. */
typedef enum status collateral_fetch(void *context, const struct collateral_platform *platform, struct refusal *why,
                                     struct pacing_hint *hint, struct collateral_files *files_out);

/* A collateral_fetch from a folder, whose path is the context: its sub-folder for the platform, or the folder itself.
 */
enum status collateral_fetch_folder(void *path, const struct collateral_platform *platform, struct refusal *why,
                                    struct pacing_hint *hint, struct collateral_files *files_out);

/* A collateral_fetch over HTTP. Intel publishes the root CA's list at another host; a PCCS at "rootcacrl" beside the
 * rest. TDX came with version 4. */
struct collateral_service {
    struct http_client *client;
    struct http_client *root_crl_client; /* NULL: `client` */
    const char *root_crl_path;           /* NULL: rootcacrl */
    unsigned version;                    /* 0: PCS_VERSION_4 */
    struct collateral_set set;
};
enum status collateral_fetch_service(void *service, const struct collateral_platform *platform, struct refusal *why,
                                     struct pacing_hint *hint, struct collateral_files *files_out);

/* Whether what came is of the platform, and has the number, if it is one that was asked for. ERR_COLLATERAL_MISMATCH.
 */
enum status collateral_check_platform(const struct collateral_platform *platform, const struct collateral_facts *facts,
                                      struct refusal *why);
enum status collateral_check_set(const struct collateral_set *set, const struct collateral_facts *facts,
                                 struct refusal *why);
