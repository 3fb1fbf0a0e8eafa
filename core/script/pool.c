// SPDX-License-Identifier: MIT
// The script hosts together: batches, turns, the spare, and what becomes of visits; main only.
#include "script/pool.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define BATCH         64                  // visits of one queue in a turn
#define IN_FLIGHT     (2 * BATCH)         // visits at one host
#define BATCH_NS      (5 * 1000000LL)     // CPU time that a turn may be expected to take
#define IN_FLIGHT_NS  (10 * 1000000LL)    // the same for all at one host
#define FIRST_COST_NS 50000               // of a queue that nobody has seen run
#define OUT_BYTES     (4u * 1024 * 1024)  // frames that wait for the socket
#define KNOWN_BYTES   (48u * 1024 * 1024) // told to one host; then it starts over
#define START_NS      (20 * 1000000000LL) // within which a host must be ready
#define RESPAWN_MS    50                  // after a start that failed; doubles
#define RESPAWN_MAX   5000
#define EXIT_MEMORY   77 // sandbox/limits.h, which this room may not know

struct slot {
    struct host *host; // NULL: waits for the spare
    struct list turns; // queues with visits, the next one first
};

#define POOL_MAGIC 0x504f4f4cu
struct pool {
    uint32_t magic;
    struct pool_config config;
    struct host_env host_env;
    struct slot *slots;  // owned: config.hosts + 1
    struct list live;    // books of all hosts
    uint32_t live_count; // of them
    struct host *spare;  // NULL: none yet
    uv_timer_t tick;     // while visits are outstanding or a host starts
    uv_timer_t respawn;  // after a start that failed
    uv_signal_t child;   // SIGCHLD
    int64_t ticked_ns;   // monotonic
    uint32_t failures;   // starts that failed in a row
    bool was_up;
    bool has_told_missing; // what the system does not allow is logged once
    struct errmsg failure; // of the last start that failed
    uint64_t next_id;
    struct pool_stats stats;
    bool is_stopping;
    uint32_t open_handles;
    void (*on_stopped)(void *context);
    void *stop_context;
};

// Forward, in firing order.
static void on_ready(void *context, struct host *host, struct span missing);
static bool on_frame(void *context, struct host *host, const struct frame *frame);
static void on_turn(void *context, struct host *host);
static void on_tick(uv_timer_t *timer);
static void on_child(uv_signal_t *handle, int number);
static void on_down(void *context, struct host *host, int status);
static void on_respawn(uv_timer_t *timer);

// ---- hosts ----

static void start_ticking(struct pool *pool)
{
    if (uv_is_active((uv_handle_t *)&pool->tick) || pool->is_stopping)
        return;
    pool->ticked_ns = clock_mono_ns();
    CHECK(uv_timer_start(&pool->tick, on_tick, WATCHDOG_TICK_MS, WATCHDOG_TICK_MS) == 0);
}

static void back_off(struct pool *pool)
{
    uint64_t wait_ms = RESPAWN_MS;
    for (uint32_t i = 0; i < pool->failures && wait_ms < RESPAWN_MAX; i++)
        wait_ms *= 2;
    pool->failures++;
    log_line(LOG_ERROR, LOG_SCRIPT_AREA, "a script host did not start, trying again in %d ms: %s",
             (int)wait_ms, pool->failure.text);
    CHECK(uv_timer_start(&pool->respawn, on_respawn, wait_ms, 0) == 0);
}

// Keeps one more host at hand than is used.
static void start_spare(struct pool *pool)
{
    if (pool->spare != NULL || pool->is_stopping || uv_is_active((uv_handle_t *)&pool->respawn))
        return;
    enum err err = host_start(&pool->spare, &pool->host_env, &pool->failure);
    if (err != OK) {
        back_off(pool);
        return;
    }
    list_append(&pool->live, &host_book(pool->spare)->node);
    pool->live_count++;
    start_ticking(pool);
}

static void on_respawn(uv_timer_t *timer)
{
    struct pool *pool;
    CAST(pool, timer->data, POOL_MAGIC);
    start_spare(pool);
}

// Gives a slot the spare if that is ready.
static bool occupy(struct pool *pool, uint32_t index)
{
    struct slot *slot = &pool->slots[index];
    if (slot->host != NULL)
        return host_is_ready(slot->host);
    if (pool->spare == NULL || !host_is_ready(pool->spare))
        return false;
    slot->host = pool->spare;
    host_book(slot->host)->slot = index;
    pool->spare = NULL;
    start_spare(pool);
    return true;
}

