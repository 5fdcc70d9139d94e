/* SPDX-License-Identifier: Apache-2.0 */
#include "records/master_key.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "crypto/random.h"

#include <limits.h>
#include <stdio.h>

enum {
    VERSION = 1,
    KEY_BYTES = 32,
    CHECK_BYTES = 16,
    SEALING_KEY_MIN_BYTES = 16,
    LABEL_MAX_BYTES = 64 + MASTER_KEY_DEPLOYMENT_MAX_BYTES,
    SEALED_BYTES = AEAD_NONCE_BYTES + MASTER_KEY_BYTES + AEAD_TAG_BYTES,
    WRAPPED_BYTES = MASTER_KEY_BYTES + AEAD_TAG_BYTES,
};

/* The file's content, decoded. */
struct wrapped_key {
    struct slice deployment; /* borrowed from the parsed text */
    uint8_t check[CHECK_BYTES];
    uint8_t sealed[SEALED_BYTES];
    bool has_heir;
    uint8_t heir[SEALED_BYTES];
    uint8_t recovery_thumbprint[KEY_THUMBPRINT_BYTES];
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    uint8_t wrapped[WRAPPED_BYTES];
};

/* Every use has its own label, and each names the deployment. */
static enum status label(const char *use, struct slice deployment, struct buffer *text)
{
    if (deployment.size == 0 || deployment.size > MASTER_KEY_DEPLOYMENT_MAX_BYTES) return ERR_KEY_INVALID;
    TRY(buffer_append_text(text, use));
    return buffer_append(text, deployment);
}

static enum status derive(struct slice key, const char *use, struct slice deployment, size_t size,
                          struct secret *key_out)
{
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(LABEL_MAX_BYTES);
    TRY(label(use, deployment, &info));
    return hkdf_derive(key, (struct slice){}, buffer_slice(&info), size, key_out);
}

static enum status check_value(struct slice master, struct slice deployment, struct secret *check_out)
{
    return derive(master, "lazaret-master-key-check/1 ", deployment, CHECK_BYTES, check_out);
}

static enum status sealing_wrap_key(const struct master_key_wrapping *to, struct secret *key_out)
{
    if (to->sealing_key->size < SEALING_KEY_MIN_BYTES) return ERR_KEY_INVALID;
    return derive(secret_slice(to->sealing_key), "lazaret-master-key-seal/1 ", to->deployment, KEY_BYTES, key_out);
}

enum status master_key_new(struct secret *master_out)
{
    return random_secret(MASTER_KEY_BYTES, master_out);
}

static enum status set_bytes(json_t *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1024);
    TRY(base64url_encode(bytes, &text));
    const int result = json_object_set_new(object, name, json_stringn((const char *)text.bytes, text.size));
    return result == 0 ? OK : ERR_NO_MEMORY;
}

static enum status set_sealed(json_t *object, const char *name, struct slice master,
                              const struct master_key_wrapping *to)
{
    CLEANUP(secret_done) struct secret key = {};
    TRY(sealing_wrap_key(to, &key));
    uint8_t nonce[AEAD_NONCE_BYTES];
    TRY(random_bytes(sizeof(nonce), nonce));
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(SEALED_BYTES);
    TRY(buffer_append(&sealed, SLICE_ARRAY(nonce)));
    TRY(aead_seal(secret_slice(&key), SLICE_ARRAY(nonce), to->deployment, master, &sealed));
    return set_bytes(object, name, buffer_slice(&sealed));
}

static enum status set_recovery(json_t *object, struct slice master, const struct master_key_wrapping *to)
{
    if (key_kind(to->recovery) != KEY_X25519) return ERR_KEY_INVALID;
    json_t *const recovery = json_object();
    if (json_object_set_new(object, "recovery", recovery) != 0) return ERR_NO_MEMORY;
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES], encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    TRY(key_thumbprint(to->recovery, thumbprint));
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(LABEL_MAX_BYTES);
    TRY(label("lazaret-master-key/1 ", to->deployment, &info));
    CLEANUP(hpke_cleanup) struct hpke_context *context = NULL;
    TRY(hpke_setup_sender(to->recovery, HPKE_AEAD_AES_256_GCM, buffer_slice(&info), encapsulated, &context));
    CLEANUP(buffer_done) struct buffer wrapped = buffer_of_maximum(WRAPPED_BYTES);
    TRY(hpke_seal(context, (struct slice){}, master, &wrapped));
    TRY(set_bytes(recovery, "key", SLICE_ARRAY(thumbprint)));
    TRY(set_bytes(recovery, "encapsulated", SLICE_ARRAY(encapsulated)));
    return set_bytes(recovery, "wrapped", buffer_slice(&wrapped));
}

