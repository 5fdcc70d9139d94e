/* SPDX-License-Identifier: Apache-2.0
 * The whole sealed exchange, from the encapsulated request to the sealed answer, before a real store in memory: binary
 * HTTP, dates, routes, sessions, roles, idempotency, FHIR, films, orders, inbox. The input is up to four requests:
 *
 *     ROLE METHOD SP PATH LF
 *     *( NAME ": " VALUE LF ) LF
 *     BODY
 *     [ LF "%%" LF ... ]
 *
 * ROLE is 0 clerk, 1 clinician, 2 administrator, else nobody. In path and body, $P is the patient who is there, $S a
 * study, $F its film, $N a film whose parts are all there but which is not complete, $M a message, $H the digest of
 * $N's file, $L what was made last. Fields that a request does not bring itself are added: date, statement, session,
 * key. Passwords' hashes, the cache, the decoder's process, the chain and the diagnosis service are stand-ins; ids
 * count up.
 */
#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "channel/ohttp.h"
#include "crypto/hash.h"
#include "crypto/password.h"
#include "fuzz.h"
#include "imaging/png_write.h"
#include "parts.h"
#include "platform/film_store.h"
#include "platform/platform.h"

#include <string.h>

enum {
    NOW_S = 1763719200,
    REQUEST_MAX_COUNT = 4,
    REPLAY_ROUND = 100000,
    IMAGE_MAX_BYTES = 4 << 20,
    CACHE_ENTRIES = 8,
    TEXT_MAX_BYTES = 1 << 20,
    FILM_SIDE = 64,
};

#define STATEMENT "the statement of this target"
#define FAMILY "Weberknecht"

/* ---- stand-ins ---- */

static uint64_t next_id;
static bool is_changed;

enum status __wrap_record_id_new(struct record_id *id_out);
enum status __wrap_record_id_new(struct record_id *id_out)
{
    (void)snprintf(id_out->text, sizeof(id_out->text), "%032llx", (unsigned long long)++next_id);
    return OK;
}

enum status __real_store_commit(struct store_transaction **transaction);
enum status __wrap_store_commit(struct store_transaction **transaction);
enum status __wrap_store_commit(struct store_transaction **transaction)
{
    is_changed = true;
    return __real_store_commit(transaction);
}

enum status __wrap_password_hash(struct slice password, struct buffer *hash);
enum status __wrap_password_hash(struct slice, struct buffer *hash)
{
    return buffer_append_text(hash, "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA");
}

enum status __wrap_password_verify(struct slice hash, struct slice password);
enum status __wrap_password_verify(struct slice, struct slice password)
{
    is_changed = true; /* the attempts that are left */
    return slice_equal_text(password, "long enough") ? OK : ERR_SIGN_IN;
}

enum status __wrap_decoder_decode(struct decoder *decoder, struct slice file, struct refusal *why, struct film *film);
enum status __wrap_decoder_decode(struct decoder *, struct slice file, struct refusal *why, struct film *film)
{
    return image_decode(file, why, film);
}

static struct entry {
    char key[CACHE_KEY_MAX_BYTES + 1];
    uint8_t value[4096];
    size_t size;
} cached[CACHE_ENTRIES];
static size_t cached_count, cached_first_count;

static struct entry *find_entry(struct slice key)
{
    for (size_t i = 0; i < cached_count; i++) {
        if (slice_equal_text(key, cached[i].key)) return &cached[i];
    }
    return NULL;
}

enum status __wrap_cache_get(struct cache *cache, struct slice key, struct buffer *value);
enum status __wrap_cache_get(struct cache *, struct slice key, struct buffer *value)
{
    const struct entry *const entry = find_entry(key);
    return entry == NULL ? ERR_NOT_FOUND : buffer_append(value, slice_of(entry->value, entry->size));
}

enum status __wrap_cache_set(struct cache *cache, struct slice key, struct slice value, int64_t keep_s);
enum status __wrap_cache_set(struct cache *, struct slice key, struct slice value, int64_t)
{
    struct entry *entry = find_entry(key);
    if (entry == NULL && cached_count == CACHE_ENTRIES) return ERR_CACHE;
    if (entry == NULL) entry = &cached[cached_count++];
    if (key.size >= sizeof(entry->key) || value.size > sizeof(entry->value)) abort();
    (void)snprintf(entry->key, sizeof(entry->key), "%.*s", (int)key.size, (const char *)key.bytes);
    memcpy(entry->value, value.bytes, value.size);
    entry->size = value.size;
    return OK;
}

