/* SPDX-License-Identifier: Apache-2.0
 *
 * A master key on its way to an attested enclave: from the hospital's recovery key (recovery) or from the platform that
 * holds the records (hand-over). Pure but for random numbers.
 *
 * JSON {"key": T of the recipient's HPKE key, "encapsulated": B64U, "sealed": B64U}: HPKE (X25519, HKDF-SHA256,
 * AES-256-GCM) with the purpose and the deployment as info. A recovery is in HPKE's auth mode with the recovery key as
 * author: the platform must know that the hospital sent it. A check against the key file would not do, because that
 * file is the host's: it could put a file of its own beside a key of its own, and read all that is written from then
 * on.
 */
#pragma once

#include "base/json.h"
#include "base/secret.h"
#include "crypto/key.h"

enum { KEY_PARCEL_MAX_BYTES = 1024 };

#define KEY_PARCEL_RECOVERY "lazaret-recovery/1 "
#define KEY_PARCEL_HAND_OVER "lazaret-hand-over/1 "

struct key_parcel_route {
    const char *purpose;
    struct slice deployment;     /* thumbprint of the deployment key */
    const struct key *recipient; /* the enclave's HPKE key; private to open */
    const struct key *author;    /* the recovery key, private to seal; NULL: nobody proves to have sent it */
};

/* ERR_KEY_INVALID for keys of another kind, or a master key of another size. */
enum status key_parcel_seal(const struct key_parcel_route *route, struct slice master, json_t **parcel_out);

/* ERR_FIELD_... for another form, ERR_OHTTP_KEY if it is for another key, ERR_AUTHENTICATION if it does not open: of
 * another author, deployment or purpose, or altered. */
enum status key_parcel_open(const struct key_parcel_route *route, const json_t *parcel, struct refusal *why,
                            struct secret *master_out);
