/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/chain.h"

#include "crypto/pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Intel SGX Root CA. The root was issued twice over this key, so the key is pinned and not a certificate. */
static const uint8_t intel_root_point[P256_POINT_BYTES] = {
    0x0b, 0xa9, 0xc4, 0xc0, 0xc0, 0xc8, 0x61, 0x93, 0xa3, 0xfe, 0x23, 0xd6, 0xb0, 0x2c, 0xda, 0x10,
    0xa8, 0xbb, 0xd4, 0xe8, 0x8e, 0x48, 0xb4, 0x45, 0x85, 0x61, 0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5,
    0x67, 0x91, 0x8e, 0x2e, 0xdc, 0x88, 0xe4, 0x0d, 0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac,
    0xc9, 0x88, 0xe5, 0x05, 0xa9, 0x53, 0x55, 0x8c, 0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94,
};

/* ---- the root ---- */

static bool is_intel(const struct anchor *anchor)
{
    return slice_equal(SLICE_ARRAY(anchor->point), SLICE_ARRAY(intel_root_point));
}

static bool is_named_simulated([[maybe_unused]] const struct anchor *anchor,
                               [[maybe_unused]] const struct trust_roots *roots)
{
#ifdef LAZARET_SIMULATION
    for (size_t i = 0; roots != NULL && i < roots->simulated_count; i++) {
        if (key_equal(roots->simulated[i], anchor->key)) return true;
    }
#endif
    return false;
}

bool anchor_is_accepted(const struct anchor *anchor, const struct trust_roots *roots)
{
    if (!is_intel(anchor)) return anchor->is_simulated && is_named_simulated(anchor, roots);
    return !anchor->is_simulated && (roots == NULL || !roots->simulated_only);
}

bool anchor_equal(const struct anchor *a, const struct anchor *b)
{
    return a->is_simulated == b->is_simulated && slice_equal(SLICE_ARRAY(a->point), SLICE_ARRAY(b->point));
}

/* ---- refusals that name a certificate and a field of it ---- */

struct field {
    char text[REFUSAL_FIELD_BYTES];
};

static struct field field_of(const char *part, const char *name)
{
    struct field field;
    (void)snprintf(field.text, sizeof(field.text), "%s.%s", part, name);
    return field;
}

static enum status refuse_chain(struct refusal *why, const char *part, const char *name, const char *expected,
                                const char *seen)
{
    return refuse(why, ERR_CHAIN, field_of(part, name).text, expected, "%s", seen);
}

static enum status refuse_parse(struct refusal *why, enum status status, const char *part)
{
    if (status == OK) return OK;
    return refuse(why, status, part, "certificates in PEM, strict DER inside", "%s", status_text(status));
}

/* ---- what a certificate in a role must be ---- */

/* Under a simulated root, "Simulated" stands where Intel's name does, so that neither passes for the other. */
static bool is_name(struct slice name, bool is_simulated, const char *rest)
{
    char expected[CERTIFICATE_NAME_MAX_BYTES];
    (void)snprintf(expected, sizeof(expected), "%s SGX %s", is_simulated ? "Simulated" : "Intel", rest);
    return slice_equal_text(name, expected);
}

static enum status check_name(const struct certificate *certificate, enum certificate_role role, bool is_simulated,
                              const char *part, struct refusal *why)
{
    static const char *const names[][2] = {
        [ROLE_ROOT_CA] = {"Root CA", "Root CA"},
        [ROLE_PCK_CA] = {"PCK Platform CA", "PCK Processor CA"},
        [ROLE_PCK_CERTIFICATE] = {"PCK Certificate", "PCK Certificate"},
        [ROLE_TCB_SIGNING] = {"TCB Signing", "TCB Signing"},
    };
    const struct slice name = slice_of_text(certificate_subject_common_name(certificate));
    if (is_name(name, is_simulated, names[role][0]) || is_name(name, is_simulated, names[role][1])) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%s SGX %s", is_simulated ? "Simulated" : "Intel", names[role][0]);
    return refuse_chain(why, part, "subject.commonName", expected, certificate_subject_common_name(certificate));
}

static enum status check_ca(const struct certificate *certificate, enum certificate_role role, const char *part,
                            struct refusal *why)
{
    const int path_length = certificate_path_length(certificate);
    if (!certificate_is_ca(certificate))
        return refuse_chain(why, part, "basicConstraints", "a certificate authority", "another certificate");
    if (role == ROLE_ROOT_CA && path_length == 0)
        return refuse_chain(why, part, "basicConstraints.pathLenConstraint", "at least 1", "0");
    if (!certificate_may_sign_certificates(certificate) || !certificate_may_sign_crls(certificate))
        return refuse_chain(why, part, "keyUsage", "keyCertSign and cRLSign", "another usage");
    return OK;
}

