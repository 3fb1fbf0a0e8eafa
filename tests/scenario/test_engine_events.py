# SPDX-License-Identifier: MIT
"""Events of the engine itself: who gets them, and that they never feed themselves (delivery.md, Limits)."""
from story import wait_for


def test_a_dead_delivery_is_told(story):
    listener = story.target()
    engine = story.engine()
    webhook = engine.webhook(story.target(500), retry=[])
    engine.webhook(listener, events=["grapnel.delivery.dead"])
    event_id = engine.ok()
    (request,) = listener.wait(1)
    dead = engine.settled(event_id, webhook["uuid"])
    data = request.json["data"]
    assert data == {
        "webhook": webhook["uuid"], "delivery": dead["id"], "event": event_id, "event_name": "test",
        "outcome": "http_5xx", "attempts": 1, "reason": dead["reason"],
    }, data  # fmt: skip
    assert request.json["hook"]["event"] == "grapnel.delivery.dead"
    assert engine.get(f"/api/v1/deliveries/{data['delivery']}")["state"] == "dead"


def test_they_never_trigger_themselves(story):
    """The listener itself is dead, and a second one too: one event for each delivery that a producer caused."""
    engine = story.engine()
    dead = story.target(500)
    for events in (["test"], ["grapnel.*"], ["grapnel.delivery.dead"]):
        engine.webhook(dead, events=events, retry=[])
    for _ in range(5):
        engine.settled(engine.ok(), None)
    wait_for(lambda: dead.count == 15, "15 requests")
    engine.wait_idle()
    assert engine.metric("events_accepted_total") == 10 and dead.count == 15


def test_only_who_names_them_gets_them(story):
    """Not "*": a receiver of everything did not ask for the engine's own; not another tenant's."""
    everything, named, other = story.target(), story.target(), story.target()
    engine = story.engine()
    assert engine.api("POST", "/api/v1/tenants", {"name": "acme"}).status == 201
    engine.webhook(everything, events=["*"])
    engine.webhook(named, events=["grapnel.*"])
    engine.webhook(other, events=["grapnel.*"], tenant="acme")
    engine.webhook(story.target(500), events=["test"], retry=[])
    engine.ok()
    named.wait(1)
    engine.wait_idle()
    assert (everything.count, named.count, other.count) == (1, 1, 0)
    assert everything.requests[0].json["hook"]["event"] == "test"


def test_nobody_wants_them_nothing_is_stored(story):
    engine = story.engine()
    engine.webhook(story.target(500), retry=[])
    engine.settled(engine.ok())
    engine.wait_idle()
    assert engine.metric("events_accepted_total") == 1


def test_producers_may_not_send_them(story):
    engine = story.engine()
    for name in ("grapnel.delivery.dead", "grapnel.x"):
        error = engine.send(name)["error"]
        assert error["code"] == "bad_field" and "engine's own" in error["message"], error
        answer = engine.api("POST", "/api/v1/events", {"event": name, "data": 1})
        assert answer.status == 422 and b"engine's own" in answer.body, answer
    assert engine.send("grapnelx")["ok"] and engine.send("grapnel")["ok"]
