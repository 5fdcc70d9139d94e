/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 1024, OUTPUT_MAX_BYTES = 1024 * 1024, TIME_MAX_DIGITS = 12 };

static enum status refuse_usage(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)!refuse(why, ERR_USAGE, field, expected, "%s", seen);
    return refuse_fix(why, ERR_USAGE, "see --help of this command");
}

static const struct command_option *find(const struct command_option *options, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) == 0) return &options[i];
    }
    return NULL;
}

static enum status take_operand(const char *argument, const char **operand, struct refusal *why)
{
    if (argument[0] == '-' && argument[1] != '\0') return refuse_usage(why, "command line", "a known option", argument);
    if (operand == NULL) return refuse_usage(why, "command line", "options only", argument);
    if (*operand != NULL) return refuse_usage(why, "command line", "one file", argument);
    *operand = argument;
    return OK;
}

static enum status take_value(const struct command_option *option, const char *argument, struct refusal *why)
{
    if (option->values == NULL) {
        if (*option->value != NULL) return refuse_usage(why, option->name, "the option once", "it twice");
        *option->value = argument;
        return OK;
    }
    struct command_values *const values = option->values;
    if (values->count == values->max_count) return refuse_usage(why, option->name, "the option less often", argument);
    values->items[values->count++] = argument;
    return OK;
}

enum status command_options(int count, char **arguments, const struct command_option *options, size_t option_count,
                            const char **operand_out, struct refusal *why)
{
    for (int i = 1; i < count; i++) {
        const struct command_option *const option = find(options, option_count, arguments[i]);
        if (option == NULL) {
            TRY(take_operand(arguments[i], operand_out, why));
        } else if (option->flag != NULL) {
            *option->flag = true;
        } else if (i + 1 == count) {
            return refuse_usage(why, option->name, "a value behind it", "nothing");
        } else {
            TRY(take_value(option, arguments[++i], why));
        }
    }
    return OK;
}

bool command_helps(int count, char **arguments, const char *help)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--help") != 0 && strcmp(arguments[i], "-h") != 0) continue;
        (void)fputs(help, stdout);
        return true;
    }
    return false;
}

enum status command_needs(const char *option, const char *expected, struct refusal *why)
{
    return refuse_usage(why, option, expected, "nothing");
}

enum status command_time(const char *text, const char *option, struct refusal *why, int64_t *time_s_out)
{
    if (text == NULL) {
        CLEANUP(clock_cleanup) struct clock *clock = NULL;
        TRY(clock_new(&clock));
        *time_s_out = clock_now_s(clock);
        return OK;
    }
    const size_t size = strlen(text);
    if (size == 0 || size > TIME_MAX_DIGITS || strspn(text, "0123456789") != size)
        return refuse_usage(why, option, "Unix seconds, at most 12 digits", text);
    int64_t time_s = 0;
    for (const char *digit = text; *digit != '\0'; digit++) time_s = time_s * 10 + (*digit - '0');
    *time_s_out = time_s;
    return OK;
}

enum status command_read_text(const char *path, size_t max_size, struct refusal *why, struct buffer *text_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(max_size + 2);
    TRY(file_read(path, why, &text));
    while (text.size > 0 && (text.bytes[text.size - 1] == '\n' || text.bytes[text.size - 1] == '\r'))
        buffer_truncate(&text, text.size - 1);
    *text_out = buffer_take(&text);
    return OK;
}

enum status command_print(struct slice text, struct refusal *why)
{
    const bool is_written =
        fwrite(text.bytes, 1, text.size, stdout) == text.size && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    return is_written ? OK : refuse(why, ERR_IO, "standard output", "a place to write to", "%s", strerror(errno));
}

enum status command_print_json(const json_t *value, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(OUTPUT_MAX_BYTES);
    TRY(json_write(value, &text));
    return command_print(buffer_slice(&text), why);
}

int command_exit(const char *command, enum status status, const struct refusal *why)
{
    if (status == OK) return COMMAND_OK;
    struct refusal told = *why;
    told.status = status;
    char line[LINE_BYTES];
    refusal_text(&told, line, sizeof(line));
    (void)fprintf(stderr, "lazaret %s: %s\n", command, line);
    return status == ERR_USAGE || status == ERR_IO ? COMMAND_USAGE : COMMAND_REFUSED;
}

enum status command_write_secret(const char *path, struct slice bytes, struct refusal *why)
{
    if (!file_exists(path)) return file_write(path, bytes, 0600, why);
    (void)!refuse(why, ERR_IO, path, "a file that does not exist yet", "a file");
    return refuse_fix(why, ERR_IO, "choose another name, or move the old key away");
}
