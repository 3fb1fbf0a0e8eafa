# SPDX-License-Identifier: MIT
"""Retries by a clock that the story owns: days pass in a second (delivery.md, Retries)."""
import json
import os
import time
from datetime import datetime
from email.utils import formatdate

from story import DAY, HOUR, MINUTE, Answer, wait_for, within

SCHEDULE = [5, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, DAY]


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def waiting(engine, event_id, attempts):
    """The delivery, once it waits after so many attempts."""
    return engine.in_state(event_id, "pending", attempts=attempts)


def wait_of(delivery):
    """Seconds from the end of the last attempt until it is due."""
    last = delivery["attempts"][-1]
    return seconds(delivery["due_at"]) - seconds(last["started_at"]) - last["duration_ms"] / 1000


def advance_to(engine, due_at, beyond=0.2):
    engine.clock.advance(max(0, seconds(due_at) - engine.clock.now() + beyond))


def retry(engine, delivery):
    answer = engine.api("POST", f"/api/v1/deliveries/{delivery['id']}/retry")
    assert answer.status == 202 and answer.json["state"] == "pending", answer


def test_default_schedule_then_dead(story):
    """Twelve attempts in about three days, each wait within 20 % of the schedule."""
    target = story.target(404)
    engine = story.engine(clock=True)
    engine.webhook(target)
    event_id = engine.ok()
    for number, expected in enumerate(SCHEDULE, 1):
        delivery = waiting(engine, event_id, number)
        assert target.count == number
        assert 0.79 * expected <= wait_of(delivery) <= 1.21 * expected + 1, (number, wait_of(delivery), expected)
        assert delivery["outcome"] == "http_4xx", delivery
        advance_to(engine, delivery["due_at"])
    delivery = engine.settled(event_id)
    assert delivery["state"] == "dead" and len(delivery["attempts"]) == 12, delivery
    assert [attempt["number"] for attempt in delivery["attempts"]] == list(range(1, 13))
    assert target.count == 12 and len(target.ids) == 1
    stamps = [int(request.headers["webhook-timestamp"]) for request in target.requests]
    assert stamps == sorted(stamps) and 2 * DAY < stamps[-1] - stamps[0] < 5 * DAY, stamps


def test_it_is_not_tried_before_it_is_due(story):
    target = story.target([404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[1000])
    event_id = engine.ok()
    delivery = waiting(engine, event_id, 1)
    engine.clock.advance(700)
    assert engine.send("other")["ok"]  # the loop has turned since
    assert waiting(engine, event_id, 1)["due_at"] == delivery["due_at"] and target.count == 1
    advance_to(engine, delivery["due_at"])
    assert engine.settled(event_id)["state"] == "delivered" and target.count == 2


def test_own_schedule(story):
    target = story.target(404)
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[100, 100, 100])
    event_id = engine.ok()
    for number in (1, 2, 3):
        advance_to(engine, waiting(engine, event_id, number)["due_at"])
    assert engine.settled(event_id)["state"] == "dead" and target.count == 4


