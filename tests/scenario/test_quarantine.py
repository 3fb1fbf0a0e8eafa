# SPDX-License-Identifier: MIT
"""Scripts that keep failing: one webhook is held, nothing is lost, others go on (lua.md, Limits)."""
import contextlib
import os
import sqlite3

from story import wait_for
from story.engine import HUP

# Fails where the tenant's hook_env or its options say so.
MOODY = """
return {
    api = 1,
    options = { broken = { type = "boolean", default = false } },
    filter = function(event, ctx)
        if ctx.options.broken or event.data.bad or ctx.env.MOOD == "bad" then
            error("in a bad mood about " .. tostring(event.data.n))
        end
        return true
    end,
}
"""
CALM = """
return {
    api = 1,
    options = { broken = { type = "boolean", default = false } },
    filter = function() return true end,
}
"""
RETRY = [1000] * 30  # so long that none comes unless a story lets time pass


def moody(story, source=MOODY, **options):
    """An engine with a clock of ours, whose webhooks are held after 6 failures in a row."""
    story.file("scripts/moody.lua", source)
    folder = os.path.join(story.folder, "scripts")
    return story.engine(clock=True, scripts_dir=folder, **{"quarantine_after": 6, **options})


def use(broken=False):
    return [{"name": "moody", "options": {"broken": broken}}]


def path_of(webhook):
    return f"/api/v1/webhooks/{webhook['uuid']}"


def held(engine, webhook):
    return engine.get(path_of(webhook))["quarantine"]


def wait_held(engine, webhook):
    return wait_for(lambda: held(engine, webhook), "a quarantine")


def wait_free(engine, webhook):
    return wait_for(lambda: held(engine, webhook) is None, "no quarantine")


def send(engine, count, first=1, **data):
    with engine.producer() as producer:
        return [producer.ok(data={"n": n, **data}) for n in range(first, first + count)]


def numbers(target):
    return sorted(request.json["data"]["n"] for request in target.requests)


def hold(story, **options):
    """An engine with a webhook that is held: its script is broken by an option."""
    engine = moody(story, **options)
    target = story.target()
    webhook = engine.webhook(target, scripts=use(broken=True), retry=RETRY)
    events = send(engine, 6)
    wait_held(engine, webhook)
    engine.wait_idle()
    return engine, target, webhook, events


def mend(engine, webhook):
    answer = engine.api("PATCH", path_of(webhook), {"scripts": use()})
    assert answer.status == 200, answer


def go_on(engine, target, count):
    """Lets the schedule's wait pass for what has failed; everything has arrived, once."""
    engine.clock.advance(1500)
    target.wait(count)
    engine.wait_idle()
    assert numbers(target) == list(range(1, count + 1)), numbers(target)


# ---- held ----


def test_one_webhook_is_held_and_the_other_goes_on(story):
    engine = moody(story)
    broken, fine = story.target(), story.target()
    bad = engine.webhook(broken, scripts=use(broken=True), retry=RETRY)
    good = engine.webhook(fine, scripts=use())
    events = send(engine, 6)
    quarantine = wait_held(engine, bad)
    assert quarantine["failures"] == 6 and quarantine["outcome"] == "script_error"
    assert "in a bad mood about" in quarantine["reason"] and quarantine["scripts"].startswith("moody@")
    row = engine.get(path_of(bad))
    assert row["state"] == "held" and row["held"] == {"reason": "quarantine", "until": None}

    later = send(engine, 10, first=7)
    fine.wait(16)
    engine.wait_idle()
    assert held(engine, good) is None
    for event in later:  # they wait, and cost no attempt
        row = engine.delivery(event, bad["uuid"])
        assert row["state"] == "pending" and row["attempts"] == [], row
        assert row["reason"] == "quarantine", row
    for event in events:
        assert len(engine.delivery(event, bad["uuid"])["attempts"]) == 1
    engine.clock.advance(1500)
    send(engine, 1, first=17)
    fine.wait(17)
    engine.wait_idle()
    assert len(engine.delivery(events[0], bad["uuid"])["attempts"]) == 1 and not broken.requests


