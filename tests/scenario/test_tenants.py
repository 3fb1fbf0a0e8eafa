# SPDX-License-Identifier: MIT
"""Tenants: limits, pause and resume, removal (delivery.md, Tenants)."""
from story import Answer, wait_for, within


def tenant(engine, name, **limits):
    answer = engine.api("POST", "/api/v1/tenants", {"name": name, **limits})
    assert answer.status == 201, answer
    return answer.json


def change(engine, name, **limits):
    answer = engine.api("PATCH", f"/api/v1/tenants/{name}", limits)
    assert answer.status == 200, answer
    return answer.json


def look(engine, name):
    return engine.get(f"/api/v1/tenants/{name}")


def test_pause_and_resume_of_a_tenant(story):
    """All its webhooks wait, those added meanwhile and after a restart too; others go on."""
    target, other = story.target(), story.target()
    engine = story.engine()
    assert tenant(engine, "acme")["is_paused"] is False
    hooks = [engine.webhook(target, tenant="acme") for _ in range(2)]
    engine.webhook(other)
    answer = engine.api("POST", "/api/v1/tenants/acme/pause")
    assert answer.status == 200 and answer.json["is_paused"], answer
    hooks.append(engine.webhook(target, tenant="acme"))
    ids = [engine.ok(tenant="acme", data=number) for number in range(20)]
    engine.settled(engine.ok())
    assert other.count == 1
    for hook in hooks:
        row = engine.get(f"/api/v1/webhooks/{hook['uuid']}")
        assert row["state"] == "held" and row["held"]["reason"] == "tenant_paused", row
    assert b"tenant" in engine.run("explain", hooks[0]["uuid"]).stdout
    engine.restart()
    engine.settled(engine.ok())
    engine.wait_idle()
    assert target.count == 0 and other.count == 2
    assert look(engine, "acme")["waiting"] == 60 and look(engine, "acme")["webhooks"] == 3
    assert engine.api("POST", "/api/v1/tenants/acme/resume").json["is_paused"] is False
    target.wait(60)
    engine.wait_idle()
    assert all(len(target.of_id(one)) == 3 for one in ids) and look(engine, "acme")["waiting"] == 0


def test_a_pause_of_the_webhook_stays_when_its_tenant_goes_on(story):
    target = story.target()
    engine = story.engine()
    hook = engine.webhook(target)
    assert engine.api("POST", f"/api/v1/webhooks/{hook['uuid']}/pause").status == 200
    assert engine.api("POST", "/api/v1/tenants/default/pause").status == 200
    event_id = engine.ok()
    assert engine.api("POST", "/api/v1/tenants/default/resume").status == 200
    engine.in_state(event_id, "pending")
    assert engine.get(f"/api/v1/webhooks/{hook['uuid']}")["held"]["reason"] == "paused"
    assert engine.api("POST", f"/api/v1/webhooks/{hook['uuid']}/resume").status == 200
    assert engine.settled(event_id)["state"] == "delivered"


def test_max_in_flight_of_a_tenant(story):
    """Shared by all its webhooks, which take turns; another tenant is not slowed; lifted at once."""
    hung = story.target(Answer.hang())
    target, other = story.target(), story.target()
    engine = story.engine()
    tenant(engine, "acme", max_in_flight=3)
    engine.webhook(hung.url("/a"), tenant="acme")
    engine.webhook(hung.url("/b"), tenant="acme")
    engine.webhook(target, ["free"], tenant="acme")
    engine.webhook(other)
    for number in range(10):
        engine.ok(tenant="acme", data=number)
    hung.wait(3)
    free = engine.ok("free", tenant="acme")
    for _ in range(5):
        engine.settled(engine.ok())
    row = look(engine, "acme")
    assert row["in_flight"] == 3 and hung.count == 3 and target.count == 0, row
    assert {request.path for request in hung.requests} == {"/a", "/b"}, hung.requests
    change(engine, "acme", max_in_flight=4)
    wait_for(lambda: hung.count + target.count == 4, "one more")
    change(engine, "acme", max_in_flight=None)
    wait_for(lambda: hung.count == 20 and target.of_id(free), "all of them")