def test_retries_outlive_restarts_and_crashes(story):
    target = story.target([404, 404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[HOUR, HOUR])
    event_id = engine.ok()
    due = waiting(engine, event_id, 1)["due_at"]
    engine.restart()
    assert waiting(engine, event_id, 1)["due_at"] == due
    engine.clock.advance(2 * HOUR)
    due = waiting(engine, event_id, 2)["due_at"]
    engine.kill()
    engine.start()
    assert waiting(engine, event_id, 2)["due_at"] == due
    engine.clock.advance(2 * HOUR)
    delivery = engine.settled(event_id)
    assert delivery["state"] == "delivered" and len(delivery["attempts"]) == 3 and target.count == 3, delivery


def test_due_while_the_engine_was_down(story):
    target = story.target([404, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[HOUR])
    event_id = engine.ok()
    waiting(engine, event_id, 1)
    engine.stop()
    engine.clock.advance(3 * HOUR)
    engine.start()
    assert engine.settled(event_id)["state"] == "delivered"


def retry_after(story, value, status=429, retry=(100, 100)):
    target = story.target([Answer.status(status, {"Retry-After": value}), 204])
    engine = story.engine(clock=True)
    engine.webhook(target, retry=list(retry))
    return waiting(engine, engine.ok(), 1), target, engine


def test_retry_after_in_seconds_holds_the_webhook(story):
    delivery, target, engine = retry_after(story, "3600")
    assert 3599 <= wait_of(delivery) <= 3602, delivery
    assert delivery["attempts"][0]["retry_after_ms"] == 3_600_000
    held = engine.ok(data="held")
    other = engine.in_state(held, "pending")
    assert target.count == 1
    assert "retry_after" in json.dumps(engine.get(f"/api/v1/deliveries/{other['id']}/explain"))
    engine.clock.advance(3610)
    for event_id in (delivery["event"], held):
        assert engine.settled(event_id)["state"] == "delivered"


def test_retry_after_as_a_date(story):
    """As the engine's clock is the story's, the date is, too."""
    date = formatdate(time.time() + 2 * HOUR, usegmt=True)
    delivery, _, _ = retry_after(story, date, status=503)
    assert 2 * HOUR - 5 <= wait_of(delivery) <= 2 * HOUR + 5, delivery


def test_retry_after_is_clamped(story):
    """To at least the schedule's own wait, and at most a day; junk is ignored."""
    bounds = {
        "1": (80, 121), "0": (80, 121), "-5": (80, 121), "soon": (80, 121), "": (80, 121), "1e9": (80, 121),
        "999999999999999999999999": (80, DAY + 1), "1000000": (DAY - 1, DAY + 1),
        "Wed, 21 Oct 1995 07:28:00 GMT": (80, 121),
    }  # fmt: skip
    target = story.target(lambda request: Answer.status(429, {"Retry-After": request.json["data"]}))
    engine = story.engine()
    for value, (low, high) in bounds.items():
        hook = engine.webhook(target, events=["x"], retry=[100])
        delivery = waiting(engine, engine.ok("x", data=value, webhook=hook["uuid"]), 1)
        assert low - 1 <= wait_of(delivery) <= high, (value, wait_of(delivery))


def test_retry_after_on_another_status(story):
    delivery, _, _ = retry_after(story, "500", status=500)
    assert 499 <= wait_of(delivery) <= 502 and delivery["outcome"] == "http_5xx", delivery


def test_older_than_max_age(story):
    target = story.target(404)
    engine = story.engine(clock=True, max_age="2h")
    engine.webhook(target, retry=[HOUR, 10 * HOUR])
    event_id = engine.ok()
    advance_to(engine, waiting(engine, event_id, 1)["due_at"])
    delivery = engine.settled(event_id)
    assert delivery["state"] == "dead" and len(delivery["attempts"]) == 2, delivery
    assert "max_age" in json.dumps(engine.get(f"/api/v1/deliveries/{delivery['id']}/explain"))


def test_waited_longer_than_max_age(story):
    """Paused for so long that it is too old when it could be sent."""
    target = story.target()
    engine = story.engine(clock=True, max_age="1h")
    webhook = engine.webhook(target, is_paused=True)
    event_id = engine.ok()
    engine.in_state(event_id, "pending")
    engine.clock.advance(2 * HOUR)
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/resume").status == 200
    delivery = engine.settled(event_id)
    assert (delivery["state"], delivery["outcome"]) == ("dead", "too_old") and target.count == 0, delivery


def test_manual_retry_from_every_settled_state(story):
    target = story.target([404, 204, 204, 404])
    engine = story.engine()
    engine.webhook(target, retry=[])
    event_id = engine.ok()
    states = ["dead", "delivered", "delivered", "dead"]
    for number, state in enumerate(states, 1):
        delivery = engine.in_state(event_id, state, attempts=number)
        assert len(delivery["attempts"]) == number == target.count, delivery
        if number < len(states):
            retry(engine, delivery)
            wait_for(lambda: target.count > number, "the retry")  # noqa: B023
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["http_4xx", "delivered", "delivered", "http_4xx"]
    assert len(target.ids) == 1, "the same webhook-id"


def test_manual_retry_of_one_that_waits(story):
    target = story.target([404, 204])
    engine = story.engine()
    engine.webhook(target, retry=[HOUR])
    event_id = engine.ok()
    delivery = waiting(engine, event_id, 1)
    retry(engine, delivery)
    assert engine.settled(event_id)["state"] == "delivered"


def test_manual_retry_of_a_cancelled_one(story):
    target = story.target([404, 204])
    engine = story.engine()
    webhook = engine.webhook(target, retry=[HOUR])
    event_id = engine.ok()
    waiting(engine, event_id, 1)
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/disable").status == 200
    delivery = engine.settled(event_id)
    assert delivery["state"] == "cancelled", delivery
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/enable").status == 200
    retry(engine, delivery)
    assert engine.in_state(event_id, "delivered")["state"] == "delivered" and target.count == 2


def test_manual_retry_of_a_filtered_one(story):
    """Its script has changed its mind since."""
    script = "return {{\n    api = 1,\n    filter = function() return {} end,\n}}\n"
    story.file("scripts/mind.lua", script.format('false, "no"'))
    target = story.target()
    engine = story.engine(scripts_dir=os.path.join(story.folder, "scripts"))
    webhook = engine.webhook(target, scripts=[{"name": "mind"}])
    event_id = engine.ok()
    delivery = engine.settled(event_id)
    assert delivery["state"] == "filtered" and target.count == 0, delivery
    path = f"/api/v1/webhooks/{webhook['uuid']}"
    assert engine.api("PATCH", path, {"scripts": []}).status == 200
    retry(engine, delivery)
    delivery = engine.in_state(event_id, "delivered")
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["filtered", "delivered"], delivery
    assert target.one().id == event_id


def test_manual_retry_of_one_that_was_too_old(story):
    """max_age is for what the engine does by itself."""
    target = story.target([404, 204])
    engine = story.engine(clock=True, max_age="1h")
    engine.webhook(target, retry=[2 * HOUR])
    event_id = engine.ok()
    delivery = engine.settled(event_id)
    assert delivery["state"] == "dead", delivery
    engine.clock.advance(5 * HOUR)
    retry(engine, delivery)
    assert engine.in_state(event_id, "delivered")["state"] == "delivered" and target.count == 2


def test_manual_retry_keeps_its_history_over_a_restart(story):
    target = story.target([404, 204])
    engine = story.engine()
    engine.webhook(target, retry=[])
    event_id = engine.ok()
    retry(engine, engine.settled(event_id))
    engine.in_state(event_id, "delivered")
    engine.restart()
    delivery = engine.in_state(event_id, "delivered", attempts=2)
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["http_4xx", "delivered"], delivery


def test_deleted_webhook_keeps_its_history(story):
    target = story.target(404)
    engine = story.engine()
    webhook = engine.webhook(target, retry=[HOUR])
    event_id = engine.ok()
    waiting(engine, event_id, 1)
    assert engine.api("DELETE", f"/api/v1/webhooks/{webhook['uuid']}").status == 204
    assert engine.api("GET", f"/api/v1/webhooks/{webhook['uuid']}").status == 404
    delivery = engine.settled(event_id)
    assert delivery["state"] == "cancelled" and len(delivery["attempts"]) == 1, delivery
    assert engine.send()["deliveries"] == 0


def test_explain_says_what_happens_next(story):
    target = story.target(404)
    engine = story.engine()
    matched = engine.webhook(target.url("/yes"), retry=[HOUR])
    engine.webhook(target.url("/no"), events=["vulnerability.*"])
    event_id = engine.ok()
    delivery = waiting(engine, event_id, 1)
    said = engine.get(f"/api/v1/deliveries/{delivery['id']}/explain")
    assert "http_4xx" in said["summary"] and delivery["due_at"] in said["summary"], said
    said = json.dumps(engine.get(f"/api/v1/events/{event_id}/explain"))
    assert "subscribed to vulnerability.* only" in said and matched["uuid"] in said, said
    done = engine.run("explain", event_id)
    assert done.returncode == 0 and b"http_4xx" in done.stdout and b"vulnerability.*" in done.stdout, done


def test_changed_target_heals_what_waits(story):
    bad, good = story.target(404), story.target()
    engine = story.engine(clock=True)
    webhook = engine.webhook(bad, retry=[100])
    event_id = engine.ok()
    due = waiting(engine, event_id, 1)["due_at"]
    answer = engine.api("PATCH", f"/api/v1/webhooks/{webhook['uuid']}", {"target": good.url()})
    assert answer.status == 200 and answer.json["revision"] == 2, answer
    advance_to(engine, due)
    delivery = engine.settled(event_id)
    assert delivery["state"] == "delivered" and good.one().id == event_id
    assert [attempt["webhook_revision"] for attempt in delivery["attempts"]] == [1, 2]


def test_pausing_stops_retries(story):
    target = story.target([404, 204])
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, retry=[100])
    event_id = engine.ok()
    due = waiting(engine, event_id, 1)["due_at"]
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/pause").status == 200
    advance_to(engine, due, 60)
    engine.ok("other")
    assert target.count == 1 and waiting(engine, event_id, 1)
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/resume").status == 200
    assert engine.settled(event_id)["state"] == "delivered"


@within(120)
def test_breaker_waits_and_probes(story):
    """Ten failures in a row open it; what waits uses up no attempts; one probe closes it."""
    target = story.target(500)
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, retry=[2] * 20, max_in_flight=1)
    first = engine.ok()
    for number in range(1, 10):
        advance_to(engine, waiting(engine, first, number)["due_at"])
    waiting(engine, first, 10)
    wait_for(lambda: engine.metric("breaker_open") == 1, "the breaker is open")
    ids = [engine.ok(data=i) for i in range(20)]
    engine.clock.advance(10)
    assert target.count == 10
    assert all(not engine.in_state(event_id, "pending")["attempts"] for event_id in ids)
    said = json.dumps(engine.get(f"/api/v1/webhooks/{webhook['uuid']}/explain"))
    assert "breaker" in said, said
    target.answer_with(204)
    engine.clock.advance(30)
    for event_id in [first, *ids]:
        assert engine.settled(event_id)["state"] == "delivered"
    assert engine.metric("breaker_open") == 0
