# SPDX-License-Identifier: MIT
"""Runs hostile scripts beside another tenant's honest one, and judges all that came of it."""
import base64
import hashlib
import hmac
import json
import os
import re
import time
import traceback

from case import nth
from story import Answer

SECRET = "whsec_" + base64.b64encode(b"canary secret of another tenant!").decode()
TEXT = "canary-text-9f2c51e07ab84d63"
TOKEN = "canary-token-4b7d90e6a2f1c358"
CANARY = """-- SPDX-License-Identifier: MIT
-- What another tenant does all day: the same event gives the same bytes.
local crypto = require "grapnel.crypto"
local seen = {}
return {
    api = 1,
    options = { password = { type = "secret", required = true } },
    transform = function(request, event, ctx)
        seen[#seen % 8 + 1] = { event.data.text, ctx.options.password }
        request.body = { text = event.data.text, list = request.body.data.list, env = #ctx.env.TOKEN }
    end,
    sign = function(request, _, ctx)
        seen.secret = ctx.secret
        request.headers["X-Sum"] = crypto.hex(crypto.hmac("sha256", ctx.secret, request.body))
    end,
}
"""
PLAIN = {"cpu": 100, "wall": 2000}
SANITIZED = {"cpu": 300, "wall": 8000}  # everything is slower there
GROWTH = 48 * 1024 * 1024  # bytes that the engine may have gained when all scripts of a folder are through
FILES = 8  # descriptors that may be open more than before
PIECE = 12  # so much of a secret in a row is a leak


def spellings(text):
    """The text, and how a script may have disguised it."""
    raw = text.encode()
    yield raw
    yield raw[::-1]
    yield raw.hex().encode()
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]


class Canary:
    """Another tenant's webhook, on the same script host."""

    def __init__(self, story, engine):
        self.engine = engine
        self.target = story.target()
        answer = engine.api("POST", "/api/v1/tenants", {"name": "canary"})
        assert answer.status == 201, answer
        scripts = [{"name": "canary", "options": {"password": TOKEN}}]
        self.uuid = engine.webhook(
            self.target, ["canary"], tenant="canary", scripts=scripts, secrets=[SECRET], retry=[]
        )["uuid"]
        self.body = b'{"env":%d,"list":[1.50,{"b":[],"a":{}}],"text":"%s"}' % (len(TOKEN), TEXT.encode())
        self.sum = hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest()
        self.line = b'{"event":"canary","tenant":"canary","data":{"text":"%s","list":[1.50,{"b":[],"a":{}}]}}\n'
        self.line %= TEXT.encode()
        self.sent = 0

    def send(self):
        with self.engine.producer() as producer:
            producer.write(self.line)
            reply = producer.reply()
        assert reply["ok"] and reply["deliveries"] == 1, reply
        self.sent += 1

    def problems(self):
        """Waits for all that was sent."""
        self.target.wait(self.sent)
        for request in self.target.requests:
            if request.body != self.body:
                yield f"the canary's body became {request.body!r}"
            if request.headers["x-sum"] != self.sum:
                yield f"the canary's signature became {request.headers['x-sum']}"
        if self.target.count != self.sent:
            yield f"the canary arrived {self.target.count} times, and was sent {self.sent} times"
        self.target.requests.clear()

    def leaks(self, where, said):
        """Pieces of what belongs to the canary, in what belongs to others."""
        for text in (SECRET[6:], TEXT, TOKEN):
            for spelling in spellings(text):
                for i in range(len(spelling) - PIECE + 1):
                    if spelling[i : i + PIECE] in said:
                        yield f"{where} has {spelling[i : i + PIECE]!r} of the canary"
                        break


def answer_of(case):
    said = case.answer
    body = (said.get("body", "") * said.get("times", 1)).encode()
    return Answer.status(said.get("status", 204), said.get("headers", {}), body)


