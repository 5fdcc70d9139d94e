/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing the records: with the enclave's own sealing key at start, or with a master key that came by
 * hand-over or recovery. The key file is written last, once the store is known to be open with that key.
 */
#include "base/file.h"
#include "base/log.h"
#include "platform/platform.h"
#include "records/master_key.h"

#include <stdio.h>
#include <string.h>

static enum status sealing_key(const struct service *service, struct secret *key_out)
{
    CLEANUP(buffer_done) struct buffer label = buffer_of_maximum(TEE_LABEL_MAX_BYTES);
    TRY(buffer_append_format(&label, "records:%s", service->configuration->deployment));
    return tee_sealing_key(service->tee, buffer_slice(&label), key_out);
}

enum status records_wrapping(const struct platform *platform, struct secret *sealing_key_out,
                             struct master_key_wrapping *wrapping_out)
{
    const struct service *const service = platform->service;
    TRY(sealing_key(service, sealing_key_out));
    *wrapping_out = (struct master_key_wrapping){
        .deployment = slice_of_text(service->configuration->deployment),
        .sealing_key = sealing_key_out,
        .recovery = service->manifest->recovery,
    };
    return OK;
}

/* The whole file set back to an earlier state is a true earlier state: only who remembers a later one can tell. */
static enum status check_head(struct store *store, const struct store_head *at_least, struct refusal *why)
{
    struct store_head head;
    if (at_least == NULL) return OK;
    TRY(store_head(store, &head));
    if (strcmp(head.store.text, at_least->store.text) != 0)
        return refuse(why, ERR_STORE_CORRUPT, "store", at_least->store.text, "%s", head.store.text);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at least %llu", (unsigned long long)at_least->generation);
    if (head.generation < at_least->generation)
        return refuse(why, ERR_STORE_CORRUPT, "store.generation", expected, "%llu",
                      (unsigned long long)head.generation);
    if (head.generation > at_least->generation || memcmp(head.head, at_least->head, sizeof(head.head)) == 0) return OK;
    return refuse(why, ERR_STORE_CORRUPT, "store.head", "the predecessor's last head", "another");
}

static enum status open_parts(struct platform *platform, struct slice master, const struct store_head *at_least,
                              struct refusal *why)
{
    const struct service *const service = platform->service;
    char path[PATH_MAX];
    TRY(service_state_path(service, STORE_FILE, path));
    TRY(record_keys_new(master, slice_of_text(service->configuration->deployment), &platform->keys));
    TRY(store_open(path, 0, platform->keys, why, &platform->store));
    TRY(check_head(platform->store, at_least, why));
    const struct accounts_options accounts = {
        .store = platform->store,
        .administrator_user = service->manifest->administrator.user,
        .administrator_hash = service->manifest->administrator.password_hash,
    };
    const struct cache_options cache = {.connect = gate_client_connect, .context = platform->gate};
    TRY(accounts_new(&accounts, &platform->accounts));
    TRY(cache_new(&cache, &platform->cache));
    return sessions_new(platform->cache, platform->store, platform->keys, &platform->sessions);
}

void records_close(struct platform *platform)
{
    housekeeping_stop(platform->housekeeping);
    platform->housekeeping = NULL;
    sessions_cleanup(&platform->sessions);
    cache_free(platform->cache);
    platform->cache = NULL;
    accounts_cleanup(&platform->accounts);
    store_cleanup(&platform->store);
    record_keys_cleanup(&platform->keys);
}

static enum status open_all(struct platform *platform, struct slice master, const struct store_head *at_least,
                            struct refusal *why)
{
    const struct service *const service = platform->service;
    CLEANUP(secret_done) struct secret own_key = {};
    struct master_key_wrapping wrapping;
    TRY(records_wrapping(platform, &own_key, &wrapping));
    TRY(open_parts(platform, master, at_least, why));
    TRY(master_key_keep(service->configuration->state, master, &wrapping, why));
    return housekeeping_start(platform->store, service->clock, &platform->housekeeping);
}

