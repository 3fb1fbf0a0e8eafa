# SPDX-License-Identifier: MIT
"""Replays: a selection of a webhook's deliveries sent again, behind new events (delivery.md, Retries)."""
import json
from datetime import datetime, timedelta, timezone

from story import HOUR, Answer, wait_for, within

MANY = 300  # several slices


def path_of(webhook):
    return f"/api/v1/webhooks/{webhook['uuid']}"


def time_of(engine, ago=0.0):
    at = datetime.fromtimestamp(engine.clock.now() - ago, timezone.utc) if engine.clock else (
        datetime.now(timezone.utc) - timedelta(seconds=ago))  # fmt: skip
    return at.isoformat().replace("+00:00", "Z")


def begin(engine, webhook, **order):
    answer = engine.api("POST", path_of(webhook) + "/replay", order)
    assert answer.status == 202, answer
    return answer.json


def counted(engine, webhook, **order):
    answer = engine.api("POST", path_of(webhook) + "/replay", {**order, "dry_run": True})
    assert answer.status == 200 and answer.json["dry_run"] and not answer.json["is_more"], answer
    return answer.json["count"]


def replay_of(engine, webhook):
    return engine.get(path_of(webhook) + "/replay")


def ended(engine, webhook, state="done"):
    last = wait_for(
        lambda: (row := replay_of(engine, webhook))["state"] not in ("running", "paused") and row, "the end of it"
    )
    assert last["state"] == state, last
    return last


def dead_ones(engine, target, count, **fields):
    """So many events whose deliveries are dead; the target takes everything from now on."""
    target.answer_with(404)
    with engine.producer() as producer:
        ids = [producer.ok(data=number, **fields) for number in range(count)]
    engine.wait_idle()
    target.answer_with(204)
    return ids


def arrived(target, ids, since=0):
    return sorted(request.id for request in target.requests[since:]) == sorted(ids)


def test_the_dead_ones_go_again_and_nothing_else(story):
    """Counted first, then sent once each, oldest first; the old outcome stays in the history."""
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, retry=[], max_in_flight=1)
    other = engine.webhook(target.url("/other"), ["other"])
    good = engine.ok()
    engine.settled(good)
    dead = dead_ones(engine, target, MANY)
    before = target.count
    answer = engine.api("POST", path_of(webhook) + "/replay", {"dry_run": True})
    assert (answer.json["count"], answer.json["is_more"]) == (MANY, False), answer
    first = answer.json["first"]
    assert [row["event"] for row in first] == dead[:10] and first[0]["webhook"] == webhook["uuid"], first
    assert target.count == before and engine.api("GET", path_of(webhook) + "/replay").status == 404
    started = begin(engine, webhook)
    assert (started["state"], started["what"], started["made"]) == ("running", ["dead"], 0), started
    row = ended(engine, webhook)
    assert (row["made"], row["skipped"], row["percent"], row["reason"]) == (MANY, 0, 100, None), row
    assert row["ended_at"] >= row["started_at"] and row["by"].startswith("uid:"), row
    target.wait(before + MANY)
    assert [request.id for request in target.requests[before:]] == dead
    delivery = engine.settled(dead[0])
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["http_4xx", "delivered"], delivery
    assert delivery["is_replay"] and engine.settled(good)["is_replay"] is False
    assert counted(engine, webhook) == 0
    assert engine.api("GET", path_of(other) + "/replay").status == 404


