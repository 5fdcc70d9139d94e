/* SPDX-License-Identifier: Apache-2.0
 *
 * lazaret-softtee: the command line. Commands write what they print to standard output and refusals to standard error.
 */
#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "http/server.h"
#include "softtee/launch.h"
#include "softtee/measure.h"
#include "softtee/serve.h"
#include "softtee/signature.h"
#include "softtee/state.h"
#include "tee/tee.h"
#include "token/jwk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, JWK_TEXT_MAX_BYTES = 4096 };

static const char help[] =
    "lazaret-softtee: a software TEE for machines without one. It measures and launches programs and signs quotes for\n"
    "them under a root that it makes on this machine. It protects against other users and against mistakes, not "
    "against\n"
    "the machine's owner.\n"
    "\n"
    "  lazaret-softtee init --state DIR          make keys and certificates; keeps what is there\n"
    "  lazaret-softtee root --state DIR          print the root's public key (JWK), for a manifest's simulation.roots\n"
    "  lazaret-softtee key --out FILE            make a vendor's signing key (RSA-3072)\n"
    "  lazaret-softtee sign --key FILE --product-id N --svn N [--debug] --out FILE PROGRAM\n"
    "  lazaret-softtee measure PROGRAM           print its MRENCLAVE\n"
    "  lazaret-softtee launch --state DIR [--signature FILE] [--require-signature] [--user USER] -- PROGRAM ARGS...\n"
    "                                            USER: a name, or UID[:GID], which need no account\n"
    "  lazaret-softtee serve --state DIR --listen HOST:PORT\n"
    "                                            serve collateral at PCS version 4 paths\n"
    "  lazaret-softtee --help | --version\n";

/* Everything that a command line can hold; NULL or false where it does not. */
struct arguments {
    const char *command, *state, *key, *out, *product_id, *svn, *signature, *user, *listen, *program;
    bool debug, require_signature;
    char **launched; /* what follows "--" */
};

static enum status refuse_usage(struct refusal *why, const char *expected, const char *seen)
{
    (void)!refuse(why, ERR_USAGE, "command line", expected, "%s", seen);
    return refuse_fix(why, ERR_USAGE, "see lazaret-softtee --help");
}

static const char **place_of(struct arguments *arguments, const char *option)
{
    const struct {
        const char *name;
        const char **place;
    } options[] = {
        {"--state", &arguments->state}, {"--key", &arguments->key},
        {"--out", &arguments->out},     {"--product-id", &arguments->product_id},
        {"--svn", &arguments->svn},     {"--signature", &arguments->signature},
        {"--user", &arguments->user},   {"--listen", &arguments->listen},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name, option) == 0) return options[i].place;
    }
    return NULL;
}

static enum status parse_option(struct arguments *arguments, char ***rest, struct refusal *why)
{
    const char *const option = **rest;
    const char **const place = place_of(arguments, option);
    if (strcmp(option, "--debug") == 0) {
        arguments->debug = true;
    } else if (strcmp(option, "--require-signature") == 0) {
        arguments->require_signature = true;
    } else if (place != NULL) {
        if ((*rest)[1] == NULL) return refuse_usage(why, "a value for this option", option);
        *place = *++*rest;
    } else if (option[0] == '-' || arguments->program != NULL) {
        return refuse_usage(why, "options of --help", option);
    } else {
        arguments->program = option;
    }
    return OK;
}

static enum status parse(char **given, struct refusal *why, struct arguments *arguments_out)
{
    static char *nothing[] = {NULL};
    struct arguments arguments = {.command = given[0], .launched = nothing};
    if (arguments.command == NULL) return refuse_usage(why, "a command", "nothing");
    for (char **rest = given + 1; *rest != NULL; rest++) {
        if (strcmp(*rest, "--") == 0) {
            arguments.launched = rest + 1;
            break;
        }
        TRY(parse_option(&arguments, &rest, why));
    }
    *arguments_out = arguments;
    return OK;
}

static enum status need(const char *value, const char *name, struct refusal *why)
{
    return value != NULL ? OK : refuse_usage(why, name, "nothing");
}

static enum status parse_u16(const char *text, const char *name, struct refusal *why, uint16_t *value_out)
{
    TRY(need(text, name, why));
    char *end = NULL;
    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value > UINT16_MAX)
        return refuse_usage(why, name, text);
    *value_out = (uint16_t)value;
    return OK;
}

static enum status print_text(struct slice text)
{
    const bool written = fwrite(text.bytes, 1, text.size, stdout) == text.size && fputc('\n', stdout) != EOF;
    return written && fflush(stdout) == 0 ? OK : ERR_IO;
}

static enum status run_init(const struct arguments *arguments, struct refusal *why, int *)
{
    TRY(need(arguments->state, "--state DIR", why));
    return state_init(arguments->state, (int64_t)time(NULL), why);
}

static enum status run_root(const struct arguments *arguments, struct refusal *why, int *)
{
    TRY(need(arguments->state, "--state DIR", why));
    CLEANUP(simulated_machine_cleanup) struct simulated_machine *machine = NULL;
    TRY(state_machine(arguments->state, why, &machine));
    CLEANUP(json_done) json_t *jwk = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(JWK_TEXT_MAX_BYTES);
    TRY(jwk_from_key(simulated_machine_root(machine), &jwk));
    TRY(json_write(jwk, &text));
    return print_text(buffer_slice(&text));
}

static enum status run_key(const struct arguments *arguments, struct refusal *why, int *)
{
    TRY(need(arguments->out, "--out FILE", why));
    if (file_exists(arguments->out)) return refuse_usage(why, "a file that does not exist yet", arguments->out);
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(secret_done) struct secret pem = {};
    TRY(key_generate(KEY_RSA, SIGNATURE_KEY_BITS, &key));
    TRY(key_private_pem(key, &pem));
    return file_write(arguments->out, secret_slice(&pem), 0600, why);
}

