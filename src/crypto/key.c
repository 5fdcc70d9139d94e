/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key.h"

#include "base/encoding.h"
#include "crypto/algorithms.h"
#include "crypto/hash.h"
#include "crypto/key_openssl.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    P256_UNCOMPRESSED_BYTES = 1 + P256_POINT_BYTES,
    RSA_EXPONENT_MAX_BYTES = 8,
};

struct key {
    EVP_PKEY *object;
    enum key_kind kind;
    bool is_private;
    atomic_uint owners;
    _Atomic(EVP_PKEY_CTX *) templates[KEY_OPERATION_COUNT]; /* of ECDSA keys; NULL: not needed so far */
    size_t point_size;                                      /* 0: a key of another kind than P-256 and P-384 */
    uint8_t point[P384_POINT_BYTES];
};

static void object_cleanup(EVP_PKEY **object)
{
    EVP_PKEY_free(*object);
}

static void context_cleanup(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void number_cleanup(BIGNUM **number)
{
    BN_clear_free(*number);
}

static void builder_cleanup(OSSL_PARAM_BLD **builder)
{
    OSSL_PARAM_BLD_free(*builder);
}

static void parameters_cleanup(OSSL_PARAM **parameters)
{
    OSSL_PARAM_free(*parameters);
}

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

static void point_cleanup(EC_POINT **point)
{
    EC_POINT_free(*point);
}

static void group_cleanup(EC_GROUP **group)
{
    EC_GROUP_free(*group);
}

/* ---- ownership ---- */

void key_free(struct key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->owners, 1) != 1) return;
    for (int i = 0; i < KEY_OPERATION_COUNT; i++) EVP_PKEY_CTX_free(key->templates[i]);
    EVP_PKEY_free(key->object);
    free(key);
}

void key_cleanup(struct key **key)
{
    key_free(*key);
    *key = NULL;
}

struct key *key_share(const struct key *key)
{
    struct key *const shared = (struct key *)key; /* only the count of owners changes */
    if (shared != NULL) atomic_fetch_add(&shared->owners, 1);
    return shared;
}

enum key_kind key_kind(const struct key *key)
{
    return key->kind;
}

bool key_is_private(const struct key *key)
{
    return key->is_private;
}

EVP_PKEY *key_openssl(const struct key *key)
{
    return key->object;
}

static EVP_PKEY_CTX *new_context(const struct key *key, enum key_operation operation)
{
    CLEANUP(context_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->object, NULL);
    if (context == NULL) return NULL;
    const int ready = operation == KEY_SIGN ? EVP_PKEY_sign_init(context) : EVP_PKEY_verify_init(context);
    if (ready != 1) return NULL;
    EVP_PKEY_CTX *const made = context;
    context = NULL;
    return made;
}

/* Of two threads that make a template at once, the second finds the first's in the place and gives its own up. */
static EVP_PKEY_CTX *keep_template(struct key *key, enum key_operation operation, EVP_PKEY_CTX *made)
{
    EVP_PKEY_CTX *present = NULL;
    if (made == NULL || atomic_compare_exchange_strong(&key->templates[operation], &present, made)) return made;
    EVP_PKEY_CTX_free(made);
    return present;
}

EVP_PKEY_CTX *key_context(const struct key *key, enum key_operation operation)
{
    struct key *const shared = (struct key *)key; /* only the place of the template changes */
    if (key->kind != KEY_P256 && key->kind != KEY_P384) return new_context(key, operation);
    EVP_PKEY_CTX *template = atomic_load(&shared->templates[operation]);
    if (template == NULL) template = keep_template(shared, operation, new_context(key, operation));
    return template == NULL ? NULL : EVP_PKEY_CTX_dup(template);
}

