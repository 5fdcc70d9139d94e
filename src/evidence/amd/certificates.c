/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/certificates.h"

#include "crypto/hash.h"
#include "crypto/pem.h"

#include <stdio.h>

enum { COMMON_NAME_MAX_BYTES = 64 };

void given_done(struct given *given)
{
    certificate_list_done(&given->list);
}

/* ---- all of them ---- */

static enum status check_sizes(const struct snp_endorsements *endorsements, struct refusal *why)
{
    size_t size = 0;
    if (endorsements->certificate_count > CERTIFICATE_CHAIN_MAX_COUNT)
        return refuse(why, ERR_TOO_LARGE, "certificates", "at most 8", "%zu", endorsements->certificate_count);
    for (size_t i = 0; i < endorsements->certificate_count; i++) {
        const size_t next = endorsements->certificates[i].size;
        if (next > SNP_CERTIFICATES_MAX_BYTES - size)
            return refuse(why, ERR_TOO_LARGE, "certificates", "at most 65536 bytes", "more");
        size += next;
    }
    return OK;
}

static enum status read_into(struct slice text, struct certificate_list *list)
{
    CLEANUP(certificate_list_done) struct certificate_list read = {};
    if (pem_is_likely(text)) {
        TRY(certificate_list_from_pem(text, &read));
    } else {
        TRY(certificate_from_der(text, &read.items[0]));
        read.count = 1;
    }
    if (read.count > CERTIFICATE_CHAIN_MAX_COUNT - list->count) return ERR_TOO_LARGE;
    for (size_t i = 0; i < read.count; i++) list->items[list->count++] = certificate_share(read.items[i]);
    return OK;
}

static enum status read_all(const struct snp_endorsements *endorsements, struct refusal *why,
                            struct certificate_list *list)
{
    TRY(check_sizes(endorsements, why));
    for (size_t i = 0; i < endorsements->certificate_count; i++) {
        char field[REFUSAL_FIELD_BYTES];
        const enum status status = read_into(endorsements->certificates[i], list);
        (void)snprintf(field, sizeof(field), "certificates[%zu]", i);
        if (status != OK)
            return refuse(why, status, field, "at most 8 certificates in PEM or strict DER", "%s", status_text(status));
    }
    return OK;
}

/* ---- the endorsement key's ---- */

/* Under a simulated root, "Simulated" stands before AMD's names, so that neither passes for the other. */
static void write_name(bool is_simulated, const char *before, const char *name,
                       char text_out[static COMMON_NAME_MAX_BYTES])
{
    (void)snprintf(text_out, COMMON_NAME_MAX_BYTES, "%s%s%s%s", is_simulated ? "Simulated" : "",
                   is_simulated ? " " : "", before, name);
}

static bool is_called(const struct certificate *certificate, bool is_simulated, const char *name)
{
    char expected[COMMON_NAME_MAX_BYTES];
    write_name(is_simulated, "", name, expected);
    return slice_equal_text(slice_of_text(certificate_subject_common_name(certificate)), expected);
}

static const char *key_name(bool is_vlek)
{
    return is_vlek ? "SEV-VLEK" : "SEV-VCEK";
}

static bool is_key(const struct certificate *certificate, bool is_vlek)
{
    return is_called(certificate, false, key_name(is_vlek)) || is_called(certificate, true, key_name(is_vlek));
}

static enum status refuse_no_key(const struct given *given, bool is_vlek, struct refusal *why)
{
    for (size_t i = 0; i < given->list.count; i++) {
        if (is_key(given->list.items[i], !is_vlek))
            return refuse(why, ERR_SNP_KEY, "report.key_info.signing_key", is_vlek ? "0: VCEK" : "1: VLEK",
                          "%s, while the certificate given is of the other kind", is_vlek ? "1: VLEK" : "0: VCEK");
    }
    (void)refuse(why, ERR_COLLATERAL_MISSING, is_vlek ? "vlek" : "vcek", "the certificate of the key that signs",
                 "none among the certificates given");
    return refuse_fix(why, ERR_COLLATERAL_MISSING,
                      is_vlek ? "give the VLEK certificate, which the cloud hands its guests with the report"
                              : "give the VCEK certificate: AMD's key distribution service has it by chip id and TCB");
}

