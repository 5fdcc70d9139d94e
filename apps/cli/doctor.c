/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret doctor`: looks at a program's configuration as the program would, and at what it depends on, and says what
 * is wrong and how to mend it. Changes nothing.
 */
#include "base/file.h"
#include "base/json.h"
#include "cli/command.h"
#include "policy/manifest.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONFIG_MAX_BYTES = 64 * 1024,
    TEXT_BYTES = 512,
    PEM_MAX_BYTES = 256 * 1024,
    EXIT_HEALTHY = 0,
    EXIT_FAULTS = 1,
    EXIT_BAD_USAGE = 2
};

struct examination {
    const char *path;
    char folder[PATH_MAX];
    json_t *config;
    struct manifest manifest;
    size_t faults, looked;
};

static void examination_done(struct examination *examination)
{
    json_done(&examination->config);
    manifest_done(&examination->manifest);
}

static void good(struct examination *examination, const char *what, const char *detail)
{
    examination->looked++;
    (void)printf("  ok     %-24s %s\n", what, detail);
}

static void fault(struct examination *examination, const char *what, const char *seen, const char *fix)
{
    examination->looked++;
    examination->faults++;
    (void)printf("  WRONG  %-24s %s\n         what to do: %s\n", what, seen, fix);
}

static void fault_refused(struct examination *examination, const char *what, const struct refusal *why, const char *fix)
{
    char text[1024];
    refusal_text(why, text, sizeof(text));
    fault(examination, what, text, why->fix[0] == '\0' ? fix : why->fix);
}

static const char *text_of(const struct examination *examination, const char *name)
{
    return json_string_value(json_object_get(examination->config, name));
}

static const char *absolute(const struct examination *examination, const char *path, char *text_out)
{
    const int wanted = snprintf(text_out, PATH_MAX, "%s%s%s", path[0] == '/' ? "" : examination->folder,
                                path[0] == '/' ? "" : "/", path);
    return wanted > 0 && wanted < PATH_MAX ? text_out : path;
}

static bool read_config(struct examination *examination)
{
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CONFIG_MAX_BYTES);
    enum status status = file_read(examination->path, &why, &text);
    if (status == OK) status = json_parse(buffer_slice(&text), CONFIG_MAX_BYTES, &why, &examination->config);
    if (status != OK) {
        fault_refused(examination, "configuration", &why,
                      "give the path of a program's configuration, one JSON object");
        return false;
    }
    char copy[PATH_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", examination->path);
    (void)snprintf(examination->folder, sizeof(examination->folder), "%s", dirname(copy));
    good(examination, "configuration", examination->path);
    return true;
}

static void check_manifest(struct examination *examination)
{
    const char *const path = text_of(examination, "manifest"), *const deployment = text_of(examination, "deployment");
    if (path == NULL || deployment == NULL) {
        fault(examination, "manifest", "the configuration lacks \"manifest\" or \"deployment\"",
              "add both: the manifest's path and the thumbprint that 'lazaret manifest key' printed");
        return;
    }
    char full[PATH_MAX];
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MANIFEST_MAX_BYTES + 1);
    enum status status = file_read(absolute(examination, path, full), &why, &text);
    while (text.size > 0 && text.bytes[text.size - 1] == '\n') buffer_truncate(&text, text.size - 1);
    if (status == OK)
        status = manifest_verify(buffer_slice(&text), slice_of_text(deployment), &why, &examination->manifest);
    if (status != OK) {
        fault_refused(examination, "manifest", &why, "sign one with 'lazaret manifest sign' and the deployment key");
        return;
    }
    char detail[TEXT_BYTES];
    (void)snprintf(detail, sizeof(detail), "version %lld of \"%s\", %zu roles, %zu issuers",
                   (long long)examination->manifest.version, examination->manifest.name,
                   examination->manifest.role_count, examination->manifest.relying_party.issuer_count);
    good(examination, "manifest", detail);
    if (examination->manifest.relying_party.issuer_count == 0)
        fault(examination, "manifest.issuers", "no attestation service is named, so every token is refused",
              "start the attestation service, take its keys with 'lazaret manifest issuer', sign the next version");
#ifdef LAZARET_SIMULATION
    if (examination->manifest.relying_party.accept_simulated)
        (void)printf("  note   simulated enclaves are accepted: for demonstrations only\n");
#endif
}

static void check_state(struct examination *examination)
{
    const char *const path = text_of(examination, "state");
    char full[PATH_MAX];
    struct stat facts;
    if (path == NULL) {
        fault(examination, "state", "the configuration lacks it", "name a folder of this program alone");
    } else if (stat(absolute(examination, path, full), &facts) != 0) {
        if (errno == ENOENT)
            good(examination, "state", "will be made at the first start");
        else
            fault(examination, "state", strerror(errno), "let this user reach the folder");
    } else if (!S_ISDIR(facts.st_mode) || (facts.st_mode & 077) != 0) {
        fault(examination, "state", "other users can reach it", "chmod 700 the folder");
    } else if (access(full, W_OK) != 0) {
        fault(examination, "state", "it cannot be written to", "give the folder to the user who runs the program");
    } else {
        good(examination, "state", full);
    }
}

static void close_socket(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

static bool split_address(const char *address, char *host_out, char *port_out)
{
    const char *const colon = strrchr(address, ':');
    if (colon == NULL || colon == address || colon[1] == '\0' || strlen(address) >= TEXT_BYTES) return false;
    const bool brackets = address[0] == '[' && colon[-1] == ']';
    (void)snprintf(host_out, TEXT_BYTES, "%.*s", (int)(colon - address) - (brackets ? 2 : 0),
                   address + (brackets ? 1 : 0));
    (void)snprintf(port_out, TEXT_BYTES, "%s", colon + 1);
    return true;
}

static bool can_connect(const char *address, char *error_out)
{
    char host[TEXT_BYTES], port[TEXT_BYTES];
    if (!split_address(address, host, port)) {
        (void)snprintf(error_out, TEXT_BYTES, "not an address like host:port");
        return false;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        (void)snprintf(error_out, TEXT_BYTES, "the name %.200s is not known", host);
        return false;
    }
    CLEANUP(close_socket) int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = descriptor >= 0 && connect(descriptor, found->ai_addr, found->ai_addrlen) == 0;
    if (!connected) (void)snprintf(error_out, TEXT_BYTES, "%s", strerror(errno));
    freeaddrinfo(found);
    return connected;
}

static void check_listen(struct examination *examination)
{
    const char *const address = text_of(examination, "listen");
    char error[TEXT_BYTES] = "";
    if (address == NULL)
        fault(examination, "listen", "the configuration lacks it", "add \"listen\": \"127.0.0.1:7443\"");
    else if (can_connect(address, error))
        good(examination, "listen", "something answers there: the program runs, or the port is taken");
    else
        good(examination, "listen", address);
}

static void check_peer(struct examination *examination, const char *what, const char *address, const char *fix)
{
    char error[TEXT_BYTES] = "";
    if (strncmp(address, "https://", 8) == 0) address += 8;
    if (strncmp(address, "http://", 7) == 0) address += 7;
    char plain[TEXT_BYTES];
    (void)snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(address, "/"), address);
    if (can_connect(plain, error))
        good(examination, what, plain);
    else
        fault(examination, what, error, fix);
}

static void check_unix_socket(struct examination *examination, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        fault(examination, "inner", "the path is too long for a Unix socket", "use a path below 108 bytes");
        return;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    CLEANUP(close_socket) int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0)
        good(examination, "inner", path);
    else
        fault(examination, "inner", strerror(errno), "start Redis with --unixsocket and this path, as the same user");
}

static void check_peers(struct examination *examination)
{
    const char *const url =
        json_string_value(json_object_get(json_object_get(examination->config, "attestation"), "url"));
    const char *const collateral =
        json_string_value(json_object_get(json_object_get(examination->config, "collateral"), "url"));
    const char *const inner = text_of(examination, "inner");
    if (url != NULL) check_peer(examination, "attestation service", url, "start it, or correct attestation.url");
    if (collateral != NULL)
        check_peer(examination, "collateral source", collateral, "start it, or correct collateral.url");
    static const char *const hops[] = {"gate", "diagnosis"};
    for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
        const char *const address = text_of(examination, hops[i]);
        if (address != NULL) check_peer(examination, hops[i], address, "start it, or correct its address");
    }
    if (inner != NULL && strncmp(inner, "unix:", 5) == 0)
        check_unix_socket(examination, inner + 5);
    else if (inner != NULL)
        check_peer(examination, "inner", inner, "start the server behind the gate");
}

static void check_file(struct examination *examination, const json_t *object, const char *member, const char *what,
                       bool is_secret)
{
    const char *const path = json_string_value(json_object_get(object, member));
    if (path == NULL) return;
    char full[PATH_MAX];
    struct stat facts;
    if (access(absolute(examination, path, full), R_OK) != 0 || stat(full, &facts) != 0)
        fault(examination, what, full, "let this user read the file, or correct the path");
    else if (is_secret && (facts.st_mode & 077) != 0)
        fault(examination, what, "other users can read this key", "chmod 600 the file");
    else
        good(examination, what, full);
}

static void check_files(struct examination *examination)
{
    const json_t *const tls = json_object_get(examination->config, "tls");
    check_file(examination, tls, "certificate", "tls.certificate", false);
    check_file(examination, tls, "key", "tls.key", true);
    check_file(examination, json_object_get(examination->config, "attestation"), "ca", "attestation.ca", false);
    check_file(examination, examination->config, "model", "model", false);
    check_file(examination, examination->config, "runtime", "runtime", false);
}

static size_t examine(const char *path)
{
    CLEANUP(examination_done) struct examination examination = {.path = path};
    (void)printf("%s\n", path);
    if (!read_config(&examination)) return examination.faults;
    check_manifest(&examination);
    check_state(&examination);
    check_files(&examination);
    check_listen(&examination);
    check_peers(&examination);
    return examination.faults;
}

int command_doctor(int count, char **arguments)
{
    if (count < 2 || strcmp(arguments[1], "--help") == 0) {
        (void)fputs("usage: lazaret doctor CONFIG...\n\n"
                    "Looks at programs' configurations and at what they depend on: manifest, state folder, files, "
                    "addresses, the\n"
                    "services that they call. Says what is wrong and how to mend it; changes nothing.\n\n"
                    "Exit codes: 0 nothing wrong, 1 something is, 2 usage.\n",
                    count < 2 ? stderr : stdout);
        return count < 2 ? EXIT_BAD_USAGE : EXIT_HEALTHY;
    }
    size_t faults = 0;
    for (int i = 1; i < count; i++) faults += examine(arguments[i]);
    (void)printf("%s\n", faults == 0 ? "nothing is wrong" : "something is wrong: see above");
    return faults == 0 ? EXIT_HEALTHY : EXIT_FAULTS;
}
