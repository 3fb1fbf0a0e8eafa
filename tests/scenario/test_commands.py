# SPDX-License-Identifier: MIT
"""The command line against a running engine (admin.md, Command line)."""
import json
import os
import re
import signal
import subprocess

from story import wait_for, within
from story.target import free_port


def run(engine, *arguments, stdin=b""):
    done = engine.run(*arguments, stdin=stdin)
    assert done.returncode == 0, done
    return done.stdout.decode()


def test_webhooks_from_add_to_remove(story):
    target = story.target()
    engine = story.engine()
    uuid = "9d5b8f0e-0000-4000-8000-000000000001"
    arguments = [
        "webhooks", "add", "--target", target.url("/in"), "--event", "request.added", "--event", "user.*",
        "--name", "tracker", "--extra-payload", '{"a":1.50}', "--extra-header", "X-A: b: c", "--script",
        "slack,text=*{{event}}*,channel=#x", "--script", "standard-webhooks", "--max-in-flight", "5",
        "--timeout", "5s", "--uuid", uuid,
    ]  # fmt: skip
    said = run(engine, *arguments)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", said).group(0)
    webhook = engine.get(f"/api/v1/webhooks/{uuid}")
    assert webhook["events"] == ["request.added", "user.*"] and webhook["timeout_ms"] == 5000, webhook
    assert webhook["max_in_flight"] == 5 and webhook["name"] == "tracker"
    engine.ok("request.added")
    request = target.one()
    assert request.json == {"text": "*request.added*", "channel": "#x", "a": 1.5}
    assert request.headers["x-a"] == "b: c" and request.headers["webhook-signature"].startswith("v1,")
    listing = run(engine, "webhooks", "list")
    assert "request.added" in listing and secret not in listing, listing
    assert json.loads(run(engine, "webhooks", "list", "--output", "json"))
    assert uuid in run(engine, "webhooks", "show", uuid) and secret not in run(engine, "webhooks", "show", uuid)
    run(engine, "webhooks", "edit", uuid, "--extra-header", "X-A:", "--script", "none", "--event", "*")
    webhook = engine.get(f"/api/v1/webhooks/{uuid}")
    assert webhook["scripts"] == [] and webhook["events"] == ["*"] and "X-A" not in webhook["extra_headers"], webhook
    run(engine, "webhooks", "pause", uuid)
    run(engine, "webhooks", "resume", uuid)
    run(engine, "webhooks", "disable", uuid)
    assert engine.send()["deliveries"] == 0
    run(engine, "webhooks", "enable", uuid)
    assert engine.send()["deliveries"] == 1
    shown = run(engine, "webhooks", "test", uuid)
    assert "delivered" in shown and "204" in shown, shown
    run(engine, "webhooks", "remove", uuid, "--yes")
    assert engine.get("/api/v1/webhooks")["data"] == []


def test_add_says_when_nothing_is_signed(story):
    """A secret alone signs nothing; who thinks that it does sends what nobody can verify."""
    engine = story.engine()
    add = ("webhooks", "add", "--target", "http://127.0.0.1:9009/", "--event", "*")
    said = run(engine, *add)
    assert "Keep the secret" in said and "Nothing is signed yet" in said, said
    said = run(engine, *add, "--script", "standard-webhooks")
    assert "Keep the secret" in said and "Nothing is signed" not in said, said
    assert [row["signs"] for row in engine.get("/api/v1/webhooks")["data"]].count(True) == 1


def test_what_is_wrong_is_said_and_counted(story):
    engine = story.engine()
    wrong_usage = [["webhooks", "add", "--targt", "x"], ["webhoks", "list"], ["explain"], [], ["send", "a", "b", "c"]]
    for arguments in wrong_usage:
        done = engine.run(*arguments)
        assert done.returncode == 2 and done.stderr, (arguments, done)
    assert b'"target"' in engine.run("webhooks", "add", "--targt", "x").stderr
    assert b"webhooks" in engine.run("webhoks", "list").stderr
    refused = engine.run("webhooks", "add", "--target", "ftp://x/", "--event", "a")
    assert refused.returncode == 1 and b"target" in refused.stderr, refused
    unknown = engine.run("webhooks", "show", "9d5b8f0e-0000-4000-8000-00000000dead")
    assert unknown.returncode == 1, unknown
    engine.stop()
    away = engine.run("webhooks", "list")
    assert away.returncode == 3 and b"grapnel serve" in away.stderr, away
    engine.start()


def test_deliveries_list_show_retry(story):
    target = story.target([404, 204])
    engine = story.engine()
    engine.webhook(target, retry=[])
    event_id = engine.ok()
    delivery = engine.settled(event_id)
    assert "http_4xx" in run(engine, "deliveries", "list")
    assert "404" in run(engine, "deliveries", "show", delivery["id"])
    rows = json.loads(run(engine, "deliveries", "list", "--state", "dead", "--output", "json"))
    rows = rows["data"] if isinstance(rows, dict) else rows
    assert [row["id"] for row in rows] == [delivery["id"]]
    run(engine, "deliveries", "retry", delivery["id"])
    assert engine.in_state(event_id, "delivered")
    said = run(engine, "explain", event_id)
    assert "delivered" in said.lower(), said
    assert run(engine, "explain", delivery["id"])