enum status __wrap_cache_delete(struct cache *cache, struct slice key);
enum status __wrap_cache_delete(struct cache *, struct slice)
{
    return OK; /* the cache is the host's: it may keep what it was told to forget */
}

bool __wrap_chain_accepts(struct chain *chain, struct slice statement_hash);
bool __wrap_chain_accepts(struct chain *, struct slice statement_hash)
{
    return slice_equal_text(statement_hash, STATEMENT);
}

enum status __wrap_chain_statement(struct chain *chain, struct buffer *jws);
enum status __wrap_chain_statement(struct chain *, struct buffer *jws)
{
    return buffer_append_text(jws, "a.b.c");
}

enum status __wrap_chain_hop(struct chain *chain, enum chain_hop_kind kind, enum chain_verdict *verdict_out,
                             char *key_out, struct buffer *token);
enum status __wrap_chain_hop(struct chain *, enum chain_hop_kind, enum chain_verdict *verdict_out, char *key_out,
                             struct buffer *)
{
    *verdict_out = CHAIN_ACCEPTED;
    (void)snprintf(key_out, THUMBPRINT_TEXT_BYTES + 1, "%043d", 7);
    return OK;
}

void __wrap_chain_look_again(struct chain *chain);
void __wrap_chain_look_again(struct chain *)
{
}

bool __wrap_gate_client_hold(struct gate_client *client, const char *key);
bool __wrap_gate_client_hold(struct gate_client *, const char *)
{
    return false;
}

enum status __wrap_diagnosis_client_run(struct diagnosis_client *client, const char *pinned_key, struct slice token,
                                        struct slice tensor, struct refusal *why, struct diagnosis_result *result);
enum status __wrap_diagnosis_client_run(struct diagnosis_client *, const char *, struct slice, struct slice,
                                        struct refusal *, struct diagnosis_result *result)
{
    static const float heatmap[4] = {0, 0.25F, 0.5F, 1};
    *result = (struct diagnosis_result){.model_name = "m",
                                        .model_version = "1",
                                        .model_digest = "00",
                                        .score = 0.75,
                                        .threshold = 0.5,
                                        .heatmap_side = 2,
                                        .heatmap = buffer_of_maximum(sizeof(heatmap)),
                                        .receipt = buffer_of_maximum(16)};
    TRY(buffer_append(&result->heatmap, slice_of(heatmap, sizeof(heatmap))));
    return buffer_append_text(&result->receipt, "a.b.c");
}

/* ---- the platform ---- */

static struct platform platform;
static struct service service;
static struct ohttp_config sealed_to;
static char store_path[128], companion_path[160];
static struct buffer image; /* of the store's file, as each execution finds it */
static uint64_t first_id;
static char sessions[3][SESSION_TOKEN_TEXT_BYTES + 1];
static struct named {
    char letter;
    char text[2 * SHA256_BYTES + 1];
} named[] = {{'P', ""}, {'S', ""}, {'F', ""}, {'N', ""}, {'M', ""}, {'H', ""}, {'L', ""}};

static struct named *name_of(uint8_t letter)
{
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (named[i].letter == (char)letter) return &named[i];
    }
    return NULL;
}

static void set_name(char letter, const char *text)
{
    struct named *const name = name_of((uint8_t)letter);
    (void)snprintf(name->text, sizeof(name->text), "%s", text);
}

static void open_records(void)
{
    must(store_open(store_path, 0, platform.keys, NULL, &platform.store));
    const struct accounts_options accounts = {
        .store = platform.store, .administrator_user = "admin", .administrator_hash = "$argon2id$"};
    must(accounts_new(&accounts, &platform.accounts));
    must(sessions_new(platform.cache, platform.store, platform.keys, &platform.sessions));
}

static void close_records(void)
{
    sessions_cleanup(&platform.sessions);
    accounts_cleanup(&platform.accounts);
    store_cleanup(&platform.store);
}

static void remove_files(void)
{
    (void)unlink(store_path);
    (void)unlink(companion_path);
    char folder[sizeof(store_path)];
    (void)snprintf(folder, sizeof(folder), "%s", store_path);
    *strrchr(folder, '/') = '\0';
    (void)rmdir(folder);
}

