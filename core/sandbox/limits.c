// SPDX-License-Identifier: MIT
// What a Lua state may use: an allocator with a ceiling, and the stop that a signal arms; host only.
#include "sandbox/limits.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

static size_t host_used; // bytes, of all states
static bool (*drop_others)(void *context);
static void *drop_context;

// Shared with the signal's handler.
static _Atomic uint64_t watched;      // visit
static _Atomic bool is_stopped;       // a stop for it has come
static lua_State *_Atomic running;    // coroutine
static volatile sig_atomic_t at_line; // where the hook first fired

size_t limits_host_used(void)
{
    return host_used;
}

void limits_on_shortage(bool (*drop)(void *context), void *context)
{
    drop_others = drop;
    drop_context = context;
}

// The state may have more, but the host has not: others go first, then the host itself. The engine
// starts another and runs the visit again; nobody is blamed.
static void *insist(void *at, size_t size, size_t growth)
{
    for (;;) {
        // banned-ok: the one allocator that may fail: refusal is Lua's ordinary memory error
        void *fresh = host_used + growth <= LIMITS_HOST_MAX ? realloc(at, size) : NULL;
        if (fresh != NULL)
            return fresh;
        if (drop_others == NULL || !drop_others(drop_context))
            _exit(LIMITS_EXIT);
    }
}

// lua_Alloc. Shrinking never fails.
static void *allocate(void *context, void *at, size_t old, size_t size)
{
    struct limits *limits;
    CAST(limits, context, LIMITS_MAGIC);
    if (at == NULL)
        old = 0; // it is then the kind of object
    if (size == 0) {
        free(at); // banned-ok: of this allocator
        limits->used -= old;
        host_used -= old;
        return NULL;
    }
    size_t growth = size > old ? size - old : 0;
    if (growth > 0 && (growth > limits->ceiling || limits->used > limits->ceiling - growth))
        return NULL;
    void *fresh = insist(at, size, growth);
    limits->used += size - old; // wraps around rightly when it shrinks
    host_used += size - old;
    if (limits->used > limits->peak)
        limits->peak = limits->used;
    return fresh;
}

lua_State *limits_open(struct limits *limits, size_t ceiling, void *owner)
{
    *limits = (struct limits){.magic = LIMITS_MAGIC, .ceiling = ceiling, .owner = owner};
    lua_State *L = lua_newstate(allocate, limits);
    if (L != NULL)
        *(struct limits **)lua_getextraspace(L) = limits; // coroutines inherit it
    return L;
}

void limits_close(lua_State *L)
{
    limits_of(L)->ceiling = SIZE_MAX;
    lua_close(L);
}

struct limits *limits_of(lua_State *L)
{
    struct limits *limits;
    CAST(limits, *(void **)lua_getextraspace(L), LIMITS_MAGIC);
    return limits;
}

void limits_outside(struct limits *limits, size_t bytes)
{
    host_used += bytes - limits->outside; // wraps around rightly when it shrinks
    limits->outside = bytes;
}

void limits_begin(struct limits *limits, size_t ceiling)
{
    limits->ceiling = ceiling;
    limits->peak = limits->used;
}

// ---- the stop ----

// Stays armed: whoever catches the error meets the next one at the next instruction.
static void on_instruction(lua_State *L, lua_Debug *here)
{
    (void)here;
    lua_Debug frame;
    for (int level = 0; at_line <= 0 && lua_getstack(L, level, &frame) != 0; level++)
        if (lua_getinfo(L, "l", &frame) != 0)
            at_line = frame.currentline;
    lua_pushliteral(L, "stopped"); // [+1]
    lua_error(L);
}

static void arm(lua_State *co)
{
    lua_sethook(co, on_instruction, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    // A stop that comes late, or from elsewhere, names another visit.
    if (info->si_code != SI_QUEUE || atomic_load(&watched) == 0 ||
        (uint64_t)(uintptr_t)info->si_value.sival_ptr != atomic_load(&watched))
        return;
    atomic_store(&is_stopped, true);
    lua_State *co = atomic_load(&running);
    if (co != NULL)
        arm(co);
}

void limits_catch_stop(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK(sigemptyset(&action.sa_mask) == 0);
    CHECK(sigaction(LIMITS_SIGNAL, &action, NULL) == 0);
}

void limits_watch(uint64_t visit)
{
    atomic_store(&watched, 0);
    if (visit == 0)
        return;
    atomic_store(&is_stopped, false);
    at_line = 0;
    atomic_store(&watched, visit);
}

void limits_run(lua_State *co)
{
    atomic_store(&running, co);
    if (co != NULL && atomic_load(&is_stopped))
        arm(co); // it came while no Lua ran
}

bool limits_is_stopped(void)
{
    return atomic_load(&is_stopped);
}

int limits_stopped_line(void)
{
    return at_line > 0 ? at_line : 0;
}
