# SPDX-License-Identifier: MIT
"""Several reasons to hold a webhook at once: none replaces another (delivery.md, Held is one condition)."""
from story import Answer, wait_for

HOUR = 3600


def reasons(engine, webhook):
    return [hold["reason"] for hold in engine.get(path_of(webhook))["holds"]]


def path_of(webhook):
    return f"/api/v1/webhooks/{webhook['uuid']}"


def post(engine, webhook, verb):
    answer = engine.api("POST", f"{path_of(webhook)}/{verb}")
    assert answer.status == 200, answer
    return answer.json


def failed_ten_times(story, retry_after):
    """Ten 503 in a row open the breaker for 30 s; the last of them says when to come again, too."""
    answers = [503] * 9 + [Answer.status(503, {"Retry-After": str(retry_after)})]
    target = story.target(answers)
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, retry=[5] * 20, max_in_flight=1)
    ids = [engine.ok(data=i) for i in range(10)]
    wait_for(lambda: len(reasons(engine, webhook)) == 2, "breaker and Retry-After hold it")
    return target, engine, webhook, ids


def test_the_longer_hold_decides(story):
    """A Retry-After of an hour goes on behind a breaker of 30 s, and is the one that is shown."""
    target, engine, webhook, ids = failed_ten_times(story, HOUR)
    assert reasons(engine, webhook) == ["retry_after", "circuit_breaker"]
    row = engine.get(path_of(webhook))
    assert row["state"] == "held" and row["held"] == row["holds"][0], row
    assert row["holds"][0]["until"] > row["holds"][1]["until"], row
    engine.clock.advance(60)
    engine.wait_quiet()
    assert target.count == 10 and reasons(engine, webhook) == ["retry_after"]
    target.answer_with(204)
    engine.clock.advance(HOUR)
    for event_id in ids:
        assert engine.settled(event_id)["state"] == "delivered"
    assert engine.get(path_of(webhook))["holds"] == []


def test_a_shorter_retry_after_does_not_end_the_breaker(story):
    target, engine, webhook, _ = failed_ten_times(story, 8)
    assert reasons(engine, webhook) == ["circuit_breaker", "retry_after"]
    engine.clock.advance(20)
    engine.wait_quiet()
    assert target.count == 10 and reasons(engine, webhook) == ["circuit_breaker"]
    target.answer_with(204)
    engine.clock.advance(30)
    wait_for(lambda: target.count == 20, "the probe, and all others behind it")


def test_a_reset_breaker_leaves_the_retry_after(story):
    target, engine, webhook, _ = failed_ten_times(story, HOUR)
    assert [hold["reason"] for hold in post(engine, webhook, "breaker/reset")["holds"]] == ["retry_after"]
    engine.clock.advance(60)
    engine.wait_quiet()
    assert target.count == 10


def test_a_pause_and_its_end_change_nothing_else(story):
    target, engine, webhook, _ = failed_ten_times(story, HOUR)
    assert [hold["reason"] for hold in post(engine, webhook, "pause")["holds"]] == [
        "paused", "retry_after", "circuit_breaker"]  # fmt: skip
    assert [hold["reason"] for hold in post(engine, webhook, "resume")["holds"]] == ["retry_after", "circuit_breaker"]
    engine.wait_quiet()
    assert target.count == 10


def test_another_target_ends_what_the_old_one_asked_for(story):
    target, engine, webhook, ids = failed_ten_times(story, HOUR)
    other = story.target()
    post(engine, webhook, "pause")
    assert engine.api("PATCH", path_of(webhook), {"target": other.url()}).status == 200
    assert reasons(engine, webhook) == ["paused"]
    post(engine, webhook, "resume")
    engine.clock.advance(10)
    for event_id in ids[:9]:
        assert engine.settled(event_id)["state"] == "delivered"
    engine.wait_quiet()
    assert target.count == 10 and other.count == 9, "the one that was told a time has it in its row"


def test_all_of_them_are_shown(story):
    _, engine, webhook, _ = failed_ten_times(story, HOUR)
    post(engine, webhook, "pause")
    waiting = engine.in_state(engine.ok(), "pending")
    for text in (
        str(engine.get(f"{path_of(webhook)}/explain")),
        str(engine.get(f"/api/v1/deliveries/{waiting['id']}/explain")),
        engine.run("webhooks", "list").stdout.decode(),
        engine.run("webhooks", "show", webhook["uuid"]).stdout.decode(),
    ):
        assert all(reason in text for reason in ("paused", "retry_after", "circuit_breaker")), text