/* Back to how the store was made: only after something was kept, so that most executions need not pay for it. */
static void restore(void)
{
    next_id = first_id;
    cached_count = cached_first_count;
    set_name('L', name_of('P')->text);
    if (!is_changed) return;
    is_changed = false;
    close_records();
    (void)unlink(companion_path);
    FILE *const file = fopen(store_path, "wb");
    if (file == NULL || fwrite(image.bytes, 1, image.size, file) != image.size || fclose(file) != 0) abort();
    open_records();
}

static char hpke_thumbprint[THUMBPRINT_TEXT_BYTES + 1];

static void renew_replay_window(void)
{
    const struct sealed_keys_options options = {.window_count = REPLAY_ROUND};
    sealed_keys_free(platform.sealed_keys);
    must(sealed_keys_new(&options, &platform.sealed_keys));
    must(sealed_keys_show(platform.sealed_keys, enclave_key(service.enclave, KEY_USE_HPKE), 0));
}

/* ---- one request ---- */

static void write_with_names(struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        const struct named *const name = text.bytes[i] == '$' && i + 1 < text.size ? name_of(text.bytes[i + 1]) : NULL;
        if (name != NULL && out->size + sizeof(name->text) < TEXT_MAX_BYTES) {
            must(buffer_append_text(out, name->text));
            i++;
        } else if (out->size < TEXT_MAX_BYTES) {
            must(buffer_append_u8(out, text.bytes[i]));
        }
    }
}

struct text_request {
    struct buffer path, body;
    struct bhttp_request message;
    char key[16];
};

static void text_request_done(struct text_request *request)
{
    buffer_done(&request->path);
    buffer_done(&request->body);
}

static void add_field(struct bhttp_request *message, const char *name, struct slice value)
{
    for (size_t i = 0; i < message->field_count; i++) {
        if (slice_equal_text(message->fields[i].name, name)) return;
    }
    if (message->field_count < BHTTP_FIELD_MAX_COUNT)
        message->fields[message->field_count++] = (struct bhttp_field){slice_of_text(name), value};
}

static void read_fields(struct slice *rest, struct bhttp_request *message)
{
    while (rest->size > 0) {
        struct slice line = take_until(rest, SLICE_LITERAL("\n"));
        if (line.size == 0) return;
        const struct slice name = take_until(&line, SLICE_LITERAL(": "));
        if (message->field_count < BHTTP_FIELD_MAX_COUNT)
            message->fields[message->field_count++] = (struct bhttp_field){name, line};
    }
}

static void read_request(struct slice rest, size_t number, struct text_request *request)
{
    static const struct slice date = SLICE_LITERAL("Fri, 21 Nov 2025 10:00:00 GMT");
    static char bearer[sizeof("Bearer ") + SESSION_TOKEN_TEXT_BYTES];
    struct bhttp_request *const message = &request->message;
    const size_t role = rest.size == 0 ? SIZE_MAX : (size_t)rest.bytes[0] - '0';
    rest = slice_part(rest, 1, rest.size);
    struct slice line = take_until(&rest, SLICE_LITERAL("\n"));
    *message = (struct bhttp_request){.scheme = SLICE_LITERAL("https"), .authority = SLICE_LITERAL("platform")};
    message->method = take_until(&line, SLICE_LITERAL(" "));
    write_with_names(line, &request->path);
    read_fields(&rest, message);
    write_with_names(rest, &request->body);
    message->path = buffer_slice(&request->path);
    message->body = buffer_slice(&request->body);
    add_field(message, "date", date);
    add_field(message, "lazaret-statement", SLICE_LITERAL(STATEMENT));
    (void)snprintf(request->key, sizeof(request->key), "key-%zu", number);
    if (!slice_equal_text(message->method, "GET")) add_field(message, "idempotency-key", slice_of_text(request->key));
    if (role >= sizeof(sessions) / sizeof(sessions[0])) return;
    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", sessions[role]);
    add_field(message, "authorization", slice_of_text(bearer));
}

static bool contains(struct slice text, const char *part)
{
    return memmem(text.bytes, text.size, part, strlen(part)) != NULL;
}

