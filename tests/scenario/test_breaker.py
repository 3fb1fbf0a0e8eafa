# SPDX-License-Identifier: MIT
"""The circuit breaker of a webhook (delivery.md, Limits, per webhook)."""
from story import Answer, wait_for


def opened(story):
    """A webhook whose breaker is open, and its events: ten failed, ten more wait."""
    target = story.target(500)
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, retry=[1000] * 20, max_in_flight=1)
    ids = [engine.ok(data=i) for i in range(10)]
    wait_for(lambda: engine.metric("breaker_open") == 1, "the breaker is open")
    ids += [engine.ok(data=i) for i in range(10)]
    return target, engine, webhook, ids


def test_reset_by_hand_goes_on_at_once(story):
    target, engine, webhook, ids = opened(story)
    assert engine.metric("breaker_openings_total") == 1 and target.count == 10
    target.answer_with(204)
    answer = engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/breaker/reset")
    assert answer.status == 200 and answer.json["held"] is None, answer
    for event_id in ids[10:]:
        assert len(engine.settled(event_id)["attempts"]) == 1
    assert engine.metric("breaker_open") == 0 and target.count == 20


def test_an_open_one_is_shown(story):
    target, engine, webhook, _ = opened(story)
    path = f"/api/v1/webhooks/{webhook['uuid']}"
    row = engine.get(path)
    assert row["breaker"]["failures"] == 10 and row["breaker"]["since"] <= row["breaker"]["next_probe_at"], row
    assert row["held"] == {"reason": "circuit_breaker", "until": row["breaker"]["next_probe_at"]}, row
    shown = engine.run("webhooks", "show", webhook["uuid"]).stdout.decode()
    assert "open after 10 failures in a row" in shown, shown
    target.answer_with(204)
    engine.api("POST", f"{path}/breaker/reset")
    assert engine.get(path)["breaker"] is None
    assert "failures in a row" not in engine.run("webhooks", "show", webhook["uuid"]).stdout.decode()


def test_it_stays_open_while_its_probe_is_under_way(story):
    """Its hold has ended, but all others still wait for what the probe comes to."""
    target, engine, webhook, _ = opened(story)
    target.answer_with(Answer.hang())
    engine.clock.advance(31)
    target.wait(11)
    row = engine.get(f"/api/v1/webhooks/{webhook['uuid']}")
    assert row["held"] is None and row["breaker"]["failures"] == 10, row
    assert target.count == 11


def test_opens_by_rate_over_5_minutes(story):
    """Three good ones, seven bad ones, and again: never ten failures in a row, but 70 % of 20 attempts."""
    target = story.target(lambda request: Answer.status(204 if request.json["data"] % 10 < 3 else 503))
    engine = story.engine(clock=True)
    engine.webhook(target, retry=[10000], max_in_flight=1)
    for i in range(19):
        engine.in_state(engine.ok(data=i), "delivered" if i % 10 < 3 else "pending", attempts=1)
        engine.clock.advance(10)
    assert engine.metric("breaker_open") == 0
    engine.in_state(engine.ok(data=19), "pending", attempts=1)
    assert engine.metric("breaker_open") == 1
    engine.in_state(engine.ok(data=20), "pending")
    assert target.count == 20