/* A curve given by explicit parameters could be another curve with the same numbers as a known one. */
static enum status curve_of(EVP_PKEY *object, enum key_kind *kind_out)
{
    char group[32] = "", encoding[32] = "";
    if (EVP_PKEY_get_utf8_string_param(object, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof(encoding), NULL) != 1 ||
        EVP_PKEY_get_utf8_string_param(object, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1)
        return ERR_KEY_INVALID;
    if (!slice_equal_text(slice_of_text(encoding), OSSL_PKEY_EC_ENCODING_GROUP)) return ERR_KEY_INVALID;
    const bool is_p256 = slice_equal_text(slice_of_text(group), SN_X9_62_prime256v1);
    if (!is_p256 && !slice_equal_text(slice_of_text(group), SN_secp384r1)) return ERR_KEY_INVALID;
    *kind_out = is_p256 ? KEY_P256 : KEY_P384;
    return OK;
}

static enum status kind_of(EVP_PKEY *object, enum key_kind *kind_out)
{
    switch (EVP_PKEY_get_base_id(object)) {
    case EVP_PKEY_EC: return curve_of(object, kind_out);
    case EVP_PKEY_X25519: *kind_out = KEY_X25519; return OK;
    case EVP_PKEY_RSA: {
        const int bits = EVP_PKEY_get_bits(object);
        if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS) return ERR_KEY_INVALID;
        *kind_out = KEY_RSA;
        return OK;
    }
    default: return ERR_KEY_INVALID;
    }
}

/* Not the library's own look at a modulus: it hunts for a factor with random numbers, for longer than fifty signatures
 * take, and tells nothing of a modulus that its owner wants to be weak. */
