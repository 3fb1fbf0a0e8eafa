# SPDX-License-Identifier: MIT
"""Scripts in a running engine: signatures that others verify, limits, reloading (lua.md)."""
import base64
import hashlib
import hmac
import json
import os

from story import Answer, wait_for, within

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def standard_signature(secret, request):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    headers = request.headers
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def use(*names):
    return [name if isinstance(name, dict) else {"name": name} for name in names]


def with_script(story, name, source, **options):
    """An engine whose scripts_dir has this one script."""
    story.file(f"scripts/{name}.lua", source)
    return story.engine(scripts_dir=os.path.join(story.folder, "scripts"), **options)


# ---- ready-made ----


def test_standard_webhooks_verifies(story):
    target = story.target([500, 204])
    engine = story.engine(clock=True)
    engine.webhook(target, scripts=use("standard-webhooks"), secrets=[SECRET], retry=[100])
    with engine.producer() as producer:
        producer.write(b'{"event":"test","data":' + story.support("request_added.json") + b"}\n")
        event_id = producer.reply()["id"]
    engine.in_state(event_id, "pending", attempts=1)
    engine.clock.advance(150)
    engine.settled(event_id)
    first, second = target.requests
    for request in (first, second):
        assert request.headers["webhook-signature"] == standard_signature(SECRET, request)
    assert first.id == second.id and first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 100


def test_standard_webhooks_signs_with_each_secret(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target, scripts=use("standard-webhooks"), secrets=[SECRET, OLDER])
    engine.ok()
    request = target.one()
    expected = [standard_signature(secret, request) for secret in (SECRET, OLDER)]
    assert request.headers["webhook-signature"].split(" ") == expected


def test_secret_is_made_and_shown_once(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, scripts=use("standard-webhooks"))
    secret = webhook["secret"]
    assert secret.startswith("whsec_") and len(base64.b64decode(secret[6:])) == 32
    assert secret not in json.dumps(engine.get(f"/api/v1/webhooks/{webhook['uuid']}"))
    engine.restart()
    engine.ok()
    request = target.one()
    assert request.headers["webhook-signature"] == standard_signature(secret, request)


def test_github_verifies(story):
    target = story.target()
    engine = story.engine()
    secret = "It's a Secret to Everybody"
    engine.webhook(target, events=["push"], scripts=use("github"), secrets=[secret])
    event_id = engine.ok("push", data={"é": 1})
    request = target.one()
    for header, algorithm in (("x-hub-signature-256", "sha256"), ("x-hub-signature", "sha1")):
        digest = hmac.new(secret.encode(), request.body, algorithm).hexdigest()
        assert request.headers[header] == f"{algorithm}={digest}"
    assert request.headers["x-github-event"] == "push" and request.headers["x-github-delivery"] == event_id


def test_slack_body(story):
    target = story.target()
    engine = story.engine()
    options = {"text": "*{{data.title}}* {{data.n}}", "channel": "#security"}
    engine.webhook(target, scripts=use({"name": "slack", "options": options}), extra_payload={"username": "u"})
    with engine.producer() as producer:
        producer.write(b'{"event":"test","data":{"title":"a < b","n":1.50}}\n')
        assert producer.reply()["ok"]
    assert target.one().json == {"text": "*a &lt; b* 1.50", "channel": "#security", "username": "u"}


def test_dejacode_slack_body(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target, events=["request.added"], scripts=use("dejacode-slack"))
    with engine.producer() as producer:
        producer.write(b'{"event":"request.added","data":' + story.support("request_added.json") + b"}\n")
        assert producer.reply()["ok"]
    (attachment,) = target.one().json["attachments"]
    assert attachment["color"] == "#5bb75b" and "New vulnerability detected" in attachment["title"], attachment
    assert attachment["title_link"] == "/requests/fbc77986-06ff-4dbb-81c3-95cd36dbed66/"
    assert {"title": "Priority", "value": "Urgent", "short": True} in attachment["fields"]
    assert {"fallback", "pretext", "color", "title", "title_link", "text", "fields", "ts"} == set(attachment)


