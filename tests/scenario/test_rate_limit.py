# SPDX-License-Identifier: MIT
"""A webhook's rate_limit (delivery.md, Limits, per webhook).

With a clock of ours, one request in 100 s and two at once: what really passes meanwhile is too short to matter.
"""
import time
from datetime import datetime

from story import wait_for

SLOW = {"per_second": 0.01, "burst": 2}
INTERVAL = 100.5  # seconds, and some for rounding


def path_of(webhook):
    return f"/api/v1/webhooks/{webhook['uuid']}"


def send_many(engine, count, **fields):
    with engine.producer() as producer:
        for i in range(count):
            producer.write({"event": "test", "data": i, **fields})
        return [reply["id"] for reply in producer.replies(count)]


def stays_at(engine, target, count):
    """The engine has had its turn, several times over, and nothing more came."""
    wait_for(lambda: target.count >= count, f"{count} requests")
    for _ in range(20):
        engine.metrics()
    time.sleep(0.05)
    assert target.count == count, target.count


def limited(story, count, **fields):
    target = story.target()
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, **{"rate_limit": SLOW, **fields})
    return target, engine, webhook, send_many(engine, count)


def test_a_burst_and_then_one_by_one(story):
    target, engine, _, _ = limited(story, 10)
    stays_at(engine, target, 2)
    for count in range(3, 6):
        engine.clock.advance(INTERVAL)
        stays_at(engine, target, count)
    engine.clock.advance(30 * INTERVAL)
    stays_at(engine, target, 7)


def test_what_has_no_token_within_a_second_is_pending_at_once(story):
    """In the same commit as its event, not in memory; so kill -9 behind the replies loses nothing."""
    target, engine, _, ids = limited(story, 50)
    stays_at(engine, target, 2)
    engine.wait_idle()
    assert [engine.delivery(event_id)["state"] for event_id in ids].count("pending") == 48
    engine.kill()
    engine.start()
    engine.clock.advance(INTERVAL)
    stays_at(engine, target, 3)


def test_a_restart_gives_no_second_burst(story):
    for end in ("stop", "kill"):
        target, engine, _, _ = limited(story, 10)
        stays_at(engine, target, 2)
        engine.wait_idle()
        for count in (3, 4):
            getattr(engine, end)()
            engine.start()
            stays_at(engine, target, count - 1)
            engine.clock.advance(INTERVAL)
            stays_at(engine, target, count)


def test_a_change_takes_effect_at_once(story):
    target, engine, webhook, ids = limited(story, 20)
    stays_at(engine, target, 2)
    change = {"rate_limit": {"per_second": 0.02, "burst": 5}}
    assert engine.api("PATCH", path_of(webhook), change).status == 200
    stays_at(engine, target, 5)
    engine.clock.advance(INTERVAL)
    stays_at(engine, target, 7)
    assert engine.api("PATCH", path_of(webhook), {"rate_limit": None}).status == 200
    for event_id in ids:
        assert engine.settled(event_id)["state"] == "delivered"
    assert engine.get(path_of(webhook))["rate_limit"] is None
    assert engine.api("PATCH", path_of(webhook), {"rate_limit": SLOW}).status == 200
    send_many(engine, 5)
    stays_at(engine, target, 22)


def test_a_lower_limit_counts_what_was_sent(story):
    target, engine, webhook, _ = limited(story, 20, rate_limit={"per_second": 0.01, "burst": 10})
    stays_at(engine, target, 10)
    assert engine.api("PATCH", path_of(webhook), {"rate_limit": SLOW}).status == 200
    stays_at(engine, target, 10)
    engine.clock.advance(INTERVAL)
    stays_at(engine, target, 11)