def test_it_is_seen_everywhere(story):
    engine, _, webhook, events = hold(story)
    metrics = engine.metrics()
    assert metrics["grapnel_quarantined"] == 1 and metrics["grapnel_quarantines_total"] == 1
    assert metrics['grapnel_script_failures_total{script="moody",kind="error"}'] == 6
    lines = [line for line in engine.log().splitlines() if "held in quarantine" in line]
    assert len(lines) == 1 and webhook["uuid"] in lines[0] and "in a bad mood about" in lines[0], lines
    listed = engine.run("webhooks", "list").stdout.decode()
    assert "quarantine: 6 failures in a row, script_error:" in listed, listed
    shown = engine.run("webhooks", "show", webhook["uuid"]).stdout.decode()
    assert "6 failures in a row with moody@" in shown and "grapnel scripts release" in shown, shown
    for thing in (events[0], webhook["uuid"]):
        told = engine.run("explain", thing).stdout.decode()
        assert "quarantine" in told and "6 failures in a row of moody@" in told, told


def test_the_default_is_twenty(story):
    story.file("scripts/moody.lua", MOODY)
    engine = story.engine(scripts_dir=os.path.join(story.folder, "scripts"))
    webhook = engine.webhook(story.target(), scripts=use(broken=True), retry=RETRY)
    for event in send(engine, 19):
        engine.in_state(event, "pending", attempts=1)
    assert held(engine, webhook) is None
    send(engine, 1)
    assert wait_held(engine, webhook)["failures"] == 20


def test_many_wait_on_disk(story):
    engine, target, webhook, _ = hold(story)
    count = story.scale(3000)
    with engine.producer() as producer:
        replies = producer.pipeline(
            b"".join(b'{"event":"test","data":{"n":%d}}\n' % n for n in range(7, count + 1))
        )
    assert replies == count - 6
    engine.wait_idle()  # nothing of it stays in memory
    assert engine.get(path_of(webhook))["traffic"]["waiting"] == count
    mend(engine, webhook)
    go_on(engine, target, count)


# ---- not held ----


def test_one_poison_event_holds_nobody(story):
    engine = moody(story, quarantine_after=3)
    target = story.target()
    webhook = engine.webhook(target, scripts=use(), retry=RETRY)
    poison = send(engine, 2, bad=True)
    for attempt in range(1, 8):
        for event in poison:
            engine.in_state(event, "pending", attempts=attempt)
        assert held(engine, webhook) is None
        engine.clock.advance(1500)
    send(engine, 1, first=3)
    assert target.one().json["data"]["n"] == 3


def test_a_success_begins_anew(story):
    engine = moody(story)
    target = story.target()
    webhook = engine.webhook(target, scripts=use(), retry=RETRY)
    for n in range(5):
        for event in send(engine, 5, bad=True):
            engine.in_state(event, "pending", attempts=1)
        engine.settled(send(engine, 1, first=n)[0])
    assert held(engine, webhook) is None and len(target.requests) == 5
    send(engine, 6, bad=True)
    wait_held(engine, webhook)


def test_zero_means_never(story):
    engine = moody(story, quarantine_after=0)
    webhook = engine.webhook(story.target(), scripts=use(broken=True), retry=RETRY)
    for event in send(engine, 40):
        engine.in_state(event, "pending", attempts=1)
    assert held(engine, webhook) is None


def test_answers_do_not_count(story):
    engine = moody(story, quarantine_after=3)
    webhook = engine.webhook(story.target(500), scripts=use(), retry=RETRY)
    for event in send(engine, 9):
        engine.in_state(event, "pending", attempts=1)
    assert held(engine, webhook) is None


JUDGE = """
return { api = 1, response = function() error("no idea what that means") end }
"""


def test_a_response_that_fails_does_not_count(story):
    engine = moody(story, JUDGE, quarantine_after=3)
    target = story.target()
    webhook = engine.webhook(target, scripts=[{"name": "moody"}])
    rows = [engine.settled(event) for event in send(engine, 9)]
    assert all(row["outcome"] == "delivered" for row in rows), rows
    assert held(engine, webhook) is None
    assert engine.get(path_of(webhook))["script_use"][0]["failures"]["error"] == 9  # but is on account


def test_test_events_do_not_count(story):
    engine = moody(story, quarantine_after=3)
    webhook = engine.webhook(story.target(), scripts=use(broken=True))
    for _ in range(6):
        answer = engine.api("POST", f"{path_of(webhook)}/test")
        assert answer.json["outcome"] == "script_error", answer
    assert held(engine, webhook) is None