/* The same certificate twice is one. */
static enum status take_once(const struct certificate *certificate, const char *part, struct refusal *why,
                             const struct certificate **place)
{
    if (*place != NULL && !slice_equal(certificate_der(*place), certificate_der(certificate)))
        return refuse(why, ERR_CHAIN, part, "one certificate", "two different ones");
    *place = certificate;
    return OK;
}

static enum status find_key(struct given *given, bool is_vlek, struct refusal *why)
{
    const char *const part = is_vlek ? "vlek" : "vcek";
    for (size_t i = 0; i < given->list.count; i++) {
        if (is_key(given->list.items[i], is_vlek)) TRY(take_once(given->list.items[i], part, why, &given->leaf));
    }
    if (given->leaf == NULL) return refuse_no_key(given, is_vlek, why);
    given->is_simulated = is_called(given->leaf, true, key_name(is_vlek));
    return endorsement_key_read(given->leaf, is_vlek, part, why, &given->key);
}

/* ---- its authorities ---- */

static struct amd_name name_of(bool is_simulated, const char *before, enum snp_product product)
{
    char text[COMMON_NAME_MAX_BYTES];
    write_name(is_simulated, before, snp_product_name(product), text);
    return amd_name(text);
}

static enum status place_authority(const struct certificate *certificate, struct given *given, struct refusal *why)
{
    const struct slice name = certificate_subject_der(certificate);
    if (amd_name_is(&given->root_name, name)) return take_once(certificate, "ark", why, &given->root);
    if (amd_name_is(&given->issuer_name, name))
        return take_once(certificate, given->key.is_vlek ? "asvk" : "ask", why, &given->issuer);
    char expected[COMMON_NAME_MAX_BYTES];
    (void)snprintf(expected, sizeof(expected), "AMD's %s%s or ARK-%s", given->key.is_vlek ? "SEV-VLEK-" : "SEV-",
                   snp_product_name(given->key.product), snp_product_name(given->key.product));
    return refuse(why, ERR_CHAIN, "certificates.subject", expected, "%s", certificate_subject_common_name(certificate));
}

static enum status find_authorities(struct given *given, struct refusal *why)
{
    const enum snp_product product = given->key.product;
    given->root_name = name_of(given->is_simulated, "ARK-", product);
    given->issuer_name = name_of(given->is_simulated, given->key.is_vlek ? "SEV-VLEK-" : "SEV-", product);
    for (size_t i = 0; i < given->list.count; i++) {
        const struct certificate *const certificate = given->list.items[i];
        if (!is_key(certificate, false) && !is_key(certificate, true)) TRY(place_authority(certificate, given, why));
    }
    return OK;
}

enum status given_read(const struct snp_endorsements *endorsements, bool is_vlek, struct refusal *why,
                       struct given *given_out)
{
    CLEANUP(given_done) struct given given = {};
    TRY(read_all(endorsements, why, &given.list));
    TRY(find_key(&given, is_vlek, why));
    TRY(find_authorities(&given, why));
    *given_out = given;
    given = (struct given){};
    return OK;
}

enum status given_digest(const struct snp_endorsements *endorsements, bool is_vlek, struct refusal *why,
                         uint8_t digest_out[static 32])
{
    uint8_t sizes[CERTIFICATE_CHAIN_MAX_COUNT][4] = {};
    struct slice parts[CERTIFICATE_CHAIN_MAX_COUNT + 3];
    const uint8_t kind[] = {is_vlek ? 1 : 0, (uint8_t)endorsements->certificate_count};
    size_t count = 0;
    TRY(check_sizes(endorsements, why));
    parts[count++] = SLICE_ARRAY(kind);
    parts[count++] = SLICE_ARRAY(sizes);
    for (size_t i = 0; i < endorsements->certificate_count; i++) {
        const struct slice text = endorsements->certificates[i];
        for (size_t j = 0; j < sizeof(sizes[i]); j++) sizes[i][j] = (uint8_t)(text.size >> 8 * j);
        parts[count++] = text;
    }
    parts[count++] = endorsements->crl;
    return sha256_parts(parts, count, digest_out);
}
