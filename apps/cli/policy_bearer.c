/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret policy bearer`: what a local administrator of an attestation service shows with each call about policies.
 */
#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "cli/command.h"
#include "crypto/random.h"
#include "token/jws.h"

#include <stdlib.h>
#include <string.h>

enum { MINUTES_DEFAULT = 10, MINUTES_MAX = 60, S_PER_MINUTE = 60, URL_MAX = 1024, ID_BYTES = 16 };

static enum status read_key(const char *path, struct refusal *why, struct key **key_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(path, why, &pem));
    if (key_from_private_pem(buffer_slice(&pem), key_out) == OK) return OK;
    return refuse(why, ERR_KEY_INVALID, "--key", "a private key of P-256 or RSA in PEM", "%s", path);
}

static enum status read_minutes(const char *text, struct refusal *why, int64_t *minutes_out)
{
    enum { DECIMAL = 10 };
    char *end;
    const long minutes = text != NULL ? strtol(text, &end, DECIMAL) : MINUTES_DEFAULT;
    if (text != NULL && (*end != '\0' || minutes < 1 || minutes > MINUTES_MAX))
        return refuse(why, ERR_USAGE, "--minutes", "1 to 60", "%s", text);
    *minutes_out = minutes;
    return OK;
}

/* The service compares with its own name, which has no slash at its end. */
static enum status check_url(const char *url, struct refusal *why)
{
    const size_t size = strlen(url);
    if (size > 8 && size <= URL_MAX && strncmp(url, "https://", 8) == 0 && url[size - 1] != '/') return OK;
    return refuse(why, ERR_USAGE, "--url", "the service's name, https://host[:port] without a slash at its end", "%s",
                  url);
}

static enum status make_payload(const char *url, int64_t now_s, int64_t minutes, json_t **payload_out)
{
    uint8_t random[ID_BYTES];
    CLEANUP(buffer_done) struct buffer id = buffer_of_maximum(2 * ID_BYTES + 1);
    const char *text;
    TRY(random_bytes(sizeof(random), random));
    TRY(hex_encode(SLICE_ARRAY(random), &id));
    TRY(buffer_text(&id, &text));
    *payload_out = json_pack("{s:s,s:I,s:I,s:I,s:s}", "aud", url, "iat", (json_int_t)now_s, "nbf", (json_int_t)now_s,
                             "exp", (json_int_t)(now_s + minutes * S_PER_MINUTE), "jti", text);
    return *payload_out != NULL ? OK : ERR_NO_MEMORY;
}

static enum status make_bearer(int count, char **arguments, struct refusal *why)
{
    const char *key_path = NULL, *url = NULL, *minutes_text = NULL, *time_text = NULL;
    const struct command_option options[] = {{.name = "--key", .value = &key_path},
                                             {.name = "--url", .value = &url},
                                             {.name = "--minutes", .value = &minutes_text},
                                             {.name = "--time", .value = &time_text}};
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(json_done) json_t *payload = NULL;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(JWS_MAX_BYTES);
    int64_t minutes, now_s;
    TRY(command_options(count, arguments, options, sizeof(options) / sizeof(options[0]), NULL, why));
    if (key_path == NULL) return command_needs("--key", "the administrator's private key", why);
    if (url == NULL) return command_needs("--url", "the attestation service's name", why);
    TRY(check_url(url, why));
    TRY(read_minutes(minutes_text, why, &minutes));
    TRY(command_time(time_text, "--time", why, &now_s));
    TRY(read_key(key_path, why, &key));
    TRY(make_payload(url, now_s, minutes, &payload));
    TRY(jws_sign(JWS_TYP_TOKEN, NULL, NULL, payload, key, &token));
    return command_print(buffer_slice(&token), why);
}

int command_policy_bearer(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret policy bearer --key FILE --url URL [--minutes N] [--time SECONDS]\n\n"
        "Prints a bearer token with which a local administrator reads and changes the policies of the attestation\n"
        "service that calls itself URL:\n\n"
        "    curl -H \"Authorization: Bearer $(lazaret policy bearer --key FILE --url URL)\" \\\n"
        "         URL/policies/SgxEnclave?api-version=2022-08-01\n\n"
        "  --key      the administrator's private key (PEM), from: lazaret key administrator --out FILE\n"
        "  --url      the service's issuer name, https://host[:port]: the token counts there alone\n"
        "  --minutes  how long it counts: 1 to 60, otherwise 10. Whoever has it until then may do what it allows\n"
        "  --time     Unix seconds instead of this machine's clock\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("policy bearer", make_bearer(count, arguments, &why), &why);
}
