/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret policy sign`: a policy in the JWS in which it is set, signed or not.
 */
#include "cli/command.h"

#include "base/file.h"
#include "cli/policy/envelope.h"
#include "cli/policy/source.h"
#include "policy/policy.h"
#include "token/jws.h"

static const char help[] =
    "Usage: lazaret policy sign FILE --key PEM --cert PEM [--out FILE]\n"
    "       lazaret policy sign FILE --unsigned [--out FILE]\n"
    "       lazaret policy sign --reset --key PEM --cert PEM [--out FILE]\n"
    "\n"
    "Puts an attestation policy into the compact JWS that the attestation service, ours and Azure's, takes for a new\n"
    "policy: payload {\"AttestationPolicy\": base64url of the text}. Refuses a policy that does not compile.\n"
    "\n"
    "  --key PEM     the policy signer's private key (PKCS #8), RSA: RS256, or P-256: ES256 (Azure documents RS256)\n"
    "  --cert PEM    its certificate and, behind it, those of its issuers; goes along as x5c\n"
    "  --unsigned    header {\"alg\":\"none\"}: for a service whose administrators sign in instead\n"
    "  --reset       no policy: the JWS with an empty payload that sets a type back to its default policy\n"
    "  --out FILE    where to write it (default: standard output)\n"
    "\n"
    "FILE is the policy's text, or - for standard input. Exit codes: 0 done, 1 refused, 2 the command line is not\n"
    "usable.\n";

struct sign_options {
    const char *file, *key, *certificate, *out;
    bool is_unsigned, is_reset;
};

static enum status read_options(int count, char **arguments, struct refusal *why, struct sign_options *options)
{
    const struct command_option known[] = {{.name = "--key", .value = &options->key},
                                           {.name = "--cert", .value = &options->certificate},
                                           {.name = "--out", .value = &options->out},
                                           {.name = "--unsigned", .flag = &options->is_unsigned},
                                           {.name = "--reset", .flag = &options->is_reset}};
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), &options->file, why));
    if (options->is_reset && options->file != NULL)
        return refuse(why, ERR_USAGE, "--reset", "no policy beside it", "%s", options->file);
    if (options->file == NULL && !options->is_reset) return command_needs("FILE", "an attestation policy", why);
    if (options->is_unsigned && (options->key != NULL || options->certificate != NULL))
        return refuse(why, ERR_USAGE, "--unsigned", "no key and no certificate beside it", "one");
    if (options->is_unsigned) return OK;
    if (options->key == NULL) return command_needs("--key", "the signer's private key, or --unsigned", why);
    return options->certificate == NULL ? command_needs("--cert", "the signer's certificate", why) : OK;
}

static enum status read_policy(const char *path, struct refusal *why, struct policy_source *source_out)
{
    CLEANUP(policy_source_done) struct policy_source source = {};
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    TRY(policy_source_read(path, why, &source));
    if (source.jws.size > 0) {
        (void)!refuse(why, ERR_FIELD_VALUE, "FILE", "a policy's text", "one that is in a JWS already");
        return refuse_fix(why, ERR_FIELD_VALUE, "sign the text itself");
    }
    TRY(policy_compile(buffer_slice(&source.text), why, &policy));
    *source_out = source;
    source = (struct policy_source){};
    return OK;
}

static enum status read_key(const char *path, struct refusal *why, struct key **key_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(path, why, &pem));
    const enum status status = key_from_private_pem(buffer_slice(&pem), key_out);
    if (status == OK) return OK;
    return refuse(why, status, "--key", "an unencrypted PKCS #8 private key in PEM", "something else");
}

static enum status read_chain(const char *path, struct refusal *why, struct certificate_list *chain_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    TRY(file_read(path, why, &pem));
    const enum status status = certificate_list_from_pem(buffer_slice(&pem), chain_out);
    if (status == OK) return OK;
    return refuse(why, status, "--cert", "certificates in PEM", "something else");
}

static enum status wrap(const struct sign_options *options, struct slice text, struct refusal *why, struct buffer *jws)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(certificate_list_done) struct certificate_list chain = {};
    if (options->is_unsigned) return policy_wrap(text, jws);
    TRY(read_key(options->key, why, &key));
    TRY(read_chain(options->certificate, why, &chain));
    return policy_wrap_signed(text, key, &chain, why, jws);
}

static enum status sign(int count, char **arguments, struct refusal *why)
{
    struct sign_options options = {};
    CLEANUP(policy_source_done) struct policy_source source = {};
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    TRY(read_options(count, arguments, why, &options));
    if (!options.is_reset) TRY(read_policy(options.file, why, &source));
    TRY(wrap(&options, buffer_slice(&source.text), why, &jws));
    if (options.out == NULL) return command_print(buffer_slice(&jws), why);
    return file_write(options.out, buffer_slice(&jws), 0644, why);
}

int command_policy_sign(int count, char **arguments)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct refusal why = {};
    return command_exit("policy sign", sign(count, arguments, &why), &why);
}
