/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/key_evidence.h"

#include "base/encoding.h"
#include "crypto/der_read.h"
#include "crypto/hash.h"
#include "evidence/intel.h"

enum { PUBLIC_KEY_MAX_BYTES = 4096, PEM_LINE = 64, OID_COUNT = 5 };

/* In the order in which they are looked for. */
static const char *const oids[OID_COUNT] = {"1.3.6.1.4.1.311.105.1", "1.2.840.113556.10.1.1", "1.3.6.1.4.1.311.105.2",
                                            "1.2.840.113556.10.1.2", "2.25.255985462217562341571262384637716423731"};

/* ---- the certificate (RFC 5280 section 4.1) ---- */

static enum status enter_body(struct slice certificate, struct reader *body_out)
{
    struct reader whole = reader_over(certificate), outer;
    TRY(der_enter(&whole, DER_TAG_SEQUENCE, &outer));
    TRY(reader_end(&whole));
    return der_enter(&outer, DER_TAG_SEQUENCE, body_out);
}

/* Version, number, algorithm, issuer, dates and subject stand before the key; old ids may stand behind it. */
static enum status read_body(struct slice certificate, struct slice *public_key_out, struct reader *extensions_out)
{
    enum { BEFORE_KEY = 6 };
    struct reader body, extensions;
    struct der_value value;
    TRY(enter_body(certificate, &body));
    for (int i = 0; i < BEFORE_KEY; i++) TRY(der_read(&body, &value));
    TRY(der_whole(&body, DER_TAG_SEQUENCE, public_key_out));
    while (reader_left(&body) > 0 && !der_is_next(&body, der_context_tag(3))) TRY(der_read(&body, &value));
    *extensions_out = reader_over((struct slice){});
    if (reader_left(&body) == 0) return OK;
    TRY(der_enter(&body, der_context_tag(3), &extensions));
    return der_enter(&extensions, DER_TAG_SEQUENCE, extensions_out);
}

static enum status next_extension(struct reader *extensions, struct slice *oid_out, struct slice *content_out)
{
    struct reader extension;
    bool critical;
    TRY(der_enter(extensions, DER_TAG_SEQUENCE, &extension));
    TRY(der_content(&extension, DER_TAG_OID, oid_out));
    if (der_is_next(&extension, DER_TAG_BOOLEAN)) TRY(der_boolean(&extension, &critical));
    TRY(der_content(&extension, DER_TAG_OCTET_STRING, content_out));
    return reader_end(&extension);
}

/* Of each kind the content, or empty. */
static enum status find_contents(struct reader extensions, struct slice contents[static OID_COUNT])
{
    while (reader_left(&extensions) > 0) {
        struct slice kind, content;
        TRY(next_extension(&extensions, &kind, &content));
        for (int i = 0; i < OID_COUNT; i++) {
            struct oid oid;
            TRY(oid_from_text(oids[i], &oid));
            if (slice_equal(kind, slice_of(oid.bytes, oid.size))) contents[i] = content;
        }
    }
    return OK;
}

/* ---- the quote ---- */

static bool is_number(struct slice content)
{
    struct reader reader = reader_over(content);
    uint32_t number;
    return der_number(&reader, DER_TAG_INTEGER, UINT32_MAX, &number) == OK && reader_end(&reader) == OK;
}

/* A quote begins with its version, 3 to 5 in little endian, an Open Enclave header likewise: neither is a whole OCTET
 * STRING. */
static struct slice without_octet_string(struct slice content)
{
    struct reader reader = reader_over(content);
    struct slice inner;
    return der_content(&reader, DER_TAG_OCTET_STRING, &inner) == OK && reader_end(&reader) == OK ? inner : content;
}

static enum status find_quote(const struct slice contents[static OID_COUNT], struct refusal *why,
                              struct slice *quote_out)
{
    for (int i = 0; i < OID_COUNT; i++) {
        struct oe_evidence evidence;
        if (contents[i].size == 0 || is_number(contents[i])) continue;
        TRY(oe_evidence_open(without_octet_string(contents[i]), why, &evidence));
        *quote_out = evidence.quote;
        return OK;
    }
    return refuse(why, ERR_FIELD_MISSING, "certificate", "the service's own quote in an extension", "none");
}

enum status key_evidence_read(struct slice certificate, struct refusal *why, struct key_evidence *evidence_out)
{
    struct key_evidence evidence = {};
    struct slice contents[OID_COUNT] = {};
    struct reader extensions;
    if (read_body(certificate, &evidence.public_key, &extensions) != OK || find_contents(extensions, contents) != OK)
        return refuse(why, ERR_CERTIFICATE_MALFORMED, "certificate", "a certificate", "something else");
    TRY(find_quote(contents, why, &evidence.quote));
    *evidence_out = evidence;
    return OK;
}

/* ---- the binding ---- */

static enum status append_pem(struct slice public_key, struct buffer *pem)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(PUBLIC_KEY_MAX_BYTES * 2);
    TRY(base64_encode(public_key, &text));
    TRY(buffer_append_text(pem, "-----BEGIN PUBLIC KEY-----\n"));
    for (size_t at = 0; at < text.size; at += PEM_LINE) {
        TRY(buffer_append(pem, slice_part(buffer_slice(&text), at, PEM_LINE)));
        TRY(buffer_append_text(pem, "\n"));
    }
    return buffer_append_text(pem, "-----END PUBLIC KEY-----\n");
}

enum status key_evidence_check(const struct key_evidence *evidence, const uint8_t report_data[static 64],
                               struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(PUBLIC_KEY_MAX_BYTES * 2);
    uint8_t expected[64] = {};
    TRY(append_pem(evidence->public_key, &pem));
    TRY(buffer_append_u8(&pem, 0));
    TRY(sha256(buffer_slice(&pem), expected));
    if (slice_equal(SLICE_ARRAY(expected), slice_of(report_data, sizeof(expected)))) return OK;
    return refuse(why, ERR_REPORT_DATA, "quote.report_data", refusal_hex(SLICE_ARRAY(expected)).text, "%s",
                  refusal_hex(slice_of(report_data, sizeof(expected))).text);
}