static enum status read_key(const char *path, struct refusal *why, struct key **key_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(path, why, &pem));
    const enum status status = key_from_private_pem(buffer_slice(&pem), key_out);
    if (status != OK) return refuse(why, status, path, "a private key in PEM (PKCS#8)", "another file");
    return OK;
}

static enum status run_sign(const struct arguments *arguments, struct refusal *why, int *)
{
    struct simulated_identity identity = {.debug = arguments->debug};
    TRY(need(arguments->key, "--key FILE", why));
    TRY(need(arguments->out, "--out FILE", why));
    TRY(need(arguments->program, "PROGRAM", why));
    TRY(parse_u16(arguments->product_id, "--product-id, 0 to 65535", why, &identity.product_id));
    TRY(parse_u16(arguments->svn, "--svn, 0 to 65535", why, &identity.svn));
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(program_unload) struct loaded_program program = {.descriptor = -1};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNATURE_MAX_BYTES);
    TRY(read_key(arguments->key, why, &key));
    TRY(program_load(arguments->program, why, &program));
    memcpy(identity.mrenclave, program.mrenclave, sizeof(identity.mrenclave));
    if (signature_write(&identity, key, &text) != OK)
        return refuse(why, ERR_KEY_INVALID, arguments->key, "an RSA-3072 key of lazaret-softtee key", "another");
    return file_write(arguments->out, buffer_slice(&text), 0644, why);
}

static enum status run_measure(const struct arguments *arguments, struct refusal *why, int *)
{
    TRY(need(arguments->program, "PROGRAM", why));
    CLEANUP(program_unload) struct loaded_program program = {.descriptor = -1};
    TRY(program_load(arguments->program, why, &program));
    return print_text(slice_of_text(hex_of_32(program.mrenclave).text));
}

static enum status run_launch(const struct arguments *arguments, struct refusal *why, int *exit_code_out)
{
    TRY(need(arguments->state, "--state DIR", why));
    TRY(need(arguments->launched[0], "-- PROGRAM ARGS...", why));
    const struct launch_options options = {
        .state = arguments->state,
        .signature = arguments->signature,
        .require_signature = arguments->require_signature,
        .user = arguments->user,
        .arguments = arguments->launched,
    };
    return launch(&options, why, exit_code_out);
}

static void free_clock(struct clock **clock)
{
    clock_free(*clock);
}

static void free_desk(struct collateral_desk **desk)
{
    collateral_desk_free(*desk);
}

static void free_server(struct http_server **server)
{
    http_server_free(*server);
}

/* Before any thread starts, so that only this one takes them. */
static void block_signals(sigset_t *signals_out)
{
    (void)sigemptyset(signals_out);
    (void)sigaddset(signals_out, SIGTERM);
    (void)sigaddset(signals_out, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, signals_out, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static enum status run_serve(const struct arguments *arguments, struct refusal *why, int *)
{
    TRY(need(arguments->state, "--state DIR", why));
    TRY(need(arguments->listen, "--listen HOST:PORT", why));
    sigset_t signals;
    block_signals(&signals);
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = NULL;
    CLEANUP(free_clock) struct clock *clock = NULL;
    CLEANUP(free_desk) struct collateral_desk *desk = NULL;
    CLEANUP(free_server) struct http_server *server = NULL;
    TRY(state_authority(arguments->state, why, &authority));
    TRY(clock_new(&clock));
    TRY(collateral_desk_new(authority, clock, &desk));
    const struct http_server_options options = collateral_desk_options(desk);
    uint16_t port;
    TRY(http_server_new(&options, &server));
    TRY(http_server_listen_plain(server, arguments->listen, why, &port));
    log_event(LOG_INFO, "program.listening", log_text(LOG_ADDRESS, arguments->listen), log_number(LOG_COUNT, port));
    int seen = 0;
    (void)sigwait(&signals, &seen);
    return OK;
}

static const struct {
    const char *name;
    enum status (*run)(const struct arguments *arguments, struct refusal *why, int *exit_code_out);
} commands[] = {
    {"init", run_init},       {"root", run_root},     {"key", run_key},     {"sign", run_sign},
    {"measure", run_measure}, {"launch", run_launch}, {"serve", run_serve},
};

static enum status run(char **given, struct refusal *why, int *exit_code_out)
{
    struct arguments arguments;
    TRY(parse(given, why, &arguments));
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, arguments.command) == 0) return commands[i].run(&arguments, why, exit_code_out);
    }
    return refuse_usage(why, "a command of --help", arguments.command);
}

static int tell(enum status status, struct refusal *why)
{
    if (why->status == OK) (void)!refuse(why, status, "", "", "%s", "");
    char text[1024];
    refusal_text(why, text, sizeof(text));
    (void)fprintf(stderr, "lazaret-softtee: %s\n", text);
    return why->status == ERR_USAGE ? EXIT_USAGE : EXIT_REFUSED;
}

int main(int count, char **given)
{
    process_harden();
    log_set_program("lazaret-softtee");
    if (count == 2 && (strcmp(given[1], "--help") == 0 || strcmp(given[1], "-h") == 0)) {
        (void)fputs(help, stdout);
        return 0;
    }
    if (count == 2 && strcmp(given[1], "--version") == 0) {
        (void)printf("lazaret-softtee %s%s\n", LAZARET_VERSION, LAZARET_BUILD_KIND);
        return 0;
    }
    struct refusal why = {};
    int exit_code = 0;
    const enum status status = run(given + 1, &why, &exit_code);
    return status == OK ? exit_code : tell(status, &why);
}