# Each way to fail counts.
WAYS = """
return {
    api = 1,
    transform = function(request, event)
        local way = event.data.way
        if way == "error" then error("as asked") end
        if way == "timeout" then while true do end end
        if way == "memory" then request.body = ("x"):rep(100 << 20) end
        if way == "killed" then string.find(("a"):rep(60), ("a*"):rep(40) .. "b") end
    end,
}
"""


def test_each_way_to_fail_counts(story):
    ways = ["error", "timeout", "memory", "killed"]
    engine = moody(story, WAYS, quarantine_after=4, script_cpu_ms=100, script_wall_ms=2000)
    webhook = engine.webhook(story.target(), scripts=[{"name": "moody"}], retry=RETRY)
    outcomes = set()
    for way in ways:
        (event,) = send(engine, 1, way=way)
        outcomes.add(engine.in_state(event, "pending", attempts=1)["outcome"])
    quarantine = wait_held(engine, webhook)
    assert quarantine["failures"] == 4 and quarantine["outcome"] in outcomes, quarantine
    account = engine.get(path_of(webhook))["script_use"][0]
    assert account["calls"] == account["errors"] == sum(account["failures"].values()) == 4, account
    if not story.is_sanitized:  # else signals come late, and a loop may be killed
        assert outcomes == {f"script_{way}" for way in ways}, outcomes
        assert set(account["failures"].values()) == {1}, account


KILLER = """
return {
    api = 1,
    sign = function(request, event)
        if event.data.bad then string.find(("a"):rep(60), ("a*"):rep(40) .. "b") end
    end,
}
"""


def test_an_event_that_kills_three_times_is_dead(story):
    engine = moody(story, KILLER, quarantine_after=3)
    target = story.target()
    webhook = engine.webhook(target, scripts=[{"name": "moody"}], retry=RETRY)
    event = send(engine, 1, bad=True)[0]
    for attempt in (1, 2):
        engine.in_state(event, "pending", attempts=attempt)
        engine.clock.advance(1500)
    row = engine.settled(event)
    assert row["state"] == "dead" and row["outcome"] == "script_killed", row
    assert len(row["attempts"]) == 3 and row["reason"] == "rendering it was killed 3 times", row
    assert held(engine, webhook) is None
    account = engine.get(path_of(webhook))["script_use"][0]
    assert account["kills"] == account["failures"]["killed"] == 3, account
    send(engine, 1, first=9)
    assert target.one().json["data"]["n"] == 9


# ---- what lets it go ----


def test_an_edit_of_its_options_lets_it_go(story):
    engine, target, webhook, _ = hold(story)
    send(engine, 4, first=7)
    for change in ({"name": "other"}, {"max_in_flight": 3}):  # nothing that scripts fail of
        assert engine.api("PATCH", path_of(webhook), change).status == 200
        assert held(engine, webhook)
    mend(engine, webhook)
    assert held(engine, webhook) is None
    assert engine.metric("quarantined") == 0
    go_on(engine, target, 10)


def test_an_edit_of_whatever_scripts_see_lets_it_go(story):
    """Each is tried by what failed, and found wanting: the webhook is held anew."""
    engine, target, webhook, _ = hold(story)
    elsewhere = story.target()
    changes = (
        {"target": elsewhere.url()},
        {"metadata": {"a": "1"}},
        {"extra_payload": {"a": 1}},
        {"secrets": ["whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXc="]},
    )
    for number, change in enumerate(changes):
        before = engine.metric("quarantines_total")
        assert engine.api("PATCH", path_of(webhook), change).status == 200, change
        send(engine, 6, first=10 * (number + 1))
        wait_for(lambda: engine.metric("quarantines_total") == before + 1, f"released by {change}")  # noqa: B023
        wait_held(engine, webhook)
        engine.wait_idle()


def test_a_new_version_lets_it_go(story):
    engine, target, webhook, _ = hold(story)
    send(engine, 4, first=7)
    story.file("scripts/moody.lua", CALM)
    engine.signal(HUP)
    wait_free(engine, webhook)
    go_on(engine, target, 10)
    assert engine.wait_log("released from quarantine")


def test_a_new_version_that_fails_is_held_anew(story):
    engine, target, webhook, _ = hold(story)
    first = held(engine, webhook)
    send(engine, 4, first=7)
    story.file("scripts/moody.lua", MOODY.replace("in a bad mood", "no better"))
    engine.signal(HUP)
    engine.wait_log("released from quarantine")
    engine.clock.advance(1500)
    second = wait_held(engine, webhook)
    assert second["scripts"] != first["scripts"] and "no better" in second["reason"], second
    engine.wait_idle()
    assert engine.metric("quarantines_total") == 2
    mend(engine, webhook)
    go_on(engine, target, 10)


