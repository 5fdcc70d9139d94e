/* SPDX-License-Identifier: Apache-2.0 */
#include "service/sandboxing.h"

#include "channel/address.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>

enum { DNS_PORT = 53 }; /* over TCP, for answers too large for a datagram */

/* For the C library's name look-up, with the folders that /etc/resolv.conf may lead to; the system's anchors; what the
 * C library asks of the machine; randomness for libraries that do not ask the kernel. */
static const char *const common_places[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/etc/ssl",
    "/usr/share/ca-certificates",
    "/sys/devices/system/cpu",
    "/proc/sys/vm/overcommit_memory",
    "/etc/localtime",
    "/dev/urandom",
};

static enum status too_many(enum status status, struct refusal *why)
{
    if (status == OK) return OK;
    return refuse(why, ERR_CONFIG, "configuration", "fewer addresses and paths", "more than the sandbox can name");
}

static enum status parse_port(const char *text, struct refusal *why, bool *is_tcp_out, uint16_t *port_out)
{
    struct address address;
    TRY(address_parse(text, why, &address));
    *is_tcp_out = address.path[0] == '\0';
    *port_out = address.port;
    return OK;
}

enum status service_allow_dialling(struct sandbox *sandbox, const char *address, struct refusal *why)
{
    bool is_tcp;
    uint16_t port;
    TRY(parse_port(address, why, &is_tcp, &port));
    return is_tcp ? too_many(sandbox_allow_connecting(sandbox, port), why) : OK;
}

enum status service_allow_url(struct sandbox *sandbox, const char *url, struct refusal *why)
{
    if (url[0] == '\0') return OK;
    const char *const authority = strstr(url, "://");
    if (authority == NULL) return refuse(why, ERR_CONFIG, "url", "http[s]://host[:port]", "%s", url);
    const size_t size = strcspn(authority + 3, "/?#");
    const bool has_port = memchr(authority + 3, ':', size) != NULL;
    char address[ADDRESS_MAX_BYTES + 8];
    const int wanted = snprintf(address, sizeof(address), "%.*s%s", (int)size, authority + 3,
                                has_port                           ? ""
                                : strncmp(url, "https://", 8) == 0 ? ":443"
                                                                   : ":80");
    if (wanted < 0 || (size_t)wanted >= sizeof(address))
        return refuse(why, ERR_CONFIG, "url", "a shorter host", "%d bytes", wanted);
    return service_allow_dialling(sandbox, address, why);
}

enum status service_allow_listening(struct sandbox *sandbox, const char *address, struct refusal *why)
{
    bool is_tcp;
    uint16_t port;
    TRY(parse_port(address, why, &is_tcp, &port));
    return is_tcp ? too_many(sandbox_allow_listening(sandbox, port), why) : OK;
}

static enum status allow_ready_file(const struct configuration *configuration, struct sandbox *sandbox)
{
    char path[PATH_MAX];
    if (configuration->ready_file[0] == '\0') return OK;
    (void)snprintf(path, sizeof(path), "%s", configuration->ready_file);
    return sandbox_allow(sandbox, SANDBOX_CHANGE, dirname(path));
}

static enum status allow_places(const struct configuration *configuration, struct sandbox *sandbox)
{
    for (size_t i = 0; i < sizeof(common_places) / sizeof(common_places[0]); i++)
        TRY(sandbox_allow(sandbox, SANDBOX_READ, common_places[i]));
    TRY(sandbox_allow(sandbox, SANDBOX_CHANGE, configuration->state));
    TRY(sandbox_allow(sandbox, SANDBOX_READ, configuration->attestation_ca));
    TRY(sandbox_allow(sandbox, SANDBOX_MEET, "/tmp")); /* the sockets of tunnel_dialer_new */
    return allow_ready_file(configuration, sandbox);
}

/* One line, whatever stands: an operator must see without asking what this machine's kernel does not give. */
static void tell(const struct sandbox_report *report)
{
    const bool holds_files = report->landlock_abi >= SANDBOX_LANDLOCK_ABI_FILES;
    const bool holds_ports = report->landlock_abi >= SANDBOX_LANDLOCK_ABI_PORTS;
    const char *missing = "the kernel holds system calls, files and ports";
    if (!report->filters_calls && !holds_files)
        missing = "this kernel has neither seccomp nor Landlock: nothing is held";
    else if (!report->filters_calls)
        missing = "this kernel has no seccomp: system calls are not held";
    else if (!holds_files)
        missing = "this kernel has no Landlock: files and ports are not held";
    else if (!holds_ports)
        missing = "this kernel's Landlock has no network rules: ports are not held";
    log_event(report->filters_calls && holds_ports ? LOG_INFO : LOG_WARNING, "program.sandboxed",
              log_text(LOG_DETAIL, missing), log_number(LOG_COUNT, report->landlock_abi));
}

enum status service_enter_sandbox(const struct configuration *configuration, struct sandbox *sandbox,
                                  struct refusal *why)
{
    struct sandbox_report report = {};
    TRY(service_allow_listening(sandbox, configuration->listen, why));
    TRY(service_allow_url(sandbox, configuration->attestation_url, why));
    TRY(too_many(sandbox_allow_connecting(sandbox, DNS_PORT), why));
    TRY(too_many(allow_places(configuration, sandbox), why));
    TRY(sandbox_enter(sandbox, why, &report));
    tell(&report);
    return OK;
}
