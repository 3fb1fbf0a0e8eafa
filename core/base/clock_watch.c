// SPDX-License-Identifier: MIT
// Looks at the system's clock every few seconds, and logs when somebody has set it; main only.
#include "base/clock_watch.h"

#include "base/alarm.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#define LOOK_MS      (10 * 1000)
#define TEST_LOOK_MS 20

static uv_timer_t timer; // real time: a test may set the clock while no time passes

static void tell(const struct clock_look *look)
{
    struct log_record r;
    log_begin(&r, LOG_WARN, LOG_MAIN_AREA,
              look->jump_ms > 0 ? "the system's clock was set forward"
                                : "the system's clock was set back");
    log_int(&r, "jump_ms", look->jump_ms);
    log_int(&r, "gap_ms", look->gap_ms);
    log_str(&r, "then",
            look->gap_ms == 0 ? "the engine goes by it"
                              : "waits, ages and retention go on as before; the "
                                "engine's time follows by 6 minutes an hour, a "
                                "restart takes over the system's");
    log_end(&r);
}

static void on_look(uv_timer_t *handle)
{
    struct clock_look look;
    (void)handle;
    clock_look(&look);
    if (look.jump_ms != 0)
        tell(&look);
}

void clock_watch_start(uv_loop_t *loop)
{
    uint64_t every_ms = clock_is_test() ? TEST_LOOK_MS : LOOK_MS;
    CHECK(uv_timer_init(loop, &timer) == 0);
    CHECK(uv_timer_start(&timer, on_look, 0, every_ms) == 0);
}

void clock_watch_stop(void)
{
    uv_close((uv_handle_t *)&timer, NULL);
}
