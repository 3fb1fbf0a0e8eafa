# SPDX-License-Identifier: MIT
"""What targets answer, and what each answer comes to (delivery.md, Outcomes)."""
import hashlib
import json
import time

from story import Answer, within

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


def attempt_of(story, answer, options=None, **fields):
    """The only attempt of one event to a target that answers so; with it the target and engine."""
    target = story.target(answer)
    engine = story.engine(**(options or {}))
    engine.webhook(target, **{"retry": [], **fields})
    delivery = engine.settled(engine.ok())
    assert len(delivery["attempts"]) == 1, delivery
    return delivery["attempts"][0], delivery, target, engine


def outcome(story, answer, **fields):
    attempt, delivery, _, _ = attempt_of(story, answer, **fields)
    state = "delivered" if attempt["outcome"] == "delivered" else "dead"
    assert delivery["state"] == state and delivery["outcome"] == attempt["outcome"], delivery
    return attempt


def test_every_status(story):
    """One webhook per status, all at once."""
    expected = {
        200: "delivered", 201: "delivered", 202: "delivered", 204: "delivered", 299: "delivered",
        300: "http_3xx", 301: "http_3xx", 302: "http_3xx", 304: "http_3xx", 307: "http_3xx", 308: "http_3xx",
        400: "http_4xx", 401: "http_4xx", 404: "http_4xx", 408: "http_4xx", 429: "http_429", 499: "http_4xx",
        500: "http_5xx", 502: "http_5xx", 503: "http_503", 599: "http_5xx",
    }  # fmt: skip
    target = story.target(lambda request: int(request.path[1:]))
    engine = story.engine()
    hooks = {engine.webhook(target.url(f"/{status}"), retry=[])["uuid"]: status for status in expected}
    event_id = engine.ok()
    for uuid, status in hooks.items():
        delivery = engine.settled(event_id, uuid)
        attempt = delivery["attempts"][0]
        assert attempt["status"] == status and attempt["outcome"] == expected[status], (status, delivery)
        assert delivery["state"] == ("delivered" if status < 300 else "dead"), delivery
    assert target.count == len(expected)


def test_redirects_are_never_followed(story):
    elsewhere = story.target()
    answer = Answer.status(302, {"Location": elsewhere.url("/stolen")})
    attempt = outcome(story, answer)
    assert attempt["status"] == 302 and attempt["outcome"] == "http_3xx"
    assert elsewhere.count == 0 and elsewhere.connections == 0


def test_gone_disables_the_webhook(story):
    attempt, delivery, target, engine = attempt_of(story, 410, retry=[1, 1])
    assert attempt["outcome"] == "http_410" and delivery["state"] == "dead"
    webhook = engine.get("/api/v1/webhooks")["data"][0]
    assert not webhook["is_active"] and webhook["disabled_reason"] == "http_410" and webhook["disabled_at"], webhook
    reply = engine.send()
    assert reply["deliveries"] == 0
    said = json.dumps(engine.get(f"/api/v1/events/{reply['id']}/explain"))
    assert "http_410" in said, said
    assert engine.metric("webhooks_disabled_total") == 1
    target.answer_with(204)
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/enable").status == 200
    assert engine.send()["deliveries"] == 1
    target.wait(2)


def test_refused_connection(story):
    engine = story.engine()
    engine.webhook(story.dead_url(), retry=[])
    delivery = engine.settled(engine.ok())
    assert delivery["attempts"][0]["outcome"] == "connect_refused", delivery
    assert delivery["attempts"][0]["status"] is None


def test_target_that_accepts_and_never_replies(story):
    before = time.monotonic()
    attempt = outcome(story, Answer.hang(), timeout_ms=500)
    assert attempt["outcome"] == "timeout", attempt
    assert 400 <= attempt["duration_ms"], attempt
    assert time.monotonic() - before < 30


def test_closed_without_an_answer(story):
    """A fresh connection: no second try within the attempt."""
    attempt, _, target, _ = attempt_of(story, Answer.close())
    assert attempt["outcome"] == "reset", attempt
    assert target.count == 1 and not attempt["resent"]


