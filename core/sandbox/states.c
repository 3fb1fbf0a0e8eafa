// SPDX-License-Identifier: MIT
// Loaded scripts: a bounded pool of Lua states, kept by tenant and script version; host only.
#include "sandbox/states.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"

#define MAX_KEY 512

struct states {
    struct pipeline *pipeline; // borrowed
    struct strmap by_key;      // struct state *, owned
    struct list used;          // the last one first
};

static bool drop_oldest(void *context)
{
    struct states *states = context;
    for (struct list_node *node = states->used.head.prev; node != &states->used.head;
         node = node->prev) {
        struct state *state = CONTAINER_OF(node, struct state, node);
        if (state->is_held)
            continue;
        states_drop(states, state);
        return true;
    }
    return false;
}

struct states *states_new(struct pipeline *pipeline)
{
    struct states *states = xcalloc(1, sizeof(*states));
    states->pipeline = pipeline;
    strmap_init(&states->by_key);
    list_init(&states->used);
    limits_on_shortage(drop_oldest, states);
    return states;
}

void states_free(struct states *states)
{
    if (states == NULL)
        return;
    states_drop_all(states);
    limits_on_shortage(NULL, NULL);
    strmap_deinit(&states->by_key);
    xfree(states);
}

static void state_free(struct state *state)
{
    if (state->script != NULL)
        pipeline_unload(state->script);
    limits_outside(&state->limits, 0);
    if (state->L != NULL)
        limits_close(state->L);
    xfree(state->key);
    xfree(state);
}

void states_drop(struct states *states, struct state *state)
{
    list_remove(&state->node);
    (void)strmap_remove(&states->by_key, span_make(state->key, state->key_len));
    state_free(state);
}

void states_drop_all(struct states *states)
{
    LIST_FOREACH_SAFE(node, &states->used)
        states_drop(states, CONTAINER_OF(node, struct state, node));
}

size_t states_count(const struct states *states)
{
    return states->by_key.count;
}

static enum visit_result load(struct states *states, struct state *state, size_t ceiling,
                              struct errmsg *message)
{
    const struct version *version = state->version;
    state->L = limits_open(&state->limits, ceiling, state);
    if (state->L == NULL) {
        errmsg_set(message, "not enough memory for a state");
        return VISIT_MEMORY;
    }
    struct pipeline_load what = {.name = version->name,
                                 .source = span_make(version->source, version->len)};
    enum visit_result result =
        pipeline_load(states->pipeline, state->L, &what, &state->script, message);
    if (result == VISIT_DONE)
        limits_outside(&state->limits, pipeline_kept(state->script));
    return result;
}

enum visit_result states_hold(struct states *states, struct span tenant,
                              const struct version *version, size_t ceiling, struct state **out,
                              struct errmsg *message)
{
    char key[sizeof(version->number) + MAX_KEY];
    if (tenant.len > MAX_KEY) {
        errmsg_set(message, "the tenant's name is too long");
        return VISIT_ERROR;
    }
    memcpy(key, &version->number, sizeof(version->number));
    if (tenant.len > 0)
        memcpy(key + sizeof(version->number), tenant.at, tenant.len);
    struct span name = span_make(key, sizeof(version->number) + tenant.len);
    struct state *state = strmap_get(&states->by_key, name);
    if (state == NULL) {
        state = xcalloc(1, sizeof(*state));
        state->magic = STATE_MAGIC;
        state->version = version;
        state->is_held = true;
        enum visit_result result = load(states, state, ceiling, message);
        if (result != VISIT_DONE) {
            state_free(state);
            return result;
        }
        state->key = xmemdup0(key, name.len);
        state->key_len = name.len;
        (void)strmap_set(&states->by_key, name, state);
    } else if (!state->is_held) {
        limits_begin(&state->limits, ceiling);
    }
    state->is_held = true;
    list_remove(&state->node);
    list_prepend(&states->used, &state->node);
    *out = state;
    return VISIT_DONE;
}

void states_release(struct states *states)
{
    LIST_FOREACH(node, &states->used) {
        struct state *state = CONTAINER_OF(node, struct state, node);
        if (!state->is_held)
            break; // held ones stand in front
        state->is_held = false;
    }
    // A state is loaded again in some 30 us, so it is not worth a collection to keep it.
    while (states->by_key.count > STATES_MAX || limits_host_used() > LIMITS_HOST_HIGH)
        if (!drop_oldest(states))
            break;
}