def test_retries_and_tests_count_too(story):
    target = story.target([500, 204])
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, rate_limit=SLOW, retry=[1])
    event_id = engine.ok()
    engine.in_state(event_id, "pending", attempts=1)
    engine.clock.advance(2)
    assert engine.settled(event_id)["state"] == "delivered"
    assert engine.api("POST", f"{path_of(webhook)}/test").json["outcome"] == "delivered"
    stays_at(engine, target, 3)
    engine.ok()
    stays_at(engine, target, 3)
    engine.clock.advance(INTERVAL)
    stays_at(engine, target, 4)


def test_what_a_script_filters_takes_nothing(story):
    target = story.target()
    engine = story.engine(clock=True)
    script = [{"name": "filter-expression", "options": {"expression": "data < 3"}}]
    engine.webhook(target, rate_limit=SLOW, scripts=script)
    filtered = [engine.ok(data=9) for _ in range(20)]
    assert {engine.settled(event_id)["state"] for event_id in filtered} == {"filtered"}
    sent = [engine.ok(data=1) for _ in range(3)]
    assert [engine.settled(event_id)["state"] for event_id in sent[:2]] == ["delivered", "delivered"]
    stays_at(engine, target, 2)
    assert engine.delivery(sent[2])["state"] == "pending"


def test_another_webhook_of_the_target_is_not_slowed(story):
    target, engine, _, _ = limited(story, 10)
    other = engine.webhook(target.url("/other"), events=["other"])
    ids = [engine.ok("other") for _ in range(50)]
    for event_id in ids:
        assert engine.settled(event_id, other["uuid"])["state"] == "delivered"
    stays_at(engine, target, 52)


def test_in_no_window_more_than_the_rate(story):
    """In real time: by the starts that the engine has on record, and by how long it took for all."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target, rate_limit={"per_second": 50, "burst": 5})
    began = time.monotonic()
    ids = send_many(engine, 150)
    rows = [engine.settled(event_id) for event_id in ids]
    took = time.monotonic() - began
    assert target.count == 150 and took >= (150 - 5) / 50, took
    starts = sorted(
        datetime.fromisoformat(row["attempts"][0]["started_at"].replace("Z", "+00:00")).timestamp() for row in rows
    )
    for i, first in enumerate(starts):
        for k in range(i, len(starts)):
            allowed = 5 + (starts[k] - first + 0.002) * 50  # times are in whole milliseconds
            assert k - i + 1 <= allowed, (k - i + 1, starts[k] - first)


def test_it_is_shown(story):
    target, engine, webhook, _ = limited(story, 5)
    stays_at(engine, target, 2)
    assert engine.get(path_of(webhook))["rate_limit"] == SLOW
    assert "'waits_for_rate_limit': True" in str(engine.get(path_of(webhook)))
    waiting = engine.deliveries("?state=pending")[0]
    for path in (path_of(webhook), f"/api/v1/deliveries/{waiting['id']}"):
        assert "rate limit of 0.01 requests a second" in str(engine.get(f"{path}/explain")), path
    shown = engine.run("webhooks", "show", webhook["uuid"]).stdout.decode()
    assert "0.01 requests a second, 2 at once after a pause" in shown, shown


def test_from_the_command_line(story):
    target = story.target()
    engine = story.engine()
    arguments = ["--target", target.url(), "--event", "test", "--rate", "5/s", "--burst", "7", "--output", "json"]
    added = engine.run("webhooks", "add", *arguments)
    assert added.returncode == 0, added
    (webhook,) = engine.get("/api/v1/webhooks")["data"]
    assert webhook["rate_limit"] == {"per_second": 5, "burst": 7}
    for option, value, expected in (
        ("--rate", "0.5/s", {"per_second": 0.5, "burst": 7}), ("--burst", "3", {"per_second": 0.5, "burst": 3}),
        ("--rate", "none", None), ("--rate", "9", {"per_second": 9, "burst": None}),
    ):  # fmt: skip
        edited = engine.run("webhooks", "edit", webhook["uuid"], option, value)
        assert edited.returncode == 0, edited
        assert engine.get(path_of(webhook))["rate_limit"] == expected
