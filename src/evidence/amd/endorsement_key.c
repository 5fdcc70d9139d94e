/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/endorsement_key.h"

#include "crypto/der_read.h"

#include <stdio.h>
#include <string.h>

#define AMD_OID "1.3.6.1.4.1.3704.1"

enum { STRUCT_VERSION_MAX = 1, IA5_STRING = 0x16 };

/* Which certificate is read, for refusals. */
struct source {
    const struct certificate *certificate;
    const char *part;
    struct refusal *why;
};

static enum status refuse_value(const struct source *source, const char *name, const char *expected, struct slice seen)
{
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "%s.%s", source->part, name);
    return refuse(source->why, ERR_CERTIFICATE_MALFORMED, field, expected, "%s",
                  seen.size == 0 ? "nothing" : refusal_hex(seen).text);
}

/* Empty if the certificate has none. */
static struct slice find(const struct source *source, const char *suffix)
{
    char oid[64];
    struct slice value = {};
    (void)snprintf(oid, sizeof(oid), "%s.%s", AMD_OID, suffix);
    (void)!certificate_extension(source->certificate, oid, &value);
    return value;
}

static bool is_number(struct slice value, uint32_t maximum, uint32_t *number_out)
{
    struct reader reader = reader_over(value);
    return der_number(&reader, DER_TAG_INTEGER, maximum, number_out) == OK && reader_end(&reader) == OK;
}

/* The text of an IA5String, printable ASCII; empty if the value is none, or more than one. */
static struct slice text_of(struct slice value)
{
    struct reader reader = reader_over(value);
    struct slice text = {};
    uint8_t c;
    (void)!der_content(&reader, IA5_STRING, &text);
    if (reader_left(&reader) > 0) return (struct slice){};
    for (struct reader rest = reader_over(text); reader_u8(&rest, &c) == OK;) {
        if (c < ' ' || c > '~') return (struct slice){};
    }
    return text;
}

static enum status check_struct_version(const struct source *source)
{
    uint32_t version;
    const struct slice value = find(source, "1");
    if (is_number(value, STRUCT_VERSION_MAX, &version)) return OK;
    return refuse_value(source, "structVersion", "an INTEGER, 0 or 1", value);
}

static enum status read_product(const struct source *source, struct endorsement_key *key)
{
    const struct slice value = find(source, "2");
    if (product_of_name(text_of(value), &key->product)) return OK;
    return refuse_value(source, "productName", "an IA5String that names Milan, Genoa or Turin", value);
}

static enum status read_tcb(const struct source *source, struct endorsement_key *key)
{
    const struct tcb_part *const parts = tcb_parts(key->product);
    for (size_t i = 0; i < SNP_TCB_BYTES; i++) {
        char suffix[8];
        uint32_t number;
        (void)snprintf(suffix, sizeof(suffix), "3.%u", parts[i].arc);
        const struct slice value = find(source, suffix);
        if (!is_number(value, UINT8_MAX, &number))
            return refuse_value(source, parts[i].name, "an INTEGER from 0 to 255", value);
        key->tcb[i] = (uint8_t)number;
    }
    return OK;
}

/* The id stands in the extension as it is, without a DER tag. */
static enum status read_chip_id(const struct source *source, struct endorsement_key *key)
{
    const struct slice id = find(source, "4");
    char expected[48];
    (void)snprintf(expected, sizeof(expected), "%zu bytes, not all zero", chip_id_bytes(key->product));
    if (id.size != chip_id_bytes(key->product) || slice_is_zero(id)) return refuse_value(source, "hwID", expected, id);
    memcpy(key->chip_id, id.bytes, id.size);
    return OK;
}

static enum status read_csp_id(const struct source *source, struct endorsement_key *key)
{
    const struct slice value = find(source, "5"), text = text_of(value);
    if (text.size == 0 || text.size > SNP_CSP_ID_MAX_BYTES)
        return refuse_value(source, "cspID", "an IA5String of 1 to 64 characters", value);
    memcpy(key->csp_id, text.bytes, text.size);
    return OK;
}

/* What marks the other kind of key must not be there: it would be a certificate for something else. */
static enum status check_absent(const struct source *source, const char *suffix, const char *name)
{
    const struct slice value = find(source, suffix);
    return value.size == 0 ? OK : refuse_value(source, name, "none in a certificate of this kind", value);
}

enum status endorsement_key_read(const struct certificate *certificate, bool is_vlek, const char *part,
                                 struct refusal *why, struct endorsement_key *key_out)
{
    const struct source source = {certificate, part, why};
    struct endorsement_key key = {.is_vlek = is_vlek};
    TRY(check_struct_version(&source));
    TRY(read_product(&source, &key));
    TRY(read_tcb(&source, &key));
    TRY(is_vlek ? check_absent(&source, "4", "hwID") : check_absent(&source, "5", "cspID"));
    TRY(is_vlek ? read_csp_id(&source, &key) : read_chip_id(&source, &key));
    *key_out = key;
    return OK;
}