def test_options_are_checked_when_saved(story):
    engine = story.engine()
    target = story.target()
    for options, field in [({"txt": "a"}, "txt"), ({"text": 1}, "text")]:
        body = {"target": target.url(), "events": ["x"], "scripts": use({"name": "slack", "options": options})}
        errors = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
        assert any(field in name for name in errors), errors
    body = {"target": target.url(), "events": ["x"], "scripts": use("slak")}
    errors = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
    assert "slak" in str(errors), errors


# ---- what scripts do ----

PIPELINE = """-- SPDX-License-Identifier: MIT
local crypto = require "grapnel.crypto"
return {
    api = 1,
    options = { mark = { type = "string", required = true } },
    filter = function(event) return event.data.n ~= 2, "two is not wanted" end,
    transform = function(request, event, ctx)
        request.body.data.seen = (request.body.data.seen or "") .. ctx.options.mark
        request.headers["X-Attempt"] = tostring(ctx.attempt.number)
        if event.data.n == 3 then return false, "not three" end
    end,
    sign = function(request, _, ctx)
        local before = request.headers["X-Sum"] or ""
        request.headers["X-Sum"] = before .. ctx.options.mark .. crypto.hex(crypto.digest("sha256", request.body))
    end,
}
"""


def test_pipeline_in_order(story):
    """Filters, transforms, extra payload, signs; the same script twice with other options."""
    target = story.target()
    engine = with_script(story, "pipeline", PIPELINE)
    scripts = [{"name": "pipeline", "options": {"mark": mark}} for mark in ("a", "b")]
    engine.webhook(target, scripts=scripts, extra_payload={"late": 1.5})
    with engine.producer() as producer:
        for n in (1, 2, 3):
            producer.write(b'{"event":"test","data":{"big":12345678901234567890, "n":%d,"e":[]}}\n' % n)
        ids = [reply["id"] for reply in producer.replies(3)]
    request = target.one()
    assert request.id == ids[0]
    digest = hashlib.sha256(request.body).hexdigest()
    assert request.headers["x-sum"] == f"a{digest}b{digest}"
    assert request.headers["x-attempt"] == "1"
    assert request.body.endswith(b'"late":1.5}') and b"12345678901234567890" in request.body
    assert request.json["data"] == {"big": 12345678901234567890, "n": 1, "e": [], "seen": "ab"}
    for event_id, reason in ((ids[1], "two is not wanted"), (ids[2], "not three")):
        delivery = engine.settled(event_id)
        assert delivery["state"] == "filtered" and delivery["outcome"] == "filtered", delivery
        assert reason in json.dumps(delivery), delivery
        assert len(delivery["attempts"]) == 1


RESPONSE = """-- SPDX-License-Identifier: MIT
return {
    api = 1,
    response = function(response, event)
        local answer = response.json()
        if not answer then return end
        if answer.say == "boom" then error("boom") end
        if answer.say then return answer.say, answer.arg end
    end,
}
"""


def test_verdicts_of_response(story):
    engine = with_script(story, "verdict", RESPONSE)
    cases = [
        (500, {"say": "ok"}, "delivered", "delivered"),
        (200, {"say": "retry", "arg": 60}, "pending", "verdict_retry"),
        (200, {"say": "fail", "arg": "no use"}, "dead", "verdict_fail"),
        (200, {"say": "boom"}, "delivered", "delivered"),
        (500, {"say": "boom"}, "dead", "http_5xx"),
        (200, {"say": "nonsense"}, "delivered", "delivered"),
        (200, {}, "delivered", "delivered"),
        (404, {}, "dead", "http_4xx"),
        (200, {"say": "disable", "arg": "for ever"}, "dead", "verdict_disable"),
    ]
    for status, answer, state, outcome in cases:
        target = story.target(Answer.status(status, {}, json.dumps(answer).encode()))
        retry = [30] if outcome == "verdict_retry" else []
        webhook = engine.webhook(target, scripts=use("verdict"), events=["x"], retry=retry)
        delivery = engine.in_state(engine.ok("x", webhook=webhook["uuid"]), state, attempts=1)
        assert delivery["outcome"] == outcome, (status, answer, delivery)
        attempt = delivery["attempts"][0]
        if answer.get("say") in ("boom", "nonsense"):
            assert attempt["scripts"]["response_error"], attempt
        is_active = engine.get(f"/api/v1/webhooks/{webhook['uuid']}")["is_active"]
        assert is_active == (outcome != "verdict_disable")
        if answer.get("arg") and state == "dead":
            assert answer["arg"] in json.dumps(delivery), delivery


