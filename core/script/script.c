// SPDX-License-Identifier: MIT
// Scripts as the engine sees them: start and stop, loading, checks of webhooks, lists; main only.
#include "script/script.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "script/script_inside.h"

#define CHECK_CPU_NS  (200 * 1000000LL)
#define CHECK_WALL_NS (5000 * 1000000LL)
#define MAX_HOSTS     64

// ---- start ----

static uint32_t count_hosts(const struct script_config *config)
{
    uint32_t count = config->hosts;
    if (count == 0) {
        // One for each core that neither main nor a sender fills.
        uv_cpu_info_t *cpus = NULL;
        int cores = 0;
        if (uv_cpu_info(&cpus, &cores) == 0)
            uv_free_cpu_info(cpus, cores);
        count = cores > 2 ? (uint32_t)cores / 2 : 1;
    }
    return count < MAX_HOSTS ? count : MAX_HOSTS;
}

// Turns the loop until a host has come up, or three have not.
static enum err wait_until_up(struct script *script, struct errmsg *message)
{
    const char *failure = "";
    while (!pool_is_up(script->pool, &failure)) {
        if (failure[0] != '\0') {
            errmsg_set(message, "script hosts do not start: %s", failure);
            return ERR_IO;
        }
        (void)uv_run(script->loop, UV_RUN_ONCE);
    }
    return OK;
}

static void on_start_failed(void *context)
{
    *(bool *)context = true;
}

enum err script_start(struct script **out, uv_loop_t *loop, const struct script_config *config,
                      struct errmsg *message)
{
    struct script *script = xcalloc(1, sizeof(*script));
    script->magic = SCRIPT_MAGIC;
    script->loop = loop;
    script->config = *config;
    script->self = xstrdup(config->self != NULL ? config->self : "/proc/self/exe");
    if (config->scripts_dir != NULL && config->scripts_dir[0] != '\0')
        script->scripts_dir = xstrdup(config->scripts_dir);
    script->config.self = script->self;
    script->config.scripts_dir = script->scripts_dir;
    script->config.hosts = count_hosts(config);
    struct pool_config pool = {
        .loop = loop, .self = script->config.self, .hosts = script->config.hosts};
    enum err err = pool_start(&script->pool, &pool, message);
    if (err != OK) {
        xfree(script->self);
        xfree(script->scripts_dir);
        xfree(script);
        return err;
    }
    script->library = library_new();
    map_init(&script->facts);
    account_init(&script->accounts);
    list_init(&script->failed);
    list_init(&script->changes);
    list_init(&script->held);
    pool_queue_init(&script->checks, pool_check_slot(script->pool));
    CHECK(uv_timer_init(loop, &script->later) == 0);
    CHECK(uv_timer_init(loop, &script->turn) == 0);
    script->later.data = script->turn.data = script;
    err = wait_until_up(script, message);
    if (err == OK) {
        err = script_load_restore(script);
        if (err != OK)
            errmsg_set(message, "scripts cannot be read from the store: %s", err_text(err));
    }
    if (err == OK) {
        *out = script;
        return OK;
    }
    bool is_stopped = false;
    script_stop(script, on_start_failed, &is_stopped);
    while (!is_stopped)
        (void)uv_run(loop, UV_RUN_ONCE);
    return err;
}

// ---- loading ----

struct first_load {
    struct script *script;
    bool is_done;
    bool is_turning; // the loop is
    uint32_t open;   // webhooks whose pins are fetched
    struct errmsg message;
    enum err err;
};

// What ends in a timer's callback must not let the loop wait for something else.
static void end_turn(struct first_load *first)
{
    if (first->is_turning)
        uv_stop(first->script->loop);
}

static void on_first_load(struct script_load *load, const struct change *change)
{
    struct first_load *first = load->context;
    first->is_done = true;
    first->err = load->err;
    first->message = load->message;
    for (size_t i = 0; change != NULL && i < change->count; i++) {
        const struct change_item *item = &change->items[i];
        if (item->origin != SCRIPT_BUILTIN || item->is_refresh || item->why == NULL ||
            first->err != OK)
            continue;
        errmsg_set(&first->message, "built-in script %s: %s", item->name, item->why);
        first->err = ERR_CORRUPT;
    }
    end_turn(first);
}

static void on_pins(void *context)
{
    struct first_load *first = context;
    first->open--;
    end_turn(first);
}

static void fetch_pins(void *taker, struct webhook *webhook)
{
    struct first_load *first = taker;
    first->open++;
    script_pins_fetch(first->script, webhook, on_pins, first);
}

