// SPDX-License-Identifier: MIT
// Sources that are no version: loaded and tested in the host for checks; main only.
#include "script/script_draft.h"

#include <stdio.h>

#include "base/mem.h"
#include "crypto/mac.h"
#include "json/json.h"
#include "script/script_inside.h"

#define CHECK_CPU_NS  (1 * 1000000000LL) // all golden tests of a script, each run twice
#define CHECK_WALL_NS (20 * 1000000000LL)
#define FIRST_NUMBER  0x80000000u // for hosts; those of versions count from 1

#define DRAFT_MAGIC   0x44524146u
struct script_draft {
    uint32_t magic;
    struct library_version *version; // one reference; not in the library
};

#define CHECK_MAGIC 0x44434b53u
struct draft_check {
    uint32_t magic;
    struct pool_visit visit;
    struct script *script; // borrowed
    char *name;            // owned
    char *source;          // owned
    size_t len;
    script_draft_fn *on_done;
    void *context;
};

// ---- drafts ----

static bool read_options(struct library_version *version)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    struct span text = span_of(version->description);
    bool is_good =
        json_parse(&doc, text, JSON_MAX_DEPTH, &error) == OK && json_type(&doc, 0) == JSON_OBJECT;
    uint32_t options = is_good ? json_get(&doc, 0, SPAN("options")) : JSON_NONE;
    is_good = options != JSON_NONE && json_type(&doc, options) == JSON_ARRAY;
    if (is_good)
        version->options = json_raw(&doc, options);
    json_deinit(&doc);
    return is_good;
}

// NULL: the description is not what a host may give.
static struct script_draft *draft_new(struct draft_check *check,
                                      const struct frame_checked *checked)
{
    struct library_version *version = xcalloc(1, sizeof(*version));
    uint8_t digest[MAC_MAX_LEN];
    version->refs = 1;
    version->number = FIRST_NUMBER + check->script->next_draft++;
    version->name = xstrdup(check->name);
    version->origin = SCRIPT_STORED;
    version->source = xmemdup0(check->source, check->len);
    version->len = check->len;
    version->functions = checked->functions;
    version->description = xmemdup0(checked->description.at, checked->description.len);
    mac_digest(MAC_SHA256, span_make(check->source, check->len), digest);
    for (size_t i = 0; i < LIBRARY_HASH_LEN / 2; i++)
        (void)snprintf(version->hash + 2 * i, 3, "%02x", digest[i]);
    if (!read_options(version)) {
        library_unref(version);
        return NULL;
    }
    struct script_draft *draft = xcalloc(1, sizeof(*draft));
    draft->magic = DRAFT_MAGIC;
    draft->version = version;
    return draft;
}

void script_draft_free(struct script_draft *draft)
{
    if (draft == NULL)
        return;
    CHECK(draft->magic == DRAFT_MAGIC);
    library_unref(draft->version);
    draft->magic = 0;
    xfree(draft);
}

struct library_version *script_draft_version(const struct script_draft *draft)
{
    return draft != NULL ? draft->version : NULL;
}

struct span script_draft_name(const struct script_draft *draft)
{
    return span_of(draft->version->name);
}

struct span script_draft_options(const struct script_draft *draft)
{
    return draft->version->options;
}

uint32_t script_draft_functions(const struct script_draft *draft)
{
    return draft->version->functions;
}

// ---- the check ----

static struct draft_check *check_of(struct pool_visit *visit)
{
    struct draft_check *check = CONTAINER_OF(visit, struct draft_check, visit);
    CHECK(check->magic == CHECK_MAGIC);
    return check;
}

static void finish(struct draft_check *check, const struct script_draft_outcome *outcome)
{
    script_draft_fn *on_done = check->on_done;
    void *context = check->context;
    check->magic = 0;
    xfree(check->name);
    xfree(check->source);
    xfree(check);
    on_done(context, outcome);
}

static void put(struct pool_visit *visit, struct host *host)
{
    struct draft_check *check = check_of(visit);
    struct frame header = {.kind = FRAME_CHECK_SCRIPT, .id = visit->id};
    struct frame_script script = {.name = span_of(check->name),
                                  .version = SPAN(""),
                                  .source = span_make(check->source, check->len)};
    size_t begin = frame_begin(host_out(host), &header);
    frame_put_script(host_out(host), &script);
    frame_end(host_out(host), begin);
}

static bool is_list(struct span text)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    bool is_list = text.len == 0 || (json_parse(&doc, text, JSON_MAX_DEPTH, &error) == OK &&
                                     json_type(&doc, 0) == JSON_ARRAY);
    json_deinit(&doc);
    return is_list;
}

static enum pool_answer on_answer(struct pool_visit *visit, const struct frame *frame)
{
    struct draft_check *check = check_of(visit);
    struct frame_checked checked;
    if (frame->kind != FRAME_CHECKED || !frame_get_checked(frame->payload, &checked) ||
        !is_list(checked.results))
        return POOL_FORGED;
    struct script_draft_outcome outcome = {
        .reason = checked.reason, .results = checked.results, .tests = checked.tests};
    if (checked.description.len > 0 && (outcome.draft = draft_new(check, &checked)) == NULL)
        return POOL_FORGED;
    finish(check, &outcome);
    return POOL_TAKEN;
}

static void on_end(struct pool_visit *visit, const struct pool_end *end)
{
    struct draft_check *check = check_of(visit);
    struct errmsg why;
    if (end->script > 0)
        errmsg_set(&why, "%s.lua: test %u: the script host %s", check->name, end->script,
                   end->cause);
    else
        errmsg_set(&why, "%s.lua: while it was loaded, the script host %s", check->name,
                   end->cause);
    struct script_draft_outcome outcome = {.reason = span_of(why.text), .killed_in = end->script};
    finish(check, &outcome);
}

static const struct pool_visit_type check_type = {
    .put = put, .on_answer = on_answer, .on_end = on_end};

void script_draft_check(struct script *script, struct span name, struct span source,
                        script_draft_fn *on_done, void *context)
{
    struct draft_check *check = xcalloc(1, sizeof(*check));
    check->magic = CHECK_MAGIC;
    check->script = script;
    check->name = xmemdup0(name.at, name.len);
    check->source = xmemdup0(source.at, source.len);
    check->len = source.len;
    check->on_done = on_done;
    check->context = context;
    check->visit = (struct pool_visit){.magic = POOL_VISIT_MAGIC,
                                       .type = &check_type,
                                       .queue = &script->checks,
                                       .cpu_max = CHECK_CPU_NS,
                                       .wall_max = CHECK_WALL_NS};
    pool_submit(script->pool, &check->visit);
    pool_flush(script->pool);
}

void script_draft_check_webhook(struct script *script, const struct script_draft *draft,
                                struct webhook *webhook, struct problems *problems,
                                void (*on_done)(void *context, struct problems *problems),
                                void *context)
{
    struct facts *facts =
        facts_new(++script->next_facts, script->library, NULL, script->pool, webhook, NULL);
    facts_make_trial(facts, script_draft_version(draft));
    script_check_facts(script, facts, problems, on_done, context);
}