def test_a_pinned_version_stays_held(story):
    engine = moody(story)
    version = engine.get("/api/v1/scripts?limit=250")["data"]
    version = next(row["version"] for row in version if row["name"] == "moody")
    free, fixed = story.target(), story.target()
    pinned = [{**use(broken=True)[0], "version": version[:12]}]
    follows = engine.webhook(free, scripts=use(broken=True), retry=RETRY)
    stays = engine.webhook(fixed, scripts=pinned, retry=RETRY)
    send(engine, 6)
    for webhook in (follows, stays):
        wait_held(engine, webhook)
    engine.wait_idle()
    story.file("scripts/moody.lua", CALM)
    engine.signal(HUP)
    wait_free(engine, follows)
    go_on(engine, free, 6)
    assert held(engine, stays)["scripts"] == f"moody@{version[:8]}" and not fixed.requests
    answer = engine.api("PATCH", path_of(stays), {"scripts": use(broken=True)})  # without the pin
    assert answer.status == 200, answer
    go_on(engine, fixed, 6)


def test_a_rollback_lets_it_go(story):
    engine = moody(story)
    for source in (CALM, MOODY):  # stored versions hide the file
        answer = engine.api("PUT", "/api/v1/scripts/moody", {"source": source})
        assert answer.status == 200, answer
    target = story.target()
    webhook = engine.webhook(target, scripts=use(broken=True), retry=RETRY)
    send(engine, 6)
    wait_held(engine, webhook)
    engine.wait_idle()
    assert engine.metrics()['grapnel_script_failures_total{script="stored",kind="error"}'] == 6
    run = engine.run("scripts", "rollback", "moody")
    assert run.returncode == 0, run
    wait_free(engine, webhook)
    go_on(engine, target, 6)


def test_release_lets_those_of_the_script_go(story):
    engine = moody(story, hook_env={"default": {"MOOD": "bad"}})
    targets = [story.target() for _ in range(3)]
    webhooks = [engine.webhook(target, scripts=use(), retry=RETRY) for target in targets]
    send(engine, 8)
    for webhook in webhooks:
        wait_held(engine, webhook)
    assert engine.metric("quarantined") == 3
    engine.write_config(hook_env={"default": {"MOOD": "good"}})
    engine.signal(HUP)
    engine.wait_log("hook_env has changed")

    assert engine.api("POST", "/api/v1/scripts/nowhere/release").status == 404
    answer = engine.api("POST", "/api/v1/scripts/moody/release", {"webhook": 1})
    assert answer.status == 422, answer
    run = engine.run("scripts", "release", "github")
    assert run.returncode == 0 and b"no webhook is held" in run.stdout, run
    run = engine.run("scripts", "release", "moody", "--tenant", "elsewhere")
    assert run.returncode == 0 and b"no webhook is held" in run.stdout, run
    run = engine.run("scripts", "release", "moody", "--webhook", webhooks[1]["uuid"])
    assert run.returncode == 0 and b"1 webhook released" in run.stdout, run
    assert [bool(held(engine, webhook)) for webhook in webhooks] == [True, False, True]
    go_on(engine, targets[1], 8)
    assert not targets[0].requests
    answer = engine.api("POST", "/api/v1/scripts/moody/release")
    assert answer.json == {"released": 2}, answer
    engine.clock.advance(1500)
    for target in targets:
        target.wait(8)
    engine.wait_idle()
    assert all(numbers(target) == list(range(1, 9)) for target in targets)


def test_a_pause_does_not_end_it(story):
    engine, target, webhook, _ = hold(story)
    for verb, reason in (("pause", "paused"), ("resume", "quarantine")):
        assert engine.api("POST", f"{path_of(webhook)}/{verb}").status == 200
        assert engine.get(path_of(webhook))["held"]["reason"] == reason
    assert not target.requests
    assert engine.api("POST", f"{path_of(webhook)}/pause").status == 200
    mend(engine, webhook)
    assert engine.get(path_of(webhook))["held"]["reason"] == "paused"
    assert engine.api("POST", f"{path_of(webhook)}/resume").status == 200
    assert engine.get(path_of(webhook))["held"] is None
    go_on(engine, target, 6)