def test_headers_of_scripts_are_judged(story):
    """Forbidden ones raise at the assignment, with the line; nothing leaves."""
    names = ["Host", "content-length", "Transfer-Encoding", "webhook-id", "Proxy-X", "a b", ""]
    values = ["a\\r\\nb", "a\\0b"]
    target = story.target()
    for i, name in enumerate(names):
        story.file(f"scripts/name{i}.lua", bad_header(f'request.headers["{name}"] = "x"'))
    for i, value in enumerate(values):
        story.file(f"scripts/value{i}.lua", bad_header(f'request.headers["X"] = "{value}"'))
    engine = story.engine(scripts_dir=os.path.join(story.folder, "scripts"))
    for script in [f"name{i}" for i in range(len(names))] + [f"value{i}" for i in range(len(values))]:
        webhook = engine.webhook(target, events=["x"], scripts=use(script), retry=[])
        delivery = engine.settled(engine.ok("x", webhook=webhook["uuid"]))
        assert delivery["outcome"] == "script_error", (script, delivery)
        assert f"{script}.lua" in json.dumps(delivery) or script in json.dumps(delivery), delivery
    assert target.count == 0


def bad_header(line):
    return (
        "-- SPDX-License-Identifier: MIT\nreturn {\n    api = 1,\n    sign = function(request)\n"
        f"        {line}\n    end,\n}}\n"
    )


# ---- limits ----

HOSTILE = {
    # name: (what it does in transform, outcomes that it may come to)
    "loop": ("while true do end", {"script_timeout"}),
    "caught-loop": ("while true do pcall(function() while true do end end) end", {"script_timeout", "script_killed"}),
    "recursion": ("local function f(n) return 1 + f(n + 1) end return f(1)", {"script_error", "script_memory", "script_timeout"}),
    "pattern": ('(("a"):rep(200000)):find((".-"):rep(20) .. "b")', {"script_timeout", "script_killed"}),
    "backtrack": ('(("a"):rep(40)):find(("a?"):rep(40) .. ("a"):rep(40) .. "b")', {"script_timeout", "script_killed"}),
    "memory": ("local t = {} while true do t[#t + 1] = {} end", {"script_memory", "script_timeout"}),
    "strings": ('local s = "x" while true do s = s .. s end', {"script_memory"}),
    "rep": ('request.body = ("x"):rep(1 << 40)', {"script_memory", "script_error"}),
    "output": ('request.body = ("x"):rep(5 << 20)', {"script_error"}),
    "number": ("return 42", {"script_error"}),
    "function-body": ("request.body = { f = print }", {"script_error"}),
    "nan": ("request.body.data = { x = 0 / 0 }", {"script_error"}),
    "cycle": ("local t = {} t.t = t request.body = t", {"script_error"}),
    "mixed": ("request.body = { 1, 2, a = 3 }", {"script_error"}),
    "number-body": ("request.body = 7", {"script_error"}),
    "throw-table": ("error({})", {"script_error"}),
    "throw-nil": ("error(nil)", {"script_error"}),
    "global": ("leak = 1", {"script_error"}),
    "no-os": ('os.execute("true")', {"script_error"}),
    "no-io": ('io.open("/etc/passwd")', {"script_error"}),
    "no-require": ('require "os"', {"script_error"}),
    "string-table": ('string.upper = print', {"script_error"}),
    "finalizer": ("setmetatable({}, { __gc = function() while true do end end })", {"script_error"}),
    "sort": ("local t = {} for i = 1, 100000 do t[i] = i end table.sort(t, function() return true end)",
             {"script_error", "script_timeout", "script_memory"}),
    "gsub": ('(("x"):rep(1000)):gsub("x", function() while true do end end)', {"script_timeout"}),
}  # fmt: skip


