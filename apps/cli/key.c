/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret manifest key`, `lazaret key recovery`, `lazaret key password`, `lazaret key administrator`: what a hospital
 * makes once, on its own machine.
 */
#include "crypto/key.h"
#include "base/encoding.h"
#include "cli/command.h"
#include "crypto/password.h"
#include "token/jwk.h"

#include <string.h>
#include <unistd.h>

static enum status read_out(int count, char **arguments, struct refusal *why, const char **out)
{
    const struct command_option options[] = {{.name = "--out", .value = out}};
    TRY(command_options(count, arguments, options, 1, NULL, why));
    return *out == NULL ? command_needs("--out", "a file for the private key", why) : OK;
}

static enum status make_key(enum key_kind kind, const char *path, struct refusal *why, struct key **key_out)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(secret_done) struct secret pem = {};
    TRY(key_generate(kind, 0, &key));
    TRY(key_private_pem(key, &pem));
    TRY(command_write_secret(path, secret_slice(&pem), why));
    *key_out = key_share(key);
    return OK;
}

static enum status make_deployment_key(int count, char **arguments, struct refusal *why)
{
    const char *out = NULL;
    CLEANUP(key_cleanup) struct key *key = NULL;
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(read_out(count, arguments, why, &out));
    TRY(make_key(KEY_P256, out, why, &key));
    TRY(key_thumbprint(key, thumbprint));
    return command_print(slice_of_text(base64url_of_32(thumbprint).text), why);
}

int command_manifest_key(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret manifest key --out FILE\n\n"
        "Makes a deployment key (EC P-256), writes its private half to FILE (PEM, mode 0600; never over another file)\n"
        "and prints its thumbprint, which goes into the manifest and into each program's configuration. Whoever holds\n"
        "this key decides what the deployment trusts: keep it on the hospital's side, off the servers.\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("manifest key", make_deployment_key(count, arguments, &why), &why);
}

static enum status make_recovery_key(int count, char **arguments, struct refusal *why)
{
    const char *out = NULL;
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(json_done) json_t *jwk = NULL;
    TRY(read_out(count, arguments, why, &out));
    TRY(make_key(KEY_X25519, out, why, &key));
    TRY(jwk_from_key(key, &jwk));
    return command_print_json(jwk, why);
}

int command_key_recovery(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret key recovery --out FILE\n\n"
        "Makes the hospital's recovery key (X25519), writes its private half to FILE (PEM, mode 0600; never over\n"
        "another file) and prints its public half as a JWK, which goes into the manifest as \"recovery\". With the\n"
        "private half the records can be opened when the machine that held them is lost: keep it offline.\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("key recovery", make_recovery_key(count, arguments, &why), &why);
}

static enum status make_administrator_key(int count, char **arguments, struct refusal *why)
{
    const char *out = NULL;
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(json_done) json_t *jwk = NULL;
    TRY(read_out(count, arguments, why, &out));
    TRY(make_key(KEY_P256, out, why, &key));
    TRY(jwk_from_key(key, &jwk));
    return command_print_json(jwk, why);
}

int command_key_administrator(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret key administrator --out FILE\n\n"
        "Makes the key of an attestation service's local administrator (EC P-256), writes its private half to FILE\n"
        "(PEM, mode 0600; never over another file) and prints its public half as a JWK, which goes into the service's\n"
        "configuration: \"management\": {\"administrators\": [{\"key\": JWK}]}. Then: lazaret policy bearer.\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("key administrator", make_administrator_key(count, arguments, &why), &why);
}

/* The first line of standard input: a secret, so it stands in no argument and is wiped. */
static enum status read_password(struct refusal *why, struct secret *password_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(PASSWORD_MAX_BYTES + 1);
    for (;;) {
        uint8_t byte;
        const ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0) return refuse(why, ERR_IO, "standard input", "the password", "an error");
        if (got == 0 || byte == '\n') break;
        if (buffer_append_u8(&text, byte) != OK)
            return refuse(why, ERR_FIELD_VALUE, "password", "at most 1024 bytes", "more");
    }
    return secret_copy(buffer_slice(&text), password_out);
}

static enum status hash_password(int count, char **arguments, struct refusal *why)
{
    CLEANUP(secret_done) struct secret password = {};
    CLEANUP(buffer_done) struct buffer hash = buffer_of_maximum(PASSWORD_HASH_MAX_BYTES);
    TRY(command_options(count, arguments, NULL, 0, NULL, why));
    TRY(read_password(why, &password));
    const enum status status = password_hash(secret_slice(&password), &hash);
    if (status == ERR_FIELD_VALUE)
        return refuse(why, status, "password", "8 to 1024 bytes on standard input", "%zu", password.size);
    TRY(status);
    return command_print(buffer_slice(&hash), why);
}

int command_key_password(int count, char **arguments)
{
    static const char help[] = "Usage: lazaret key password < FILE\n\n"
                               "Reads a password (8 to 1024 bytes, one line) from standard input and prints its "
                               "argon2id hash, which goes into\n"
                               "the manifest as administrator.password_hash.\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("key password", hash_password(count, arguments, &why), &why);
}
