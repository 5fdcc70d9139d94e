/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret policy check` and `lazaret policy hash`: whether a policy is usable and what it has, and by which hashes
 * tokens name it.
 */
#include "cli/command.h"

#include "cli/policy/source.h"
#include "policy/default_policy.h"
#include "policy/policy.h"
#include "token/jws.h"

enum { SCREEN_MAX_BYTES = 64 * 1024 };

static enum status read_file(int count, char **arguments, struct refusal *why, struct policy_source *source_out)
{
    const char *path = NULL;
    TRY(command_options(count, arguments, NULL, 0, &path, why));
    if (path == NULL) return command_needs("FILE", "an attestation policy, or - for standard input", why);
    return policy_source_read(path, why, source_out);
}

/* The line's end comes with the printing. */
static enum status print_screen(struct buffer *text, struct refusal *why)
{
    buffer_truncate(text, text->size - 1);
    return command_print(buffer_slice(text), why);
}

static enum status tell_hashes(const struct policy_source *source, struct buffer *text)
{
    struct base64url32 policy;
    uint8_t token[32];
    TRY(policy_text_hash(buffer_slice(&source->text), &policy));
    TRY(buffer_append_format(text, "x-ms-policy-hash        %s\n", policy.text));
    if (source->jws.size == 0) return OK;
    TRY(jws_hash(buffer_slice(&source->jws), token));
    return buffer_append_format(text, "x-ms-policy-token-hash  %s\n", base64url_of_32(token).text);
}

/* ---- check ---- */

/* What it says to evidence of which nothing is known: a policy that permits that permits everything. */
static enum status permits_everything(const struct policy *policy, bool *permits_out)
{
    CLEANUP(claim_set_cleanup) struct claim_set *incoming = NULL;
    CLEANUP(claim_set_cleanup) struct claim_set *outgoing = NULL;
    CLEANUP(claim_set_cleanup) struct claim_set *properties = NULL;
    struct refusal ignored = {};
    TRY(claim_set_new(&incoming));
    TRY(claim_set_new(&outgoing));
    TRY(claim_set_new(&properties));
    const struct policy_result result = {.outgoing = outgoing, .properties = properties};
    *permits_out = policy_evaluate(policy, incoming, NULL, &ignored, &result) == OK;
    return OK;
}

static enum status tell_signature(const struct policy_source *source, struct buffer *text)
{
    if (source->jws.size == 0) return OK;
    if (source->signer == NULL) return buffer_append_text(text, "unsigned (alg none)\n");
    return buffer_append_format(text, "signed by %s; whether that signer is trusted is the service's to say\n",
                                certificate_subject_common_name(source->signer));
}

static enum status tell_policy(const struct policy *policy, struct buffer *text)
{
    const struct policy_facts facts = policy_facts(policy);
    bool permits;
    TRY(buffer_append_format(
        text, "usable: version %u.%u; rules: %zu of configuration, %zu of authorization, %zu of issuance\n",
        facts.major, facts.minor, facts.configuration_rules, facts.authorization_rules, facts.issuance_rules));
    TRY(permits_everything(policy, &permits));
    if (permits) TRY(buffer_append_text(text, "PERMITS evidence of any kind, whatever it says\n"));
    if (facts.authorization_rules == 0) TRY(buffer_append_text(text, "permits nothing: there is no rule that could\n"));
    return OK;
}

static enum status check(int count, char **arguments, struct refusal *why)
{
    CLEANUP(policy_source_done) struct policy_source source = {};
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SCREEN_MAX_BYTES);
    TRY(read_file(count, arguments, why, &source));
    TRY(policy_compile(buffer_slice(&source.text), why, &policy));
    TRY(tell_policy(policy, &text));
    TRY(tell_signature(&source, &text));
    TRY(tell_hashes(&source, &text));
    return print_screen(&text, why);
}

int command_policy_check(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret policy check FILE\n"
        "\n"
        "Says whether an attestation policy (docs/policy-language.md) is usable, and where it is not, line and "
        "column.\n"
        "Of a usable one it tells version and rules, whether it permits just anything, and its hashes.\n"
        "\n"
        "FILE is the policy's text, or the JWS in which it is set, whose signature then must verify with its own\n"
        "certificate; or - for standard input.\n"
        "\n"
        "Exit codes: 0 usable, 1 not usable, 2 the command line is not usable.\n";
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct refusal why = {};
    return command_exit("policy check", check(count, arguments, &why), &why);
}

/* ---- hash ---- */

static enum status hash(int count, char **arguments, struct refusal *why)
{
    CLEANUP(policy_source_done) struct policy_source source = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SCREEN_MAX_BYTES);
    TRY(read_file(count, arguments, why, &source));
    TRY(tell_hashes(&source, &text));
    return print_screen(&text, why);
}

int command_policy_hash(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret policy hash FILE\n"
        "\n"
        "Prints the hashes by which tokens name an attestation policy: x-ms-policy-hash, which stands in every token\n"
        "that was issued under it and which relying parties pin; for a JWS also x-ms-policy-token-hash, which the\n"
        "service returns when that JWS is set. Both are over every byte: line ends and blanks count.\n"
        "\n"
        "FILE is the policy's text, or the JWS in which it is set; or - for standard input.\n"
        "\n"
        "Exit codes: 0 done, 1 refused, 2 the command line is not usable.\n";
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct refusal why = {};
    return command_exit("policy hash", hash(count, arguments, &why), &why);
}