static enum status check_end_entity(const struct certificate *certificate, const char *part, struct refusal *why)
{
    if (certificate_is_ca(certificate))
        return refuse_chain(why, part, "basicConstraints", "no certificate authority", "one");
    if (!certificate_may_sign_data(certificate))
        return refuse_chain(why, part, "keyUsage", "digitalSignature", "another usage");
    return OK;
}

static enum status check_role(const struct certificate *certificate, enum certificate_role role, bool is_simulated,
                              const char *part, struct refusal *why)
{
    TRY(check_name(certificate, role, is_simulated, part, why));
    if (certificate_has_unknown_critical_extension(certificate))
        return refuse_chain(why, part, "extensions", "no critical one that is not understood", "one");
    if (key_kind(certificate_key(certificate)) != KEY_P256)
        return refuse_chain(why, part, "subjectPublicKeyInfo", "a P-256 key", "another key");
    if (role == ROLE_ROOT_CA || role == ROLE_PCK_CA) return check_ca(certificate, role, part, why);
    return check_end_entity(certificate, part, why);
}

static bool names_issuer(const struct certificate *certificate, const struct certificate *issuer)
{
    return slice_equal(certificate_issuer_der(certificate), certificate_subject_der(issuer));
}

static enum status check_signature(const struct certificate *certificate, const struct certificate *issuer,
                                   const char *part, struct refusal *why)
{
    if (certificate_verify_signature(certificate, certificate_key(issuer)) == OK) return OK;
    return refuse_chain(why, part, "signature", "a signature by its issuer", "another one");
}

/* The root in a chain serves only to carry the pinned key, yet it is checked whole: whoever alters it is told. */
static enum status check_root(const struct certificate *root, const struct trust_roots *roots, const char *part,
                              struct refusal *why, struct anchor *anchor_out)
{
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    struct anchor anchor = {.key = certificate_key(root)};
    if (key_kind(certificate_key(root)) == KEY_P256) TRY(key_public_bytes(certificate_key(root), &point));
    for (size_t i = 0; i < point.size; i++) anchor.point[i] = point.bytes[i];
    anchor.is_simulated = !is_intel(&anchor);
    if (!anchor_is_accepted(&anchor, roots))
        return refuse_chain(why, part, "subjectPublicKeyInfo", "the pinned key of Intel's root",
                            refusal_hex(SLICE_ARRAY(anchor.point)).text);
    TRY(check_role(root, ROLE_ROOT_CA, anchor.is_simulated, part, why));
    TRY(check_signature(root, root, part, why));
    *anchor_out = anchor;
    return OK;
}

/* ---- putting chains together ---- */

/* Index of the one certificate that names itself as its issuer; `count` if there is none, or more than one. */
static size_t find_root(struct certificate *const *items, size_t count)
{
    size_t found = count, roots = 0;
    for (size_t i = 0; i < count; i++) {
        if (!names_issuer(items[i], items[i])) continue;
        found = i;
        roots++;
    }
    return roots == 1 ? found : count;
}

static enum status check_count(size_t seen, size_t wanted, const char *part, struct refusal *why)
{
    char expected[16], text[16];
    (void)snprintf(expected, sizeof(expected), "%zu", wanted);
    (void)snprintf(text, sizeof(text), "%zu", seen);
    return seen == wanted ? OK : refuse_chain(why, part, "count", expected, text);
}

/* The certificate with these bytes, parsed only if it is not one of the known ones. */
static enum status take_certificate(struct slice der, const struct issuer_chain *known, struct certificate **out)
{
    const struct certificate *same = NULL;
    if (known != NULL && slice_equal(der, certificate_der(known->signer))) same = known->signer;
    if (known != NULL && slice_equal(der, certificate_der(known->root))) same = known->root;
    if (same == NULL) return certificate_from_der(der, out);
    *out = certificate_share(same);
    return OK;
}

