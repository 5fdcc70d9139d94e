/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret client`: plays the hospital over the real sealed channel. Every command verifies the whole chain first and
 * sends nothing if it is not accepted. Passwords and patients come from files or standard input, never from the command
 * line, which other users can see.
 */
#include "base/encoding.h"
#include "base/file.h"
#include "cli/chain_report.h"
#include "cli/command.h"
#include "cli/hospital.h"
#include "crypto/hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_DONE = 0,
    EXIT_REFUSED_BY_CHECK = 1,
    EXIT_BAD_USAGE = 2,
    PASSWORD_INPUT_MAX_BYTES = 1024,
    RESOURCE_INPUT_MAX_BYTES = 1024 * 1024,
    FILM_INPUT_MAX_BYTES = 64 * 1024 * 1024,
    PATH_TEXT_BYTES = 256,
};

struct client_options {
    struct hospital_options hospital;
    const char *session_path;
    char default_seen_path[PATH_MAX];
    const char *user, *name, *role, *patient, *study;
    const char *out;
    bool json;
    const char *arguments[4];
    size_t argument_count;
};

struct client {
    const struct client_options *options;
    struct hospital *hospital;
    char session[SESSION_TEXT_MAX_BYTES + 1];
    struct refusal why;
};

static const char help[] =
    "usage: lazaret client COMMAND --platform URL --manifest FILE --deployment T [--attestation URL] [--ca FILE]\n"
    "                      [--session FILE] [--seen FILE] [--json] ...\n"
    "\n"
    "Plays the hospital over the sealed channel. Each command verifies platform, gate and diagnosis first, and that\n"
    "neither manifest nor records are older than what --seen remembers (default: ~/.lazaret-DEPLOYMENT.seen).\n"
    "\n"
    "  verify                               the chain's verdict, hop by hop\n"
    "  sign-in --user NAME                  password on standard input; the session goes into --session FILE\n"
    "  sign-out                             ends the session\n"
    "  account --user U --name N --role R   makes an account (clerk, clinician, administrator); password on standard "
    "input\n"
    "  register FILE|-                      a FHIR Patient or transaction Bundle; prints the patient's id\n"
    "  upload --patient ID FILE             a film: PNG, JPEG or DICOM; prints the study's id\n"
    "  diagnose --patient ID --study ID     orders a diagnosis and prints the finding\n"
    "  show --patient ID                    the patient's record\n"
    "  image FILM --out FILE                the film as PNG\n"
    "  inbox                                messages that wait\n"
    "\n"
    "Exit codes: 0 done, 1 refused (by a check or by the platform), 2 usage.\n";

static int tell(const struct client *client, enum status status)
{
    struct refusal why = client->why;
    if (why.status == OK) (void)!refuse(&why, status, "client", "success", "%s", status_name(status));
    char line[1200];
    refusal_text(&why, line, sizeof(line));
    (void)fprintf(stderr, "lazaret client: %s\n", line);
    return status == ERR_USAGE ? EXIT_BAD_USAGE : EXIT_REFUSED_BY_CHECK;
}

static enum status usage(struct client *client, const char *expected, const char *seen)
{
    (void)!refuse(&client->why, ERR_USAGE, "command line", expected, "%s", seen == NULL ? "nothing" : seen);
    return refuse_fix(&client->why, ERR_USAGE, "see lazaret client --help");
}

static enum status open_and_verify(struct client *client, struct chain_report *report)
{
    TRY(hospital_open(&client->options->hospital, &client->why, &client->hospital));
    return hospital_verify(client->hospital, &client->why, report);
}

static enum status connect_verified(struct client *client)
{
    struct chain_report report;
    TRY(open_and_verify(client, &report));
    if (report.is_accepted) return OK;
    chain_report_print(&report);
    return refuse(&client->why, ERR_PEER_REFUSED, "chain", "every hop verified", "a refused hop; nothing was sent");
}

static enum status read_session(struct client *client)
{
    if (client->options->session_path == NULL) return usage(client, "--session FILE of an earlier sign-in", NULL);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SESSION_TEXT_MAX_BYTES);
    TRY(file_read(client->options->session_path, &client->why, &text));
    (void)snprintf(client->session, sizeof(client->session), "%.*s", (int)text.size, (const char *)text.bytes);
    return OK;
}

/* The platform's own words on why it refused. */
static enum status refused_by_platform(struct client *client, const struct hospital_answer *answer)
{
    CLEANUP(json_done) json_t *problem = NULL;
    (void)!json_parse(answer->response.body, HOSPITAL_ANSWER_MAX_BYTES, NULL, &problem);
    const json_t *const issue = json_array_get(json_object_get(problem, "issue"), 0);
    const char *title = json_string_value(json_object_get(problem, "title"));
    if (title == NULL) title = json_string_value(json_object_get(issue, "diagnostics"));
    const char *const field = json_string_value(json_object_get(problem, "field"));
    const char *const seen = json_string_value(json_object_get(problem, "seen"));
    const char *const expected = json_string_value(json_object_get(problem, "expected"));
    const char *const fix = json_string_value(json_object_get(problem, "fix"));
    (void)!refuse(&client->why, ERR_HTTP_STATUS, field == NULL ? "request" : field,
                  expected == NULL ? "success" : expected, "%u %s%s%s", answer->status, title == NULL ? "" : title,
                  seen == NULL ? "" : ": ", seen == NULL ? "" : seen);
    if (fix != NULL) (void)!refuse_fix(&client->why, ERR_HTTP_STATUS, fix);
    return ERR_HTTP_STATUS;
}

static enum status ask(struct client *client, const char *method, const char *path, const char *content_type,
                       struct slice body, struct hospital_answer *answer)
{
    const struct hospital_request request = {
        .method = method,
        .path = path,
        .content_type = content_type,
        .body = body,
        .session = client->session[0] == '\0' ? NULL : client->session,
    };
    TRY(hospital_request(client->hospital, &request, &client->why, answer));
    return answer->status >= 200 && answer->status < 300 ? OK : refused_by_platform(client, answer);
}

static enum status ask_json(struct client *client, const char *method, const char *path, const char *content_type,
                            const json_t *body, json_t **answer_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(HOSPITAL_BODY_MAX_BYTES);
    if (body != NULL) TRY(json_write(body, &text));
    CLEANUP(hospital_answer_done) struct hospital_answer answer = {};
    TRY(ask(client, method, path, body == NULL ? NULL : content_type, buffer_slice(&text), &answer));
    if (answer_out == NULL) return OK;
    return json_parse(answer.response.body, HOSPITAL_ANSWER_MAX_BYTES, &client->why, answer_out);
}

/* Standard input may be a socket, which cannot be opened by name. */
static enum status read_standard_input(struct refusal *why, struct buffer *bytes)
{
    for (;;) {
        uint8_t chunk[4096];
        const ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (got == 0) return OK;
        if (got < 0) return refuse(why, ERR_IO, "standard input", "readable bytes", "an error");
        const enum status status = buffer_append(bytes, slice_of(chunk, (size_t)got));
        secret_wipe(chunk, sizeof(chunk));
        TRY(status);
    }
}

static enum status read_input(struct client *client, const char *path, size_t max_size, struct buffer *bytes)
{
    *bytes = buffer_of_maximum(max_size);
    if (strcmp(path, "-") == 0) return read_standard_input(&client->why, bytes);
    return file_read(path, &client->why, bytes);
}

static enum status read_password(struct client *client, struct buffer *password)
{
    TRY(read_input(client, "-", PASSWORD_INPUT_MAX_BYTES, password));
    while (password->size > 0 && password->bytes[password->size - 1] == '\n')
        buffer_truncate(password, password->size - 1);
    return OK;
}

static enum status client_verify(struct client *client)
{
    struct chain_report report;
    TRY(open_and_verify(client, &report));
    if (client->options->json)
        chain_report_print_json(&report);
    else
        chain_report_print(&report);
    return report.is_accepted
               ? OK
               : refuse(&client->why, ERR_PEER_REFUSED, "chain", "every hop verified", "a hop that is refused");
}

static enum status client_sign_in(struct client *client)
{
    if (client->options->user == NULL || client->options->session_path == NULL)
        return usage(client, "--user NAME and --session FILE", NULL);
    CLEANUP(buffer_done) struct buffer password = {};
    TRY(read_password(client, &password));
    TRY(connect_verified(client));
    CLEANUP(json_done)
    json_t *body = json_pack("{s:s, s:s%}", "user", client->options->user, "password", password.bytes, password.size);
    if (body == NULL) return refuse(&client->why, ERR_ENCODING, "password", "UTF-8", "other bytes");
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(ask_json(client, "POST", "/session", "application/json", body, &answer));
    struct slice session;
    TRY(json_get_string(answer, "answer", "session", SESSION_TEXT_MAX_BYTES, &client->why, &session));
    TRY(file_write(client->options->session_path, session, 0600, &client->why));
    const json_t *const user = json_object_get(answer, "user");
    (void)printf("signed in as %s, %s\n", json_string_value(json_object_get(user, "name")),
                 json_string_value(json_object_get(user, "role")));
    return OK;
}

static enum status connect_signed_in(struct client *client)
{
    TRY(read_session(client));
    return connect_verified(client);
}

static enum status client_sign_out(struct client *client)
{
    TRY(connect_signed_in(client));
    TRY(ask_json(client, "DELETE", "/session", NULL, NULL, NULL));
    (void)unlink(client->options->session_path);
    (void)printf("signed out\n");
    return OK;
}

static enum status client_account(struct client *client)
{
    const struct client_options *const options = client->options;
    if (options->user == NULL || options->name == NULL || options->role == NULL)
        return usage(client, "--user, --name and --role", NULL);
    CLEANUP(buffer_done) struct buffer password = {};
    TRY(read_password(client, &password));
    TRY(connect_signed_in(client));
    CLEANUP(json_done)
    json_t *body = json_pack("{s:s, s:s, s:s, s:s%}", "user", options->user, "name", options->name, "role",
                             options->role, "password", password.bytes, password.size);
    if (body == NULL) return refuse(&client->why, ERR_ENCODING, "account", "UTF-8", "other bytes");
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(ask_json(client, "POST", "/accounts", "application/json", body, &answer));
    (void)printf("%s\n", json_string_value(json_object_get(answer, "id")));
    return OK;
}

/* The id in "Patient/ID" or "Patient/ID/_history/1". */
static void print_location_id(const char *location)
{
    const char *const slash = location == NULL ? NULL : strchr(location, '/');
    const char *const id = slash == NULL ? location : slash + 1;
    if (id != NULL) (void)printf("%.*s\n", (int)strcspn(id, "/"), id);
}

static enum status register_bundle(struct client *client, const json_t *bundle)
{
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(ask_json(client, "POST", "/fhir", "application/fhir+json", bundle, &answer));
    size_t index;
    json_t *entry;
    json_array_foreach (json_object_get(answer, "entry"), index, entry) {
        const char *const location = json_string_value(json_object_get(json_object_get(entry, "response"), "location"));
        if (location != NULL && strncmp(location, "Patient/", 8) == 0) print_location_id(location);
    }
    return OK;
}

static enum status client_register(struct client *client)
{
    if (client->options->argument_count != 1)
        return usage(client, "a file with a Patient or a transaction Bundle", NULL);
    CLEANUP(buffer_done) struct buffer text = {};
    TRY(read_input(client, client->options->arguments[0], RESOURCE_INPUT_MAX_BYTES, &text));
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(json_parse(buffer_slice(&text), RESOURCE_INPUT_MAX_BYTES, &client->why, &resource));
    struct slice type;
    TRY(json_get_string(resource, "", "resourceType", 64, &client->why, &type));
    TRY(connect_signed_in(client));
    if (slice_equal_text(type, "Bundle")) return register_bundle(client, resource);
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(ask_json(client, "POST", "/fhir/Patient", "application/fhir+json", resource, &answer));
    (void)printf("%s\n", json_string_value(json_object_get(answer, "id")));
    return OK;
}

static enum status send_parts(struct client *client, const char *film, size_t part_size, struct slice file)
{
    const size_t count = (file.size + part_size - 1) / part_size;
    const bool shows_progress = isatty(STDERR_FILENO) != 0;
    for (size_t part = 0; part < count; part++) {
        char path[PATH_TEXT_BYTES];
        (void)snprintf(path, sizeof(path), "/films/%s/parts/%zu", film, part);
        CLEANUP(hospital_answer_done) struct hospital_answer answer = {};
        TRY(ask(client, "PUT", path, "application/octet-stream", slice_part(file, part * part_size, part_size),
                &answer));
        if (shows_progress) (void)fprintf(stderr, "\r  %zu of %zu MiB sealed and sent", part + 1, count);
    }
    if (shows_progress) (void)fprintf(stderr, "\n");
    return OK;
}

static enum status complete_film(struct client *client, const char *film, struct slice file)
{
    uint8_t digest[32];
    TRY(sha256(file, digest));
    char path[PATH_TEXT_BYTES];
    (void)snprintf(path, sizeof(path), "/films/%s/complete", film);
    CLEANUP(json_done) json_t *body = json_pack("{s:s}", "sha256", hex_of_32(digest).text);
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(ask_json(client, "POST", path, "application/json", body, &answer));
    const char *const unsuitable = json_string_value(json_object_get(answer, "unsuitable"));
    (void)fprintf(stderr, "  film %s: %s, %lld x %lld pixels%s%s\n", film,
                  json_string_value(json_object_get(answer, "format")),
                  (long long)json_integer_value(json_object_get(answer, "width")),
                  (long long)json_integer_value(json_object_get(answer, "height")),
                  unsuitable == NULL ? "" : "; unsuitable: ", unsuitable == NULL ? "" : unsuitable);
    (void)printf("%s\n", json_string_value(json_object_get(answer, "study")));
    return OK;
}

static enum status client_upload(struct client *client)
{
    if (client->options->patient == NULL || client->options->argument_count != 1)
        return usage(client, "--patient ID and a film", NULL);
    CLEANUP(buffer_done) struct buffer file = {};
    TRY(read_input(client, client->options->arguments[0], FILM_INPUT_MAX_BYTES, &file));
    TRY(connect_signed_in(client));
    CLEANUP(json_done)
    json_t *body = json_pack("{s:s, s:I}", "patient", client->options->patient, "size", (json_int_t)file.size);
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(ask_json(client, "POST", "/films", "application/json", body, &answer));
    const char *const film = json_string_value(json_object_get(answer, "film"));
    int64_t part_size;
    TRY(json_get_integer(answer, "answer", "part_size", 1, HOSPITAL_BODY_MAX_BYTES, &client->why, &part_size));
    if (film == NULL) return refuse(&client->why, ERR_FIELD_MISSING, "answer.film", "an id", "none");
    TRY(send_parts(client, film, (size_t)part_size, buffer_slice(&file)));
    return complete_film(client, film, buffer_slice(&file));
}

static void print_report_resource(const json_t *report)
{
    const char *const status = json_string_value(json_object_get(report, "status"));
    const char *const conclusion = json_string_value(json_object_get(report, "conclusion"));
    (void)printf("%s (%s; not for clinical use)\n", conclusion == NULL ? "no conclusion" : conclusion,
                 status == NULL ? "unknown" : status);
}

static enum status client_diagnose(struct client *client)
{
    const struct client_options *const options = client->options;
    if (options->patient == NULL || options->study == NULL) return usage(client, "--patient ID and --study ID", NULL);
    TRY(connect_signed_in(client));
    char subject[PATH_TEXT_BYTES], study[PATH_TEXT_BYTES];
    (void)snprintf(subject, sizeof(subject), "Patient/%s", options->patient);
    (void)snprintf(study, sizeof(study), "ImagingStudy/%s", options->study);
    CLEANUP(json_done)
    json_t *order = json_pack("{s:s, s:s, s:s, s:{s:s}, s:{s:s}, s:[{s:s}]}", "resourceType", "ServiceRequest",
                              "status", "active", "intent", "order", "code", "text", "Chest film: pneumonia?",
                              "subject", "reference", subject, "supportingInfo", "reference", study);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(RESOURCE_INPUT_MAX_BYTES);
    TRY(json_write(order, &text));
    CLEANUP(hospital_answer_done) struct hospital_answer answer = {};
    TRY(ask(client, "POST", "/fhir/ServiceRequest", "application/fhir+json", buffer_slice(&text), &answer));
    const struct slice location = bhttp_field(answer.response.fields, answer.response.field_count, "location-report");
    char path[PATH_TEXT_BYTES];
    (void)snprintf(path, sizeof(path), "/fhir/%.*s", (int)location.size, (const char *)location.bytes);
    CLEANUP(json_done) json_t *report = NULL;
    TRY(ask_json(client, "GET", path, NULL, NULL, &report));
    if (!options->json) {
        print_report_resource(report);
        return OK;
    }
    CLEANUP(buffer_done) struct buffer report_text = buffer_of_maximum(HOSPITAL_ANSWER_MAX_BYTES);
    TRY(json_write(report, &report_text));
    (void)printf("%.*s\n", (int)report_text.size, (const char *)report_text.bytes);
    return OK;
}

static enum status print_answer(struct client *client, const char *path)
{
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(ask_json(client, "GET", path, NULL, NULL, &answer));
    char *const text = json_dumps(answer, JSON_INDENT(client->options->json ? 0 : 2) | JSON_SORT_KEYS);
    if (text == NULL) return ERR_NO_MEMORY;
    (void)printf("%s\n", text);
    secret_wipe(text, strlen(text));
    free(text);
    return OK;
}

static enum status client_show(struct client *client)
{
    if (client->options->patient == NULL) return usage(client, "--patient ID", NULL);
    TRY(connect_signed_in(client));
    char path[PATH_TEXT_BYTES];
    (void)snprintf(path, sizeof(path), "/fhir/Patient/%s/$everything", client->options->patient);
    return print_answer(client, path);
}

static enum status client_inbox(struct client *client)
{
    TRY(connect_signed_in(client));
    return print_answer(client, "/inbox");
}

static enum status client_image(struct client *client)
{
    if (client->options->argument_count != 1 || client->options->out == NULL)
        return usage(client, "a film's id and --out FILE", NULL);
    TRY(connect_signed_in(client));
    char path[PATH_TEXT_BYTES];
    (void)snprintf(path, sizeof(path), "/films/%s/image", client->options->arguments[0]);
    CLEANUP(hospital_answer_done) struct hospital_answer answer = {};
    TRY(ask(client, "GET", path, NULL, (struct slice){}, &answer));
    return file_write(client->options->out, answer.response.body, 0600, &client->why);
}

static const struct {
    const char *name;
    enum status (*run)(struct client *client);
} commands[] = {
    {"verify", client_verify},     {"sign-in", client_sign_in},   {"sign-out", client_sign_out},
    {"account", client_account},   {"register", client_register}, {"upload", client_upload},
    {"diagnose", client_diagnose}, {"show", client_show},         {"inbox", client_inbox},
    {"image", client_image},
};

static bool parse_options(int count, char **arguments, struct client_options *options, const char **bad_out)
{
    const struct {
        const char *name;
        const char **value;
    } texts[] = {
        {"--platform", &options->hospital.platform_url},
        {"--attestation", &options->hospital.attestation_url},
        {"--ca", &options->hospital.ca_path},
        {"--manifest", &options->hospital.manifest_path},
        {"--deployment", &options->hospital.deployment},
        {"--session", &options->session_path},
        {"--seen", &options->hospital.seen_path},
#ifdef LAZARET_SIMULATION
        {"--insecure-clock-file", &options->hospital.insecure_clock_path},
#endif
        {"--user", &options->user},
        {"--name", &options->name},
        {"--role", &options->role},
        {"--patient", &options->patient},
        {"--study", &options->study},
        {"--out", &options->out},
    };
    for (int i = 0; i < count; i++) {
        const char *const argument = arguments[i];
        *bad_out = argument;
        size_t known = 0;
        while (known < sizeof(texts) / sizeof(texts[0]) && strcmp(texts[known].name, argument) != 0) known++;
        if (known < sizeof(texts) / sizeof(texts[0])) {
            if (i + 1 >= count) return false;
            *texts[known].value = arguments[++i];
        } else if (strcmp(argument, "--json") == 0) {
            options->json = true;
        } else if (argument[0] == '-' && argument[1] != '\0') {
            return false;
        } else if (options->argument_count < sizeof(options->arguments) / sizeof(options->arguments[0])) {
            options->arguments[options->argument_count++] = argument;
        } else {
            return false;
        }
    }
    return true;
}

/* Who has no home must say where. */
static enum status choose_seen_path(struct client_options *options)
{
    if (options->hospital.seen_path != NULL) return OK;
    const char *const home = getenv("HOME");
    if (home == NULL || home[0] != '/') return ERR_USAGE;
    const int size = snprintf(options->default_seen_path, sizeof(options->default_seen_path), "%s/.lazaret-%s.seen",
                              home, options->hospital.deployment);
    options->hospital.seen_path = options->default_seen_path;
    return size > 0 && (size_t)size < sizeof(options->default_seen_path) ? OK : ERR_USAGE;
}

static enum status run_command(struct client *client, struct client_options *options, const char *name)
{
    const struct hospital_options *const hospital = &client->options->hospital;
    if (hospital->platform_url == NULL || hospital->manifest_path == NULL || hospital->deployment == NULL)
        return usage(client, "--platform, --manifest and --deployment", "one of them is missing");
    if (choose_seen_path(options) != OK) return usage(client, "--seen FILE, where there is no home", NULL);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0) return commands[i].run(client);
    }
    return usage(client, "a command of lazaret client", name);
}

int command_client(int count, char **arguments)
{
    if (count < 2 || strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) {
        (void)fputs(help, count < 2 ? stderr : stdout);
        return count < 2 ? EXIT_BAD_USAGE : EXIT_DONE;
    }
    struct client_options options = {};
    struct client client = {.options = &options};
    const char *bad = NULL;
    if (!parse_options(count - 2, arguments + 2, &options, &bad))
        return tell(&client, usage(&client, "a known option with its value", bad));
    const enum status status = run_command(&client, &options, arguments[1]);
    hospital_cleanup(&client.hospital);
    secret_wipe(client.session, sizeof(client.session));
    return status == OK ? EXIT_DONE : tell(&client, status);
}