def test_it_chooses_by_state_outcome_name_and_time(story):
    target = story.target()
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, ["*"], retry=[])
    settle = lambda name: engine.settled(engine.ok(name))["event"]  # noqa: E731
    delivered = [settle("a") for _ in range(2)]
    target.answer_with(404)
    dead = [settle("a"), settle("b")]
    engine.clock.advance(2 * HOUR)
    target.answer_with(503)
    late = [settle("b")]
    target.answer_with(204)
    assert counted(engine, webhook) == 3
    assert counted(engine, webhook, outcome="http_503") == 1
    assert counted(engine, webhook, outcome="http_4xx") == 2
    assert counted(engine, webhook, event_name="b") == 2
    assert counted(engine, webhook, state=["dead", "delivered"]) == 5
    assert counted(engine, webhook, state=["delivered"]) == 2
    assert counted(engine, webhook, state=["cancelled", "filtered"]) == 0
    assert counted(engine, webhook, since=time_of(engine, HOUR)) == 1
    assert counted(engine, webhook, until=time_of(engine, HOUR)) == 2
    assert counted(engine, webhook, until=time_of(engine, HOUR), event_name="a", state=["dead", "delivered"]) == 3
    before = target.count
    begin(engine, webhook, state=["delivered"])
    assert ended(engine, webhook)["made"] == 2
    wait_for(lambda: arrived(target, delivered, before), "those that were delivered before")
    begin(engine, webhook, since=time_of(engine, HOUR), state=["dead"])
    assert ended(engine, webhook)["made"] == 1
    wait_for(lambda: arrived(target, delivered + late, before), "the one within the last hour")
    begin(engine, webhook)
    assert ended(engine, webhook)["made"] == 2
    wait_for(lambda: arrived(target, delivered + late + dead, before), "the rest")


def test_what_was_missed_while_it_was_inactive(story):
    """Events from a time on that it would have got and did not; not what it has had already."""
    target = story.target()
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, ["a.*"])
    had = engine.ok("a.1")
    engine.settled(had)
    assert engine.api("POST", path_of(webhook) + "/disable").status == 200
    engine.ok("a.2")  # before the time
    engine.clock.advance(HOUR)
    since = time_of(engine, 60)
    missed = [engine.ok("a.3"), engine.ok("a.4")]
    engine.ok("b")
    engine.ok("a.5", webhook=engine.webhook(target.url("/other"), ["c"])["uuid"])
    refused = engine.api("POST", path_of(webhook) + "/replay", {"since": since})
    assert refused.status == 409 and "enable" in refused.json["detail"], refused
    assert engine.api("POST", path_of(webhook) + "/enable").status == 200
    assert counted(engine, webhook, since=since) == 2
    assert begin(engine, webhook, since=since)["what"] == ["dead", "missed"]
    assert ended(engine, webhook)["made"] == 2
    wait_for(lambda: {had, *missed} <= {one.id for one in target.requests}, "what was missed")
    engine.wait_idle()
    assert target.count == 4  # and what was for another webhook
    assert counted(engine, webhook, since=since) == 0


def test_a_webhook_that_was_added_later(story):
    """Events that nobody wanted when they came are sent to it, byte for byte, and only once."""
    target = story.target()
    engine = story.engine()
    with engine.producer() as producer:
        ids = [producer.ok(data={"n": number, "x": "1.50"}) for number in range(MANY)]
    later = engine.webhook(target)
    assert counted(engine, later, since="2020-01-01T00:00:00Z") == MANY
    begin(engine, later, since="2020-01-01T00:00:00Z")
    assert ended(engine, later)["made"] == MANY
    wait_for(lambda: arrived(target, ids), "all of them")
    assert json.loads(target.of_id(ids[7])[0].body)["data"] == {"n": 7, "x": "1.50"}
    delivery = engine.settled(ids[7], later["uuid"])
    assert delivery["state"] == "delivered" and delivery["is_replay"], delivery
    begin(engine, later, since="2020-01-01T00:00:00Z")
    assert ended(engine, later)["made"] == 0
    engine.restart()
    assert counted(engine, later, since="2020-01-01T00:00:00Z") == 0
    assert replay_of(engine, later)["state"] == "done" and target.count == MANY


def test_one_event_to_one_webhook(story):
    """Whatever its patterns say; again, if it has had it; not across tenants."""
    target = story.target()
    engine = story.engine()
    event_id = engine.ok("nobody.wants.it")
    later = engine.webhook(target, ["something.else"])
    path = f"/api/v1/events/{event_id}/replay"
    for count in (1, 2):
        answer = engine.api("POST", path, {"webhook": later["uuid"]})
        assert answer.status == 202 and answer.json["state"] == "pending", answer
        wait_for(lambda count=count: len(target.of_id(event_id)) == count, "the event")
        engine.settled(event_id, later["uuid"])
    said = engine.run("replay", "event", event_id, later["uuid"][:8])
    assert said.returncode == 0 and event_id.encode() in said.stdout, said
    wait_for(lambda: len(target.of_id(event_id)) == 3, "the event")
    assert engine.run("tenants", "add", "acme").returncode == 0
    foreign = engine.webhook(target, tenant="acme")
    refused = engine.api("POST", path, {"webhook": foreign["uuid"]})
    assert refused.status == 409 and "acme" in refused.json["detail"], refused
    assert engine.api("POST", path, {"webhook": "00000000-0000-4000-8000-000000000001"}).status == 404
    assert engine.api("POST", path, {"webhook": "x"}).status == 422
    assert engine.api("POST", path, {}).status == 422
    assert engine.api("POST", path, b"{").status == 400
    gone = "/api/v1/events/00000000-0000-7000-8000-000000000001/replay"
    assert engine.api("POST", gone, {"webhook": later["uuid"]}).status == 404
    assert engine.api("POST", path_of(later) + "/disable").status == 200
    refused = engine.api("POST", path, {"webhook": later["uuid"]})
    assert refused.status == 409 and "inactive" in refused.json["detail"], refused