def test_reset_without_an_answer(story):
    assert outcome(story, Answer.reset())["outcome"] == "reset"


def test_kept_connection_that_failed_is_tried_once_more(story):
    """The target closes an idle connection: within the same attempt a new one is used, and it is counted."""
    target = story.target([204, Answer.close(), 204])
    engine = story.engine()
    engine.webhook(target, retry=[], max_in_flight=1)
    engine.settled(engine.ok())
    delivery = engine.settled(engine.ok())
    attempt = delivery["attempts"][0]
    assert delivery["state"] == "delivered" and attempt["resent"], delivery
    assert target.count == 3 and target.connections == 2


def test_connections_are_reused(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target, max_in_flight=1)
    attempts = [engine.settled(engine.ok())["attempts"][0] for _ in range(10)]
    assert target.connections == 1
    assert [attempt["reused_connection"] for attempt in attempts] == [False] + [True] * 9


def test_header_that_drips(story):
    """The deadline covers the whole attempt, however busy the line."""
    attempt = outcome(story, Answer.drip(OK_HEAD + b"X: " + b"y" * 1000, 0.05), timeout_ms=1000)
    assert attempt["outcome"] == "timeout", attempt


def test_body_that_drips_was_delivered(story):
    answer = Answer(OK_HEAD + b"Content-Length: 1000\r\n\r\n", *([b"x", 0.05] * 1000), end="hang")
    attempt = outcome(story, answer, timeout_ms=1000)
    assert attempt["outcome"] == "delivered" and attempt["response"]["incomplete"], attempt


def test_body_that_is_cut_was_delivered(story):
    attempt = outcome(story, Answer(OK_HEAD + b"Content-Length: 1000\r\n\r\nabc", end="close"))
    assert attempt["outcome"] == "delivered" and attempt["response"]["incomplete"], attempt
    assert attempt["response"]["body"] == "abc", attempt


def test_endless_body_is_cut_at_its_bound(story):
    attempt = outcome(story, Answer.endless(OK_HEAD + b"\r\n", b"x" * 65536), timeout_ms=20000)
    assert attempt["outcome"] == "delivered" and attempt["response"]["incomplete"], attempt
    assert 4096 <= attempt["response"]["bytes"] <= 2 * 65536, attempt["response"]["bytes"]
    assert len(attempt["response"]["body"]) == 4096
    assert attempt["duration_ms"] < 15000


def test_endless_headers_are_bad(story):
    attempt = outcome(story, Answer.endless(OK_HEAD, b"X-Header: " + b"y" * 1000 + b"\r\n"), timeout_ms=20000)
    assert attempt["outcome"] == "bad_response", attempt
    assert attempt["duration_ms"] < 15000


def test_one_giant_header_is_bad(story):
    attempt = outcome(story, Answer(OK_HEAD + b"X: " + b"y" * 310_000 + b"\r\n\r\n"), timeout_ms=20000)
    assert attempt["outcome"] == "bad_response", attempt


def test_answer_that_ends_in_its_headers_is_bad(story):
    """libcurl calls it a success."""
    attempt = outcome(story, Answer(OK_HEAD + b"X: y\r\n", end="close"))
    assert attempt["outcome"] == "bad_response", attempt


def test_garbage_is_bad(story):
    for answer in (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 9999 OK\r\n\r\n", b"HTTP/1.1 000 No\r\n\r\n", b"\x00\x01\x02"):
        attempt = outcome(story, Answer(answer, end="close"))
        assert attempt["outcome"] == "bad_response", (answer, attempt)


def test_switching_protocols_is_bad(story):
    answer = Answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", end="hang")
    assert outcome(story, answer, timeout_ms=5000)["outcome"] == "bad_response"


def test_some_early_answers_are_fine(story):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 16
    assert outcome(story, Answer(early + b"HTTP/1.1 204 No\r\n\r\n"))["outcome"] == "delivered"


def test_endless_early_answers_are_bad(story):
    attempt = outcome(story, Answer.endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10), timeout_ms=20000)
    assert attempt["outcome"] == "bad_response", attempt