def test_events_per_second_of_a_tenant(story):
    """What goes over is refused with the time to wait; another tenant's events are not."""
    engine = story.engine(clock=True)
    tenant(engine, "acme", events_per_second=0.01, events_burst=5)
    with engine.producer() as producer:
        replies = [producer.send(tenant="acme", data=number) for number in range(7)]
        assert producer.send()["ok"]
        assert [reply["ok"] for reply in replies] == [True] * 5 + [False] * 2, replies
        error = replies[5]["error"]
        assert error["code"] == "rate_limited" and 90_000 < error["retry_ms"] <= 100_000, error
        assert "acme" in error["message"], error
        engine.clock.advance(101)
        assert producer.send(tenant="acme")["ok"]
        assert producer.send(tenant="acme")["error"]["code"] == "rate_limited"
    answer = engine.api("POST", "/api/v1/events", {"event": "test", "tenant": "acme", "data": 1})
    assert answer.status == 429 and answer.json["code"] == "rate_limited", answer
    assert engine.run("tenants", "set", "acme", "--events-per-second", "none", "--events-burst", "none").returncode == 0
    assert all(engine.send(tenant="acme")["ok"] for _ in range(20))


def test_max_waiting_of_a_tenant(story):
    """A backlog has an end: who fills it is refused, and may go on when it has drained."""
    target = story.target()
    engine = story.engine()
    tenant(engine, "acme", max_waiting=10)
    hook = engine.webhook(target, tenant="acme")
    engine.webhook(target.url("/other"))
    path = f"/api/v1/webhooks/{hook['uuid']}"
    assert engine.api("POST", path + "/pause").status == 200
    with engine.producer() as producer:
        replies = [producer.send(tenant="acme", data=number) for number in range(12)]
        assert [reply["ok"] for reply in replies] == [True] * 10 + [False] * 2, replies
        assert replies[10]["error"]["code"] == "quota_exceeded", replies[10]
        assert "max_waiting" in replies[10]["error"]["message"], replies[10]
        assert producer.send()["ok"]
        engine.restart()
    assert engine.send(tenant="acme")["error"]["code"] == "quota_exceeded"
    assert engine.api("POST", path + "/resume").status == 200
    wait_for(lambda: look(engine, "acme")["waiting"] == 0, "the backlog drains")
    assert engine.send(tenant="acme")["ok"]


@within(90)
def test_waiting_is_counted_right(story):
    """Through retries, a full memory, replays, deactivation and kill -9: what is shown is what is there."""
    target = story.target(404)
    engine = story.engine(memory_deliveries=64)
    tenant(engine, "acme")
    hook = engine.webhook(target, tenant="acme", retry=[3600])
    with engine.producer() as producer:
        for number in range(300):
            producer.ok(tenant="acme", data=number)
    wait_for(lambda: target.count == 300, "a first attempt of each")
    engine.wait_idle()
    assert look(engine, "acme")["waiting"] == 300
    engine.kill()
    engine.start()
    assert look(engine, "acme")["waiting"] == 300
    target.answer_with(204)
    assert engine.api("POST", f"/api/v1/webhooks/{hook['uuid']}/disable").status == 200
    wait_for(lambda: look(engine, "acme")["waiting"] == 0, "they are cancelled")
    assert engine.api("POST", f"/api/v1/webhooks/{hook['uuid']}/enable").status == 200
    answer = engine.api("POST", f"/api/v1/webhooks/{hook['uuid']}/replay", {"state": ["cancelled"]})
    assert answer.status == 202, answer
    target.wait(600)
    engine.wait_idle()
    assert look(engine, "acme")["waiting"] == 0
    assert engine.api("DELETE", f"/api/v1/webhooks/{hook['uuid']}").status == 204
    assert look(engine, "acme")["webhooks"] == 0