static enum status check_rsa_numbers(EVP_PKEY *object)
{
    CLEANUP(number_cleanup) BIGNUM *modulus = NULL, *exponent = NULL;
    if (EVP_PKEY_get_bn_param(object, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 ||
        EVP_PKEY_get_bn_param(object, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
        return ERR_KEY_INVALID;
    const bool sound = BN_is_odd(modulus) && BN_is_odd(exponent) && !BN_is_one(exponent) &&
                       BN_num_bytes(exponent) <= RSA_EXPONENT_MAX_BYTES;
    return sound ? OK : ERR_KEY_INVALID;
}

/* The library's X25519 has no check to run: every 32 bytes are a point. */
static enum status check_public(EVP_PKEY *object, enum key_kind kind)
{
    if (kind == KEY_X25519) return OK;
    if (kind == KEY_RSA) return check_rsa_numbers(object);
    CLEANUP(context_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, object, NULL);
    return context != NULL && EVP_PKEY_public_check_quick(context) == 1 ? OK : ERR_KEY_INVALID;
}

/* A key over a checked object, with a reference of its own. */
static enum status wrap(EVP_PKEY *object, enum key_kind kind, bool is_private, struct key **key_out)
{
    struct key *const key = calloc(1, sizeof(*key));
    if (key == NULL) return ERR_NO_MEMORY;
    if (EVP_PKEY_up_ref(object) != 1) {
        free(key);
        return crypto_failed(ERR_CRYPTO);
    }
    *key = (struct key){.object = object, .kind = kind, .is_private = is_private, .owners = 1};
    *key_out = key;
    return OK;
}

static size_t coordinate_bytes(enum key_kind kind)
{
    return kind == KEY_P384 ? P384_COORDINATE_BYTES : P256_COORDINATE_BYTES;
}

/* A number of the key, big endian in exactly `size` bytes. */
static enum status read_number(EVP_PKEY *object, const char *name, size_t size, uint8_t *bytes_out)
{
    CLEANUP(number_cleanup) BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(object, name, &number) != 1) return crypto_failed(ERR_CRYPTO);
    return BN_bn2binpad(number, bytes_out, (int)size) == (int)size ? OK : crypto_failed(ERR_CRYPTO);
}

/* Once and for all: the library takes a while to tell it, and longer to compare it with another. */
static enum status read_point(struct key *key)
{
    if (key->kind != KEY_P256 && key->kind != KEY_P384) return OK;
    const size_t size = coordinate_bytes(key->kind);
    TRY(read_number(key->object, OSSL_PKEY_PARAM_EC_PUB_X, size, key->point));
    TRY(read_number(key->object, OSSL_PKEY_PARAM_EC_PUB_Y, size, key->point + size));
    key->point_size = 2 * size;
    return OK;
}

enum status key_from_openssl(EVP_PKEY *object, bool is_private, struct key **key_out)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    enum key_kind kind;
    if (kind_of(object, &kind) != OK || check_public(object, kind) != OK) return crypto_failed(ERR_KEY_INVALID);
    TRY(wrap(object, kind, is_private, &key));
    TRY(read_point(key));
    *key_out = key;
    key = NULL;
    return OK;
}

/* ---- making keys ---- */

static EVP_PKEY *generate(enum key_kind kind, unsigned bits)
{
    switch (kind) {
    case KEY_P256: return EVP_EC_gen(SN_X9_62_prime256v1);
    case KEY_P384: return EVP_EC_gen(SN_secp384r1);
    case KEY_X25519: return EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    case KEY_RSA: return EVP_RSA_gen(bits);
    }
    return NULL;
}

enum status key_generate(enum key_kind kind, unsigned bits, struct key **key_out)
{
    if (kind == KEY_RSA && (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)) return ERR_KEY_INVALID;
    CLEANUP(object_cleanup) EVP_PKEY *object = generate(kind, bits);
    if (object == NULL) return crypto_failed(ERR_CRYPTO);
    return key_from_openssl(object, true, key_out);
}

static enum status from_parameters(const char *type, OSSL_PARAM_BLD *builder, bool is_private, struct key **key_out)
{
    CLEANUP(parameters_cleanup) OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    CLEANUP(context_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1) return crypto_failed(ERR_CRYPTO);
    CLEANUP(object_cleanup) EVP_PKEY *object = NULL;
    if (EVP_PKEY_fromdata(context, &object, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        return crypto_failed(ERR_KEY_INVALID);
    return key_from_openssl(object, is_private, key_out);
}

static enum status p256_private_from(const uint8_t encoded[static P256_UNCOMPRESSED_BYTES], const BIGNUM *scalar,
                                     struct key **key_out)
{
    CLEANUP(builder_cleanup) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, encoded, P256_UNCOMPRESSED_BYTES) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1)
        return crypto_failed(ERR_CRYPTO);
    return from_parameters("EC", builder, true, key_out);
}

/* A copy of `without_point`, a key that lacks nothing but its point, with this one. */
static enum status key_from_point(EVP_PKEY *without_point, enum key_kind kind, struct slice point, struct key **key_out)
{
    uint8_t encoded[1 + P384_POINT_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(encoded + 1, point.bytes, point.size);
    CLEANUP(object_cleanup) EVP_PKEY *object = EVP_PKEY_dup(without_point);
    if (object == NULL) return crypto_failed(ERR_CRYPTO);
    /* This refuses points off the curve; the encoding has no room for the one at infinity. */
    if (EVP_PKEY_set1_encoded_public_key(object, encoded, 1 + point.size) != 1) return crypto_failed(ERR_KEY_INVALID);
    TRY(wrap(object, kind, false, key_out));
    memcpy((*key_out)->point, point.bytes, point.size);
    (*key_out)->point_size = point.size;
    return OK;
}

enum status key_from_p256_point(struct slice point, struct key **key_out)
{
    const struct algorithms *algorithms;
    if (point.size != P256_POINT_BYTES) return ERR_KEY_INVALID;
    TRY(algorithms_get(&algorithms));
    return key_from_point(algorithms->p256_without_point, KEY_P256, point, key_out);
}

enum status key_from_p384_point(struct slice point, struct key **key_out)
{
    const struct algorithms *algorithms;
    if (point.size != P384_POINT_BYTES) return ERR_KEY_INVALID;
    TRY(algorithms_get(&algorithms));
    return key_from_point(algorithms->p384_without_point, KEY_P384, point, key_out);
}

static enum status p256_public_of(const BIGNUM *scalar, uint8_t encoded_out[static P256_UNCOMPRESSED_BYTES])
{
    CLEANUP(group_cleanup) EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    if (group == NULL) return ERR_CRYPTO;
    if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0) return ERR_KEY_INVALID;
    CLEANUP(point_cleanup) EC_POINT *point = EC_POINT_new(group);
    if (point == NULL || EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) != 1) return ERR_CRYPTO;
    const size_t size =
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded_out, P256_UNCOMPRESSED_BYTES, NULL);
    return size == P256_UNCOMPRESSED_BYTES ? OK : ERR_CRYPTO;
}