/* Appends; leaves out what is the first certificate of the list once more, if the list had one before. */
static enum status read_certificates(struct slice pem, const struct issuer_chain *known, struct certificate_list *list)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    const bool has_first = list->count > 0;
    if (pem.size > CERTIFICATE_PEM_MAX_BYTES) return ERR_TOO_LARGE;
    if (pem.size > 0 && pem.bytes[pem.size - 1] == '\0') pem.size--; /* most quotes count a NUL in */
    /* Blank space in the NUL's place would be passed over, and two quotes that differ would pass for the same. */
    if (pem.size > 0 && pem.bytes[pem.size - 1] == ' ') return ERR_CERTIFICATE_MALFORMED;
    do {
        if (list->count == CERTIFICATE_CHAIN_MAX_COUNT) return ERR_TOO_LARGE;
        buffer_clear(&der);
        const enum status status = pem_read(&pem, "CERTIFICATE", &der);
        if (status != OK) return status == ERR_ENCODING ? ERR_CERTIFICATE_MALFORMED : status;
        if (has_first && slice_equal(buffer_slice(&der), certificate_der(list->items[0]))) continue;
        TRY(take_certificate(buffer_slice(&der), known, &list->items[list->count]));
        list->count++;
    } while (pem.size > 0);
    return OK;
}

void issuer_chain_done(struct issuer_chain *chain)
{
    certificate_free(chain->signer);
    certificate_free(chain->root);
    *chain = (struct issuer_chain){};
}

enum status issuer_chain_verify(struct slice pem, enum certificate_role role, const char *part,
                                const struct issuer_chain *known, const struct trust_roots *roots, struct refusal *why,
                                struct issuer_chain *chain_out)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    TRY(refuse_parse(why, read_certificates(pem, known, &list), part));
    TRY(check_count(list.count, 2, part, why));
    const size_t at = find_root(list.items, list.count);
    if (at == list.count || !names_issuer(list.items[1 - at], list.items[at]))
        return refuse_chain(why, part, "issuer", "a signer and the root that issued it", "another order of names");
    const struct certificate *const root = list.items[at], *const signer = list.items[1 - at];
    struct issuer_chain chain = {};
    const bool is_known_root = known != NULL && root == known->root;
    if (is_known_root)
        chain.anchor = known->anchor;
    else
        TRY(check_root(root, roots, field_of(part, "root_ca").text, why, &chain.anchor));
    TRY(check_role(signer, role, chain.anchor.is_simulated, field_of(part, "signer").text, why));
    if (!is_known_root || signer != known->signer)
        TRY(check_signature(signer, root, field_of(part, "signer").text, why));
    chain.root = certificate_share(root);
    chain.signer = certificate_share(signer);
    *chain_out = chain;
    return OK;
}

/* ---- the chain in a quote ---- */

enum { PCK_CHAIN_COUNT = 3 };

struct pck_chain *pck_chain_share(const struct pck_chain *chain)
{
    struct pck_chain *const shared = (struct pck_chain *)chain; /* only the count of owners changes */
    atomic_fetch_add(&shared->owners, 1);
    return shared;
}

void pck_chain_free(struct pck_chain *chain)
{
    if (chain == NULL || atomic_fetch_sub(&chain->owners, 1) != 1) return;
    certificate_free(chain->leaf);
    certificate_free(chain->ca);
    certificate_free(chain->root);
    free(chain);
}

void pck_chain_cleanup(struct pck_chain **chain)
{
    pck_chain_free(*chain);
    *chain = NULL;
}

/* Real quotes hold leaf, CA, root in this and in other orders. */
static enum status arrange(struct certificate_list *list, const char *part, struct pck_chain *chain,
                           struct refusal *why)
{
    TRY(check_count(list->count, PCK_CHAIN_COUNT, part, why));
    const size_t root = find_root(list->items, list->count);
    if (root == list->count)
        return refuse_chain(why, part, "root_ca", "one self-issued certificate", "none or several");
    size_t ca = (root + 1) % PCK_CHAIN_COUNT, leaf = (root + 2) % PCK_CHAIN_COUNT;
    if (!names_issuer(list->items[leaf], list->items[ca])) {
        const size_t other = ca;
        ca = leaf;
        leaf = other;
    }
    if (!names_issuer(list->items[leaf], list->items[ca]) || !names_issuer(list->items[ca], list->items[root]))
        return refuse_chain(why, part, "issuer", "a PCK certificate, its CA and the root", "other names");
    chain->leaf = certificate_share(list->items[leaf]);
    chain->ca = certificate_share(list->items[ca]);
    chain->root = certificate_share(list->items[root]);
    return OK;
}

static enum status read_leaf(const struct pck_source *source, struct certificate_list *list, struct refusal *why)
{
    TRY(refuse_parse(why, read_certificates(source->leaf, NULL, list), "certification_data"));
    return check_count(list->count, 1, "certification_data", why);
}