@within(150)
def test_hostile_scripts_end_as_their_named_outcome(story):
    """Each for itself, while another webhook's deliveries with and without a script go on."""
    for name, (line, _) in HOSTILE.items():
        source = (
            "-- SPDX-License-Identifier: MIT\nreturn {\n    api = 1,\n"
            f"    transform = function(request)\n        {line}\n    end,\n}}\n"
        )
        story.file(f"scripts/{name}.lua", source)
    good, bad = story.target(keep="ids"), story.target()
    # On a busy machine honest work needs more time, too.
    limits = {"script_cpu_ms": 500 if story.is_sanitized else 100, "script_wall_ms": 2000}
    engine = story.engine(scripts_dir=os.path.join(story.folder, "scripts"), **limits)
    engine.webhook(good.url("/plain"), events=["good"])
    engine.webhook(good.url("/signed"), events=["good"], scripts=use("standard-webhooks"))
    hooks = {name: engine.webhook(bad.url(f"/{name}"), scripts=use(name), events=["x"], retry=[]) for name in HOSTILE}
    sent = 0
    for name, (_, outcomes) in HOSTILE.items():
        event_id = engine.ok("x", webhook=hooks[name]["uuid"])
        for _ in range(5):
            engine.ok("good")
            sent += 1
        delivery = engine.settled(event_id)
        if story.is_sanitized and "script_timeout" in outcomes:
            outcomes = outcomes | {"script_killed"}  # their signals come late
        assert delivery["state"] == "dead" and delivery["outcome"] in outcomes, (name, outcomes, delivery)
        attempt = delivery["attempts"][0]
        assert attempt["reason"], (name, attempt)
        good.wait(2 * sent)
    assert bad.count == 0, bad.requests
    assert engine.metric('attempts_total{outcome="script_error"}') > 0
    assert engine.ok("good") and good.wait(2 * sent + 2) is not None


