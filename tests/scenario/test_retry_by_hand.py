# SPDX-License-Identifier: MIT
"""A manual retry works from every settled state, and keeps the history (delivery.md, Retries)."""
import os

from story import HOUR, Answer, wait_for

FILTER = 'return { api = 1, filter = function() return false, "not today" end }'


def retry(engine, delivery):
    answer = engine.api("POST", f"/api/v1/deliveries/{delivery['id']}/retry")
    assert answer.status == 202 and answer.json["state"] == "pending", answer


def refused(engine, delivery, why):
    answer = engine.api("POST", f"/api/v1/deliveries/{delivery['id']}/retry")
    assert answer.status == 409 and why in answer.json["detail"], answer


def change(engine, path, **fields):
    answer = engine.api("PATCH", path, fields)
    assert answer.status == 200, answer


def ends(engine, event_id, state, attempts):
    """The delivery, once it is settled so, with so many attempts in order."""
    delivery = engine.in_state(event_id, state, attempts=attempts)
    assert [attempt["number"] for attempt in delivery["attempts"]] == list(range(1, attempts + 1)), delivery
    return delivery


def test_from_each_settled_state(story):
    """One delivery goes dead, filtered, cancelled, delivered and delivered again; all attempts stay."""
    scripts = os.path.join(story.folder, "scripts")
    os.makedirs(scripts)
    with open(os.path.join(scripts, "never.lua"), "w", encoding="ascii") as file:
        file.write(FILTER)
    engine = story.engine(scripts_dir=scripts)
    target = story.target(404)
    path = f"/api/v1/webhooks/{engine.webhook(target, retry=[])['uuid']}"
    event_id = engine.ok(data={"a": 1})

    dead = ends(engine, event_id, "dead", 1)
    change(engine, path, scripts=[{"name": "never"}])
    retry(engine, dead)
    filtered = ends(engine, event_id, "filtered", 2)
    assert filtered["id"] == dead["id"] and target.count == 1

    assert engine.api("POST", path + "/pause").status == 200
    retry(engine, filtered)
    engine.in_state(event_id, "pending")
    assert engine.api("POST", path + "/disable").status == 200
    cancelled = ends(engine, event_id, "cancelled", 2)
    refused(engine, cancelled, "inactive")

    change(engine, path, scripts=[], is_active=True, is_paused=False)
    target.answer_with(204)
    retry(engine, cancelled)
    delivered = ends(engine, event_id, "delivered", 3)
    assert target.count == 2
    retry(engine, delivered)
    again = ends(engine, event_id, "delivered", 4)
    assert [attempt["outcome"] for attempt in again["attempts"]] == ["http_4xx", "filtered", "delivered", "delivered"]
    assert target.count == 3 and set(target.ids) == {event_id} and again["is_replay"], again


def test_from_each_settled_state_after_a_restart(story):
    """What was settled before the engine was killed is retried like anything else."""
    engine = story.engine()
    target = story.target([204, 404])
    engine.webhook(target, retry=[])
    first = ends(engine, engine.ok(data=1), "delivered", 1)
    second = ends(engine, engine.ok(data=2), "dead", 1)
    target.answer_with(204)
    engine.kill()
    engine.start()
    for delivery in (first, second):
        retry(engine, delivery)
        ends(engine, delivery["event"], "delivered", 2)
    assert target.count == 4


def test_of_a_webhook_that_was_gone(story):
    """410 disables it: enabling comes first, then the dead one is sent."""
    engine = story.engine()
    target = story.target(410)
    path = f"/api/v1/webhooks/{engine.webhook(target)['uuid']}"
    dead = ends(engine, engine.ok(), "dead", 1)
    wait_for(lambda: not engine.get(path)["is_active"], "the webhook is disabled")
    refused(engine, dead, "grapnel webhooks enable")
    target.answer_with(204)
    assert engine.api("POST", path + "/enable").status == 200
    retry(engine, dead)
    assert ends(engine, dead["event"], "delivered", 2)["outcome"] == "delivered"


def test_of_a_deleted_webhook(story):
    engine = story.engine()
    path = f"/api/v1/webhooks/{engine.webhook(story.target())['uuid']}"
    delivered = ends(engine, engine.ok(), "delivered", 1)
    assert engine.api("DELETE", path).status == 204
    refused(engine, delivered, "deleted")
    engine.restart()
    refused(engine, delivered, "deleted")
    assert ends(engine, delivered["event"], "delivered", 1)["id"] == delivered["id"]


def test_of_one_that_was_too_old(story):
    """max_age ends what nobody asked for; an operator who asks gets it sent."""
    engine = story.engine(clock=True, max_age="1h")
    target = story.target()
    path = f"/api/v1/webhooks/{engine.webhook(target, is_paused=True)['uuid']}"
    event_id = engine.ok()
    engine.in_state(event_id, "pending")
    engine.clock.advance(2 * HOUR)
    assert engine.api("POST", path + "/resume").status == 200
    dead = ends(engine, event_id, "dead", 0)
    assert dead["outcome"] == "too_old" and target.count == 0, dead
    retry(engine, dead)
    ends(engine, event_id, "delivered", 1)


def test_of_one_that_waits_or_is_being_sent(story):
    """What waits is due now; what is being sent goes on alone."""
    engine = story.engine()
    target = story.target([404, Answer.hang()])
    engine.webhook(target, retry=[HOUR, HOUR])
    waits = engine.in_state(engine.ok(), "pending", attempts=1)
    retry(engine, waits)
    target.wait(2)
    refused(engine, waits, "being sent")
    assert target.count == 2