// ---- handing over ----

static bool has_room(struct host *host, int64_t cost_ns)
{
    struct host_book *book = host_book(host);
    return book->count == 0 ||
           (book->count < IN_FLIGHT && book->cost_ns + cost_ns <= IN_FLIGHT_NS &&
            host_out(host)->len < OUT_BYTES);
}

static void send_visit(struct host *host, struct pool_visit *visit)
{
    struct host_book *book = host_book(host);
    visit->cost_ns = visit->queue->cost_ns;
    list_append(&book->visits, &visit->node);
    book->count++;
    book->cost_ns += visit->cost_ns;
    visit->type->put(visit, host);
}

// One batch of the queue whose turn it is.
static void take_turn(struct pool *pool, struct slot *slot)
{
    struct pool_queue *queue = CONTAINER_OF(list_pop(&slot->turns), struct pool_queue, turn);
    int64_t cost_ns = 0;
    for (int i = 0; i < BATCH && cost_ns < BATCH_NS && has_room(slot->host, queue->cost_ns); i++) {
        struct list_node *node = list_pop(&queue->waiting);
        if (node == NULL)
            return;
        pool->stats.waiting--;
        cost_ns += queue->cost_ns;
        send_visit(slot->host, CONTAINER_OF(node, struct pool_visit, node));
    }
    if (!list_is_empty(&queue->waiting))
        list_append(&slot->turns, &queue->turn);
}

// It gets no more visits, and ends when it has answered those that it has.
static void retire(struct pool *pool, struct host *host)
{
    struct host_book *book = host_book(host);
    if (book->is_retired)
        return;
    book->is_retired = true;
    if (pool->slots[book->slot].host == host)
        pool->slots[book->slot].host = NULL;
    if (book->count == 0)
        host_kill(host);
}

static void feed(struct pool *pool, uint32_t index)
{
    struct slot *slot = &pool->slots[index];
    if (list_is_empty(&slot->turns) || !occupy(pool, index))
        return;
    struct host *host = slot->host;
    while (!list_is_empty(&slot->turns)) {
        struct pool_queue *next = CONTAINER_OF(list_first(&slot->turns), struct pool_queue, turn);
        if (!has_room(host, next->cost_ns))
            break;
        take_turn(pool, slot);
    }
    start_ticking(pool);
    host_flush(host);
    if (host_known_bytes(host) > KNOWN_BYTES)
        retire(pool, host); // a fresh one is told only what is used
}

void pool_flush(struct pool *pool)
{
    for (uint32_t i = 0; i <= pool->config.hosts && !pool->is_stopping; i++)
        feed(pool, i);
}

static void enqueue(struct pool *pool, struct pool_visit *visit, bool is_first)
{
    struct pool_queue *queue = visit->queue;
    if (is_first)
        list_prepend(&queue->waiting, &visit->node);
    else
        list_append(&queue->waiting, &visit->node);
    pool->stats.waiting++;
    if (!list_is_linked(&queue->turn))
        list_append(&pool->slots[queue->slot].turns, &queue->turn);
}

void pool_submit(struct pool *pool, struct pool_visit *visit)
{
    CHECK(visit->magic == POOL_VISIT_MAGIC && visit->queue->slot <= pool->config.hosts);
    visit->id = ++pool->next_id;
    visit->stalls = 0;
    pool->stats.visits++;
    enqueue(pool, visit, false);
}

void pool_queue_init(struct pool_queue *queue, uint32_t slot)
{
    *queue = (struct pool_queue){.slot = slot, .cost_ns = FIRST_COST_NS};
    list_init(&queue->waiting);
}

// ---- answers ----

static void on_ready(void *context, struct host *host, struct span missing)
{
    struct pool *pool;
    CAST(pool, context, POOL_MAGIC);
    if (host == NULL) {
        errmsg_set(&pool->failure, "%.*s", SPAN_ARGS(missing));
        return;
    }
    pool->was_up = true;
    pool->failures = 0;
    pool->failure.text[0] = '\0';
    if (missing.len > 0 && !pool->has_told_missing) {
        struct log_record r;
        log_begin(&r, LOG_WARN, LOG_SCRIPT_AREA,
                  "this system does not allow all of the script hosts' lock-down; system calls, "
                  "memory and files are locked all the same");
        log_span(&r, "missing", missing);
        log_end(&r);
    }
    pool->has_told_missing = true;
    pool_flush(pool);
}