def test_max_webhooks_of_a_tenant(story):
    engine = story.engine()
    tenant(engine, "acme", max_webhooks=2)
    hooks = [engine.webhook("http://127.0.0.1:9999", tenant="acme") for _ in range(2)]
    body = {"target": "http://127.0.0.1:9999", "events": ["a"], "tenant": "acme"}
    fields = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
    assert "max_webhooks" in fields["tenant"], fields
    path = f"/api/v1/webhooks/{hooks[0]['uuid']}"
    assert engine.api("PATCH", path, {"name": "still changes"}).status == 200
    assert engine.api("DELETE", path).status == 204
    engine.restart()
    assert engine.api("POST", "/api/v1/webhooks", body).status == 201
    engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))


def test_a_tenant_is_removed_when_it_has_no_webhooks(story):
    engine = story.engine()
    tenant(engine, "acme", max_in_flight=1)
    hook = engine.webhook("http://127.0.0.1:9999", tenant="acme")
    refused = engine.api("DELETE", "/api/v1/tenants/acme")
    assert refused.status == 409 and "webhooks" in refused.json["detail"], refused
    assert engine.api("DELETE", f"/api/v1/webhooks/{hook['uuid']}").status == 204
    assert engine.api("DELETE", "/api/v1/tenants/acme").status == 204
    assert engine.api("GET", "/api/v1/tenants/acme").status == 404
    assert engine.send(tenant="acme")["error"]["code"] == "unknown_tenant"
    assert engine.api("DELETE", "/api/v1/tenants/default").status == 409
    engine.restart()
    assert [row["name"] for row in engine.get("/api/v1/tenants")["data"]] == ["default"]
    assert tenant(engine, "acme")["max_in_flight"] is None


def test_mistakes_in_limits(story):
    engine = story.engine()
    tenant(engine, "acme")
    rows = [
        ({"max_in_flight": 0}, "max_in_flight", "from 1 to"),
        ({"max_in_flight": "3"}, "max_in_flight", "whole number"),
        ({"max_waiting": 1.5}, "max_waiting", "whole number"),
        ({"max_webhooks": -1}, "max_webhooks", "whole number"),
        ({"events_per_second": 0}, "events_per_second", "from 0.001"),
        ({"events_burst": 5}, "events_burst", "goes with events_per_second"),
        ({"is_paused": 1}, "is_paused", "true or false"),
        ({"max_in_fligth": 1}, "", "max_in_flight"),
        ([], "", "object"),
    ]
    for body, field, about in rows:
        fields = engine.refused_fields(engine.api("PATCH", "/api/v1/tenants/acme", body))
        assert about in fields.get(field, ""), (body, fields)
    engine.refused_fields(engine.api("POST", "/api/v1/tenants", {"name": "b", "max_waiting": 0}))
    assert engine.api("POST", "/api/v1/tenants", {"name": "b c"}).status == 422
    assert engine.api("POST", "/api/v1/tenants", {"max_waiting": 1}).status == 422
    assert engine.api("PATCH", "/api/v1/tenants/nobody", {}).status == 404
    assert look(engine, "acme") == {**look(engine, "default"), "name": "acme"}


def test_the_command_line(story):
    engine = story.engine()

    def run(*arguments, code=0):
        done = engine.run("tenants", *arguments)
        assert done.returncode == code, done
        return (done.stdout + done.stderr).decode()

    assert "is there" in run("add", "acme", "--max-in-flight", "8", "--max-webhooks", "3")
    assert "changed" in run("set", "acme", "--events-per-second", "2.5", "--max-webhooks", "none")
    shown = run("show", "acme")
    assert "0 of 8" in shown and "2.5" in shown and "is active" in shown, shown
    assert look(engine, "acme")["max_webhooks"] is None
    assert "nothing is lost" in run("pause", "acme")
    table = run("list")
    assert "acme" in table and "paused" in table and "0 of 8" in table and "no limit" in table, table
    assert "active" in run("resume", "acme")
    assert "none" in run("set", "acme", "--max-waiting", "many", code=2)
    assert "whole number" in run("set", "acme", "--max-waiting", "1.5", code=1)
    assert "no tenant" in run("show", "nobody", code=1)
    assert "removed" in run("remove", "acme")
    assert "cannot be removed" in run("remove", "default", code=1)