enum status master_key_wrap(struct slice master, const struct master_key_wrapping *to, struct buffer *text)
{
    if (master.size != MASTER_KEY_BYTES) return ERR_KEY_INVALID;
    CLEANUP(json_done)
    json_t *object = json_pack("{s:i, s:s%}", "version", VERSION, "deployment", (const char *)to->deployment.bytes,
                               to->deployment.size);
    if (object == NULL) return ERR_NO_MEMORY;
    CLEANUP(secret_done) struct secret check = {};
    TRY(check_value(master, to->deployment, &check));
    TRY(set_bytes(object, "check", secret_slice(&check)));
    TRY(set_sealed(object, "sealed", master, to));
    TRY(set_recovery(object, master, to));
    return json_write(object, text);
}

static enum status get_bytes(const json_t *object, const char *path, const char *name, size_t size, struct refusal *why,
                             uint8_t *bytes_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, 1024, why, &text));
    if (base64url_decode_exact(text, size, bytes_out) == OK) return OK;
    return refuse(why, ERR_FIELD_VALUE, name, "base64url of the right size", "%zu characters", text.size);
}

static enum status read_members(const json_t *object, struct refusal *why, struct wrapped_key *key_out)
{
    static const char *const names[] = {"version", "deployment", "check", "sealed", "heir", "recovery", NULL};
    static const char *const recovery_names[] = {"key", "encapsulated", "wrapped", NULL};
    TRY(json_only(object, "", names, why));
    int64_t version;
    TRY(json_get_integer(object, "", "version", VERSION, VERSION, why, &version));
    TRY(json_get_string(object, "", "deployment", MASTER_KEY_DEPLOYMENT_MAX_BYTES, why, &key_out->deployment));
    TRY(get_bytes(object, "", "check", CHECK_BYTES, why, key_out->check));
    TRY(get_bytes(object, "", "sealed", SEALED_BYTES, why, key_out->sealed));
    key_out->has_heir = json_has(object, "heir");
    if (key_out->has_heir) TRY(get_bytes(object, "", "heir", SEALED_BYTES, why, key_out->heir));
    json_t *recovery;
    TRY(json_get_object(object, "", "recovery", why, &recovery));
    TRY(json_only(recovery, "recovery", recovery_names, why));
    TRY(get_bytes(recovery, "recovery", "key", KEY_THUMBPRINT_BYTES, why, key_out->recovery_thumbprint));
    TRY(get_bytes(recovery, "recovery", "encapsulated", HPKE_ENCAPSULATED_KEY_BYTES, why, key_out->encapsulated));
    return get_bytes(recovery, "recovery", "wrapped", WRAPPED_BYTES, why, key_out->wrapped);
}

/* `document_out` owns what `key_out` borrows. */
static enum status read_text(struct slice text, struct refusal *why, json_t **document_out, struct wrapped_key *key_out)
{
    CLEANUP(json_done) json_t *document = NULL;
    struct wrapped_key key = {};
    enum status status = json_parse(text, MASTER_KEY_FILE_MAX_BYTES, why, &document);
    if (status == OK) status = read_members(document, why, &key);
    if (status == ERR_NO_MEMORY) return status;
    if (status != OK) {
        if (why != NULL) why->status = ERR_STORE_CORRUPT;
        (void)refuse_fix(why, ERR_STORE_CORRUPT, "restore " MASTER_KEY_FILE " from a backup");
        return ERR_STORE_CORRUPT;
    }
    *key_out = key;
    *document_out = document;
    document = NULL;
    return OK;
}