static struct pool_visit *outstanding(struct host *host, uint64_t id)
{
    LIST_FOREACH(node, &host_book(host)->visits) {
        struct pool_visit *visit = CONTAINER_OF(node, struct pool_visit, node);
        if (visit->id == id)
            return visit;
    }
    return NULL;
}

static void take_off(struct host *host, struct pool_visit *visit)
{
    struct host_book *book = host_book(host);
    list_remove(&visit->node);
    book->count--;
    book->cost_ns -= visit->cost_ns;
}

static bool on_frame(void *context, struct host *host, const struct frame *frame)
{
    struct pool *pool;
    CAST(pool, context, POOL_MAGIC);
    struct pool_visit *visit = outstanding(host, frame->id);
    if (visit == NULL)
        return false;
    int64_t cost_ns = visit->cost_ns;
    list_remove(&visit->node); // it may be gone in a moment
    enum pool_answer answer = visit->type->on_answer(visit, frame);
    if (answer == POOL_FORGED) {
        list_prepend(&host_book(host)->visits, &visit->node);
        host_book(host)->culprit = visit->id;
        host_book(host)->culprit_cpu_ns = -1;
        return false;
    }
    host_book(host)->count--;
    host_book(host)->cost_ns -= cost_ns;
    if (answer == POOL_AGAIN) {
        visit->stalls++;
        enqueue(pool, visit, true);
    }
    return true;
}

static void on_turn(void *context, struct host *host)
{
    struct pool *pool;
    CAST(pool, context, POOL_MAGIC);
    struct host_book *book = host_book(host);
    if (book->is_retired && book->count == 0)
        host_kill(host);
    else if (!book->is_retired && host != pool->spare)
        feed(pool, book->slot);
}

// ---- the watchdog ----

// The visit that a host works on, if it is one of its own, and the CPU time that had used.
static struct pool_visit *running(struct host *host, struct host_board *board, int64_t *cpu_ns)
{
    *cpu_ns = -1;
    if (!host_read_board(host, board))
        *board = (struct host_board){.visit = 0};
    struct pool_visit *visit = outstanding(host, board->visit);
    if (visit == NULL)
        return NULL;
    int64_t now_ns = host_cpu_ns(host);
    if (now_ns >= 0 && (uint64_t)now_ns >= board->cpu_ns)
        *cpu_ns = now_ns - (int64_t)board->cpu_ns;
    return visit;
}