@within(120)
def test_a_new_event_waits_behind_one_slice_at_most(story):
    """While a thousand are sent again, one request at a time."""
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, retry=[], max_in_flight=1)
    dead_ones(engine, target, 1000)
    before = target.count
    target.answer_with(Answer.status(204, delay=0.002))
    begin(engine, webhook)
    target.wait(before + 100)
    new = engine.ok()
    sent = target.count
    wait_for(lambda: target.of_id(new), "the new one", 60)
    place = [request.id for request in target.requests].index(new)
    assert place - sent <= 32, (place, sent)  # a slice of 8, what was under way, and a machine that stalls
    assert place - before < 1000, "it came last"
    assert ended(engine, webhook)["made"] == 1000


def test_it_waits_while_the_webhook_is_held_and_survives_restarts(story):
    """Paused webhook, kill -9 in the middle, an orderly restart: all of them arrive in the end."""
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, retry=[], max_in_flight=1)
    dead = dead_ones(engine, target, MANY)
    before = target.count
    assert engine.api("POST", path_of(webhook) + "/pause").status == 200
    begin(engine, webhook)
    wait_for(lambda: replay_of(engine, webhook)["reason"] == "paused", "it says why it waits")
    engine.wait_quiet()
    assert replay_of(engine, webhook)["made"] == 0 and target.count == before
    engine.restart()
    assert replay_of(engine, webhook)["state"] == "running"
    target.answer_with(Answer.status(204, delay=0.002))
    assert engine.api("POST", path_of(webhook) + "/resume").status == 200
    target.wait(before + 70)
    engine.kill()
    engine.start()
    ended(engine, webhook)
    wait_for(lambda: {request.id for request in target.requests[before:]} == set(dead), "all of them")


def test_an_orderly_restart_sends_nothing_a_third_time(story):
    """Also of what was delivered, which the selection would find again."""
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, max_in_flight=2)
    with engine.producer() as producer:
        ids = [producer.ok(data=number) for number in range(MANY)]
    engine.wait_idle()
    target.answer_with(Answer.status(204, delay=0.002))
    begin(engine, webhook, state=["delivered"])
    for count in (1, 2, 3):
        target.wait(MANY + 60 * count)
        engine.restart()
    assert ended(engine, webhook)["made"] == MANY
    engine.wait_idle()
    assert set(target.ids) == set(ids) and set(target.ids.values()) == {2}, target.ids.most_common(3)


@within(120)
def test_a_new_event_waits_for_a_second_of_the_rate_limit_at_most(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, retry=[])
    dead_ones(engine, target, 100)
    before = target.count
    limit = {"rate_limit": {"per_second": 4, "burst": 4}}
    assert engine.api("PATCH", path_of(webhook), limit).status == 200
    begin(engine, webhook)
    target.wait(before + 9)
    new = engine.ok()
    sent = target.count
    wait_for(lambda: target.of_id(new), "the new one", 60)
    place = [request.id for request in target.requests].index(new)
    assert place - sent <= 16, (place, sent)  # two slices of 4, and what was under way
    assert engine.api("POST", path_of(webhook) + "/replay/cancel").status == 200


