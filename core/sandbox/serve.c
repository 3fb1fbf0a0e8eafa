// SPDX-License-Identifier: MIT
// What a script host remembers, and which part of it answers a frame; host only.
#include "sandbox/serve.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/serve_inside.h"

#define MAX_TEXT (256 * 1024) // bytes of a description

// ---- the board ----

int64_t serve_say(struct serve *serve, uint64_t visit)
{
    int64_t cpu_ns = clock_thread_cpu_ns();
    struct frame_board *board = serve->board;
    uint64_t turn = atomic_load_explicit(&board->turn, memory_order_relaxed);
    atomic_store(&board->turn, turn + 1);
    atomic_store_explicit(&board->visit, visit, memory_order_relaxed);
    atomic_store_explicit(&board->cpu_ns, (uint64_t)cpu_ns, memory_order_relaxed);
    atomic_store_explicit(&board->script, 0, memory_order_relaxed);
    atomic_store(&board->turn, turn + 2);
    serve->clock_ns = cpu_ns;
    return cpu_ns;
}

int64_t serve_clock(const struct serve *serve)
{
    return serve->clock_ns;
}

// Which script is about to run, for the one who may have to kill us; while a source is checked, which
// of its golden tests.
static void on_enter(void *context, lua_State *L)
{
    struct serve *serve = context;
    struct state *state = limits_of(L)->owner;
    atomic_store_explicit(&serve->board->script,
                          state == NULL ? serve->test : state->version->number,
                          memory_order_relaxed);
    serve_enter(serve, state);
}

// ---- what is remembered ----

static void version_free(struct version *version)
{
    if (version == NULL)
        return;
    xfree(version->name);
    xfree(version->hash);
    xfree(version->source);
    xfree(version);
}

static void facts_free(struct webhook_facts *facts)
{
    if (facts == NULL)
        return;
    mem_wipe(facts->bytes, facts->len); // secrets
    xfree(facts->bytes);
    xfree(facts);
}

static bool take_script(struct serve *serve, const struct frame *frame)
{
    struct frame_script script;
    if (!frame_get_script(frame->payload, &script))
        return false;
    struct version *version = xcalloc(1, sizeof(*version));
    version->number = frame->number;
    version->name = xmemdup0(script.name.at, script.name.len);
    version->hash = xmemdup0(script.version.at, script.version.len);
    version->source = xmemdup0(script.source.at, script.source.len);
    version->len = script.source.len;
    struct version *old = map_set(&serve->versions, frame->number, version);
    if (old != NULL) {
        states_drop_all(serve->states); // some borrow it
        version_free(old);
    }
    return true;
}

static bool take_webhook(struct serve *serve, const struct frame *frame)
{
    if (!frame_get_webhook(frame->payload, &serve->webhook))
        return false;
    struct webhook_facts *facts = xcalloc(1, sizeof(*facts));
    facts->bytes = xmemdup0(frame->payload.at, frame->payload.len);
    facts->len = frame->payload.len;
    facts_free(map_set(&serve->webhooks, frame->number, facts));
    serve->at_hand = 0; // what was just unpacked points into the frame
    return true;
}

static bool forget(struct serve *serve, const struct frame *frame)
{
    if (serve->at_hand == frame->number)
        serve->at_hand = 0;
    facts_free(map_remove(&serve->webhooks, frame->number));
    return true;
}

bool serve_recall(struct serve *serve, uint32_t number)
{
    if (number == serve->at_hand && number != 0)
        return true;
    struct webhook_facts *facts = map_get(&serve->webhooks, number);
    serve->at_hand = 0;
    if (facts == NULL || !frame_get_webhook(span_make(facts->bytes, facts->len), &serve->webhook))
        return false;
    serve->at_hand = number;
    return true;
}

// At most `max` bytes, not in the middle of a character.
struct span serve_cut(struct span text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((unsigned char)text.at[max] & 0xc0) == 0x80)
        max--;
    return span_make(text.at, max);
}

// ---- frames ----

void serve_forget_all(struct serve *serve)
{
    size_t at = 0;
    uint64_t key = 0;
    void *value = NULL;
    states_drop_all(serve->states);
    while (map_next(&serve->versions, &at, &key, &value))
        version_free(value);
    map_deinit(&serve->versions);
    map_init(&serve->versions);
    for (at = 0; map_next(&serve->webhooks, &at, &key, &value);)
        facts_free(value);
    map_deinit(&serve->webhooks);
    map_init(&serve->webhooks);
    serve->at_hand = 0;
}

struct serve *serve_new(struct frame_board *board)
{
    struct serve *serve = xcalloc(1, sizeof(*serve));
    serve->board = board;
    serve->run = (struct run){.on_enter = on_enter, .context = serve};
    serve->pipeline = pipeline_new(run_call, &serve->run, FRAME_MAX_OUTPUT);
    serve->states = states_new(serve->pipeline);
    map_init(&serve->versions);
    map_init(&serve->webhooks);
    buf_init(&serve->text, MAX_TEXT);
    limits_catch_stop();
    return serve;
}

void serve_free(struct serve *serve)
{
    if (serve == NULL)
        return;
    serve_forget_all(serve);
    map_deinit(&serve->versions);
    map_deinit(&serve->webhooks);
    states_free(serve->states);
    pipeline_free(serve->pipeline);
    buf_deinit(&serve->text);
    xfree(serve);
}

bool serve_frame(struct serve *serve, const struct frame *frame, struct buf *out)
{
    switch ((enum frame_kind)frame->kind) {
    case FRAME_SCRIPT: return take_script(serve, frame);
    case FRAME_WEBHOOK: return take_webhook(serve, frame);
    case FRAME_FORGET: return forget(serve, frame);
    case FRAME_RENDER:
    case FRAME_RESPONSE: return serve_visit(serve, frame, out);
    case FRAME_CHECK_SCRIPT: return serve_check_script(serve, frame, out);
    case FRAME_CHECK_WEBHOOK: return serve_check_webhook(serve, frame, out);
    case FRAME_READY:
    case FRAME_ANSWER:
    case FRAME_CHECKED:
    case FRAME_PROBLEMS:
    case FRAME_KIND_COUNT: break; // frame_take lets none of these through
    }
    return false;
}