enum err script_load(struct script *script, bool is_watching, struct errmsg *message)
{
    struct first_load first = {.script = script};
    const struct script_load how = {.is_first = true, .on_done = on_first_load, .context = &first};
    script_load_start(script, &how);
    first.is_turning = true;
    while (!first.is_done)
        (void)uv_run(script->loop, UV_RUN_ONCE);
    first.is_turning = false;
    if (first.err != OK) {
        *message = first.message;
        return first.err;
    }
    if (script->each_webhook != NULL)
        script->each_webhook(script->webhooks_context, fetch_pins, &first);
    first.is_turning = true;
    while (first.open > 0)
        (void)uv_run(script->loop, UV_RUN_ONCE);
    if (is_watching)
        script_watch_start(script);
    return OK;
}

void script_set_webhooks(struct script *script,
                         void (*each)(void *context, script_webhook_fn *take, void *taker),
                         void *context)
{
    script->each_webhook = each;
    script->webhooks_context = context;
}

// ---- stop ----

static void on_closed(uv_handle_t *handle)
{
    struct script *script;
    CAST(script, handle->data, SCRIPT_MAGIC);
    void (*on_stopped)(void *context) = script->on_stopped;
    void *context = script->stop_context;
    xfree(script->self);
    xfree(script->scripts_dir);
    xfree(script);
    if (on_stopped != NULL)
        on_stopped(context);
}

static void on_turn_closed(uv_handle_t *handle)
{
    struct script *script;
    CAST(script, handle->data, SCRIPT_MAGIC);
    uv_close((uv_handle_t *)&script->later, on_closed);
}

static void on_pool_stopped(void *context)
{
    struct script *script;
    CAST(script, context, SCRIPT_MAGIC);
    CHECK(script->change == NULL);
    change_stop_all(script);
    script_load_forget(script);
    library_free(script->library);
    account_deinit(&script->accounts);
    map_deinit(&script->facts);
    uv_close((uv_handle_t *)&script->turn, on_turn_closed);
}

static void stop_pool(struct script *script)
{
    size_t at = 0;
    uint64_t key = 0;
    void *facts = NULL;
    script_end_failed(script);
    while (map_next(&script->facts, &at, &key, &facts))
        facts_unref(facts);
    map_deinit(&script->facts);
    map_init(&script->facts);
    pool_stop(script->pool, on_pool_stopped, script);
}

void script_stop(struct script *script, void (*on_stopped)(void *context), void *context)
{
    script->on_stopped = on_stopped;
    script->stop_context = context;
    script->is_stopping = true;
    script_watch_stop(script);
    change_stop_all(script);
    if (script->store_ops == 0)
        stop_pool(script);
}

// What is written is waited for: it becomes true here, too.
void script_end_store_op(struct script *script)
{
    CHECK(script->store_ops > 0);
    if (--script->store_ops == 0 && script->is_stopping)
        stop_pool(script);
}

// ---- reload ----

struct reload {
    void (*on_done)(void *context, size_t loaded, size_t refused);
    void *context;
};

static void on_reloaded(struct script_load *load, const struct change *change)
{
    struct reload *reload = load->context;
    if (change == NULL)
        log_line(LOG_ERROR, LOG_SCRIPT_AREA, "scripts stay as they are: %s", load->message.text);
    reload->on_done(reload->context, change != NULL ? change_activated(change) : 0,
                    change != NULL ? change_refused(change) : 1);
    xfree(reload);
}

void script_reload(struct script *script,
                   void (*on_done)(void *context, size_t loaded, size_t refused), void *context)
{
    struct reload *reload = xcalloc(1, sizeof(*reload));
    const struct script_load how = {.is_asked = true, .on_done = on_reloaded, .context = reload};
    reload->on_done = on_done;
    reload->context = context;
    script_load_start(script, &how);
}

// ---- what a webhook needs ----

static bool has_function(const struct script *script, const struct webhook *webhook,
                         uint32_t functions, bool if_unknown)
{
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        const struct library_version *version =
            library_find(script->library, webhook->tenant, webhook->scripts[i].name,
                         webhook->scripts[i].version);
        if (version == NULL ? if_unknown : (version->functions & functions) != 0)
            return true;
    }
    return false;
}

bool script_has_render(const struct script *script, const struct webhook *webhook)
{
    return has_function(script, webhook,
                        1u << FRAME_FILTER | 1u << FRAME_TRANSFORM | 1u << FRAME_SIGN, true);
}

bool script_has_sign(const struct script *script, const struct webhook *webhook)
{
    return has_function(script, webhook, 1u << FRAME_SIGN, true);
}

bool script_has_response(const struct script *script, const struct webhook *webhook)
{
    return has_function(script, webhook, 1u << FRAME_JUDGE, false);
}

void script_flush(struct script *script)
{
    pool_flush(script->pool);
}