static void look_at(struct host *host, int64_t since_ns)
{
    struct host_book *book = host_book(host);
    struct host_board board;
    struct watch_facts facts = {.since_ns = since_ns};
    if (host_is_dying(host) || (book->count == 0 && host_is_ready(host)))
        return;
    if (!host_is_ready(host)) {
        if (clock_mono_ns() - book->started_ns > START_NS) {
            book->cause = "did not come up";
            host_kill(host);
        }
        return;
    }
    struct pool_visit *visit = running(host, &board, &facts.cpu_ns);
    if (visit == NULL) { // it has something to do and names nothing: the first is due
        visit = CONTAINER_OF(list_first(&book->visits), struct pool_visit, node);
        facts.cpu_ns = 0;
    }
    facts.turn = board.turn;
    facts.visit = visit->id;
    facts.cpu_max = visit->cpu_max;
    facts.wall_max = visit->wall_max;
    switch (watchdog_look(&book->watch, &facts)) {
    case WATCH_WAIT: break;
    case WATCH_STOP: host_stop_visit(host, visit->id); break;
    case WATCH_KILL:
        book->culprit = visit->id;
        book->culprit_cpu_ns = facts.cpu_ns;
        book->is_stalled = !watchdog_is_blamed(facts.cpu_ns, facts.cpu_max);
        book->cause = book->is_stalled ? "did not move" : "did not stop when its time was over";
        host_kill(host);
        break;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct pool *pool;
    CAST(pool, timer->data, POOL_MAGIC);
    int64_t now_ns = clock_mono_ns();
    int64_t since_ns = now_ns - pool->ticked_ns;
    bool is_idle = true;
    pool->ticked_ns = now_ns;
    LIST_FOREACH_SAFE(node, &pool->live) {
        struct host *host = host_of_book(node);
        look_at(host, since_ns > 0 ? since_ns : 0);
        is_idle = is_idle && host_is_ready(host) && host_book(host)->count == 0;
    }
    if (is_idle)
        CHECK(uv_timer_stop(&pool->tick) == 0);
}

// ---- the end of a host ----

static void on_child(uv_signal_t *handle, int number)
{
    struct pool *pool;
    CAST(pool, handle->data, POOL_MAGIC);
    (void)number;
    LIST_FOREACH_SAFE(node, &pool->live)
        host_reap(host_of_book(node));
}

static const char *cause_of(const struct host_book *book, int status)
{
    if (book->cause != NULL)
        return book->cause;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return "tried a forbidden system call";
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return "was killed from outside";
    if (WIFSIGNALED(status))
        return "crashed";
    if (WEXITSTATUS(status) == EXIT_MEMORY)
        return "ran out of memory";
    return "ended by itself";
}

// Whom to blame: the visit that was running, unless nobody is to be.
static struct pool_visit *find_culprit(struct host *host, int64_t *cpu_ns, uint32_t *script)
{
    struct host_book *book = host_book(host);
    struct host_board board;
    struct pool_visit *visit = running(host, &board, cpu_ns);
    *script = board.visit != 0 ? board.script : 0;
    if (book->culprit == 0)
        return visit;
    if (board.visit != book->culprit)
        *script = 0;
    *cpu_ns = book->culprit_cpu_ns;
    return outstanding(host, book->culprit);
}

// Gives its visits back: they run again, but for the culprit.
static void settle(struct pool *pool, struct host *host, int status)
{
    struct host_book *book = host_book(host);
    struct pool_end end = {.result = SCRIPT_KILLED, .cause = cause_of(book, status)};
    struct pool_visit *culprit = find_culprit(host, &end.cpu_ns, &end.script);
    bool is_blamed = culprit != NULL && !book->is_stalled &&
                     !(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_MEMORY);
    if (culprit == NULL && book->count > 0)
        culprit = CONTAINER_OF(list_first(&book->visits), struct pool_visit, node);
    if (culprit != NULL && !is_blamed && ++culprit->stalls >= POOL_MAX_STALLS) {
        is_blamed = true; // an end to it
        end.result = book->is_stalled ? SCRIPT_TIMEOUT : SCRIPT_KILLED;
    }
    if (is_blamed) {
        take_off(host, culprit);
        culprit->type->on_end(culprit, &end);
    }
    while (!list_is_empty(&book->visits)) { // from behind, each to the front of its queue
        struct pool_visit *visit = CONTAINER_OF(book->visits.head.prev, struct pool_visit, node);
        take_off(host, visit);
        enqueue(pool, visit, true);
    }
}

static void report(struct host *host, int status)
{
    struct log_record r;
    log_begin(&r, LOG_WARN, LOG_SCRIPT_AREA, "a script host ended");
    log_str(&r, "cause", cause_of(host_book(host), status));
    log_int(&r, "pid", host_book(host)->pid);
    if (WIFSIGNALED(status))
        log_int(&r, "signal", WTERMSIG(status));
    else
        log_int(&r, "status", WEXITSTATUS(status));
    log_int(&r, "visits", host_book(host)->count);
    log_end(&r);
}

static void end_all(struct list *visits)
{
    struct pool_end end = {SCRIPT_KILLED, "the engine is stopping", 0, -1};
    struct list_node *node;
    while ((node = list_pop(visits)) != NULL) {
        struct pool_visit *visit = CONTAINER_OF(node, struct pool_visit, node);
        visit->type->on_end(visit, &end);
    }
}

static void finish_stop(struct pool *pool);

static void on_down(void *context, struct host *host, int status)
{
    struct pool *pool;
    CAST(pool, context, POOL_MAGIC);
    struct host_book *book = host_book(host);
    list_remove(&book->node);
    pool->live_count--;
    if (pool->is_stopping) {
        end_all(&book->visits);
        finish_stop(pool);
        return;
    }
    bool is_wanted = !book->is_retired || book->count > 0;
    if (host == pool->spare) {
        pool->spare = NULL;
        if (pool->failure.text[0] == '\0')
            errmsg_set(&pool->failure, "it %s", cause_of(book, status));
        back_off(pool);
        return;
    }
    if (is_wanted) {
        pool->stats.restarts++;
        pool->stats.kills += book->cause != NULL;
        report(host, status);
    }
    if (pool->slots[book->slot].host == host)
        pool->slots[book->slot].host = NULL;
    settle(pool, host, status);
    start_spare(pool);
    pool_flush(pool);
}

// ---- what hosts know ----

uint64_t pool_facts_key(uint32_t number)
{
    return number;
}

uint64_t pool_script_key(uint32_t number)
{
    return (uint64_t)1 << 32 | number;
}

uint64_t pool_webhook_key(uint32_t webhook)
{
    return (uint64_t)2 << 32 | webhook;
}

void pool_forget(struct pool *pool, uint32_t number)
{
    struct frame header = {.kind = FRAME_FORGET, .number = number};
    LIST_FOREACH(node, &pool->live) {
        struct host *host = host_of_book(node);
        if (host_is_dying(host) || !host_knows(host, pool_facts_key(number)))
            continue;
        frame_end(host_out(host), frame_begin(host_out(host), &header));
        host_unlearn(host, pool_facts_key(number));
        host_flush(host);
    }
}

void pool_retire(struct pool *pool, uint64_t key)
{
    LIST_FOREACH_SAFE(node, &pool->live) {
        struct host *host = host_of_book(node);
        if (host != pool->spare && host_knows(host, key))
            retire(pool, host);
    }
}

// ---- life ----

bool pool_is_up(const struct pool *pool, const char **failure)
{
    *failure = pool->failure.text;
    return pool->was_up;
}

uint32_t pool_slot(const struct pool *pool, struct span tenant)
{
    return (uint32_t)(span_hash(tenant) % pool->config.hosts);
}

uint32_t pool_check_slot(const struct pool *pool)
{
    return pool->config.hosts;
}

void pool_stats(const struct pool *pool, struct pool_stats *out)
{
    *out = pool->stats;
    out->hosts = pool->live_count;
}

enum err pool_start(struct pool **out, const struct pool_config *config, struct errmsg *message)
{
    struct pool *pool = xcalloc(1, sizeof(*pool));
    pool->magic = POOL_MAGIC;
    pool->config = *config;
    pool->host_env = (struct host_env){.loop = config->loop,
                                       .self = config->self,
                                       .context = pool,
                                       .on_ready = on_ready,
                                       .on_frame = on_frame,
                                       .on_turn = on_turn,
                                       .on_down = on_down};
    list_init(&pool->live);
    enum err err = host_start(&pool->spare, &pool->host_env, message);
    if (err != OK) {
        xfree(pool);
        return err;
    }
    list_append(&pool->live, &host_book(pool->spare)->node);
    pool->live_count = 1;
    pool->slots = xcalloc(config->hosts + 1, sizeof(*pool->slots));
    for (uint32_t i = 0; i <= config->hosts; i++)
        list_init(&pool->slots[i].turns);
    CHECK(uv_timer_init(config->loop, &pool->tick) == 0);
    CHECK(uv_timer_init(config->loop, &pool->respawn) == 0);
    CHECK(uv_signal_init(config->loop, &pool->child) == 0);
    pool->tick.data = pool->respawn.data = pool->child.data = pool;
    CHECK(uv_signal_start(&pool->child, on_child, SIGCHLD) == 0);
    start_ticking(pool);
    *out = pool;
    return OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct pool *pool;
    CAST(pool, handle->data, POOL_MAGIC);
    if (--pool->open_handles > 0)
        return;
    void (*on_stopped)(void *context) = pool->on_stopped;
    void *context = pool->stop_context;
    xfree(pool->slots);
    xfree(pool);
    if (on_stopped != NULL)
        on_stopped(context);
}

static void finish_stop(struct pool *pool)
{
    if (!list_is_empty(&pool->live))
        return;
    pool->open_handles = 3;
    uv_close((uv_handle_t *)&pool->tick, on_handle_closed);
    uv_close((uv_handle_t *)&pool->respawn, on_handle_closed);
    uv_close((uv_handle_t *)&pool->child, on_handle_closed);
}

void pool_stop(struct pool *pool, void (*on_stopped)(void *context), void *context)
{
    pool->is_stopping = true;
    pool->on_stopped = on_stopped;
    pool->stop_context = context;
    CHECK(uv_timer_stop(&pool->tick) == 0);
    CHECK(uv_timer_stop(&pool->respawn) == 0);
    struct list waiting; // of all queues: a queue may be gone with its last visit
    list_init(&waiting);
    for (uint32_t i = 0; i <= pool->config.hosts; i++) {
        struct list_node *node;
        while ((node = list_pop(&pool->slots[i].turns)) != NULL)
            list_splice(&waiting, &CONTAINER_OF(node, struct pool_queue, turn)->waiting);
    }
    end_all(&waiting);
    LIST_FOREACH(node, &pool->live)
        host_kill(host_of_book(node));
    finish_stop(pool);
}
