// SPDX-License-Identifier: MIT
// What a tenant may use: read from JSON and written; any thread.
#include "model/tenant.h"

#include "base/nearest.h"
#include "json/json.h"

static const char *const names[] = {"is_paused",    "max_in_flight", "events_per_second",
                                    "events_burst", "max_waiting",   "max_webhooks"};

static void read_count(const struct json_doc *doc, uint32_t value, const char *name, int64_t most,
                       uint32_t *out, struct problems *problems)
{
    int64_t number = 0;
    if (json_type(doc, value) == JSON_NULL)
        *out = 0;
    else if (json_type(doc, value) == JSON_NUMBER && json_to_int64(doc, value, &number) &&
             number >= 1 && number <= most)
        *out = (uint32_t)number;
    else
        problem_add(problems, name, "must be a whole number from 1 to %lld, or null: no limit",
                    (long long)most);
}

static void read_rate(const struct json_doc *doc, uint32_t value, double *out,
                      struct problems *problems)
{
    double number = 0;
    if (json_type(doc, value) == JSON_NULL)
        *out = 0;
    else if (json_type(doc, value) == JSON_NUMBER && json_to_double(doc, value, &number) &&
             number >= TENANT_MIN_EVENTS && number <= TENANT_MAX_EVENTS)
        *out = number;
    else
        problem_add(problems, "events_per_second",
                    "must be a number from 0.001 to 1000000, or null: no limit");
}

static void read_member(struct tenant_limits *limits, const struct json_doc *doc, uint32_t name,
                        uint32_t value, struct problems *problems)
{
    char hint[NEAREST_HINT_LEN];
    if (json_string_is(doc, name, SPAN("is_paused"))) {
        limits->is_paused = json_type(doc, value) == JSON_TRUE;
        if (!limits->is_paused && json_type(doc, value) != JSON_FALSE)
            problem_add(problems, "is_paused", "must be true or false");
    } else if (json_string_is(doc, name, SPAN("max_in_flight"))) {
        read_count(doc, value, "max_in_flight", TENANT_MAX_IN_FLIGHT, &limits->max_in_flight,
                   problems);
    } else if (json_string_is(doc, name, SPAN("events_per_second"))) {
        read_rate(doc, value, &limits->events_per_second, problems);
    } else if (json_string_is(doc, name, SPAN("events_burst"))) {
        read_count(doc, value, "events_burst", TENANT_MAX_COUNT, &limits->events_burst, problems);
    } else if (json_string_is(doc, name, SPAN("max_waiting"))) {
        read_count(doc, value, "max_waiting", TENANT_MAX_COUNT, &limits->max_waiting, problems);
    } else if (json_string_is(doc, name, SPAN("max_webhooks"))) {
        read_count(doc, value, "max_webhooks", TENANT_MAX_COUNT, &limits->max_webhooks, problems);
    } else {
        struct span given = json_inside(doc, name);
        given.len = given.len > 64 ? 64 : given.len;
        problem_add(problems, "", "unknown field \"%.*s\"%s", SPAN_ARGS(given),
                    nearest_hint(given, names, COUNT_OF(names), hint));
    }
}

enum err tenant_limits_change(struct tenant_limits *limits, struct span json,
                              struct problems *problems)
{
    struct tenant_limits fresh = *limits;
    struct json_doc doc;
    struct json_error error;
    size_t before = problems->count;
    json_init(&doc);
    if (json_parse(&doc, json, JSON_MAX_DEPTH, &error) != OK) {
        problem_add(problems, "", "%s at byte %zu", error.message, error.offset);
    } else if (json_type(&doc, 0) != JSON_OBJECT || json_duplicate(&doc, 0) != JSON_NONE) {
        problem_add(problems, "", "must be a JSON object without a name twice");
    } else {
        uint32_t at = 1;
        uint32_t name;
        uint32_t value;
        while (json_next_member(&doc, 0, &at, &name, &value))
            read_member(&fresh, &doc, name, value, problems);
        if (fresh.events_burst != 0 && fresh.events_per_second <= 0)
            problem_add(problems, "events_burst", "goes with events_per_second");
    }
    json_deinit(&doc);
    if (problems->count > before)
        return ERR_SYNTAX;
    *limits = fresh;
    return OK;
}

static void print_count(struct json_writer *w, const char *name, uint32_t count)
{
    json_write_name(w, name);
    if (count == 0)
        json_write_null(w);
    else
        json_write_int(w, count);
}

void tenant_limits_print(const struct tenant_limits *limits, struct json_writer *w)
{
    json_write_member_bool(w, "is_paused", limits->is_paused);
    print_count(w, "max_in_flight", limits->max_in_flight);
    json_write_name(w, "events_per_second");
    if (limits->events_per_second > 0)
        json_write_double(w, limits->events_per_second);
    else
        json_write_null(w);
    print_count(w, "events_burst", limits->events_burst);
    print_count(w, "max_waiting", limits->max_waiting);
    print_count(w, "max_webhooks", limits->max_webhooks);
}
