# SPDX-License-Identifier: MIT
"""Each row of the table of outcomes, by its name: when it comes, and what follows (delivery.md, Outcomes)."""
import contextlib
import os
import socket
import threading
from datetime import datetime, timezone

from story import HOUR, Answer, wait_for
from story.dns import DnsServer, own_world
from story.runner import discover

# The table's rows, as people read them: not generated, so that neither side can lose one alone.
ROWS = """
    delivered http_3xx http_410 http_429 http_503 http_4xx http_5xx
    dns_error connect_refused connect_timeout tls_error reset timeout bad_response blocked_address
    script_error script_timeout script_memory script_killed
    verdict_retry verdict_fail verdict_disable filtered expired too_old cancelled
""".split()
RETRY = [1000]  # no story waits for it


def test_each_row_has_its_story(story):
    """Here, and each outcome of the code is a row."""
    names = [name.partition(".")[2] for name, _ in discover(os.path.dirname(__file__)) if name.startswith("rows.")]
    assert not set(ROWS) - set(names), f"rows without a story: {sorted(set(ROWS) - set(names))}"
    with open(os.path.join(story.top, "core/model/outcome.def"), encoding="ascii") as file:
        known = [line.split('"')[1] for line in file if line.startswith("X(")]
    assert sorted(known) == sorted(ROWS), set(known) ^ set(ROWS)


# ---- what follows ----


def first_outcome(engine, target, **fields):
    """The delivery of one event to this target once it waits or is settled, and its webhook's address."""
    webhook = engine.webhook(target, **{"retry": RETRY, **fields})
    event_id = engine.ok()
    states = ("pending", "delivered", "filtered", "dead", "cancelled")
    return engine.in_state(event_id, states, attempts=1), f"/api/v1/webhooks/{webhook['uuid']}"


def is_tried_again(story, answer, outcome, url=None, engine=None, **fields):
    """It comes to this outcome, waits for its next attempt, and the webhook goes on."""
    engine = engine or story.engine()
    delivery, path = first_outcome(engine, url or story.target(answer), **fields)
    assert (delivery["state"], delivery["outcome"]) == ("pending", outcome), delivery
    assert delivery["due_at"] and len(delivery["attempts"]) == 1, delivery
    assert delivery["attempts"][0]["outcome"] == outcome, delivery
    assert engine.get(path)["is_active"]
    assert engine.metric(f'attempts_total{{outcome="{outcome}"}}') == 1
    return delivery["attempts"][0], engine


# ---- answers ----


def test_delivered(story):
    engine = story.engine()
    delivery, _ = first_outcome(engine, story.target(202))
    assert (delivery["state"], delivery["outcome"]) == ("delivered", "delivered"), delivery
    assert delivery["attempts"][0]["status"] == 202


def test_http_3xx(story):
    elsewhere = story.target()
    is_tried_again(story, Answer.status(307, {"Location": elsewhere.url()}), "http_3xx")
    assert elsewhere.connections == 0, "never followed"


def test_http_410(story):
    engine = story.engine()
    delivery, path = first_outcome(engine, story.target(410))
    assert (delivery["state"], delivery["outcome"]) == ("dead", "http_410"), delivery
    webhook = wait_for(lambda: (lambda w: not w["is_active"] and w)(engine.get(path)), "the webhook is disabled")
    assert webhook["disabled_reason"] == "http_410", webhook
    assert engine.send()["deliveries"] == 0


def test_http_429(story):
    attempt, engine = is_tried_again(story, Answer.status(429, {"Retry-After": "7200"}), "http_429")
    assert attempt["retry_after_ms"] == 7_200_000
    assert engine.in_state(engine.ok(), "pending")["attempts"] == [], "the whole webhook is held"


def test_http_503(story):
    attempt, _ = is_tried_again(story, 503, "http_503")
    assert attempt["status"] == 503 and not attempt.get("retry_after_ms"), attempt


def test_http_4xx(story):
    attempt, _ = is_tried_again(story, 418, "http_4xx")
    assert attempt["status"] == 418


def test_http_5xx(story):
    attempt, _ = is_tried_again(story, 507, "http_5xx")
    assert attempt["status"] == 507


# ---- no answer ----


def test_dns_error(story):
    own_world(story)
    DnsServer({})
    is_tried_again(story, None, "dns_error", url="http://nobody.example.org/")


def test_connect_refused(story):
    is_tried_again(story, None, "connect_refused", url=story.dead_url())


def test_connect_timeout(story):
    """The greeting of TLS belongs to connecting; this one has no end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        is_tried_again(story, None, "connect_timeout", url=url, timeout_ms=1000)


def babble(server):
    sock, _ = server.accept()
    with sock:
        sock.recv(65536)
        sock.sendall(b"220 this is mail, you know\r\n")
        with contextlib.suppress(OSError):
            while sock.recv(65536):
                pass


def test_tls_error(story):
    """Something that is no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=babble, args=(server,), daemon=True).start()
        is_tried_again(story, None, "tls_error", url=f"https://127.0.0.1:{server.getsockname()[1]}/")


def test_reset(story):
    is_tried_again(story, Answer.reset(), "reset")


def test_timeout(story):
    is_tried_again(story, Answer.hang(), "timeout", timeout_ms=1000)