enum status key_private_from_p256(struct slice scalar, struct key **key_out)
{
    if (scalar.size != P256_COORDINATE_BYTES) return ERR_KEY_INVALID;
    CLEANUP(number_cleanup) BIGNUM *number = BN_secure_new();
    if (number == NULL || BN_bin2bn(scalar.bytes, P256_COORDINATE_BYTES, number) == NULL)
        return crypto_failed(ERR_CRYPTO);
    BN_set_flags(number, BN_FLG_CONSTTIME);
    uint8_t encoded[P256_UNCOMPRESSED_BYTES];
    const enum status status = p256_public_of(number, encoded);
    if (status != OK) return crypto_failed(status);
    return p256_private_from(encoded, number, key_out);
}

enum status key_from_x25519(struct slice public_bytes, struct key **key_out)
{
    if (public_bytes.size != X25519_BYTES) return ERR_KEY_INVALID;
    CLEANUP(object_cleanup)
    EVP_PKEY *object = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public_bytes.bytes, X25519_BYTES);
    if (object == NULL) return crypto_failed(ERR_KEY_INVALID);
    return key_from_openssl(object, false, key_out);
}

enum status key_private_from_x25519(struct slice private_bytes, struct key **key_out)
{
    if (private_bytes.size != X25519_BYTES) return ERR_KEY_INVALID;
    CLEANUP(object_cleanup)
    EVP_PKEY *object = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private_bytes.bytes, X25519_BYTES);
    if (object == NULL) return crypto_failed(ERR_KEY_INVALID);
    return key_from_openssl(object, true, key_out);
}

enum status key_from_rsa(struct slice modulus, struct slice exponent, struct key **key_out)
{
    if (modulus.size > RSA_MAX_BYTES + 1 || exponent.size == 0 || exponent.size > RSA_EXPONENT_MAX_BYTES)
        return ERR_KEY_INVALID;
    CLEANUP(number_cleanup) BIGNUM *n = BN_bin2bn(modulus.bytes, (int)modulus.size, NULL);
    CLEANUP(number_cleanup) BIGNUM *e = BN_bin2bn(exponent.bytes, (int)exponent.size, NULL);
    CLEANUP(builder_cleanup) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (n == NULL || e == NULL || builder == NULL) return crypto_failed(ERR_CRYPTO);
    if (BN_num_bits(n) < RSA_MIN_BITS || BN_num_bits(n) > RSA_MAX_BITS) return ERR_KEY_INVALID;
    if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return crypto_failed(ERR_CRYPTO);
    return from_parameters("RSA", builder, false, key_out);
}

/* ---- PEM and DER ---- */

/* Opens PEM text whose first line is `label`: the library would also take other, encrypted or legacy forms. */
static BIO *open_pem(struct slice pem, struct slice label)
{
    if (pem.size > KEY_PEM_MAX_BYTES || !slice_starts_with(pem, label)) return NULL;
    return BIO_new_mem_buf(pem.bytes, (int)pem.size);
}

