# SPDX-License-Identifier: MIT
"""A webhook that fails for days is announced, then disabled (delivery.md, Limits: auto-disable)."""
from story import Answer, wait_for

HOUR = 3600
DAY = 24 * HOUR
EVERY_8_HOURS = [8 * HOUR] * 30


def path_of(webhook):
    return f"/api/v1/webhooks/{webhook['uuid']}"


def look(engine, webhook):
    return engine.get(path_of(webhook))


def failing(story, answer=500, retry=None):
    """An engine with a clock of ours, a webhook that fails, and a listener of the engine's own events."""
    target, listener = story.target(answer), story.target()
    engine = story.engine(clock=True, max_age="30d")
    webhook = engine.webhook(target, retry=retry or EVERY_8_HOURS)
    engine.webhook(listener, events=["grapnel.*"])
    engine.webhook(story.target(), events=["*"])
    return target, listener, engine, webhook


def disabled(engine, webhook):
    return lambda: look(engine, webhook)["state"] == "disabled"


def told(listener):
    return [(request.json["hook"]["event"], request.json["data"]) for request in listener.requests]


def test_five_days_with_notice_a_day_before(story):
    target, listener, engine, webhook = failing(story)
    began = engine.clock.now()
    engine.ok()
    engine.advance_until(lambda: look(engine, webhook)["failing"], step=HOUR)
    engine.advance_until(lambda: look(engine, webhook)["failing"]["disabled_from"], step=HOUR, most=6 * DAY)
    assert 4 * DAY - 60 <= engine.clock.now() - began <= 5 * DAY, engine.clock.now() - began
    seen = look(engine, webhook)
    assert seen["is_active"] and seen["failing"]["failures"] >= 10 and seen["failing"]["days"] >= 3, seen
    assert engine.metric("webhooks_disabling") == 1
    assert "will be disabled from" in str(engine.get(f"{path_of(webhook)}/explain"))
    assert b"will be disabled from" in engine.run("webhooks", "show", webhook["uuid"]).stdout
    engine.wait_log("webhook will be disabled")
    wait_for(lambda: listener.count == 1, "the notice")
    engine.advance_until(disabled(engine, webhook), step=HOUR, most=3 * DAY)
    assert engine.clock.now() - began >= 5 * DAY - 60, engine.clock.now() - began
    seen = look(engine, webhook)
    assert (seen["is_active"], seen["disabled_reason"], seen["failing"]) == (False, "failing", None), seen
    assert engine.metric("webhooks_disabled_total") == 1 and engine.metric("webhooks_disabling") == 0
    wait_for(lambda: listener.count == 2, "the event")
    (first, notice), (second, end) = told(listener)
    assert (first, second) == ("grapnel.webhook.disabling", "grapnel.webhook.disabled")
    assert notice["webhook"] == end["webhook"] == webhook["uuid"] and end["reason"] == "failing"
    assert notice["failures"] >= 10 and notice["days"] >= 3 and notice["disabled_from"], notice
    count = target.count
    engine.ok()
    engine.wait_quiet()
    assert target.count == count, "a disabled webhook is sent nothing"


def test_it_outlives_restarts(story):
    """The streak is stored: each day of it is spent in another process. (A crash may lose the telling: later days end well.)"""
    _, listener, engine, webhook = failing(story)
    began = engine.clock.now()
    engine.ok()
    for day in range(1, 9):
        engine.advance_until(lambda day=day: engine.clock.now() - began >= day * DAY, step=4 * HOUR)
        getattr(engine, "kill" if day in (1, 3) else "stop")()
        engine.start()
        if look(engine, webhook)["state"] == "disabled":
            break
    assert 5 <= day <= 7 and look(engine, webhook)["disabled_reason"] == "failing", (day, look(engine, webhook))
    wait_for(lambda: listener.count >= 2, "both events")
    assert [name for name, _ in told(listener)] == ["grapnel.webhook.disabling", "grapnel.webhook.disabled"]


def test_one_success_begins_anew(story):
    target, listener, engine, webhook = failing(story)
    engine.ok()
    engine.advance_until(lambda: (look(engine, webhook)["failing"] or {}).get("disabled_from"), step=4 * HOUR)
    target.answer_with(Answer.status(204))
    engine.advance_until(lambda: look(engine, webhook)["failing"] is None, step=HOUR)
    assert engine.metric("webhooks_disabling") == 0
    engine.kill()
    engine.start()
    assert look(engine, webhook)["failing"] is None, "the store forgets it too"
    target.answer_with(Answer.status(500))
    engine.ok()
    engine.advance_until(lambda: (look(engine, webhook)["failing"] or {}).get("days", 0) >= 3, step=4 * HOUR)
    assert look(engine, webhook)["failing"]["disabled_from"] is None
    assert [name for name, _ in told(listener)] == ["grapnel.webhook.disabling"]


def test_few_failures_do_not_count(story):
    """Idle for weeks after some failures: nothing happens, ten are needed."""
    _, listener, engine, webhook = failing(story, retry=[2 * DAY] * 8)
    engine.ok()
    wait_for(lambda: look(engine, webhook)["failing"], "a failure")
    for _ in range(8):
        engine.wait_quiet()
        engine.clock.advance(2.5 * DAY)
    wait_for(lambda: listener.count == 1, "the end of the delivery")
    seen = look(engine, webhook)
    assert seen["is_active"] and seen["failing"]["failures"] == 9 and listener.count == 1, seen
    assert told(listener)[0][0] == "grapnel.delivery.dead"


def test_what_a_script_breaks_does_not_count(story):
    """Quarantine is there for that; and what a filter takes out is neither failure nor success."""
    script = 'return { api = 1, filter = function(event) if event.data then error("no") end return false end }'
    path = story.file("scripts/broken.lua", script)
    engine = story.engine(clock=True, scripts_dir=path.rsplit("/", 1)[0], quarantine_after=0, max_age="30d")
    webhook = engine.webhook(story.target(), scripts=[{"name": "broken"}], retry=EVERY_8_HOURS)
    engine.ok(data=True)
    for _ in range(20):
        engine.clock.advance(12 * HOUR)
        engine.wait_quiet()
    seen = look(engine, webhook)
    assert (seen["state"], seen["failing"]) == ("active", None), seen


def test_enabling_or_another_target_begins_anew(story):
    target, _, engine, webhook = failing(story)
    engine.ok()
    wait_for(lambda: look(engine, webhook)["failing"], "a failure")
    changed = engine.api("PATCH", path_of(webhook), {"target": target.url("/other")})
    assert changed.status == 200 and changed.json["failing"] is None, changed
    engine.ok()
    wait_for(lambda: look(engine, webhook)["failing"], "a failure")
    assert engine.api("POST", f"{path_of(webhook)}/disable").status == 200
    assert engine.api("POST", f"{path_of(webhook)}/enable").json["failing"] is None


def test_gone_is_told_at_once(story):
    _, listener, engine, webhook = failing(story, answer=410)
    engine.ok()
    wait_for(lambda: listener.count == 2, "both events")
    by_name = dict(told(listener))
    assert by_name["grapnel.webhook.disabled"] == {"webhook": webhook["uuid"], "reason": "http_410"}
    assert by_name["grapnel.delivery.dead"]["outcome"] == "http_410"