static enum status open_or_close(struct platform *platform, struct slice master, const struct store_head *at_least,
                                 struct refusal *why)
{
    const enum status status = open_all(platform, master, at_least, why);
    if (status != OK) records_close(platform);
    return status;
}

/* A store must be there: a key without one would open an empty store, and nobody would see what is missing. */
static enum status unlock(struct platform *platform, struct slice master, const struct store_head *at_least,
                          struct refusal *why)
{
    const char *const state = platform->service->configuration->state;
    char path[PATH_MAX];
    TRY(service_state_path(platform->service, STORE_FILE, path));
    if (!file_exists(path)) {
        (void)!refuse(why, ERR_STORE_LOCKED, STORE_FILE, "the store beside its key file", "none");
        return refuse_fix(why, ERR_STORE_LOCKED, "copy the store into the state folder first");
    }
    TRY(master_key_fits(state, master, slice_of_text(platform->service->configuration->deployment), why));
    return open_or_close(platform, master, at_least, why);
}

enum status records_unlock(struct platform *platform, struct slice master, const struct store_head *at_least,
                           struct refusal *why)
{
    TRY(custody_begin_change(platform->custody, CUSTODY_LOCKED, why));
    const enum status status = unlock(platform, master, at_least, why);
    custody_end_change(platform->custody, status == OK ? CUSTODY_OPEN : CUSTODY_LOCKED);
    /* A statement of before names no head of the store: whoever accepted it must look again. */
    if (status == OK) chain_forget_statements(platform->chain);
    return status;
}

/* Whose configuration names a predecessor has come to take records over, never to begin with none. */
static enum status check_is_to_begin(const struct platform *platform, struct refusal *why)
{
    char path[PATH_MAX];
    TRY(service_state_path(platform->service, MASTER_KEY_FILE, path));
    if (platform->configuration.predecessor.hand_over[0] == '\0' || file_exists(path)) return OK;
    (void)!refuse(why, ERR_STORE_LOCKED, MASTER_KEY_FILE, "the predecessor's key file and store", "none");
    return refuse_fix(why, ERR_STORE_LOCKED, "give it the predecessor's state folder, or name no predecessor");
}

static enum status open_with_own_key(struct platform *platform, const struct store_head *at_least, struct refusal *why)
{
    char path[PATH_MAX];
    CLEANUP(secret_done) struct secret own_key = {}, master = {};
    struct master_key_wrapping wrapping;
    TRY(check_is_to_begin(platform, why));
    TRY(service_state_path(platform->service, STORE_FILE, path));
    TRY(records_wrapping(platform, &own_key, &wrapping));
    TRY(master_key_load(platform->service->configuration->state, file_exists(path), &wrapping, why, &master));
    return open_or_close(platform, secret_slice(&master), at_least, why);
}

static enum status change_to_own(struct platform *platform, const struct store_head *at_least, struct refusal *why)
{
    TRY(custody_begin_change(platform->custody, CUSTODY_LOCKED, why));
    const enum status status = open_with_own_key(platform, at_least, why);
    custody_end_change(platform->custody, status == OK ? CUSTODY_OPEN : CUSTODY_LOCKED);
    return status;
}

enum status records_open_own(struct platform *platform, const struct store_head *at_least, struct refusal *why)
{
    const enum status status = change_to_own(platform, at_least, why);
    if (status == OK) chain_forget_statements(platform->chain);
    return status;
}

enum status records_start(struct platform *platform, struct refusal *why)
{
    struct refusal locked = {};
    const enum status status = change_to_own(platform, NULL, &locked);
    const bool has_predecessor = platform->configuration.predecessor.hand_over[0] != '\0';
    if (status == OK) return OK;
    if (status == ERR_STORE_LOCKED || (status == ERR_STORE_IN_USE && has_predecessor)) {
        custody_explain(platform->custody, &locked);
        log_refusal(LOG_WARNING, "records.locked", &locked);
        return OK;
    }
    if (why != NULL) *why = locked;
    return status;
}
