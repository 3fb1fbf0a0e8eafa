// SPDX-License-Identifier: MIT
// A timer that goes by base/clock; of the thread whose loop it is on.
#include "base/alarm.h"

#include "base/check.h"
#include "base/clock.h"

#define ALARM_MAGIC  0x414c524du
#define LOOK_MS      (10 * 1000) // the machine may have been suspended
#define TEST_LOOK_MS 5           // a test may have moved the clock

static void on_timer(uv_timer_t *timer);

static void arm(struct alarm *alarm)
{
    int64_t wait = alarm_due_in_ms(alarm);
    int64_t most = clock_is_test() ? TEST_LOOK_MS : LOOK_MS;
    CHECK(uv_timer_start(&alarm->timer, on_timer, (uint64_t)(wait < most ? wait : most), 0) == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct alarm *alarm = NULL;
    CAST(alarm, timer->data, ALARM_MAGIC);
    if (alarm_due_in_ms(alarm) > 0) {
        arm(alarm);
        return;
    }
    alarm->is_set = false;
    alarm->on_due(alarm->context);
}

void alarm_start(struct alarm *alarm, uv_loop_t *loop, alarm_fn *on_due, void *context)
{
    *alarm = (struct alarm){.magic = ALARM_MAGIC, .on_due = on_due, .context = context};
    CHECK(uv_timer_init(loop, &alarm->timer) == 0);
    alarm->timer.data = alarm;
}

void alarm_set(struct alarm *alarm, int64_t in_ms)
{
    if (uv_is_closing((uv_handle_t *)&alarm->timer))
        return;
    alarm->at_ms = clock_mono_ms() + (in_ms > 0 ? in_ms : 0);
    alarm->is_set = true;
    arm(alarm);
}

void alarm_clear(struct alarm *alarm)
{
    alarm->is_set = false;
    (void)uv_timer_stop(&alarm->timer);
}

bool alarm_is_set(const struct alarm *alarm)
{
    return alarm->is_set;
}

int64_t alarm_due_in_ms(const struct alarm *alarm)
{
    int64_t left = alarm->at_ms - clock_mono_ms();
    return left > 0 ? left : 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct alarm *alarm = NULL;
    CAST(alarm, handle->data, ALARM_MAGIC);
    alarm->magic = 0;
    if (alarm->on_stopped != NULL)
        alarm->on_stopped(alarm->context);
}

void alarm_stop(struct alarm *alarm, alarm_fn *on_stopped)
{
    alarm->is_set = false;
    alarm->on_stopped = on_stopped;
    uv_close((uv_handle_t *)&alarm->timer, on_closed);
}