static void check_answer(const struct bhttp_request *message, const struct bhttp_response *answer)
{
    const struct slice type = bhttp_field(answer->fields, answer->field_count, "content-type");
    /* Nothing that a client sends is a fault of the platform's own. */
    if (answer->status == 500) abort();
    if ((type.size == 0) != (answer->body.size == 0)) abort();
    if (type.size > 0 && !slice_equal_text(type, "image/png")) {
        CLEANUP(json_done) json_t *json = NULL;
        must(json_parse(answer->body, INNER_ANSWER_MAX_BYTES, NULL, &json));
    }
    /* A failure tells nothing of a patient whom the request does not name itself. */
    if (answer->status >= 400 && contains(answer->body, FAMILY) && !contains(message->body, FAMILY) &&
        !contains(message->path, FAMILY))
        abort();
}

static void remember_last(const struct bhttp_response *answer)
{
    struct slice location = bhttp_field(answer->fields, answer->field_count, "location"), type;
    CLEANUP(json_done) json_t *json = NULL;
    if (answer->status != 201) return;
    if (location.size == 0) {
        const enum status status = json_parse(answer->body, INNER_ANSWER_MAX_BYTES, NULL, &json);
        const char *const film = status == OK ? json_string_value(json_object_get(json, "film")) : NULL;
        if (film != NULL) set_name('L', film);
        return;
    }
    char id[RECORD_ID_BYTES + 1];
    if (!slice_split(location, '/', &type, &location)) abort();
    (void)snprintf(id, sizeof(id), "%.*s", (int)location.size, (const char *)location.bytes);
    set_name('L', id);
}

/* False if it cannot be written as binary HTTP. Leaves the answer's status. */
static unsigned exchange(const struct bhttp_request *message)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(4 << 20), sealed = buffer_of_maximum(4 << 20);
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(16 << 20), plain = buffer_of_maximum(16 << 20);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    struct bhttp_response response = {};
    if (bhttp_write_request(message, &content) != OK) return 0;
    must(ohttp_seal_request(&sealed_to, buffer_slice(&content), &sealed, &exchange));
    must(sealed_exchange(&platform, slice_of_text(hpke_thumbprint), buffer_slice(&sealed), NULL, &answer));
    must(ohttp_open_response(exchange, buffer_slice(&answer), NULL, &plain));
    must(bhttp_read_response(buffer_slice(&plain), NULL, &response));
    /* Who took the place for long work has given it back. */
    if (atomic_load(&platform.long_work) != 1) abort();
    check_answer(message, &response);
    remember_last(&response);
    return response.status;
}

static unsigned ask(struct slice text, size_t number)
{
    CLEANUP(text_request_done)
    struct text_request request = {.path = buffer_of_maximum(TEXT_MAX_BYTES + 256),
                                   .body = buffer_of_maximum(TEXT_MAX_BYTES + 256)};
    read_request(text, number, &request);
    return exchange(&request.message);
}

/* ---- what is there before ---- */

static void expect(unsigned wanted, struct slice text)
{
    static size_t number = 1000;
    const unsigned seen = ask(text, number++);
    if (seen == wanted) return;
    (void)fprintf(stderr, "%.60s: %u\n", (const char *)text.bytes, seen);
    abort();
}

static void make_picture(struct buffer *png)
{
    uint8_t pixels[FILM_SIDE * FILM_SIDE];
    for (size_t i = 0; i < sizeof(pixels); i++) pixels[i] = (uint8_t)(i * 7);
    *png = buffer_of_maximum(64 * 1024);
    must(png_write_grey(SLICE_ARRAY(pixels), FILM_SIDE, FILM_SIDE, png));
    uint8_t digest[32];
    must(sha256(buffer_slice(png), digest));
    set_name('H', hex_of_32(digest).text);
}

static void stage_film(struct slice png)
{
    char create[128];
    (void)snprintf(create, sizeof(create), "0POST /films\n\n{\"patient\":\"$P\",\"size\":%zu}", png.size);
    expect(201, slice_of_text(create));
    CLEANUP(buffer_done) struct buffer part = buffer_of_maximum(64 * 1024);
    must(buffer_append_text(&part, "0PUT /films/$L/parts/0\n\n"));
    must(buffer_append(&part, png));
    expect(204, buffer_slice(&part));
}

static enum status name_study(void *, const struct store_record *record, bool *)
{
    if (strcmp(record->type, "ImagingStudy") == 0) set_name('S', record->id);
    return OK;
}

static enum status name_message(void *, const struct store_record *record, bool *)
{
    set_name('M', record->id);
    return OK;
}