def test_pause_resume_and_cancel(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, retry=[], max_in_flight=1)
    dead_ones(engine, target, MANY)
    before = target.count
    target.answer_with(Answer.status(204, delay=0.002))
    begin(engine, webhook)
    target.wait(before + 5)
    post = lambda verb: engine.api("POST", f"{path_of(webhook)}/replay/{verb}")  # noqa: E731
    assert post("pause").json["state"] == "paused" and post("pause").status == 200
    engine.wait_idle()
    made = replay_of(engine, webhook)["made"]
    assert 0 < made < MANY and target.count == before + made, (made, target.count)
    conflict = engine.api("POST", path_of(webhook) + "/replay", {})
    assert conflict.status == 409 and "under way" in conflict.json["detail"], conflict
    engine.restart()
    engine.wait_idle()
    assert replay_of(engine, webhook)["state"] == "paused" and target.count == before + made
    assert post("resume").json["state"] == "running"
    target.wait(before + made + 5)
    row = post("cancel").json
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled by an operator"), row
    assert post("cancel").status == 409 and post("resume").status == 409
    engine.wait_idle()
    made = replay_of(engine, webhook)["made"]
    assert made < MANY and target.count == before + made, (made, target.count)
    begin(engine, webhook)  # the rest
    assert ended(engine, webhook)["made"] == MANY - made


def test_a_webhook_that_goes_ends_its_replay(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, retry=[])
    dead_ones(engine, target, 3)
    assert engine.api("POST", path_of(webhook) + "/pause").status == 200
    begin(engine, webhook)
    assert engine.api("POST", path_of(webhook) + "/disable").status == 200
    assert ended(engine, webhook, "cancelled")["reason"] == "its webhook was deactivated"
    assert engine.api("POST", path_of(webhook) + "/enable").status == 200
    begin(engine, webhook)
    assert engine.api("DELETE", path_of(webhook)).status == 204
    assert engine.api("GET", path_of(webhook) + "/replay").status == 404
    engine.restart()
    assert engine.get("/api/v1/replays")["data"] == []


def test_a_target_that_is_still_dead(story):
    """The breaker holds the replay like anything else; nothing is lost by it."""
    target = story.target()
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, retry=[30] * 20, max_in_flight=4)
    target.answer_with(410)
    with engine.producer() as producer:
        ids = [producer.ok(data=number) for number in range(100)]
    wait_for(lambda: not engine.get(path_of(webhook))["is_active"], "it is gone")
    engine.wait_idle()
    assert engine.api("POST", path_of(webhook) + "/enable").status == 200
    target.answer_with(503)
    begin(engine, webhook, since=time_of(engine, HOUR), state=["dead", "cancelled", "missed"])
    wait_for(lambda: replay_of(engine, webhook)["reason"] == "circuit_breaker", "the breaker opens")
    before = target.count
    target.answer_with(204)
    engine.advance_until(lambda: replay_of(engine, webhook)["state"] == "done", step=30)
    engine.advance_until(lambda: {one.id for one in target.requests[before:]} == set(ids), step=30)


def test_everything_of_all_webhooks(story):
    """One replay for each active webhook, of a tenant or of all."""
    target = story.target()
    engine = story.engine()
    assert engine.run("tenants", "add", "acme").returncode == 0
    hooks = [engine.webhook(target.url(f"/{n}"), retry=[], tenant=tenant) for n, tenant in enumerate(
        ("default", "default", "acme"))]  # fmt: skip
    off = engine.webhook(target, is_active=False)
    dead_ones(engine, target, 2)
    dead_ones(engine, target, 1, tenant="acme")
    wait_for(lambda: target.count == 5, "2 events to 2 webhooks, 1 to 1")
    retry = lambda **body: engine.api("POST", "/api/v1/deliveries/retry", body)  # noqa: E731
    assert retry(dry_run=True).json["count"] == 5
    assert retry(dry_run=True, tenant="acme").json["count"] == 1
    assert retry(dry_run=True, webhook=hooks[0]["uuid"]).json["count"] == 2
    assert retry(tenant="acme").json == {"started": 1, "busy": 0}
    ended(engine, hooks[2])
    answer = retry()
    assert answer.status == 202 and answer.json["started"] + answer.json["busy"] == 3, answer
    for hook in hooks[:2]:
        assert ended(engine, hook)["made"] == 2
    assert engine.api("GET", path_of(off) + "/replay").status == 404
    target.wait(10)
    rows = engine.get("/api/v1/replays")
    assert [row["webhook"] for row in rows["data"]] == [hook["uuid"] for hook in reversed(hooks)], rows
    page = engine.get("/api/v1/replays?limit=2")
    assert len(page["data"]) == 2
    rest = engine.get(f"/api/v1/replays?limit=2&cursor={page['next']}")
    assert [row["webhook"] for row in rest["data"]] == [hooks[0]["uuid"]] and rest["next"] is None, rest


