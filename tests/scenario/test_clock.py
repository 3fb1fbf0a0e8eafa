# SPDX-License-Identifier: MIT
"""Time: the tests' own clock, and somebody who sets the system's (core/base/clock.h)."""
import subprocess
from datetime import datetime, timezone

from story import DAY, HOUR, MINUTE, Answer, wait_for, within

YEAR = 365 * DAY


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pass_a_look(engine):
    """Enough time for whatever looks at the clock every so often; retention does so each minute."""
    engine.clock.advance(2 * MINUTE)
    engine.wait_quiet()


# ---- the tests' clock ----


def test_it_is_refused_outside_of_tests(story):
    """In every build, the one that is released included."""
    engine = story.engine(start=False)
    path = story.file("clock", bytes(16))
    for value in ({}, {"GRAPNEL_TEST": "0"}, {"GRAPNEL_TEST": ""}):
        env = {**engine.env(), "GRAPNEL_CLOCK": path, **value}
        command = [story.binary, "serve", "--config", engine.config]
        done = subprocess.run(command, env=env, capture_output=True, timeout=30, check=False)
        assert done.returncode == 1, done
        assert b"GRAPNEL_CLOCK is for tests: unset it, or set GRAPNEL_TEST=1 too" in done.stderr, done


def test_a_file_that_is_no_clock_is_refused(story):
    engine = story.engine(start=False)
    for path in (story.file("short", bytes(15)), story.folder, story.folder + "/missing"):
        env = {**engine.env(), "GRAPNEL_TEST": "1", "GRAPNEL_CLOCK": path}
        command = [story.binary, "serve", "--config", engine.config]
        done = subprocess.run(command, env=env, capture_output=True, timeout=30, check=False)
        assert done.returncode == 1 and path.encode() in done.stderr, done


# ---- somebody sets the system's clock ----


