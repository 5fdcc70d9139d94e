/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret manifest sign` and `lazaret manifest show`.
 */
#include "policy/manifest.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "cli/command.h"
#include "token/jws.h"

#include <stdio.h>
#include <string.h>

/* ---- sign ---- */

static enum status read_deployment_key(const char *path, struct refusal *why, struct key **key_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(path, why, &pem));
    const enum status status = key_from_private_pem(buffer_slice(&pem), key_out);
    if (status != ERR_KEY_INVALID) return status;
    (void)!refuse(why, status, path, "an unencrypted private key in PKCS#8 PEM", "something else");
    return refuse_fix(why, status, "make one with: lazaret manifest key");
}

static enum status sign_manifest(int count, char **arguments, struct refusal *why)
{
    const char *key_path = NULL, *out = NULL, *payload_path = NULL;
    const struct command_option options[] = {{.name = "--key", .value = &key_path}, {.name = "--out", .value = &out}};
    TRY(command_options(count, arguments, options, 2, &payload_path, why));
    if (key_path == NULL) return command_needs("--key", "the deployment key's file", why);
    if (payload_path == NULL) return command_needs("PAYLOAD", "the manifest's payload as a JSON file", why);
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MANIFEST_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    CLEANUP(json_done) json_t *payload = NULL;
    TRY(read_deployment_key(key_path, why, &key));
    TRY(file_read(payload_path, why, &text));
    TRY(json_parse(buffer_slice(&text), MANIFEST_MAX_BYTES, why, &payload));
    TRY(manifest_sign(payload, key, why, &jws));
    if (out == NULL) return command_print(buffer_slice(&jws), why);
    TRY(buffer_append_u8(&jws, '\n'));
    return file_write(out, buffer_slice(&jws), 0644, why);
}

int command_manifest_sign(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret manifest sign --key FILE [--out FILE] PAYLOAD\n\n"
        "Checks the payload (JSON; docs/protocols.md, section 1) as every program will, and signs it with the "
        "deployment\n"
        "key. Without --out the manifest is printed. Raise \"version\" with each: programs refuse older ones.\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("manifest sign", sign_manifest(count, arguments, &why), &why);
}

/* ---- show ---- */

struct shown {
    const char *path, *deployment;
    bool json;
    struct base64url32 signer; /* the thumbprint of the key in the header */
    struct manifest manifest;
};

static void shown_done(struct shown *shown)
{
    manifest_done(&shown->manifest);
}

static enum status find_signer(struct slice text, struct refusal *why, struct base64url32 *signer_out)
{
    CLEANUP(jws_done) struct jws jws = {};
    CLEANUP(key_cleanup) struct key *key = NULL;
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(refuse_as(why, jws_parse(text, why, &jws), ERR_MANIFEST));
    TRY(refuse_as(why, jwk_to_key(json_object_get(jws.header, "jwk"), "header.jwk", why, &key),
                  ERR_MANIFEST_SIGNATURE));
    TRY(key_thumbprint(key, thumbprint));
    *signer_out = base64url_of_32(thumbprint);
    return OK;
}

/* Without --deployment the manifest's own key is taken, and the reader is told to compare its thumbprint. */
static enum status verify_manifest(struct shown *shown, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = {};
    TRY(command_read_text(shown->path, MANIFEST_MAX_BYTES, why, &text));
    TRY(find_signer(buffer_slice(&text), why, &shown->signer));
    const char *const deployment = shown->deployment != NULL ? shown->deployment : shown->signer.text;
    return manifest_verify(buffer_slice(&text), slice_of_text(deployment), why, &shown->manifest);
}

static void print_identity(const struct identity *identity)
{
    (void)printf("    %s", identity->debug ? "debug enclaves too, " : "");
    if (identity->has_mrenclave) (void)printf("MRENCLAVE %s", hex_of_32(identity->mrenclave).text);
    if (identity->has_mrenclave && identity->has_mrsigner) (void)printf(" and ");
    if (identity->has_mrsigner)
        (void)printf("MRSIGNER %s, product %u, SVN %u or higher", hex_of_32(identity->mrsigner).text,
                     identity->product_id, identity->minimum_svn);
    (void)printf("\n");
}

static void print_roles(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->role_count; i++) {
        const struct role_rule *const role = &manifest->roles[i];
        const bool is_own = strcmp(role->deployment, manifest->deployment) == 0;
        (void)printf("  %s%s%s\n", role->service, is_own ? "" : ", of deployment ", is_own ? "" : role->deployment);
        for (size_t j = 0; j < role->identity_count; j++) print_identity(&role->identities[j]);
        if (role->identity_count == 0) (void)printf("    nobody is accepted\n");
    }
}

static void print_issuers(const struct relying_party_rules *rules)
{
    for (size_t i = 0; i < rules->issuer_count; i++) {
        const struct issuer_rule *const issuer = &rules->issuers[i];
        (void)printf("  %s\n", issuer->issuer);
        for (size_t j = 0; j < issuer->keys.count; j++) (void)printf("    key %s\n", issuer->keys.items[j].kid);
        for (size_t j = 0; j < issuer->policy_hash_count; j++)
            (void)printf("    policy %s\n", issuer->policy_hashes[j]);
    }
    if (rules->issuer_count == 0) (void)printf("  none yet: every token is refused\n");
}

static enum status print_for_people(const struct shown *shown)
{
    const struct manifest *const manifest = &shown->manifest;
    uint8_t recovery[KEY_THUMBPRINT_BYTES];
    TRY(key_thumbprint(manifest->recovery, recovery));
    (void)printf("The signature is good. Signed by the deployment key %s%s\n\n", shown->signer.text,
                 shown->deployment != NULL
                     ? ", as expected."
                     : ".\nCompare it with the thumbprint that you hold, or give it as --deployment.");
    (void)printf("name           %s\nversion        %lld\nissued         %s\n", manifest->name,
                 (long long)manifest->version, time_iso8601(manifest->issued_s).text);
    (void)printf("administrator  %s\nrecovery key   %s\n", manifest->administrator.user,
                 base64url_of_32(recovery).text);
    (void)printf("token age      at most %lld s\nTCB evaluation at least %lld\n\nAccepted as\n",
                 (long long)manifest->relying_party.max_age_s, (long long)manifest->minimum_tcb_evaluation);
    print_roles(manifest);
    (void)printf("\nTokens from\n");
    print_issuers(&manifest->relying_party);
#ifdef LAZARET_SIMULATION
    if (manifest->simulated_root_count > 0)
        (void)printf("\nSIMULATION: evidence from %zu simulated root(s) is accepted. It protects nothing from the\n"
                     "machine's owner; not for real patients.\n",
                     manifest->simulated_root_count);
#endif
    return fflush(stdout) == 0 ? OK : ERR_IO;
}

static enum status print_as_json(const struct shown *shown, enum status status, struct refusal *why)
{
    char reason[1024] = "";
    if (status != OK) {
        why->status = status;
        refusal_text(why, reason, sizeof(reason));
    }
    const bool is_valid = status == OK;
    CLEANUP(json_done)
    json_t *answer =
        json_pack("{s:b, s:s, s:s, s:s?, s:s?, s:O?}", "valid", is_valid, "code", status_name(status), "reason", reason,
                  "deployment", is_valid ? shown->signer.text : NULL, "digest",
                  is_valid ? base64url_of_32(shown->manifest.digest).text : NULL, "payload", shown->manifest.payload);
    return answer == NULL ? ERR_NO_MEMORY : command_print_json(answer, why);
}

static enum status read_show_options(int count, char **arguments, struct refusal *why, struct shown *shown)
{
    const struct command_option options[] = {{.name = "--deployment", .value = &shown->deployment},
                                             {.name = "--json", .flag = &shown->json}};
    TRY(command_options(count, arguments, options, 2, &shown->path, why));
    return shown->path == NULL ? command_needs("FILE", "the manifest's file", why) : OK;
}

static enum status show_manifest(int count, char **arguments, struct refusal *why)
{
    CLEANUP(shown_done) struct shown shown = {};
    TRY(read_show_options(count, arguments, why, &shown));
    const enum status status = verify_manifest(&shown, why);
    if (shown.json && status != ERR_IO) {
        struct refusal told = *why;
        TRY(print_as_json(&shown, status, &told));
    }
    TRY(status);
    return shown.json ? OK : print_for_people(&shown);
}

int command_manifest_show(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret manifest show [--deployment THUMBPRINT] [--json] FILE\n\n"
        "Verifies a manifest and says what it allows. --deployment is the thumbprint that you hold; without it the\n"
        "manifest's own key is used, and its thumbprint is printed for you to compare.\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("manifest show", show_manifest(count, arguments, &why), &why);
}