def test_chunked_answer(story):
    answer = Answer(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")
    attempt = outcome(story, answer)
    assert attempt["outcome"] == "delivered" and "hello" in attempt["response"]["body"], attempt


def test_compressed_answer_is_never_decoded(story):
    """No bomb: the body is bytes."""
    body = b"\x1f\x8b\x08" + b"\x00" * 500
    answer = Answer.status(200, {"Content-Encoding": "gzip"}, body)
    attempt = outcome(story, answer)
    assert attempt["outcome"] == "delivered" and attempt["response"]["bytes"] == len(body), attempt


def test_answer_of_an_older_protocol(story):
    answer = Answer(b"HTTP/1.0 200 OK\r\n\r\nfine", end="close")
    attempt = outcome(story, answer)
    assert attempt["outcome"] == "delivered" and attempt["response"]["body"] == "fine", attempt


def test_answer_before_the_body_was_read(story):
    """A target that refuses at once: its status counts."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target, retry=[])
    target.answer_with(Answer.status(413, {"Connection": "close"}, end="close"))
    delivery = engine.settled(engine.ok(data="x" * 500_000))
    assert delivery["attempts"][0]["status"] == 413, delivery


def test_attempt_records_what_happened(story):
    answer = Answer.status(500, {"X-Why": "because", "Set-Cookie": "s3cret"}, b"no \xff bytes")
    attempt, delivery, target, engine = attempt_of(story, answer)
    request = target.one()
    assert attempt["number"] == 1 and attempt["status"] == 500
    assert attempt["request"]["body_sha256"] == hashlib.sha256(request.body).hexdigest()
    assert attempt["request"]["body_bytes"] == len(request.body)
    assert attempt["remote"].startswith("127.0.0.1"), attempt
    assert attempt["phases_us"]["total"] > 0 and attempt["phases_us"]["first_byte"] > 0
    assert {name.lower(): value for name, value in attempt["response"]["headers"].items()}["x-why"] == "because"
    assert "bytes" in attempt["response"]["body"]
    assert attempt["webhook_revision"] == 1
    one = engine.get(f"/api/v1/deliveries/{delivery['id']}")
    assert one["attempts"] == delivery["attempts"]


@within(120)
def test_blocked_addresses(story):
    """Without allow_targets loopback is refused: when saved, and when a name leads there."""
    target = story.target()
    engine = story.engine(allow_targets=["192.0.2.0/24"])
    spellings = ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "localhost", "a.localhost",
                 "10.0.0.1", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.64.0.1", "0.0.0.0"]  # fmt: skip
    for host in spellings:
        url = f"http://{host}:{target.port}/"
        answer = engine.api("POST", "/api/v1/webhooks", {"target": url, "events": ["test"]})
        errors = engine.refused_fields(answer)
        assert "allow_targets" in errors["target"], (host, errors)
    assert target.connections == 0


def test_blocked_address_at_delivery(story):
    """Allowed when saved, no longer when sent: judged at the connection, also a kept one."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target, retry=[])
    engine.settled(engine.ok())
    engine.write_config(allow_targets=["192.0.2.0/24"])
    engine.signal(1)
    engine.wait_log("allow_targets")
    delivery = engine.settled(engine.ok())
    assert (delivery["state"], delivery["outcome"]) == ("dead", "blocked_address"), delivery
    assert "allow_targets" in json.dumps(delivery), delivery
    assert target.count == 1
    assert engine.metric("blocked_addresses_total") >= 1


def test_test_send_shows_the_whole_attempt(story):
    target = story.target(Answer.status(200, {"X-A": "b"}, b"thanks"))
    engine = story.engine()
    webhook = engine.webhook(target, events=["request.added"], extra_headers={"X-Mine": "1"})
    answer = engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/test")
    assert answer.status == 200, answer
    attempt = answer.json
    assert attempt["outcome"] == "delivered" and attempt["response"]["body"] == "thanks", attempt
    assert attempt["request"]["body"].encode() == target.one().body
    assert engine.deliveries() == []