enum status key_from_public_pem(struct slice pem, struct key **key_out)
{
    CLEANUP(bio_cleanup) BIO *bio = open_pem(pem, SLICE_LITERAL("-----BEGIN PUBLIC KEY-----"));
    if (bio == NULL) return crypto_failed(ERR_KEY_INVALID);
    CLEANUP(object_cleanup) EVP_PKEY *object = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (object == NULL) return crypto_failed(ERR_KEY_INVALID);
    return key_from_openssl(object, false, key_out);
}

enum status key_from_private_pem(struct slice pem, struct key **key_out)
{
    CLEANUP(bio_cleanup) BIO *bio = open_pem(pem, SLICE_LITERAL("-----BEGIN PRIVATE KEY-----"));
    if (bio == NULL) return crypto_failed(ERR_KEY_INVALID);
    CLEANUP(object_cleanup) EVP_PKEY *object = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    if (object == NULL) return crypto_failed(ERR_KEY_INVALID);
    return key_from_openssl(object, true, key_out);
}

static struct slice bio_content(BIO *bio)
{
    char *bytes = NULL;
    const long size = BIO_get_mem_data(bio, &bytes);
    return slice_of(bytes, size > 0 ? (size_t)size : 0);
}

enum status key_public_pem(const struct key *key, struct buffer *pem)
{
    CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key->object) != 1) return crypto_failed(ERR_CRYPTO);
    return buffer_append(pem, bio_content(bio));
}

enum status key_private_pem(const struct key *key, struct secret *pem_out)
{
    if (!key->is_private) return ERR_KEY_INVALID;
    CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_mem()); /* wiped when freed */
    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key->object, NULL, NULL, 0, NULL, NULL) != 1)
        return crypto_failed(ERR_CRYPTO);
    return secret_copy(bio_content(bio), pem_out);
}

/* ---- numbers ---- */

static enum status append_x25519(const struct key *key, struct buffer *bytes)
{
    uint8_t raw[X25519_BYTES];
    size_t size = sizeof(raw);
    if (EVP_PKEY_get_raw_public_key(key->object, raw, &size) != 1 || size != sizeof(raw))
        return crypto_failed(ERR_CRYPTO);
    return buffer_append(bytes, SLICE_ARRAY(raw));
}

enum status key_public_bytes(const struct key *key, struct buffer *bytes)
{
    if (key->kind == KEY_X25519) return append_x25519(key, bytes);
    if (key->point_size == 0) return ERR_UNSUPPORTED;
    return buffer_append(bytes, slice_of(key->point, key->point_size));
}

static enum status append_rsa_number(const struct key *key, const char *name, struct buffer *bytes)
{
    CLEANUP(number_cleanup) BIGNUM *number = NULL;
    uint8_t *out;
    if (EVP_PKEY_get_bn_param(key->object, name, &number) != 1) return crypto_failed(ERR_CRYPTO);
    TRY(buffer_extend(bytes, (size_t)BN_num_bytes(number), &out));
    (void)BN_bn2bin(number, out);
    return OK;
}

enum status key_rsa_numbers(const struct key *key, struct buffer *modulus, struct buffer *exponent)
{
    if (key->kind != KEY_RSA) return ERR_UNSUPPORTED;
    TRY(append_rsa_number(key, OSSL_PKEY_PARAM_RSA_N, modulus));
    return append_rsa_number(key, OSSL_PKEY_PARAM_RSA_E, exponent);
}

static enum status p256_scalar(const struct key *key, uint8_t *scalar_out)
{
    return read_number(key->object, OSSL_PKEY_PARAM_PRIV_KEY, P256_COORDINATE_BYTES, scalar_out);
}

static enum status x25519_private(const struct key *key, uint8_t *bytes_out)
{
    size_t size = X25519_BYTES;
    const bool ok = EVP_PKEY_get_raw_private_key(key->object, bytes_out, &size) == 1 && size == X25519_BYTES;
    return ok ? OK : crypto_failed(ERR_CRYPTO);
}