static enum status locked(struct refusal *why, const char *expected, const char *seen, const char *fix)
{
    (void)refuse(why, ERR_STORE_LOCKED, MASTER_KEY_FILE, expected, "%s", seen);
    (void)refuse_fix(why, ERR_STORE_LOCKED, fix);
    return ERR_STORE_LOCKED;
}

static enum status check_is(const struct wrapped_key *key, struct slice master, struct refusal *why)
{
    CLEANUP(secret_done) struct secret check = {};
    TRY(check_value(master, key->deployment, &check));
    if (slice_equal_secret(secret_slice(&check), SLICE_ARRAY(key->check))) return OK;
    return locked(why, "the master key of this store", "another key", "recover from the file of this very store");
}

/* Moves a decrypted master key into a secret, after the check. */
static enum status take_master(const struct wrapped_key *key, const struct buffer *plain, struct refusal *why,
                               struct secret *master_out)
{
    TRY(check_is(key, buffer_slice(plain), why));
    return secret_copy(buffer_slice(plain), master_out);
}

static enum status check_deployment(const struct wrapped_key *key, struct slice deployment, struct refusal *why)
{
    if (slice_equal(key->deployment, deployment)) return OK;
    return locked(why, "a store of this deployment", "another deployment",
                  "use another state folder: under another deployment key nothing opens");
}

static enum status open_sealed(const struct wrapped_key *key, struct slice wrap_key, struct slice sealed,
                               struct buffer *plain)
{
    return aead_open(wrap_key, slice_part(sealed, 0, AEAD_NONCE_BYTES), key->deployment,
                     slice_part(sealed, AEAD_NONCE_BYTES, sealed.size), plain);
}

enum status master_key_open(struct slice text, const struct master_key_wrapping *to, struct refusal *why,
                            struct secret *master_out)
{
    CLEANUP(json_done) json_t *document = NULL;
    struct wrapped_key key;
    TRY(read_text(text, why, &document, &key));
    TRY(check_deployment(&key, to->deployment, why));
    CLEANUP(secret_done) struct secret wrap_key = {};
    TRY(sealing_wrap_key(to, &wrap_key));
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(MASTER_KEY_BYTES);
    enum status opened = open_sealed(&key, secret_slice(&wrap_key), SLICE_ARRAY(key.sealed), &plain);
    if (opened == ERR_AUTHENTICATION && key.has_heir)
        opened = open_sealed(&key, secret_slice(&wrap_key), SLICE_ARRAY(key.heir), &plain);
    if (opened == ERR_AUTHENTICATION)
        return locked(why, "a key sealed by this measurement on this machine", "one that does not open",
                      "hand-over from the running predecessor, or the hospital's recovery key (lazaret key restore)");
    TRY(opened);
    return take_master(&key, &plain, why, master_out);
}

static enum status open_recovery(const struct wrapped_key *key, const struct key *recovery_private,
                                 struct buffer *plain)
{
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(LABEL_MAX_BYTES);
    TRY(label("lazaret-master-key/1 ", key->deployment, &info));
    CLEANUP(hpke_cleanup) struct hpke_context *context = NULL;
    TRY(hpke_setup_recipient(recovery_private, HPKE_AEAD_AES_256_GCM, buffer_slice(&info),
                             SLICE_ARRAY(key->encapsulated), &context));
    return hpke_open(context, (struct slice){}, SLICE_ARRAY(key->wrapped), plain);
}

enum status master_key_recover(struct slice text, const struct key *recovery_private, struct refusal *why,
                               struct secret *master_out)
{
    CLEANUP(json_done) json_t *document = NULL;
    struct wrapped_key key;
    TRY(read_text(text, why, &document, &key));
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(MASTER_KEY_BYTES);
    const enum status opened = open_recovery(&key, recovery_private, &plain);
    if (opened == ERR_AUTHENTICATION || opened == ERR_KEY_INVALID)
        return locked(why, "the private half of the recovery key in the manifest", "a key that does not open it",
                      "use the recovery key that was in the manifest when the store was last started");
    TRY(opened);
    return take_master(&key, &plain, why, master_out);
}

