/* SPDX-License-Identifier: Apache-2.0
 *
 * What certificates and revocation lists have in common (RFC 5280 sections 4.1 and 5.1): a signed SEQUENCE, names and
 * extensions. Private to src/crypto. Errors of the readers: those of crypto/der_read.h.
 */
#pragma once

#include "crypto/der_read.h"
#include "crypto/key.h"

struct signed_object {
    struct slice content;   /* the part that is signed, whole */
    struct slice algorithm; /* AlgorithmIdentifier, whole */
    struct slice signature;
};

/* Splits `der`, which must hold nothing else. */
enum status signed_object_parse(struct slice der, struct signed_object *object_out);

/* ecdsa-with-SHA256, sha256WithRSAEncryption, and RSASSA-PSS with SHA-384 throughout and 48 bytes of salt;
 * ERR_UNSUPPORTED for other algorithms and parameters. ERR_SIGNATURE if it does not verify, or if the key is of another
 * kind than the algorithm. */
enum status signed_object_verify(const struct signed_object *object, const struct key *issuer);

struct extension {
    struct slice oid;
    bool critical;
    struct slice value; /* content of the OCTET STRING */
};
enum status extension_read(struct reader *extensions, struct extension *extension_out);

/* A Name, whole; its form is checked. */
enum status name_read(struct reader *reader, struct slice *name_out);

/* The commonName in a Name that name_read has accepted; empty if there is none. ERR_ENCODING if there are two, or if it
 * is not text. */
enum status name_common_name(struct slice name, struct slice *text_out);