void script_forget(struct script *script, const struct webhook *webhook)
{
    if (webhook->number == 0)
        return;
    facts_unref(map_remove(&script->facts, webhook->number));
    pool_retire(script->pool, pool_webhook_key(webhook->number));
}

// ---- checking a webhook ----

#define CHECK_MAGIC 0x43484b57u
struct webhook_check {
    uint32_t magic;
    struct pool_visit visit;
    struct script *script;     // borrowed
    struct facts *facts;       // one reference
    struct webhook *webhook;   // one reference: it is to be saved; NULL: it is only tried
    struct problems *problems; // the caller's
    void (*on_done)(void *context, struct problems *problems);
    void *context;
    struct list_node node; // in script->held
};

static struct webhook_check *check_of(struct pool_visit *visit)
{
    struct webhook_check *check = CONTAINER_OF(visit, struct webhook_check, visit);
    CHECK(check->magic == CHECK_MAGIC);
    return check;
}

static void put_check(struct pool_visit *visit, struct host *host)
{
    facts_ask(check_of(visit)->facts, host, visit->id);
}

static void end_check(struct webhook_check *check)
{
    void (*on_done)(void *context, struct problems *problems) = check->on_done;
    void *context = check->context;
    struct problems *problems = check->problems;
    struct script *script = check->script;
    bool is_saved = check->webhook != NULL;
    facts_unref(check->facts);
    webhook_unref(check->webhook);
    xfree(check);
    on_done(context, problems);
    if (is_saved && --script->checks_open == 0)
        change_go_on(script); // what is saved by now is among those that it looks at
}

static enum pool_answer on_checked(struct pool_visit *visit, const struct frame *frame)
{
    struct webhook_check *check = check_of(visit);
    struct frame_problems found;
    if (frame->kind != FRAME_PROBLEMS || !frame_get_problems(frame->payload, &found))
        return POOL_FORGED;
    for (uint32_t i = 0; i < found.count; i++) {
        struct errmsg field;
        errmsg_set(&field, "%.*s", SPAN_ARGS(found.list[i].name));
        problem_add(check->problems, field.text, "%.*s", SPAN_ARGS(found.list[i].value));
    }
    end_check(check);
    return POOL_TAKEN;
}

static void on_check_end(struct pool_visit *visit, const struct pool_end *end)
{
    struct webhook_check *check = check_of(visit);
    problem_add(check->problems, "scripts", "checking the options: the script host %s", end->cause);
    end_check(check);
}

static const struct pool_visit_type webhook_check_type = {
    .put = put_check, .on_answer = on_checked, .on_end = on_check_end};

static void add_unknown(const struct script *script, const struct webhook *webhook, uint32_t index,
                        struct problems *problems)
{
    const struct webhook_script *wanted = &webhook->scripts[index];
    char field[32];
    size_t count = library_count(script->library);
    const struct library_version *active =
        library_find(script->library, webhook->tenant, wanted->name, SPAN(""));
    (void)snprintf(field, sizeof(field), "scripts.%u", index);
    if (active != NULL) {
        problem_add(problems, field, "there is no version \"%.*s\" of %.*s; the active one is %.*s",
                    SPAN_ARGS(wanted->version), SPAN_ARGS(wanted->name), LIBRARY_SHORT,
                    active->hash);
        return;
    }
    const char **names = xcalloc(count + 1, sizeof(*names));
    size_t visible = 0;
    for (size_t i = 0; i < count; i++) {
        const struct library_version *version = library_at(script->library, i)->active;
        if (version->origin != SCRIPT_STORED || span_is(webhook->tenant, version->tenant))
            names[visible++] = version->name;
    }
    const char *nearest = nearest_name(wanted->name, names, visible);
    if (nearest != NULL)
        problem_add(problems, field, "there is no script \"%.*s\"; did you mean \"%s\"?",
                    SPAN_ARGS(wanted->name), nearest);
    else
        problem_add(problems, field, "there is no script \"%.*s\"", SPAN_ARGS(wanted->name));
    xfree(names);
}

// Asks a host; what is unknown is said already.
static void submit_check(struct webhook_check *check)
{
    const struct webhook *webhook = check->facts->webhook;
    for (uint32_t i = 0; i < webhook->script_count; i++)
        if (check->facts->versions[i] == NULL)
            add_unknown(check->script, webhook, i, check->problems);
    check->visit = (struct pool_visit){.magic = POOL_VISIT_MAGIC,
                                       .type = &webhook_check_type,
                                       .queue = &check->script->checks,
                                       .cpu_max = CHECK_CPU_NS,
                                       .wall_max = CHECK_WALL_NS};
    pool_submit(check->script->pool, &check->visit);
    pool_flush(check->script->pool);
}