enum status master_key_check(struct slice text, struct slice master, struct refusal *why)
{
    CLEANUP(json_done) json_t *document = NULL;
    struct wrapped_key key;
    TRY(read_text(text, why, &document, &key));
    return check_is(&key, master, why);
}

enum status master_key_is_of(struct slice text, struct slice deployment, struct refusal *why)
{
    CLEANUP(json_done) json_t *document = NULL;
    struct wrapped_key key;
    TRY(read_text(text, why, &document, &key));
    return check_deployment(&key, deployment, why);
}

static enum status file_path(const char *folder, char path_out[static PATH_MAX])
{
    const int wanted = snprintf(path_out, PATH_MAX, "%s/%s", folder, MASTER_KEY_FILE);
    return wanted > 0 && wanted < PATH_MAX ? OK : ERR_IO;
}

static enum status write_wrapped(const char *path, struct slice master, const struct master_key_wrapping *to,
                                 struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MASTER_KEY_FILE_MAX_BYTES);
    TRY(master_key_wrap(master, to, &text));
    return file_write(path, buffer_slice(&text), 0600, why);
}

static enum status make_new(const char *path, const struct master_key_wrapping *to, struct refusal *why,
                            struct secret *master_out)
{
    CLEANUP(secret_done) struct secret master = {};
    TRY(master_key_new(&master));
    TRY(write_wrapped(path, secret_slice(&master), to, why));
    *master_out = secret_take(&master);
    return OK;
}

enum status master_key_load(const char *folder, bool store_exists, const struct master_key_wrapping *to,
                            struct refusal *why, struct secret *master_out)
{
    char path[PATH_MAX];
    TRY(file_path(folder, path));
    if (!file_exists(path)) {
        if (!store_exists) return make_new(path, to, why, master_out);
        return locked(why, "the key file beside the store", "none", "restore " MASTER_KEY_FILE " from a backup");
    }
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MASTER_KEY_FILE_MAX_BYTES);
    TRY(file_read(path, why, &text));
    return master_key_open(buffer_slice(&text), to, why, master_out);
}

enum status master_key_keep(const char *folder, struct slice master, const struct master_key_wrapping *to,
                            struct refusal *why)
{
    char path[PATH_MAX];
    TRY(file_path(folder, path));
    return write_wrapped(path, master, to, why);
}

/* For a key that came from elsewhere: the file must be there, of this deployment, and wrap this very key. */
static enum status read_fitting(const char *folder, struct slice master, struct slice deployment, struct refusal *why,
                                char path_out[static PATH_MAX], json_t **document_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MASTER_KEY_FILE_MAX_BYTES);
    CLEANUP(json_done) json_t *document = NULL;
    struct wrapped_key key;
    TRY(file_path(folder, path_out));
    if (!file_exists(path_out))
        return locked(why, "the key file beside the store", "none", "restore " MASTER_KEY_FILE " from a backup");
    TRY(file_read(path_out, why, &text));
    TRY(read_text(buffer_slice(&text), why, &document, &key));
    TRY(check_deployment(&key, deployment, why));
    TRY(check_is(&key, master, why));
    *document_out = json_incref(document);
    return OK;
}

enum status master_key_fits(const char *folder, struct slice master, struct slice deployment, struct refusal *why)
{
    char path[PATH_MAX];
    CLEANUP(json_done) json_t *document = NULL;
    return read_fitting(folder, master, deployment, why, path, &document);
}

static enum status write_with_heir(const char *path, json_t *document, struct slice master,
                                   const struct master_key_wrapping *to, struct refusal *why)
{
    TRY(set_sealed(document, "heir", master, to));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MASTER_KEY_FILE_MAX_BYTES);
    TRY(json_write(document, &text));
    return file_write(path, buffer_slice(&text), 0600, why);
}

enum status master_key_inherit(const char *folder, struct slice master, const struct master_key_wrapping *to,
                               struct refusal *why)
{
    char path[PATH_MAX];
    CLEANUP(json_done) json_t *document = NULL;
    TRY(read_fitting(folder, master, to->deployment, why, path, &document));
    return write_with_heir(path, document, master, to, why);
}
