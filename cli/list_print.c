#include "list_print.h"

#include "escape.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, COLUMNS = 7, CELL_SIZE = 64 * ESCAPE_FACTOR };

struct row {
    char cells[COLUMNS][CELL_SIZE];
};

static const char *state_name(uint32_t state)
{
    static const char *const names[LIST_STATES] = {[LIST_STARTING] = "starting",
        [LIST_SPARE] = "spare",
        [LIST_SERVING] = "serving",
        [LIST_ENDING] = "ending",
        [LIST_MAIN] = "main"};

    return names[state];
}

/* "12s", "5m03s", "2h10m", "3d04h" */
static void write_time(char *text, uint64_t milliseconds)
{
    uint64_t seconds = milliseconds / 1000;
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

    if (minutes == 0)
        snprintf(text, CELL_SIZE, "%" PRIu64 "s", seconds);
    else if (hours == 0)
        snprintf(text, CELL_SIZE, "%" PRIu64 "m%02" PRIu64 "s", minutes, seconds % 60);
    else if (days == 0)
        snprintf(text, CELL_SIZE, "%" PRIu64 "h%02" PRIu64 "m", hours, minutes % 60);
    else
        snprintf(text, CELL_SIZE, "%" PRIu64 "d%02" PRIu64 "h", days, hours % 24);
}

static void write_account(char *text, const struct list_entry *entry)
{
    if (!entry->assigned)
        strcpy(text, "-");
    else if (entry->account[0] == '\0')
        snprintf(text, CELL_SIZE, "%u", entry->uid);
    else
        escape_text(text, CELL_SIZE, entry->account);
}

static void fill_row(struct row *row, const struct list_entry *entry)
{
    write_account(row->cells[0], entry);
    snprintf(row->cells[1], CELL_SIZE, "%u", entry->number);
    snprintf(row->cells[2], CELL_SIZE, "%d", (int)entry->pid);
    strcpy(row->cells[3], state_name(entry->state));
    write_time(row->cells[4], entry->age_ms);
    snprintf(row->cells[5], CELL_SIZE, "%u", entry->connections);
    if (entry->assigned && entry->connections == 0)
        write_time(row->cells[6], entry->idle_ms);
    else
        strcpy(row->cells[6], "-");
}

static const struct row header_row = {
    {"ACCOUNT", "INSTANCE", "PID", "STATE", "AGE", "CONNECTIONS", "IDLE"}};

/* Characters, of UTF-8 that escape_text() let pass. */
static int width(const char *text)
{
    int characters = 0;

    for (; *text; text++)
        characters += (*text & 0xc0) != 0x80;
    return characters;
}

static void widen(int *widths, const struct row *row)
{
    for (int i = 0; i < COLUMNS; i++)
        if (width(row->cells[i]) > widths[i])
            widths[i] = width(row->cells[i]);
}

static void print_row(const int *widths, const struct row *row)
{
    for (int i = 0; i < COLUMNS; i++) {
        int gap = i < COLUMNS - 1 ? widths[i] - width(row->cells[i]) + 2 : 0;

        printf("%s%*s", row->cells[i], gap, "");
    }
    putchar('\n');
}

void list_print_table(const struct list_entry *entries, unsigned count, bool header)
{
    int widths[COLUMNS] = {0};
    struct row row;

    if (header)
        widen(widths, &header_row);
    for (unsigned i = 0; i < count; i++) {
        fill_row(&row, &entries[i]);
        widen(widths, &row);
    }
    if (header)
        print_row(widths, &header_row);
    for (unsigned i = 0; i < count; i++) {
        fill_row(&row, &entries[i]);
        print_row(widths, &row);
    }
}

static json_t *describe(const struct list_entry *entry)
{
    char account[CELL_SIZE];
    bool named = entry->assigned && entry->account[0] != '\0';

    escape_text(account, sizeof account, entry->account);
    return json_pack("{s:I, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "instance",
        (json_int_t)entry->number, "state", state_name(entry->state), "account",
        named ? json_string(account) : json_null(), "uid",
        entry->assigned ? json_integer(entry->uid) : json_null(), "pid", (json_int_t)entry->pid,
        "connections", (json_int_t)entry->connections, "waiting", (json_int_t)entry->waiting,
        "age_ms", (json_int_t)entry->age_ms, "idle_ms",
        entry->assigned ? json_integer((json_int_t)entry->idle_ms) : json_null());
}

int list_print_json(pid_t supervisor, const struct list_entry *entries, unsigned count)
{
    json_t *list = json_array();
    json_t *object = NULL;
    int failed = list == NULL;

    for (unsigned i = 0; i < count && !failed; i++)
        failed = json_array_append_new(list, describe(&entries[i])) < 0;
    if (!failed)
        object = json_pack("{s:i, s:i, s:O}", "version", SCHEMA_VERSION, "supervisor",
            (int)supervisor, "instances", list);
    json_decref(list);
    failed = object == NULL || json_dumpf(object, stdout, JSON_PRESERVE_ORDER) < 0;
    json_decref(object);
    if (failed)
        return -ENOMEM;
    putchar('\n');
    return 0;
}