static void begin_check(void *context)
{
    struct webhook_check *check = context;
    struct script *script = check->script;
    if (script->is_stopping) {
        problem_add(check->problems, "scripts", "the engine is stopping");
        end_check(check);
        return;
    }
    check->facts =
        facts_new(++script->next_facts, script->library, NULL, script->pool, check->webhook, NULL);
    submit_check(check);
}

static struct webhook_check *check_new(struct script *script, struct problems *problems,
                                       void (*on_done)(void *context, struct problems *problems),
                                       void *context)
{
    struct webhook_check *check = xcalloc(1, sizeof(*check));
    check->magic = CHECK_MAGIC;
    check->script = script;
    check->problems = problems;
    check->on_done = on_done;
    check->context = context;
    return check;
}

void script_check_facts(struct script *script, struct facts *facts, struct problems *problems,
                        void (*on_done)(void *context, struct problems *problems), void *context)
{
    struct webhook_check *check = check_new(script, problems, on_done, context);
    check->facts = facts;
    submit_check(check);
}

static void open_check(struct webhook_check *check)
{
    check->script->checks_open++;
    script_pins_fetch(check->script, check->webhook, begin_check, check);
}

void script_check(struct script *script, struct webhook *webhook, struct problems *problems,
                  void (*on_done)(void *context, struct problems *problems), void *context)
{
    struct webhook_check *check = check_new(script, problems, on_done, context);
    check->webhook = webhook_ref(webhook);
    if (script->is_fitting)
        list_append(&script->held, &check->node);
    else
        open_check(check);
}

void script_release_checks(struct script *script)
{
    struct list now;
    struct list_node *node;
    script->is_fitting = false;
    list_init(&now);
    list_splice(&now, &script->held);
    while ((node = list_pop(&now)) != NULL)
        open_check(CONTAINER_OF(node, struct webhook_check, node));
}

// ---- lists ----

size_t script_count(const struct script *script)
{
    return library_count(script->library);
}

static void describe(const struct script *script, const struct library_version *version,
                     struct script_info *out)
{
    const struct script_place where = {.origin = version->origin,
                                       .tenant = span_of(version->tenant),
                                       .name = span_of(version->name)};
    const struct library_place *place = library_place(script->library, &where);
    *out = (struct script_info){.name = where.name,
                                .tenant = where.tenant,
                                .version = span_make(version->hash, LIBRARY_HASH_LEN),
                                .origin = version->origin,
                                .help = version->help,
                                .options = version->options,
                                .account = version->account};
    if (place == NULL || place->active != version)
        return;
    out->by = span_of(place->by);
    out->at_ms = place->at_ms;
    out->is_hidden = library_find(script->library, where.tenant, where.name, SPAN("")) != version;
    if (version->origin == SCRIPT_BUILTIN && strcmp(place->seen, version->hash) != 0)
        out->waiting = span_of(place->seen);
}

void script_info(const struct script *script, size_t index, struct script_info *out)
{
    describe(script, library_at(script->library, index)->active, out);
}

bool script_find(const struct script *script, struct span tenant, struct span name, struct span pin,
                 struct script_info *out)
{
    const struct library_version *version = library_find(script->library, tenant, name, pin);
    if (version != NULL)
        describe(script, version, out);
    return version != NULL;
}

const struct account *script_account_next(const struct script *script, size_t *at,
                                          struct span *name)
{
    return account_next_name(&script->accounts, at, name);
}

bool script_use_info(const struct script *script, const struct webhook *webhook, uint32_t index,
                     struct script_use_info *out)
{
    const struct webhook_script *wanted = &webhook->scripts[index];
    const struct library_version *version =
        library_find(script->library, webhook->tenant, wanted->name, wanted->version);
    *out = (struct script_use_info){.name = wanted->name};
    if (version == NULL)
        return false;
    const struct account *account =
        account_of_webhook(&script->accounts, webhook->number, version->number);
    out->version = span_make(version->hash, LIBRARY_HASH_LEN);
    if (account != NULL)
        out->account = *account;
    return true;
}

uint32_t script_generation(const struct script *script)
{
    return library_generation(script->library);
}

void script_versions(const struct script *script, const struct webhook *webhook, struct buf *out)
{
    facts_name_versions(script->library, webhook, out);
}

void script_stats(const struct script *script, struct script_stats *out)
{
    struct pool_stats stats;
    pool_stats(script->pool, &stats);
    *out = (struct script_stats){.visits = stats.visits,
                                 .kills = stats.kills,
                                 .restarts = stats.restarts,
                                 .hosts = stats.hosts,
                                 .waiting = stats.waiting,
                                 .refused = script->refused};
}