static enum status read_source(const struct pck_source *source, const struct issuer_chain *known,
                               struct certificate_list *list, struct refusal *why)
{
    if (source->leaf.size > 0) TRY(read_leaf(source, list, why));
    if (source->leaf.size == 0 || source->all.size > 0)
        return refuse_parse(why, read_certificates(source->all, known, list), source->part);
    list->items[list->count++] = certificate_share(known->signer);
    list->items[list->count++] = certificate_share(known->root);
    return OK;
}

static enum status read_pck(const struct certificate *leaf, struct refusal *why, struct pck *pck_out)
{
    struct slice extension;
    if (certificate_extension(leaf, PCK_EXTENSION_OID, &extension) != OK)
        return refuse(why, ERR_CERTIFICATE_MALFORMED, "pck_certificate.sgx_extension", "Intel's SGX extension", "none");
    return pck_parse(extension, why, pck_out);
}

static enum status read_chain(const struct pck_source *source, const struct issuer_chain *known, struct refusal *why,
                              struct pck_chain **chain_out)
{
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL) return ERR_NO_MEMORY;
    atomic_init(&chain->owners, 1);
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    TRY(read_source(source, known, &list, why));
    TRY(arrange(&list, source->part, chain, why));
    if (source->leaf.size > 0 && chain->leaf != list.items[0])
        return refuse_chain(why, source->part, "issuer", "the issuers of the quote's own PCK certificate",
                            certificate_subject_common_name(chain->leaf));
    TRY(read_pck(chain->leaf, why, &chain->pck));
    *chain_out = chain;
    chain = NULL;
    return OK;
}

static enum status read_ca_kind(struct slice common_name, struct refusal *why, const char **kind_out)
{
    *kind_out = pck_ca_kind(common_name);
    if (*kind_out != NULL) return OK;
    return refuse(why, ERR_CHAIN, "pck_ca.subject.commonName", "PCK Platform CA or PCK Processor CA", "%.*s",
                  (int)common_name.size, (const char *)common_name.bytes);
}

enum status pck_leaf_read(const struct pck_source *source, struct refusal *why, struct pck *pck_out,
                          const char **ca_kind_out)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    TRY(read_leaf(source, &list, why));
    TRY(read_pck(list.items[0], why, pck_out));
    return read_ca_kind(certificate_issuer_common_name(list.items[0]), why, ca_kind_out);
}

enum status pck_chain_read(const struct pck_source *source, struct refusal *why, struct pck *pck_out,
                           const char **ca_kind_out)
{
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(read_chain(source, NULL, why, &chain));
    *pck_out = chain->pck;
    return read_ca_kind(slice_of_text(certificate_subject_common_name(chain->ca)), why, ca_kind_out);
}

/* Both shared with `known`, hence verified, and the one issued by the other. */
static bool is_known(const struct pck_chain *chain, const struct issuer_chain *known)
{
    return known != NULL && chain->ca == known->signer && chain->root == known->root;
}

static enum status read_point(const struct certificate *leaf, uint8_t point_out[static P256_POINT_BYTES])
{
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    TRY(key_public_bytes(certificate_key(leaf), &point));
    memcpy(point_out, point.bytes, P256_POINT_BYTES);
    return OK;
}

static enum status check_issuers(struct pck_chain *chain, const struct trust_roots *roots, struct refusal *why)
{
    TRY(check_root(chain->root, roots, "root_ca", why, &chain->anchor));
    TRY(check_role(chain->ca, ROLE_PCK_CA, chain->anchor.is_simulated, "pck_ca", why));
    return check_signature(chain->ca, chain->root, "pck_ca", why);
}

enum status pck_chain_verify(const struct pck_source *source, const struct issuer_chain *known,
                             const struct trust_roots *roots, struct refusal *why, struct pck_chain **chain_out)
{
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(read_chain(source, known, why, &chain));
    if (is_known(chain, known))
        chain->anchor = known->anchor;
    else
        TRY(check_issuers(chain, roots, why));
    TRY(check_role(chain->leaf, ROLE_PCK_CERTIFICATE, chain->anchor.is_simulated, "pck_certificate", why));
    TRY(check_signature(chain->leaf, chain->ca, "pck_certificate", why));
    TRY(read_point(chain->leaf, chain->point));
    *chain_out = chain;
    chain = NULL;
    return OK;
}

const char *pck_ca_kind(struct slice common_name)
{
    if (is_name(common_name, false, "PCK Processor CA") || is_name(common_name, true, "PCK Processor CA"))
        return "processor";
    if (is_name(common_name, false, "PCK Platform CA") || is_name(common_name, true, "PCK Platform CA"))
        return "platform";
    return NULL;
}