class Ground:
    """An engine with one script host, on which a folder's scripts are let loose, one after the other."""

    def __init__(self, story, cases, **options):
        limits = SANITIZED if story.is_sanitized else PLAIN
        self.story = story
        for case in cases:
            story.file(f"scripts/{case.name}.lua", case.source)
        story.file("scripts/canary.lua", CANARY)
        self.engine = story.engine(
            scripts_dir=os.path.join(story.folder, "scripts"),
            script_hosts=1, script_cpu_ms=limits["cpu"], script_wall_ms=limits["wall"],
            quarantine_after=0, hook_env={"canary": {"TOKEN": TOKEN}, "default": {"OURS": "ours"}}, **options,
        )  # fmt: skip
        self.target = story.target()
        self.canary = Canary(story, self.engine)
        self.before = None

    def run(self, case):
        """What is wrong with it: a list, empty when all is as declared."""
        try:
            self.canary.send()
            found = list(self._save(case) if case.at == "save" else self._visit(case))
            self.canary.send()
            found += self.canary.problems()
        except Exception:
            found = traceback.format_exc().splitlines()[-12:]
        if not self.engine.is_running:
            found.append("the engine has ended")
        return found

    # ---- a script that renders ----

    def _visit(self, case):
        hosts = set(self.engine.children())
        self.target.answer_with(answer_of(case))
        uses = [{"name": case.name, "options": case.options}]
        fields = {"retry": [], "scripts": uses, **case.webhook}
        hook = self.engine.webhook(self.target.url(f"/{case.name}"), [case.name], **fields)
        for visit, data in enumerate(case.data):
            self.target.requests.clear()
            event_id = self.engine.ok(case.name, data=data)
            self.canary.send()
            delivery = self.engine.in_state(event_id, ("delivered", "filtered", "dead"), hook["uuid"])
            yield from self._judge(case, visit, delivery)
            said = json.dumps(delivery, ensure_ascii=False).encode("utf-8", "surrogatepass")
            yield from self.canary.leaks("the record of the attempt", said)
            for request in self.target.requests:
                yield from self.canary.leaks("the request", request.head + b"\r\n" + request.body)
        yield from self._judge_host(case, hosts - set(self.engine.children()))

    def _judge(self, case, visit, delivery):
        (attempt,) = delivery["attempts"]
        scripts = attempt.get("scripts") or {}
        reason = attempt["reason"] or scripts.get("response_error") or ""
        expected = case.outcome(visit)
        if self.story.is_sanitized and "script_timeout" in expected:
            expected = expected | {"script_killed"}  # their signals come late
        if delivery["outcome"] not in expected:
            yield f"visit {visit + 1} came to {delivery['outcome']} ({reason}), not {' or '.join(sorted(expected))}"
            return
        pattern = nth(case.reasons, visit)
        is_late = delivery["outcome"] == "script_killed" and "script_killed" not in case.outcome(visit)
        if pattern is not None and not is_late and not re.search(pattern, reason):
            yield f"visit {visit + 1}: the reason is {reason!r}, not {pattern!r}"
        logs = scripts.get("logs") or ""
        pattern = nth(case.logs, visit)
        if pattern is not None and not re.search(pattern, logs):
            yield f"visit {visit + 1}: the log is {logs!r}, not {pattern!r}"
        for text, what in ((reason, "the reason"), (logs, "the log")):
            if re.search("[\0-\x08\x0b-\x1f\x7f]|0x[0-9a-f]{8}", text):
                yield f"{what} has control characters or an address: {text[:200]!r}"
        yield from self._judge_sent(case, visit, delivery["outcome"])

    def _judge_sent(self, case, visit, outcome):
        left = outcome in ("delivered", "http_5xx", "verdict_retry", "verdict_fail", "verdict_disable")
        if len(self.target.requests) != left:
            yield f"{len(self.target.requests)} requests left, {int(left)} should have: {self.target.requests}"
            return
        if not left:
            return
        (request,) = self.target.requests
        body = nth(case.sends, visit)
        if body is not None and request.body.decode("utf-8", "replace") != body:
            yield f"visit {visit + 1} sent {request.body[:500]!r}, not {body!r}"
        for name, value in case.headers:
            if request.headers.get(name.lower()) != value:
                yield f"the header {name} is {request.headers.get(name.lower())!r}, not {value!r}"

    def _judge_host(self, case, gone):
        may_differ = self.story.is_sanitized and any("script_timeout" in outcome for outcome in case.outcomes)
        if case.host == "either" or may_differ:
            return
        if bool(gone) != (case.host == "killed"):
            yield f"the host is {'gone' if gone else 'alive'}, declared is {case.host}"

    # ---- a webhook that is saved ----

    def _save(self, case):
        body = {
            "target": self.target.url(), "events": [case.name],
            "scripts": [{"name": case.name, "options": case.options}], **case.webhook,
        }  # fmt: skip
        answer = self.engine.api("POST", "/api/v1/webhooks", body)
        came = {201: "loaded", 422: "refused"}.get(answer.status, str(answer.status))
        if came not in case.outcome(0):
            yield f"saving came to {came}: {answer}"
            return
        said = answer.body.decode()
        if case.reasons and not re.search(case.reasons[0], said):
            yield f"the answer is {said!r}, not {case.reasons[0]!r}"
        yield from self.canary.leaks("the answer", answer.body)

    # ---- the end ----

    def note(self):
        """Once everything is warm."""
        self.before = self.engine.memory(), self.engine.open_files()

    def check_growth(self):
        """What is left behind when a folder's scripts are through."""
        list(self.canary.problems())
        self.engine.wait_idle()
        memory, files = self.engine.memory(), self.engine.open_files()
        if self.before and files > self.before[1] + FILES:
            yield f"the engine has {files} open files, {self.before[1]} before"
        if self.before and memory > self.before[0] + GROWTH and not self.story.is_sanitized:
            yield f"the engine has {memory >> 20} MiB, {self.before[0] >> 20} before"
        yield from self.canary.leaks("the engine's log", self.engine.log().encode())


def attack(story, cases):
    """One line for each script; the problems of all."""
    ground = Ground(story, cases)
    problems = []
    for number, case in enumerate(cases):
        started = time.monotonic()
        found = ground.run(case)
        for line in found:
            print(f"    {line}")
        seconds = time.monotonic() - started
        print(f"{'not ok' if found else 'ok'} {case.path.parent.name}/{case.name} ({seconds:.1f} s)", flush=True)
        problems += [f"{case.name}: {line}" for line in found]
        if number == 2:
            ground.note()
        if not ground.engine.is_running:
            break
    else:
        problems += ground.check_growth()
    return problems