def test_mistakes_say_which_field(story):
    engine = story.engine()
    webhook = engine.webhook("http://127.0.0.1:9999")
    rows = [
        ({"state": ["missed"]}, "since", "from when on"),
        ({"state": ["pending"]}, "state", "some of delivered"),
        ({"state": "dead"}, "state", "a list"),
        ({"state": []}, "state", "a list"),
        ({"since": "yesterday"}, "since", "RFC 3339"),
        ({"until": 5}, "until", "RFC 3339"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until", "after since"),
        ({"since": "2026-01-02T00:00:00Z", "state": ["missed"], "outcome": "reset"}, "outcome", "missed"),
        ({"outcome": "bad"}, "outcome", "no outcome"),
        ({"event_name": "a b"}, "event_name", "name of an event"),
        ({"dry_run": 1}, "dry_run", "true or false"),
        ({"webhook": webhook["uuid"]}, "", "since, until"),
        ([], "", "object"),
    ]
    for body, field, about in rows:
        fields = engine.refused_fields(engine.api("POST", path_of(webhook) + "/replay", body))
        assert about in fields.get(field, ""), (body, fields)
    fields = engine.refused_fields(engine.api("POST", "/api/v1/deliveries/retry", {"webhook": "x", "tenant": 1}))
    assert set(fields) == {"webhook", "tenant"}, fields
    assert engine.api("POST", path_of(webhook) + "/replay", b"{").status == 400
    assert engine.api("GET", path_of(webhook) + "/replay").status == 404


def test_the_command_line(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, retry=[], name="tracker")
    dead_ones(engine, target, 12)

    def run(*arguments, code=0):
        done = engine.run("replay", *arguments)
        assert done.returncode == code, done
        return (done.stdout + done.stderr).decode()

    assert "No replays yet" in run("list")
    said = run("start", "tracker", "--dry-run")
    assert said.startswith("12 would be sent again") and said.count("  test") == 10 and "…" in said, said
    assert run("start", "tracker", "--since", "1h", "--event-name", "none", "--dry-run").startswith("0 would")
    assert "replay show tracker" in run("start", "tracker", "--since", "1h", "--state", "dead")
    ended(engine, webhook)
    shown = run("show", "tracker")
    assert "is done" in shown and "sent again      12" in shown and "100 %" in shown and "dead" in shown, shown
    table = run("list")
    assert webhook["uuid"] in table and "tracker" in table and "done" in table, table
    assert json.loads(run("show", "tracker", "--output", "json"))["made"] == 12
    assert "under way" in run("cancel", "tracker", code=1) and "under way" in run("pause", "tracker", code=1)
    assert "name a webhook" in run("start", code=2)
    assert "--all" in run("start", "tracker", "--tenant", "x", code=2)
    assert "how long ago" in run("start", "tracker", "--since", "soon", code=2)
    assert "since" in run("start", "tracker", "--state", "missed", code=1)
    assert "replays begun: 1;" in run("start", "--all")
    assert "would be sent again" in run("start", "--all", "--dry-run")


def test_enabling_says_how_to_get_what_was_missed(story):
    """The command that it prints does it."""
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, name="tracker")
    engine.settled(engine.ok())
    assert engine.run("webhooks", "disable", "tracker").returncode == 0
    missed = [engine.ok(data=number) for number in range(3)]
    assert b"a replay since then" in engine.run("explain", webhook["uuid"]).stdout
    said = engine.run("webhooks", "enable", "tracker").stdout.decode()
    command = said.splitlines()[1].partition("grapnel ")[2].split()
    assert command[:2] == ["replay", "start"], said
    assert engine.run(*command).returncode == 0
    assert ended(engine, webhook)["made"] == 3
    wait_for(lambda: set(missed) <= {one.id for one in target.requests}, "what was missed")
    assert "replay" not in engine.run("webhooks", "enable", "tracker").stdout.decode()