def test_wedged_script_holds_up_nobody(story):
    """Many deliveries with a script that must be killed; another webhook's all arrive meanwhile."""
    line = HOSTILE["backtrack"][0]
    engine = with_script(
        story,
        "wedge",
        "-- SPDX-License-Identifier: MIT\nreturn {\n    api = 1,\n"
        f"    transform = function()\n        {line}\n    end,\n}}\n",
    )
    good, bad = story.target(keep="ids"), story.target()
    engine.webhook(bad, events=["bad"], scripts=use("wedge"), retry=[])
    engine.webhook(good, events=["good"], scripts=use("standard-webhooks"))
    count = story.scale(200, 40)
    with engine.producer() as producer:
        for i in range(count):
            producer.write({"event": "good", "data": i})
            if i % 10 == 0:
                producer.write({"event": "bad", "data": i})
        replies = producer.replies(count + (count + 9) // 10)
    assert all(reply["ok"] for reply in replies)
    good.wait(count, 60)
    assert good.count == count == len(good.ids), "a job that shared a host with a killed one ran once"
    assert bad.count == 0
    wait_for(lambda: engine.metric("unsettled") == 0, "everything settled", 60)
    ended = sum(engine.metric(f'deliveries_total{{outcome="{o}"}}') for o in ("script_killed", "script_timeout"))
    assert ended == (count + 9) // 10, ended


def test_script_is_mended_and_the_delivery_heals(story):
    path = story.file("scripts/shape.lua", bad_header('error("not yet")').replace("sign", "transform"))
    target = story.target()
    engine = story.engine(clock=True, scripts_dir=os.path.dirname(path))
    engine.webhook(target, scripts=use("shape"), retry=[100])
    event_id = engine.ok()
    delivery = engine.in_state(event_id, "pending", attempts=1)
    assert delivery["outcome"] == "script_error" and "not yet" in json.dumps(delivery), delivery
    before = delivery["attempts"][0]["scripts"]["versions"]
    story.file("scripts/shape.lua", bad_header('request.body.mended = true').replace("sign", "transform"))
    engine.signal(1)
    engine.wait_log("scripts_dir was read")
    engine.clock.advance(200)
    delivery = engine.settled(event_id)
    assert delivery["state"] == "delivered" and target.one().json["mended"] is True, delivery
    assert delivery["attempts"][1]["scripts"]["versions"] != before


def test_broken_reload_keeps_the_old_version(story):
    path = story.file("scripts/shape.lua", bad_header("request.body.v = 1").replace("sign", "transform"))
    target = story.target()
    engine = story.engine(scripts_dir=os.path.dirname(path))
    engine.webhook(target, scripts=use("shape"))
    broken = {
        "syntax": "return {",
        "no table": "return 7",
        "api": "return { api = 2 }",
        "unknown member": "return { api = 1, filtr = function() end }",
        "golden": "return { api = 1, transform = function(r) r.body = 'x' end,"
        " tests = { { name = 'the body', expect = { body = 'y' } } } }",
    }
    for number, (what, source) in enumerate(broken.items(), 1):
        story.file("scripts/shape.lua", "-- SPDX-License-Identifier: MIT\n" + source + "\n")
        engine.signal(1)
        wait_for(lambda: engine.log().count("scripts_dir was read") >= number, "read again")  # noqa: B023
        assert "shape" in engine.log(), what
        engine.ok(data=what)
        assert target.wait(number)[-1].json["v"] == 1, what


def test_a_file_that_is_gone_is_missed_by_nobody(story):
    """A webhook uses it: what was active stays so, and nothing leaves unsigned."""
    source = bad_header('request.headers["X-Signed"] = "yes"')
    path = story.file("scripts/signer.lua", source)
    target = story.target()
    engine = story.engine(scripts_dir=os.path.dirname(path))
    engine.webhook(target, scripts=use("signer"))
    engine.stop()
    os.unlink(path)
    engine.start()
    engine.wait_log("signer.lua: it is gone, but is used by")
    engine.settled(engine.ok())
    assert target.one().headers["x-signed"] == "yes"


def test_hosts_are_locked_down(story):
    """Seccomp on, no new privileges, nothing open but their socket."""
    engine = story.engine()
    hosts = engine.children()
    assert hosts
    for pid in hosts:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
        if os.getuid() == 0 and not story.is_sanitized:  # those keep standard error, for their reports
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            others = [link for link in links if not link.startswith(("socket:", "/dev/null"))]
            # A sanitizer has to be able to say what it found: there a host keeps 1 and 2.
            assert len(others) <= (2 if story.is_sanitized else 0), links


def test_killed_hosts_come_back(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target, scripts=use("standard-webhooks"))
    engine.ok()
    target.wait(1)
    before = engine.children()
    for pid in before:
        os.kill(pid, 9)
    for i in range(20):
        engine.ok(data=i)
    target.wait(21)
    assert wait_for(lambda: set(engine.children()) - set(before), "new hosts")
    assert target.count == 21


def test_hosts_end_with_the_engine(story):
    engine = story.engine()
    hosts = engine.children()
    engine.kill()

    def is_gone(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
        except FileNotFoundError:
            return True

    wait_for(lambda: all(map(is_gone, hosts)), "no host is left", 10)
    engine.start()


def test_env_and_metadata_reach_scripts(story):
    source = bad_header(
        'request.headers["X-Env"] = ctx.env.TOKEN .. ctx.webhook.metadata.team .. ctx.webhook.name'
    ).replace("function(request)", "function(request, _, ctx)")
    target = story.target()
    engine = with_script(story, "env", source, hook_env={"default": {"TOKEN": "t1"}})
    engine.webhook(target, scripts=use("env"), metadata={"team": "-blue-"}, name="n")
    engine.ok()
    assert target.one().headers["x-env"] == "t1-blue-n"


def test_logs_are_kept_with_the_attempt(story):
    line = 'print("hello", 1) require("grapnel.log").warn("secret is " .. ctx.secret)'
    source = bad_header(line).replace("function(request)", "function(request, _, ctx)")
    target = story.target()
    engine = with_script(story, "talk", source)
    engine.webhook(target, scripts=use("talk"), secrets=[SECRET])
    delivery = engine.settled(engine.ok())
    logs = delivery["attempts"][0]["scripts"]["logs"]
    assert "hello" in logs and "secret is" in logs and SECRET not in logs, logs
    assert SECRET not in engine.log()
