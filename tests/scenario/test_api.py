# SPDX-License-Identifier: MIT
"""The HTTP API as scripts and pages use it (admin.md)."""
import http.client
import json
import os
import socket
import subprocess
import sys

from story import Answer, wait_for
from story.target import free_port

UUID = "6f1f3c52-0000-4000-8000-000000000001"


def test_creating_twice_is_harmless(story):
    target = story.target()
    engine = story.engine()
    body = {"uuid": UUID, "target": target.url(), "events": ["test"], "extra_payload": {"a": [1]}}
    first = engine.api("POST", "/api/v1/webhooks", body)
    assert first.status == 201 and first.headers["Location"] == f"/api/v1/webhooks/{UUID}", first
    again = engine.api("POST", "/api/v1/webhooks", body)
    assert again.status == 200 and again.json["uuid"] == UUID and again.json["revision"] == 1, again
    assert "secret" not in again.json
    other = engine.api("POST", "/api/v1/webhooks", {**body, "events": ["other"]})
    assert other.status == 409, other
    assert len(engine.get("/api/v1/webhooks")["data"]) == 1


def test_patch_is_a_merge_and_etags_guard_it(story):
    target = story.target()
    engine = story.engine()
    made = engine.webhook(target, extra_headers={"A": "1", "B": "2"}, name="old", extra_payload={"x": {"y": 1}})
    path = f"/api/v1/webhooks/{made['uuid']}"
    tag = engine.api("GET", path).headers["ETag"]
    patch = {"extra_headers": {"A": None, "C": "3"}, "name": "new", "extra_payload": {"x": {"z": 2}}}
    changed = engine.api("PATCH", path, patch, {"If-Match": tag})
    assert changed.status == 200, changed
    assert changed.json["extra_headers"].keys() == {"B", "C"} and changed.json["name"] == "new"
    assert changed.json["extra_payload"] == {"x": {"y": 1, "z": 2}} and changed.json["revision"] == 2
    stale = engine.api("PATCH", path, {"name": "late"}, {"If-Match": tag})
    assert stale.status == 412, stale
    wrong = engine.api("PATCH", path, {"tname": "x"})
    assert wrong.status == 422 and "tname" in engine.refused_fields(wrong), wrong
    assert engine.get(path)["name"] == "new"
    secret = made["secret"]
    engine.webhook(target, scripts=[{"name": "github"}], uuid=UUID, secrets=[secret])
    engine.restart()
    assert engine.get(path)["revision"] == 2 and engine.get(path)["extra_headers"].keys() == {"B", "C"}


def test_secrets_outlive_a_change(story):
    target = story.target()
    engine = story.engine()
    made = engine.webhook(target, scripts=[{"name": "github"}], secrets=["my secret"])
    engine.ok(data=1)
    assert engine.api("PATCH", f"/api/v1/webhooks/{made['uuid']}", {"name": "x"}).status == 200
    engine.ok(data=1)
    first, second = target.wait(2)
    assert first.body == second.body
    assert first.headers["x-hub-signature-256"] == second.headers["x-hub-signature-256"]


def test_refusals_have_their_status(story):
    engine = story.engine()
    cases = [
        ("GET", "/api/v1/webhooks/" + UUID, None, 404),
        ("GET", "/api/v1/webhooks/nonsense", None, 404),
        ("GET", "/api/v1/nothing", None, 404),
        ("GET", "/", None, 404),
        ("DELETE", "/api/v1/webhooks", None, 405),
        ("POST", "/api/v1/webhooks", b"{", 400),
        ("POST", "/api/v1/webhooks", b"[]", 422),
        ("POST", "/api/v1/webhooks", b'{"target":"http://127.0.0.1:1024/","target":"x"}', 422),
        ("POST", "/api/v1/webhooks", b"", 400),
        ("POST", "/api/v1/events", b"{", 400),
        ("POST", "/api/v1/events", b"x" * (2 << 20), 413),
        ("GET", "/api/v1/webhooks?limit=0", None, 422),
        ("GET", "/api/v1/webhooks?limit=251", None, 422),
        ("GET", "/api/v1/webhooks?cursor=nonsense", None, 422),
        ("GET", "/api/v1/deliveries?colour=red", None, 422),
        ("GET", "/api/v1/deliveries?state=gone", None, 422),
        ("GET", "/api/v1/deliveries?event=" + UUID, None, 422),
        ("GET", "/api/v1/events/" + UUID, None, 404),
        ("GET", "/api/v1/deliveries/" + UUID, None, 404),
        ("POST", "/api/v1/deliveries/" + UUID + "/retry", None, 404),
    ]
    for method, path, body, status in cases:
        try:
            answer = engine.api(method, path, body)
        except (BrokenPipeError, ConnectionResetError):
            assert status == 413, (method, path)  # refused before all of it was written
            continue
        allowed = (400, 422) if status in (400, 422) else (status,)
        assert answer.status in allowed, (method, path, answer)
        assert answer.headers["Content-Type"].startswith("application/problem+json"), (path, answer.headers)
        problem = answer.json
        assert problem["status"] == answer.status and problem["title"], (path, body, answer)
        assert problem["type"].startswith("/problems/"), (path, answer)
        assert engine.api("GET", problem["type"]).status == 200, problem
    assert engine.api("GET", "/healthz").status == 200