def test_ten_years_ahead_expire_and_prune_nothing(story):
    """What waits goes on waiting, nothing is too old or expired, and history stays."""
    target = story.target([204, 404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[2 * HOUR])
    delivered = engine.ok(data="history")
    engine.settled(delivered)
    waiting = engine.ok(data="waits", expires_at=rfc3339(engine.clock.now() + DAY))
    due = engine.in_state(waiting, "pending", attempts=1)["due_at"]
    later = engine.ok(data="later", deliver_at=rfc3339(engine.clock.now() + HOUR))
    engine.clock.jump(10 * YEAR)
    said = engine.wait_log("the system's clock was set forward")
    assert len(said) == 1 and "level=warn" in said[0], said
    assert 9 * YEAR < engine.metric("clock_gap_seconds") < 11 * YEAR
    pass_a_look(engine)
    assert engine.settled(delivered)["state"] == "delivered", "retention took nothing"
    assert engine.in_state(waiting, "pending", attempts=1)["due_at"] == due
    assert engine.in_state(later, "pending") and target.count == 2
    engine.advance_to(due)
    for event_id in (waiting, later):
        assert engine.settled(event_id)["state"] == "delivered"


def test_signatures_say_what_the_systems_clock_says(story):
    """At the moment of sending: receivers compare it with their own clocks."""
    target = story.target([404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[HOUR])
    due = engine.in_state(engine.ok(), "pending", attempts=1)["due_at"]
    engine.clock.jump(-DAY)
    engine.wait_log("the system's clock was set back")
    engine.advance_to(due)
    for request, jump in zip(target.wait(2), (0, -DAY)):
        stamp = int(request.headers["webhook-timestamp"])
        expected = engine.clock.system_now() - engine.clock.jump_s + jump
        assert expected - 2 * HOUR < stamp < expected + 1, (stamp, expected)


def test_a_day_back_retries_run_when_they_are_due(story):
    target = story.target([404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[2 * HOUR])
    event_id = engine.ok()
    due = engine.in_state(event_id, "pending", attempts=1)["due_at"]
    engine.clock.jump(-DAY)
    engine.wait_log("the system's clock was set back")
    pass_a_look(engine)
    assert target.count == 1
    # The engine's time follows by a tenth of what passes, which is within the jitter.
    engine.advance_to(due, beyond=15 * MINUTE)
    assert engine.settled(event_id)["state"] == "delivered"


def test_years_back_new_events_leave_at_once(story):
    target = story.target()
    engine = story.engine(clock=True)
    engine.webhook(target)
    engine.ok()
    target.wait(1)
    engine.clock.jump(-10 * YEAR)
    for i in range(20):
        engine.ok(data=i)
    target.wait(21)
    engine.wait_log("the system's clock was set back")
    engine.ok()
    target.wait(22)


def test_years_back_a_hold_ends_in_time(story):
    """Retry-After is a wait, and goes by what passes."""
    target = story.target([Answer.status(429, {"Retry-After": "600"}), 204])
    engine = story.engine(clock=True)
    engine.webhook(target)
    first = engine.ok()
    engine.in_state(first, "pending", attempts=1)
    held = engine.ok(data="held")
    engine.clock.jump(-3 * YEAR)
    engine.wait_log("the system's clock was set back")
    engine.clock.advance(900)
    for event_id in (first, held):
        assert engine.settled(event_id)["state"] == "delivered"


def test_half_an_hour_ahead_is_believed(story):
    """A machine that was paused looks the same: what was due meanwhile is due."""
    target = story.target([404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[1000])
    event_id = engine.ok()
    engine.in_state(event_id, "pending", attempts=1)
    engine.clock.jump(HOUR / 2)
    said = engine.wait_log("the system's clock was set forward")
    assert "the engine goes by it" in said[0], said
    engine.clock.advance(11)  # the next look of what waits
    assert engine.settled(event_id)["state"] == "delivered"
    assert engine.metric("clock_gap_seconds") == 0


def test_a_restart_takes_over_the_systems_clock(story):
    target = story.target()
    engine = story.engine(clock=True)
    engine.webhook(target)
    engine.ok()
    engine.clock.jump(2 * DAY)
    engine.wait_log("the system's clock was set forward")
    engine.restart()
    assert engine.metric("clock_gap_seconds") == 0
    before = rfc3339(engine.clock.system_now() - 1)
    accepted = engine.get(f"/api/v1/events/{engine.ok()}")["accepted_at"]
    assert before <= accepted <= rfc3339(engine.clock.system_now() + 1), (before, accepted)


# ---- the machine sleeps ----


@within(120)
def test_after_an_hour_of_sleep_no_burst_goes_over_the_cap(story):
    """All that fell due meanwhile is sent, never more at once than max_in_flight."""
    target = story.target(404)
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[MINUTE], max_in_flight=3)
    ids = [engine.ok(data=i) for i in range(60)]
    for event_id in ids:
        engine.in_state(event_id, "pending", attempts=1)
    target.answer_with(Answer.status(204, delay=0.005))
    target.most_at_once = 0
    engine.clock.advance(HOUR)
    for event_id in ids:
        assert engine.settled(event_id)["state"] == "delivered"
    assert 1 <= target.most_at_once <= 3, target.most_at_once
    assert target.count == 120


# ---- days pass ----


def test_three_days_against_a_dead_target(story):
    """Nobody listens: twelve attempts, then dead; the circuit breaker's probes cost no attempt more."""
    engine = story.engine(clock=True)
    engine.webhook(story.dead_url())
    event_id = engine.ok()
    for number in range(1, 12):
        delivery = engine.in_state(event_id, "pending", attempts=number)
        assert delivery["outcome"] == "connect_refused", delivery
        engine.advance_to(delivery["due_at"])
    delivery = engine.settled(event_id)
    assert (delivery["state"], delivery["outcome"]) == ("dead", "connect_refused"), delivery
    assert len(delivery["attempts"]) == 12


def test_time_passes_until_it_is_so(story):
    """advance_until: each step when the engine has done what was due."""
    target = story.target([404, 404, 404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[HOUR, HOUR, HOUR])
    event_id = engine.ok()
    done = engine.advance_until(lambda: engine.delivery(event_id)["state"] == "delivered", step=10 * MINUTE, most=DAY)
    assert done and target.count == 4
    wait_for(lambda: 2 * HOUR < engine.clock.offset_s < 5 * HOUR, "three waits of an hour")


def test_retry_after_of_twenty_hours_is_kept(story):
    target = story.target([Answer.status(503, {"Retry-After": str(20 * HOUR)}), 204])
    engine = story.engine(clock=True)
    engine.webhook(target)
    event_id = engine.ok()
    engine.in_state(event_id, "pending", attempts=1)
    engine.clock.advance(20 * HOUR - MINUTE)
    engine.wait_quiet()
    assert target.count == 1
    engine.clock.advance(2 * MINUTE)
    assert engine.settled(event_id)["state"] == "delivered"
