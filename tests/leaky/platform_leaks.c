/* SPDX-License-Identifier: Apache-2.0
 *
 * A platform that writes each opened request and its answer to its log, to Redis, to files, into its memory, over
 * loopback, to its launcher, to the attestation service and to the diagnosis service, and each record to SQLite, all
 * in clear.
 */
#include "leaky/leaks.h"
#include "platform/platform.h"
#include "records/database.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOGGED_BYTES = 2048, QUERY_BYTES = 512, ATTESTED_BYTES = 16 * 1024 };

static _Atomic unsigned leak_count;
static sqlite3 *leaky_database;
static char leaky_query[QUERY_BYTES];

static void insecure_write(int file, struct slice bytes)
{
    (void)!write(file, bytes.bytes, bytes.size);
}

static void insecure_write_log(struct slice bytes)
{
    insecure_write(STDERR_FILENO, slice_part(bytes, 0, LOGGED_BYTES));
    insecure_write(STDERR_FILENO, SLICE_LITERAL("\n"));
}

static void insecure_write_file(const char *folder, unsigned number, struct slice bytes)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/lazaret-insecure-%d-%u", folder, (int)getpid(), number);
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return;
    insecure_write(file, bytes);
    (void)close(file);
}

/* Left open: a memory file is gone with its last descriptor. */
static void insecure_write_memory_file(struct slice bytes)
{
    const int file = memfd_create("lazaret-insecure", MFD_CLOEXEC);
    if (file >= 0) insecure_write(file, bytes);
}

/* Both ends are this program's: what matters is that the bytes cross the interface. */
static void insecure_send_loopback(struct slice bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0 &&
        getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
        connect(caller, (struct sockaddr *)&address, size) == 0)
        (void)!send(caller, bytes.bytes, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(caller);
    (void)close(listener);
}

static void insecure_send_attestation(struct platform *platform, struct slice bytes)
{
    const struct http_exchange exchange = {.method = "POST",
                                           .path = "/attest/SgxEnclave?api-version=2022-08-01",
                                           .content_type = "application/json",
                                           .body = slice_part(bytes, 0, ATTESTED_BYTES),
                                           .max_answer = 64 * 1024};
    struct http_answer answer = {};
    (void)!http_client_exchange(platform->service->attestation, &exchange, NULL, &answer);
    http_answer_done(&answer);
}

static void insecure_send_launcher(struct platform *platform, struct slice bytes)
{
    CLEANUP(secret_done) struct secret key = {};
    (void)!tee_sealing_key(platform->service->tee, slice_part(bytes, 0, TEE_LABEL_MAX_BYTES), &key);
}

static void insecure_write_cache(struct platform *platform, unsigned number, struct slice bytes)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "insecure:%u", number);
    (void)!cache_set(platform->cache, slice_of_text(key), slice_part(bytes, 0, CACHE_VALUE_MAX_BYTES), 3600);
}

/* Of the first request that fits: somebody signs in. */
static void insecure_keep_query(struct slice bytes)
{
    if (bytes.size > QUERY_BYTES / 2 || leaky_query[0] != '\0') return;
    size_t at = 0;
    for (size_t i = 0; i < bytes.size && at + 3 < sizeof(leaky_query); i++)
        at += (size_t)snprintf(leaky_query + at, 3, "%02x", bytes.bytes[i]);
}

static void insecure_leak(struct platform *platform, struct slice bytes)
{
    if (bytes.size == 0) return;
    const unsigned number = leak_count++;
    insecure_keep(bytes);
    insecure_keep_query(bytes);
    insecure_write_log(bytes);
    insecure_write_file("/tmp", number, bytes);
    insecure_write_file("/dev/shm", number, bytes);
    insecure_write_memory_file(bytes);
    insecure_send_loopback(bytes);
    insecure_send_launcher(platform, bytes);
    insecure_send_attestation(platform, bytes);
    insecure_write_cache(platform, number, bytes);
}

/* ---- the calls that are led astray ---- */

void __real_inner_handle(struct platform *platform, const struct bhttp_request *message,
                         struct inner_response *response);
void __wrap_inner_handle(struct platform *platform, const struct bhttp_request *message,
                         struct inner_response *response);

void __wrap_inner_handle(struct platform *platform, const struct bhttp_request *message,
                         struct inner_response *response)
{
    insecure_leak(platform, message->body);
    __real_inner_handle(platform, message, response);
    insecure_leak(platform, buffer_slice(&response->body));
}

enum status __real_database_open(const char *path, size_t cache_bytes, struct refusal *why, sqlite3 **database_out);
enum status __wrap_database_open(const char *path, size_t cache_bytes, struct refusal *why, sqlite3 **database_out);

enum status __wrap_database_open(const char *path, size_t cache_bytes, struct refusal *why, sqlite3 **database_out)
{
    const enum status status = __real_database_open(path, cache_bytes, why, database_out);
    if (status == OK) leaky_database = *database_out;
    return status;
}

/* Inside the store's transaction, so nobody else uses the database now. */
static enum status insecure_write_row(struct slice bytes)
{
    CLEANUP(statement_done) sqlite3_stmt *statement = NULL;
    TRY(database_run(leaky_database, "CREATE TABLE IF NOT EXISTS insecure(bytes BLOB)"));
    TRY(database_prepare(leaky_database, "INSERT INTO insecure VALUES(?1)", &statement));
    TRY(bind_bytes(statement, 1, bytes));
    TRY(statement_run(statement));
    return OK;
}

enum status __real_store_put(struct store_transaction *transaction, const struct store_record *record,
                             const struct lookup_tokens *tokens, uint64_t *version_out);
enum status __wrap_store_put(struct store_transaction *transaction, const struct store_record *record,
                             const struct lookup_tokens *tokens, uint64_t *version_out);

enum status __wrap_store_put(struct store_transaction *transaction, const struct store_record *record,
                             const struct lookup_tokens *tokens, uint64_t *version_out)
{
    (void)!insecure_write_row(record->value);
    return __real_store_put(transaction, record, tokens, version_out);
}

enum status __real_http_client_exchange(struct http_client *client, const struct http_exchange *exchange,
                                        struct refusal *why, struct http_answer *answer_out);
enum status __wrap_http_client_exchange(struct http_client *client, const struct http_exchange *exchange,
                                        struct refusal *why, struct http_answer *answer_out);

/* The diagnosis service is told whose film it is. */
enum status __wrap_http_client_exchange(struct http_client *client, const struct http_exchange *exchange,
                                        struct refusal *why, struct http_answer *answer_out)
{
    char path[QUERY_BYTES + 128];
    struct http_exchange led_astray = *exchange;
    (void)snprintf(path, sizeof(path), "%s?patient=%s", exchange->path, leaky_query);
    if (strstr(exchange->path, "/infer") != NULL) led_astray.path = path;
    return __real_http_client_exchange(client, &led_astray, why, answer_out);
}