def test_lists_in_pages(story):
    target = story.target()
    engine = story.engine()
    made = [engine.webhook(target.url(f"/{i}"), events=["none"])["uuid"] for i in range(7)]
    seen, path = [], "/api/v1/webhooks?limit=3"
    pages = 0
    while path:
        page = engine.get(path)
        seen += [row["uuid"] for row in page["data"]]
        pages += 1
        path = f"/api/v1/webhooks?limit=3&cursor={page['next']}" if page["next"] else None
    assert seen == made[::-1] and pages == 3
    engine.webhook(target)
    ids = [engine.ok(data=i) for i in range(20)]
    engine.wait_idle()
    seen, path = [], "/api/v1/deliveries?limit=6"
    while path:
        page = engine.get(path)
        seen += [row["event"] for row in page["data"]]
        path = f"/api/v1/deliveries?limit=6&cursor={page['next']}" if page["next"] else None
        if len(seen) == 6:
            engine.ok("other")  # cursors survive inserts
    assert seen == ids[::-1]
    events = engine.get("/api/v1/events?limit=250")["data"]
    assert [row["id"] for row in events if row["event"] == "test"] == ids[::-1]


def test_deliveries_by_what_they_are(story):
    good, bad = story.target(), story.target(404)
    engine = story.engine()
    ok = engine.webhook(good, events=["test"])["uuid"]
    failing = engine.webhook(bad, events=["test"], retry=[])["uuid"]
    waiting = engine.webhook(bad, events=["test"], is_paused=True)["uuid"]
    ids = [engine.ok(data=i) for i in range(5)]
    for event_id in ids:
        engine.settled(event_id, ok)
        engine.settled(event_id, failing)
    expected = {
        f"?webhook={ok}": 5, f"?webhook={failing}&state=dead": 5, f"?webhook={failing}&state=delivered": 0,
        "?state=delivered": 5, "?state=dead": 5, "?state=pending": 5, f"?webhook={waiting}": 5,
        "?outcome=http_4xx": 5, "?status=404": 5, "?status=204": 5, f"?event={ids[0]}": 3, "?event_name=nothing": 0,
    }  # fmt: skip
    for query, count in expected.items():
        rows = wait_for(lambda: rows_or_none(engine, query, count), f"{query}: {count}", 10)  # noqa: B023
        assert len(rows) == count + 1, query


def rows_or_none(engine, query, count):
    rows = engine.deliveries(query)
    return [*rows, None] if len(rows) == count else None


def test_tcp_needs_a_token(story):
    port = free_port()
    engine = story.engine(admin_listen=f"127.0.0.1:{port}")
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/api/v1/webhooks", 401), ("/metrics", 401)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path, headers={"Authorization": "Bearer gr_nonsense"} if status == 401 else {})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == status, (path, answer.status, text)
        connection.close()
    public = story.engine(admin_listen=f"127.0.0.1:{free_port()}", metrics_public="true")
    connection = http.client.HTTPConnection("127.0.0.1", int(public.options["admin_listen"].split(":")[1]), timeout=20)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 200
    connection.close()


def test_other_users_may_not_administer(story):
    """The peer's uid decides at the admin socket."""
    if os.getuid() != 0:
        story.skip("only root can become somebody else")
    engine = story.engine()
    for folder in (story.folder, engine.folder):
        os.chmod(folder, 0o755)
    code = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        " s.connect(sys.argv[1]); s.sendall(b'GET /api/v1/webhooks HTTP/1.0\\r\\n\\r\\n'); print(s.recv(99))"
    )
    done = subprocess.run([sys.executable, "-c", code, engine.admin], capture_output=True, text=True, check=False)
    if "Permission" in done.stderr and "executable" in done.stderr:
        story.skip("nobody cannot run python here")
    assert " 403 " in done.stdout, done


def test_slow_and_broken_clients_of_the_api(story):
    """Half requests, garbage, two lengths: none of them holds up or ends the engine."""
    engine = story.engine()
    half = []
    for text in (b"GET /healthz HT", b"POST /api/v1/events HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", b""):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(engine.admin)
        sock.sendall(text)
        half.append(sock)
    broken = (
        b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    )  # fmt: skip
    for text in broken:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(engine.admin)
            try:
                sock.sendall(text)
                sock.shutdown(socket.SHUT_WR)
                assert b" 200 " not in sock.recv(1000)
            except OSError:
                pass
        assert engine.api("GET", "/healthz").status == 200, text[:60]
    for sock in half:
        sock.close()


def test_test_send_of_a_failing_target(story):
    target = story.target(Answer.status(500, {}, b"broken"))
    engine = story.engine()
    webhook = engine.webhook(target, scripts=[{"name": "standard-webhooks"}])
    attempt = engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/test", {"event": "my.event", "data": {"n": 1}})
    assert attempt.status == 200 and attempt.json["outcome"] == "http_5xx", attempt
    assert target.one().json["data"] == {"n": 1} and target.one().json["hook"]["event"] == "my.event"
    assert json.loads(attempt.json["request"]["body"])["data"] == {"n": 1}
    engine.wait_idle()
    assert target.count == 1, "a test is not tried again"


def test_scripts_are_listed_with_their_options(story):
    engine = story.engine()
    scripts = {row["name"]: row for row in engine.get("/api/v1/scripts")["data"]}
    assert {"standard-webhooks", "github", "slack", "dejacode-slack"} <= set(scripts)
    options = {option["name"]: option for option in scripts["slack"]["options"]}
    assert options["text"]["type"] == "text" and "{{path}}" in options["text"]["help"], options
    assert all(row["origin"] == "builtin" for row in scripts.values())