def test_tenants(story):
    engine = story.engine()
    run(engine, "tenants", "add", "acme")
    assert {"acme", "default"} <= set(run(engine, "tenants", "list").split())
    assert engine.run("tenants", "add", "acme").returncode == 1
    assert engine.run("tenants", "add", "a b").returncode == 1


def test_version_and_help(story):
    engine = story.engine(start=False)
    assert re.search(r"\d+\.\d+", run(engine, "version"))
    usage = run(engine, "--help")
    for command in ("serve", "check", "send", "listen", "webhooks", "deliveries", "explain", "tenants", "version"):
        assert command in usage, command
        assert run(engine, command, "--help"), command


class Listener:
    """`grapnel listen`, and what it printed."""

    def __init__(self, engine, *arguments):
        self.port = free_port()
        self.process = subprocess.Popen(
            [engine.binary, "listen", f"127.0.0.1:{self.port}", "--output", "json", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=engine.env(),
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}/"
        wait_for(self.is_listening, "grapnel listen")

    def is_listening(self):
        """Asked of the kernel: a connection would count as one."""
        with open("/proc/net/tcp", encoding="ascii") as file:
            return any(line.split()[1].endswith(f":{self.port:04X}") and line.split()[3] == "0A" for line in file)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)

    def rows(self):
        out, errors = self.process.communicate(timeout=30)
        return [json.loads(line) for line in out.splitlines()]


@within(120)
def test_listen_verifies_what_the_engine_signs(story):
    """The receiver for people: prints requests and says whether their signature is right."""
    engine = story.engine()
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    for script, scheme in (("standard-webhooks", "standard"), ("github", "github")):
        for given, is_right in ((secret, True), (other, False)):
            listener = Listener(engine, "--secret", given, "--scheme", scheme, "--count", "1")
            engine.webhook(listener.url, scripts=[{"name": script}], secrets=[secret], events=[f"e{listener.port}"],
                           retry=[1] * 10)  # fmt: skip
            engine.ok(f"e{listener.port}", data={"a": 1})
            (row,) = listener.rows()
            text = json.dumps(row)
            assert "a" in text and ("verified" in text or "signature" in text), row
            verdicts[(script, is_right)] = row
    for script in ("standard-webhooks", "github"):
        assert differ(verdicts[(script, True)], verdicts[(script, False)])


verdicts = {}


def differ(one, other):
    """The member about the signature says something else."""
    return any("signature" in name and one[name] != other.get(name) for name in one)


def test_listen_answers_as_told(story):
    engine = story.engine(clock=True)
    listener = Listener(engine, "--status", "500,503,200", "--count", "3")
    engine.webhook(listener.url, retry=[100, 100, 100])
    event_id = engine.ok()
    for number in (1, 2):
        engine.in_state(event_id, "pending", attempts=number)
        engine.clock.advance(200)
    delivery = engine.settled(event_id)
    statuses = [attempt["status"] for attempt in delivery["attempts"] if attempt["status"]]
    assert statuses == [500, 503, 200], delivery
    assert len(listener.rows()) == 3


def test_output_is_safe_for_terminals(story):
    """Control characters of others do not reach the terminal."""
    engine = story.engine()
    engine.webhook(story.dead_url(), events=["x"], name="evil \x1b[31mname\x07", is_active=False)
    said = run(engine, "webhooks", "list")
    assert "\x1b[31m" not in said and "\x07" not in said, repr(said)


# ---- documentation ----


def documented(text):
    """What a page tells to type: indented lines (with those that they go on in), and code in a sentence."""
    joined = re.sub(r"\\\n +", " ", text)
    yield from re.findall(r"^    (grapnel .*)$", joined, re.M)
    yield from (" ".join(code.split()) for code in re.findall(r"`(grapnel [^`]+)`", joined))


def test_commands_of_the_documentation_exist(story):
    """With each option that is named beside them."""
    seen = 0
    for page in ("README.md", "lua/README.md", "scripts/README.md", "core/README.md"):
        with open(os.path.join(story.top, page), encoding="utf-8") as file:
            lines = set(documented(file.read()))
        assert lines, page
        for line in lines:
            words = re.match(r"grapnel ((?:[a-z][a-z-]*(?: |$)){1,2})", line).group(1).split()
            options = re.findall(r"(?<= )--[a-z][a-z-]*", line)
            helps = [subprocess.run([story.binary, *words[:count], "--help"], capture_output=True, timeout=60)
                     for count in (2, 1)]  # fmt: skip
            groups = [done.stdout.decode() for done in helps if done.returncode == 0]
            assert groups and len(words) > 0, (page, line)
            is_group = "COMMAND" in groups[0] or "commands" in groups[0]
            assert not is_group, (page, line, groups[0])
            assert all(re.search(rf"^  {option}\b", groups[0], re.M) for option in options), (page, line)
            seen += 1
    assert seen > 30, seen