static void fill_records(void)
{
    CLEANUP(buffer_done) struct buffer png = {};
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    make_picture(&png);
    expect(201,
           SLICE_LITERAL("0POST /fhir/Patient\n\n{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"" FAMILY "\","
                         "\"given\":[\"Ida\"]}],\"birthDate\":\"1970-01-01\",\"identifier\":[{\"system\":\"urn:x\","
                         "\"value\":\"7\"}]}"));
    set_name('P', name_of('L')->text);
    stage_film(buffer_slice(&png));
    set_name('F', name_of('L')->text);
    expect(201, SLICE_LITERAL("0POST /films/$F/complete\n\n{\"sha256\":\"$H\"}"));
    must(store_begin(platform.store, &transaction));
    must(store_list_owned(transaction, name_of('P')->text, NULL, name_study, NULL));
    store_rollback(&transaction);
    expect(201, SLICE_LITERAL(
                    "1POST /fhir/ServiceRequest\n\n{\"resourceType\":\"ServiceRequest\",\"subject\":{\"reference\":"
                    "\"Patient/$P\"},\"supportingInfo\":[{\"reference\":\"ImagingStudy/$S\"}],\"code\":{\"text\":"
                    "\"Chest\"}}"));
    must(store_begin(platform.store, &transaction));
    must(store_list(transaction, "Communication", name_message, NULL));
    store_rollback(&transaction);
    stage_film(buffer_slice(&png));
    set_name('N', name_of('L')->text);
}

static void sign_in(enum account_role role)
{
    struct account account = {.user = "u", .name = "U", .role = role};
    struct session_token token;
    struct session session;
    if (role == ROLE_ADMINISTRATOR)
        (void)snprintf(account.id, sizeof(account.id), "%s", ACCOUNT_FIRST_ID);
    else
        (void)snprintf(account.id, sizeof(account.id), "%032d", 900 + (int)role);
    must(sessions_start(platform.sessions, &account, NOW_S, &token, &session));
    (void)snprintf(sessions[role], sizeof(sessions[role]), "%s", token.text);
}

static void keep_image(void)
{
    close_records();
    image = buffer_of_maximum(IMAGE_MAX_BYTES);
    must(file_read(store_path, NULL, &image));
    open_records();
    first_id = next_id;
    cached_first_count = cached_count;
    is_changed = false;
}

static void make_enclave(void)
{
    const struct enclave_options options = {.service = "platform",
                                            .version = "1",
                                            .deployment = "0123456789012345678901234567890123456789012",
                                            .has_hpke = true};
    must(enclave_new(NULL, &options, &service.enclave));
    must(ohttp_config_read(enclave_ohttp_configuration(service.enclave), NULL, &sealed_to));
    renew_replay_window();
    sealed_keys_present(platform.sealed_keys, hpke_thumbprint);
}

static void set_up(void)
{
    static const uint8_t master[MASTER_KEY_BYTES] = {7};
    char folder[64];
    log_set_level(LOG_ERROR);
    scratch_folder(folder, sizeof(folder));
    (void)snprintf(store_path, sizeof(store_path), "%s/" STORE_FILE, folder);
    (void)snprintf(companion_path, sizeof(companion_path), "%s-wal", store_path);
    (void)atexit(remove_files);
    must(clock_new_fixed(NOW_S, &service.clock));
    make_enclave();
    platform.service = &service;
    atomic_init(&platform.long_work, 1);
    must(custody_new(&platform.custody));
    must(custody_begin_change(platform.custody, CUSTODY_LOCKED, NULL));
    custody_end_change(platform.custody, CUSTODY_OPEN);
    must(record_keys_new(SLICE_ARRAY(master), SLICE_LITERAL("hospital"), &platform.keys));
    renew_replay_window();
    open_records();
    for (int role = ROLE_CLERK; role <= ROLE_ADMINISTRATOR; role++) sign_in((enum account_role)role);
    fill_records();
    keep_image();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static size_t count;
    if (count == 0) set_up();
    if (++count % (REPLAY_ROUND / REQUEST_MAX_COUNT) == 0) renew_replay_window();
    restore();
    struct slice rest = slice_of(bytes, size);
    for (size_t i = 0; i < REQUEST_MAX_COUNT && rest.size > 0; i++)
        (void)ask(take_until(&rest, SLICE_LITERAL("\n%%\n")), i);
    return 0;
}
