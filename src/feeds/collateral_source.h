/* SPDX-License-Identifier: Apache-2.0
 *
 * Where collateral comes from: a folder, or a service that speaks Intel's PCS protocol, version 4 (PCS itself, a PCCS,
 * lazaret-softtee serve). A source only brings bytes; what they are worth is for evidence verification to say.
 */
#pragma once

#include "feeds/collateral_files.h"
#include "http/client.h"

enum { PLATFORM_CA_MAX_BYTES = 15 };

/* Which collateral: the FMSPC of the platform and the CA ("processor" or "platform") of its PCK certificate. */
struct collateral_platform {
    uint8_t fmspc[6];
    char ca[PLATFORM_CA_MAX_BYTES + 1];
};

/* "4c5a52540001-platform": the name of the platform's folder. */
struct collateral_platform_name {
    char text[12 + 1 + PLATFORM_CA_MAX_BYTES + 1];
};
struct collateral_platform_name collateral_platform_name(const struct collateral_platform *platform);

/* Brings one platform's texts. May wait. ERR_NOT_FOUND if the source knows no such platform; ERR_IO, ERR_CONNECT,
 * ERR_TIMEOUT, ERR_HTTP_STATUS, ERR_HTTP_MALFORMED, ERR_TOO_LARGE. */
typedef enum status collateral_fetch(void *context, const struct collateral_platform *platform, struct refusal *why,
                                     struct collateral_files *files_out);

/* A collateral_fetch from a folder, whose path is the context: its sub-folder for the platform, or the folder itself.
 */
enum status collateral_fetch_folder(void *path, const struct collateral_platform *platform, struct refusal *why,
                                    struct collateral_files *files_out);

/* A collateral_fetch over HTTP. Intel publishes the root CA's list at another host; a PCCS at "rootcacrl" beside the
 * rest. */
struct collateral_service {
    struct http_client *client;
    struct http_client *root_crl_client; /* NULL: `client` */
    const char *root_crl_path;           /* NULL: /sgx/certification/v4/rootcacrl */
};
enum status collateral_fetch_service(void *service, const struct collateral_platform *platform, struct refusal *why,
                                     struct collateral_files *files_out);

/* The parts of the protocol that have a form, for tests and fuzzing. Percent-decodes an issuer chain header; '+' stands
 * for itself. ERR_HTTP_MALFORMED. Revocation lists come as DER, as PEM, or as hexadecimal DER from older PCCS: the last
 * becomes DER, the others stay. ERR_ENCODING. */
enum status collateral_chain_decode(struct slice header, struct buffer *pem);
enum status collateral_crl_decode(struct slice body, struct buffer *crl);
