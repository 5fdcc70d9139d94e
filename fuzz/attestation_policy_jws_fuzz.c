/* SPDX-License-Identifier: Apache-2.0
 * Hits body_jws_open, body_policy, body_certificate and body_of_certificates: bodies of management calls. The first
 * byte chooses: the body as it is, or a header and a payload (with a zero between them) that are encoded and, if the
 * header says so, signed by the key of the target's certificate, for which "@" stands in it. */
#include "attestation/management/body_jws.h"
#include "base/encoding.h"
#include "crypto/x509_issue.h"
#include "fuzz.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

enum { MADE_MAX_BYTES = 1 << 20 };

static struct key *key;
static struct buffer certificate; /* base64, as an x5c */

static void set_up(void)
{
    enum { NOT_BEFORE_S = 1600000000, NOT_AFTER_S = 2000000000 };
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    key = fixed_p256(7);
    const struct certificate_text text = {.subject = {.common_name = "signer"},
                                          .subject_key = key,
                                          .issuer_key = key,
                                          .not_before_s = NOT_BEFORE_S,
                                          .not_after_s = NOT_AFTER_S,
                                          .is_ca = true,
                                          .path_length = CERTIFICATE_NO_PATH_LIMIT};
    must(certificate_issue(&text, &der));
    certificate = buffer_of_maximum(MADE_MAX_BYTES);
    must(base64_encode(buffer_slice(&der), &certificate));
}

static void read_body(struct slice body)
{
    CLEANUP(body_jws_done) struct body_jws opened = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *added = NULL;
    struct refusal why = {};
    if (body_jws_open(body, &why, &opened) != OK) {
        if (why.field[0] == '\0') abort();
        return;
    }
    /* Who is told as signer signed it; nobody is told otherwise. */
    if (opened.is_signed != (opened.chain_count > 0) || opened.chain_count > CERTIFICATE_CHAIN_MAX_COUNT) abort();
    (void)!body_policy(&opened, &why, &text);
    (void)!body_certificate(&opened, &why, &added);
}

static void read_json(struct slice body)
{
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANAGEMENT_BODY_MAX_BYTES);
    struct refusal why = {};
    if (body_of_certificates(body, "policyCertificateToAdd", &why, &jws) == OK) read_body(buffer_slice(&jws));
}

static void write_header(struct slice header, struct buffer *made)
{
    for (size_t i = 0; i < header.size; i++) {
        if (header.bytes[i] != '@')
            must(buffer_append_u8(made, header.bytes[i]));
        else if (made->size < MADE_MAX_BYTES / 2)
            must(buffer_append(made, buffer_slice(&certificate)));
    }
}

static void read_made(struct slice parts)
{
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(MADE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(2 * MADE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(P256_SIGNATURE_BYTES);
    struct slice before, payload;
    if (!slice_split(parts, 0, &before, &payload)) return;
    write_header(before, &header);
    must(base64url_encode(buffer_slice(&header), &jws));
    must(buffer_append_u8(&jws, '.'));
    must(base64url_encode(payload, &jws));
    if (memmem(before.bytes, before.size, "ES256", 5) != NULL) must(key_sign(key, buffer_slice(&jws), &signature));
    must(buffer_append_u8(&jws, '.'));
    must(base64url_encode(buffer_slice(&signature), &jws));
    read_body(buffer_slice(&jws));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (key == NULL) set_up();
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    switch (bytes[0] % 3) {
    case 0: read_body(rest); break;
    case 1: read_json(rest); break;
    default: read_made(rest); break;
    }
    return 0;
}