# ---- restarts ----


def stored_quarantines(engine):
    with contextlib.closing(sqlite3.connect(f"file:{engine.database}?mode=ro", uri=True)) as reader:
        return reader.execute("SELECT key FROM objects WHERE kind = 6 AND is_deleted = 0").fetchall()


def test_a_restart_keeps_it(story):
    engine, target, webhook, _ = hold(story)
    before = held(engine, webhook)
    send(engine, 2, first=7)
    engine.restart()
    assert held(engine, webhook) == before
    send(engine, 2, first=9)
    engine.expects_crash = True
    engine.kill()
    engine.start()
    engine.clock.advance(1500)
    send(engine, 1, first=11)
    engine.wait_idle()
    assert held(engine, webhook) == before and not target.requests
    assert engine.metric("quarantined") == 1
    mend(engine, webhook)
    go_on(engine, target, 11)
    engine.restart()
    assert held(engine, webhook) is None
    send(engine, 1, first=12)
    go_on(engine, target, 12)


def test_another_version_at_the_start_lets_it_go(story):
    engine, target, webhook, _ = hold(story)
    engine.stop()
    story.file("scripts/moody.lua", CALM)
    engine.start()
    wait_free(engine, webhook)
    go_on(engine, target, 6)


def test_what_the_store_refuses_is_written_again(story):
    engine, target, webhook, _ = hold(story, hook_env={"default": {"MOOD": "good"}})
    other = sqlite3.connect(engine.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert engine.api("POST", "/api/v1/scripts/moody/release").json == {"released": 1}
    engine.wait_log("the quarantine of webhook", timeout=60)
    assert held(engine, webhook) is None
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: not stored_quarantines(engine), "the release in the store", timeout=60)
    engine.expects_crash = True
    engine.kill()
    engine.start()
    assert held(engine, webhook) is None and not target.requests


def test_a_removed_webhook_takes_it_along(story):
    engine, _, webhook, _ = hold(story)
    assert engine.api("DELETE", path_of(webhook)).status == 204
    assert engine.metric("quarantined") == 0
    target = story.target()
    again = engine.webhook(target, uuid=webhook["uuid"], scripts=use())
    engine.restart()
    assert held(engine, again) is None
    send(engine, 1)
    assert target.one().json["data"]["n"] == 1


# ---- accounts ----


def test_what_scripts_use_is_on_account(story):
    engine = moody(story)
    target = story.target()
    bad = engine.webhook(target, events=["bad"], scripts=use(broken=True), retry=RETRY)
    good = engine.webhook(target, events=["test"], scripts=[*use(), {"name": "standard-webhooks"}])
    for event in send(engine, 4):
        engine.settled(event)
    engine.in_state(engine.ok("bad", data={"n": 1}), "pending", attempts=1)
    first, second = engine.get(path_of(good))["script_use"]
    assert (first["name"], second["name"]) == ("moody", "standard-webhooks")
    for row in (first, second):
        assert row["calls"] == 4 and row["errors"] == 0 and row["kills"] == 0, row
        assert row["memory_peak_bytes"] > 4096 and len(row["version"]) == 64, row
    assert first["cpu_us"] + second["cpu_us"] > 0
    (row,) = engine.get(path_of(bad))["script_use"]
    assert row["calls"] == 1 and row["failures"] == {"error": 1, "timeout": 0, "memory": 0, "killed": 0}, row
    scripts = {row["name"]: row for row in engine.get("/api/v1/scripts")["data"]}
    assert scripts["moody"]["calls"] == 5 and scripts["moody"]["errors"] == 1, scripts["moody"]
    metrics = engine.metrics()
    assert metrics['grapnel_script_calls_total{script="moody"}'] == 5
    assert metrics['grapnel_script_failures_total{script="moody",kind="error"}'] == 1
    assert metrics['grapnel_script_memory_peak_bytes{script="moody"}'] > 4096
    assert metrics['grapnel_script_cpu_seconds_total{script="moody"}'] > 0
    attempt = engine.delivery(send(engine, 1)[0]) and engine.deliveries("?outcome=delivered")[0]["attempts"][0]
    assert attempt["scripts"]["cpu_us"] > 0 and attempt["scripts"]["memory_bytes"] > 4096, attempt
    assert any("script_cpu_us=" in line for line in engine.wait_log("outcome=script_error"))
