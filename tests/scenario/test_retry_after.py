# SPDX-License-Identifier: MIT
"""The row `http_429`, `http_503` with `Retry-After` of delivery.md: seconds or a date, clamped, for the whole webhook."""
from datetime import datetime
from email.utils import formatdate

from story import Answer
from story.clock import DAY, HOUR, MINUTE

SCHEDULE = 100  # seconds, ±20 %


def told(story, answer):
    """A webhook whose first delivery got this answer (or what a function of the engine's clock makes), and that delivery."""
    target = story.target(204)
    engine = story.engine(clock=True)
    target.answer_with([answer(engine.clock) if callable(answer) else answer, 204])
    webhook = engine.webhook(target, retry=[SCHEDULE, SCHEDULE])
    delivery = engine.in_state(engine.ok(), "pending", attempts=1)
    return engine, target, webhook, delivery


def wait_of(delivery):
    """Seconds from the attempt to the next."""
    due, begun = delivery["due_at"], delivery["attempts"][0]["started_at"]
    times = [datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() for text in (due, begun)]
    return times[0] - times[1]


def assert_waits(delivery, seconds):
    """Dates are in whole seconds, and the answer takes its time on a slow machine."""
    assert seconds - 2 <= wait_of(delivery) <= seconds + 10, (wait_of(delivery), seconds)


def assert_waits_by_schedule(delivery):
    assert 0.8 * SCHEDULE - 1 <= wait_of(delivery) <= 1.2 * SCHEDULE + 10, wait_of(delivery)


def holds_of(engine, webhook):
    return engine.get(f"/api/v1/webhooks/{webhook['uuid']}")["holds"]


def assert_held_until(engine, target, webhook, first, seconds):
    """Nothing of the whole webhook leaves before; afterwards all that waited does."""
    others = [engine.ok(data=i) for i in range(5)]
    for event_id in others:
        assert engine.in_state(event_id, "pending")["attempts"] == []
    assert [hold["reason"] for hold in holds_of(engine, webhook)] == ["retry_after"]
    engine.clock.advance(seconds - MINUTE)
    engine.wait_quiet()
    assert target.count == 1
    engine.clock.advance(2 * MINUTE)
    for event_id in [first["event"], *others]:
        assert engine.settled(event_id)["state"] == "delivered"
    assert target.count == 7 and holds_of(engine, webhook) == []


def seconds_hold_the_webhook(story, status):
    engine, target, webhook, first = told(story, Answer.status(status, {"Retry-After": "7200"}))
    assert first["outcome"] == f"http_{status}"
    assert_waits(first, 2 * HOUR)
    assert_held_until(engine, target, webhook, first, 2 * HOUR)


def test_429_with_seconds_holds_the_webhook(story):
    seconds_hold_the_webhook(story, 429)


def test_503_with_seconds_holds_the_webhook(story):
    seconds_hold_the_webhook(story, 503)


def date_holds_the_webhook(story, status):
    def answer(clock):
        return Answer.status(status, {"Retry-After": formatdate(clock.now() + 3 * HOUR, usegmt=True)})

    engine, target, webhook, first = told(story, answer)
    assert_waits(first, 3 * HOUR)
    assert_held_until(engine, target, webhook, first, 3 * HOUR)


def test_429_with_a_date_holds_the_webhook(story):
    date_holds_the_webhook(story, 429)


def test_503_with_a_date_holds_the_webhook(story):
    date_holds_the_webhook(story, 503)


def test_a_target_whose_clock_is_wrong(story):
    """Its own Date says what it takes for now: the distance counts, whichever header comes first."""
    for skew in (-10 * HOUR, 10 * HOUR, -400 * DAY):
        for order in (1, -1):

            def answer(clock, skew=skew, order=order):
                now = clock.now() + skew
                headers = [("Date", formatdate(now, usegmt=True)), ("Retry-After", formatdate(now + HOUR, usegmt=True))]
                return Answer.status(503, dict(headers[::order]))

            assert_waits(told(story, answer)[3], HOUR)


def test_a_date_of_the_target_that_is_none(story):
    """Then ours is all there is."""

    def answer(clock):
        return Answer.status(503, {"Date": "yesterday", "Retry-After": formatdate(clock.now() + HOUR, usegmt=True)})

    assert_waits(told(story, answer)[3], HOUR)


def test_it_is_capped_at_a_day(story):
    for value in (str(DAY + 1), "31536000", "9" * 30, "Fri, 31 Dec 2100 23:59:59 GMT"):
        engine, _, webhook, first = told(story, Answer.status(429, {"Retry-After": value}))
        assert_waits(first, DAY)
        (hold,) = holds_of(engine, webhook)
        assert hold["reason"] == "retry_after" and hold["until"] == first["due_at"], (hold, first)


def test_a_past_date_never_shortens_the_schedule(story):
    for value in ("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "0"):
        assert_waits_by_schedule(told(story, Answer.status(429, {"Retry-After": value}))[3])


def test_garbage_is_ignored_and_holds_nothing(story):
    for value in ("soon", "", "-5", "1.5", "1e9", "0x10", "12 seconds", "32 Nov 2026", "\x7f\xff", ","):
        engine, target, webhook, first = told(story, Answer.status(503, {"Retry-After": value}))
        assert_waits_by_schedule(first)
        assert holds_of(engine, webhook) == [], value
        assert engine.settled(engine.ok())["state"] == "delivered", value
        assert target.count == 2


def test_the_webhook_beside_it_is_not_held(story):
    engine, target, _, _ = told(story, Answer.status(429, {"Retry-After": "3600"}))
    other = engine.webhook(target.url("/other"), events=["other"])
    assert engine.settled(engine.ok("other"), other["uuid"])["state"] == "delivered"


def test_a_shorter_one_does_not_end_the_longer(story):
    """Two are in flight; the answer that comes last names less."""
    waits = {0: ("300", 0.2), 1: ("7200", 0)}

    def answer(request):
        value, delay = waits[request.json["data"]]
        return Answer.status(429, {"Retry-After": value}, delay=delay)

    target = story.target(answer)
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, retry=[SCHEDULE] * 3)
    with engine.producer() as producer:
        ids = [producer.ok(data=0), producer.ok(data=1)]
    rows = [engine.in_state(event_id, "pending", attempts=1) for event_id in ids]
    assert_waits(rows[1], 2 * HOUR)
    assert holds_of(engine, webhook)[0]["until"] == rows[1]["due_at"]


def test_a_test_send_ignores_it(story):
    target = story.target(Answer.status(503, {"Retry-After": "7200"}))
    engine = story.engine(clock=True)
    webhook = engine.webhook(target)
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/test").json["outcome"] == "http_503"
    assert target.count == 1 and holds_of(engine, webhook) == []