enum status key_private_bytes(const struct key *key, struct secret *bytes_out)
{
    if (!key->is_private) return ERR_KEY_INVALID;
    if (key->kind != KEY_P256 && key->kind != KEY_X25519) return ERR_UNSUPPORTED;
    CLEANUP(secret_done) struct secret bytes = {};
    TRY(secret_alloc(X25519_BYTES, &bytes)); /* both kinds have 32 */
    TRY(key->kind == KEY_P256 ? p256_scalar(key, bytes.bytes) : x25519_private(key, bytes.bytes));
    *bytes_out = secret_take(&bytes);
    return OK;
}

static enum status append_member(struct buffer *json, const char *before, struct slice value)
{
    TRY(buffer_append_text(json, before));
    return base64url_encode(value, json);
}

/* The members that RFC 7638 section 3.2 requires of each kind, in its order. */
static enum status write_thumbprint_input(const struct key *key, struct buffer *json)
{
    CLEANUP(buffer_done) struct buffer first = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer second = buffer_of_maximum(RSA_EXPONENT_MAX_BYTES);
    if (key->kind == KEY_RSA) {
        TRY(key_rsa_numbers(key, &first, &second));
        TRY(append_member(json, "{\"e\":\"", buffer_slice(&second)));
        TRY(append_member(json, "\",\"kty\":\"RSA\",\"n\":\"", buffer_slice(&first)));
        return buffer_append_text(json, "\"}");
    }
    TRY(key_public_bytes(key, &first));
    if (key->kind == KEY_X25519) {
        TRY(append_member(json, "{\"crv\":\"X25519\",\"kty\":\"OKP\",\"x\":\"", buffer_slice(&first)));
        return buffer_append_text(json, "\"}");
    }
    const size_t size = coordinate_bytes(key->kind);
    const char *const before = key->kind == KEY_P384 ? "{\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\""
                                                     : "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"";
    const struct slice x = slice_part(buffer_slice(&first), 0, size), y = slice_part(buffer_slice(&first), size, size);
    TRY(append_member(json, before, x));
    TRY(append_member(json, "\",\"y\":\"", y));
    return buffer_append_text(json, "\"}");
}

enum status key_thumbprint(const struct key *key, uint8_t thumbprint_out[static KEY_THUMBPRINT_BYTES])
{
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(2 * RSA_MAX_BYTES);
    TRY(write_thumbprint_input(key, &json));
    return sha256(buffer_slice(&json), thumbprint_out);
}

bool key_equal(const struct key *a, const struct key *b)
{
    if (a == b) return true;
    if (a == NULL || b == NULL || a->kind != b->kind) return false;
    if (a->point_size > 0) return memcmp(a->point, b->point, a->point_size) == 0; /* as large in both: of one kind */
    const bool equal = EVP_PKEY_eq(a->object, b->object) == 1;
    (void)crypto_failed(OK);
    return equal;
}

/* ---- agreement ---- */

enum status key_agree(const struct key *mine, const struct key *peer, struct secret *shared_out)
{
    if (mine->kind != KEY_X25519 || peer->kind != KEY_X25519) return ERR_UNSUPPORTED;
    if (!mine->is_private) return ERR_KEY_INVALID;
    CLEANUP(context_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, mine->object, NULL);
    if (context == NULL || EVP_PKEY_derive_init(context) != 1) return crypto_failed(ERR_CRYPTO);
    if (EVP_PKEY_derive_set_peer(context, peer->object) != 1) return crypto_failed(ERR_KEY_INVALID);
    CLEANUP(secret_done) struct secret shared = {};
    TRY(secret_alloc(X25519_BYTES, &shared));
    size_t size = shared.size;
    if (EVP_PKEY_derive(context, shared.bytes, &size) != 1 || size != shared.size ||
        slice_is_zero(secret_slice(&shared)))
        return crypto_failed(ERR_KEY_INVALID);
    *shared_out = secret_take(&shared);
    return OK;
}