def test_bad_response(story):
    is_tried_again(story, Answer(b"SMTP ready\r\n\r\n", end="close"), "bad_response")


def test_blocked_address(story):
    """A name that leads to an address that is not allowed; the record says which option would."""
    own_world(story)
    DnsServer({"inside.example.org": ["10.1.2.3"]})
    engine = story.engine(allow_targets=["192.0.2.0/24"])
    attempt, _ = is_tried_again(story, None, "blocked_address", url="http://inside.example.org/", engine=engine)
    assert "10.1.2.3" in attempt["reason"] and "allow_targets" in attempt["reason"], attempt
    assert engine.metric("blocked_addresses_total") >= 1


# ---- scripts ----


def with_script(story, member, **options):
    """An engine, and a webhook's fields, with one script that has this member."""
    story.file("scripts/one.lua", f"return {{\n    api = 1,\n    {member},\n}}\n")
    limits = {"script_cpu_ms": 5000, "script_wall_ms": 20000, **options}  # of a busy machine
    engine = story.engine(scripts_dir=os.path.join(story.folder, "scripts"), **limits)
    return engine, {"scripts": [{"name": "one"}]}


def fails_in_a_script(story, line, outcome, **options):
    engine, fields = with_script(story, f"filter = function() {line} end", **options)
    target = story.target()
    attempt, _ = is_tried_again(story, None, outcome, url=target.url(), engine=engine, **fields)
    assert target.count == 0 and attempt["reason"], attempt
    return attempt


def test_script_error(story):
    assert "no good" in fails_in_a_script(story, 'error("no good")', "script_error")["reason"]


def test_script_timeout(story):
    fails_in_a_script(story, "while true do end", "script_timeout", script_cpu_ms=500 if story.is_sanitized else 100)


def test_script_memory(story):
    fails_in_a_script(story, 'local s = "x" while true do s = s .. s end', "script_memory")


def test_script_killed(story):
    """It hangs within C code, where no limit but the last one ends it."""
    line = 'local s = ("a"):rep(200000) return s:find((".-"):rep(20) .. "b") ~= nil'
    fails_in_a_script(story, line, "script_killed", script_cpu_ms=50)


def test_verdict_retry(story):
    engine, fields = with_script(story, 'response = function() return "retry", 7200 end')
    delivery, _ = first_outcome(engine, story.target(200), **fields)
    assert (delivery["state"], delivery["outcome"]) == ("pending", "verdict_retry"), delivery
    assert seconds(delivery["due_at"]) - seconds(delivery["attempts"][0]["started_at"]) >= 7199, delivery


def test_verdict_fail(story):
    engine, fields = with_script(story, 'response = function() return "fail", "no use" end')
    delivery, path = first_outcome(engine, story.target(200), **fields)
    assert (delivery["state"], delivery["outcome"]) == ("dead", "verdict_fail"), delivery
    assert engine.get(path)["is_active"]


def test_verdict_disable(story):
    engine, fields = with_script(story, 'response = function() return "disable", "gone" end')
    delivery, path = first_outcome(engine, story.target(200), **fields)
    assert (delivery["state"], delivery["outcome"]) == ("dead", "verdict_disable"), delivery
    wait_for(lambda: not engine.get(path)["is_active"], "the webhook is disabled")
    assert engine.get(path)["disabled_reason"] == "verdict"
    engine.stop()
    engine.start()
    assert engine.get(path)["disabled_reason"] == "verdict"


def test_filtered(story):
    engine, fields = with_script(story, 'filter = function() return false, "not today" end')
    target = story.target()
    delivery, _ = first_outcome(engine, target, **fields)
    assert (delivery["state"], delivery["outcome"]) == ("filtered", "filtered"), delivery
    assert "not today" in delivery["attempts"][0]["reason"] and target.count == 0, delivery


# ---- without an attempt ----


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def paused(story, **options):
    """An engine with a clock of ours, and the address of its one webhook, which is paused."""
    engine = story.engine(clock=True, **options)
    target = story.target()
    return engine, target, f"/api/v1/webhooks/{engine.webhook(target, is_paused=True)['uuid']}"


def ends_unsent(engine, target, path, event_id, outcome):
    engine.in_state(event_id, "pending")
    engine.clock.advance(2 * HOUR)
    assert engine.api("POST", path + "/resume").status == 200
    delivery = engine.settled(event_id)
    assert (delivery["state"], delivery["outcome"], delivery["attempts"]) == ("dead", outcome, []), delivery
    assert engine.metric(f'deliveries_total{{outcome="{outcome}"}}') == 1
    assert target.count == 0


def test_expired(story):
    engine, target, path = paused(story)
    at = datetime.fromtimestamp(engine.clock.now() + HOUR, timezone.utc).isoformat(timespec="seconds")
    ends_unsent(engine, target, path, engine.ok(expires_at=at.replace("+00:00", "Z")), "expired")


def test_too_old(story):
    engine, target, path = paused(story, max_age="1h")
    ends_unsent(engine, target, path, engine.ok(), "too_old")


def test_cancelled(story):
    engine, target, path = paused(story)
    event_id = engine.ok()
    engine.in_state(event_id, "pending")
    assert engine.api("POST", path + "/disable").status == 200
    delivery = engine.settled(event_id)
    assert (delivery["state"], delivery["outcome"]) == ("cancelled", "cancelled"), delivery
    assert target.count == 0
