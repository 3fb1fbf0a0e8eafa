# SPDX-License-Identifier: MIT
"""`grapnel try` and the API behind it: what would be sent, and how it differs from what was (lua.md)."""
import base64
import json
import os
import subprocess

from story import Answer, wait_for
from story.engine import in_threads

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK = "00000000-0000-4000-8000-000000000000"
SHAPE = """-- SPDX-License-Identifier: MIT
local log = require "grapnel.log"
return {
    api = 1,
    options = {
        prefix = { type = "string", default = "" },
        times = { type = "integer", default = 1 },
        token = { type = "secret" },
    },
    filter = function(event) return event.data.priority ~= "Low", "not urgent" end,
    transform = function(request, event, ctx)
        local title = ctx.options.prefix .. string.rep(event.data.title or "-", ctx.options.times)
        log.info("title is", title, ctx.options.token)
        request.body = { text = title, n = event.data.n, token = ctx.options.token }
        request.headers["X-Shape"] = ctx.options.prefix
    end,
    sign = function(request, _, ctx) request.headers["X-Token"] = ctx.secret .. #request.body end,
    response = function(response)
        if response.status == 503 then return "retry", 60 end
        local answer = response.json()
        if answer and answer.ok == false then return "fail", "it said no" end
    end,
}
"""
LOOP = """-- SPDX-License-Identifier: MIT
return { api = 1, transform = function(request, event)
    if event.data.find then string.find(string.rep("a", 90000), string.rep("a?", 40) .. "b") end
    while true do pcall(function() while true do end end) end
end }
"""


def use(*names):
    return [name if isinstance(name, dict) else {"name": name} for name in names]


def with_shape(story, **options):
    path = story.file("scripts/shape.lua", SHAPE)
    return story.engine(scripts_dir=os.path.dirname(path), **options)


def alone(story, *arguments, stdin=b""):
    """The command where no engine is."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GRAPNEL_")}
    env["GRAPNEL_ADMIN_SOCKET"] = os.path.join(story.folder, "nobody.sock")
    done = subprocess.run([story.binary, "try", *arguments], input=stdin, capture_output=True, timeout=60, env=env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def tried(engine, name, **question):
    answer = engine.api("POST", f"/api/v1/scripts/{name}/try", question)
    assert answer.status == 200, answer
    return answer.json


def one(engine, name, **question):
    (row,) = tried(engine, name, **question)["data"]
    return row


# ---- without an engine ----


def test_file_and_event_need_no_engine(story):
    """The request's exact bytes, what sign sets and secrets masked, logs, CPU and memory."""
    script = story.file("shape.lua", SHAPE)
    event = story.file("event.json", '{"event":"request.added","data":{"title":"New","n":1.50}}')
    options = ("--option", "token=hunter22", "--option", "prefix=[a, b] ")
    code, out, err = alone(story, f"{script},times=2", *options, "--event", event)
    assert code == 0 and err == "", (code, out, err)
    for text in (
        "request.added   ", "   request   body ", " ms   ", " KiB\n",
        "    POST https://example.com/\n", "    Content-Type: application/json\n",
        "    X-Shape: [a, b] \n", "    X-Token: [set by sign]\n",
        '    {"n":1.50,"text":"[a, b] NewNew","token":"[secret]"}\n',
        "    log: info shape: title is [a, b] NewNew [secret]\n",
        "1 event: 1 not sent before, 0 changed, 0 same, 0 filtered, 0 errors. Nothing was sent.\n",
    ):  # fmt: skip
        assert text in out, (text, out)
    assert "hunter22" not in out and SECRET[6:] not in out, out


def test_standard_input_json_and_options_behind_the_name(story):
    script = story.file("shape.lua", SHAPE)
    event = {"event": "e", "id": "k-1", "key": "a", "data": {"title": "T", "priority": "Low"}}
    code, out, _ = alone(story, script, "--event", "-", stdin=json.dumps(event).encode())
    assert code == 0 and "   filtered   not urgent   " in out and "1 filtered, 0 errors" in out, out
    code, out, _ = alone(story, f"{script},prefix=a\\,b", "--event", '{"event":"e","data":{}}', "--output", "json")
    answer = json.loads(out)
    (row,) = answer["data"]
    assert json.loads(row["request"]["body"]) == {"text": "a,b-"} and row["request"]["headers"]["X-Shape"] == "a,b"
    assert row["request"]["body_bytes"] == len(row["request"]["body"]) and row["outcome"] == "request"
    assert 0 < row["cpu_us"] < 10_000_000 and row["memory_bytes"] > 1000 and row["sent"] is None, row
    assert answer["summary"]["not_sent_before"] == 1 and answer["tests"] == [], answer


def test_response_is_judged(story):
    script = story.file("shape.lua", SHAPE)
    event = '{"event":"e","data":{}}'
    for response, verdict in (
        ('{"status":503}', "    verdict: retry, not before 60 s\n"),
        ('{"status":200,"body":{"ok":false}}', "    verdict: fail: it said no\n"),
        ('{"status":200,"headers":{"A":"b"},"body":"x"}', "    verdict: none, the status decides\n"),
    ):
        code, out, _ = alone(story, script, "--event", event, "--response", response)
        assert code == 0 and verdict in out, (verdict, out)
    path = story.file("answer.json", '{"status":503}\n')
    assert "verdict: retry" in alone(story, script, "--event", event, "--response", path)[1]
    code, _, err = alone(story, script, "--event", event, "--response", '{"stats":503}')
    assert code == 1 and "stats" in err, err


def test_mistakes_name_file_line_and_option(story):
    script = story.file("shape.lua", SHAPE)
    event = '{"event":"e","data":{}}'
    broken = story.file("broken.lua", "return {\n  api = 1,\n  filter = functio() end,\n}\n")
    nil = story.file("nil.lua", "return { api = 1, transform = function(r, e)\n  r.body = e.data.user.name\nend }\n")
    code, _, err = alone(story, broken, "--event", event)
    assert code == 1 and "broken.lua:3:" in err, err
    code, out, _ = alone(story, nil, "--event", event)
    assert code == 1 and "script_error   nil.lua:2: " in out and "user" in out, out
    code, _, err = alone(story, f"{script},times=many", "--event", event)
    assert code == 1 and "options.times: an integer expected" in err, err
    code, _, err = alone(story, f"{script},pre=x", "--event", event)
    assert code == 1 and "options.pre" in err and "no such option" in err, err
    code, _, err = alone(story, script, "--event", '{"event":"e","dat":{}}')
    assert code == 1 and "unknown_field" in err and "dat" in err, err
    assert alone(story, script)[0] == 2
    assert alone(story, script, "--event", event, "--last", "3")[0] == 2
    assert alone(story, script, "--event", os.path.join(story.folder, "none.json"))[0] == 1
    assert alone(story, "shape", "--event", event)[0] == 3  # a name: an engine has to be asked


def test_tests_that_fail_are_told(story):
    tests = 'tests = { { name = "n", expect = { body = "x" } }, { name = "m", expect = {} } },\n}'
    script = story.file("shape.lua", SHAPE.rstrip().rstrip("}") + tests)
    code, out, _ = alone(story, script, "--event", '{"event":"e","data":{}}')
    assert code == 0 and "1 of its 2 golden tests fails: grapnel test shows how." in out, out


# ---- stored events ----


def test_last_events_against_what_was_sent(story):
    """Changed, same and filtered; each change by its path; and nothing leaves."""
    target = story.target()
    engine = with_shape(story)
    webhook = engine.webhook(target, scripts=use("shape"), name="tracker", secrets=[SECRET])
    for data in ({"title": "one", "n": 1}, {"title": "two", "n": 2}, {"title": "-", "n": 3}):
        engine.settled(engine.ok(data=data))
    sent = [request.body for request in target.wait(3)]
    fresh = SHAPE.replace("request.body = {", 'if event.data.n == 1 then title = "one" end\n    request.body = {')
    fresh = fresh.replace('event.data.priority ~= "Low", "not urgent"', 'event.data.n ~= 3, "three"')
    script = story.file("shape.lua", fresh)
    done = engine.run("try", f"{script},prefix=> ", "--last", "3", "--webhook", "tracker")
    out = done.stdout.decode()
    assert done.returncode == 0, (out, done.stderr)
    rows = [line for line in out.splitlines() if line.startswith("test   ")]
    assert ["filtered" in rows[0], "changed" in rows[1], "changed" in rows[2]] == [True] * 3, out
    for line in ('    - text: "two"', '    + text: "> two"', "    - header X-Shape: ", "    + header X-Shape: > ",
                 "    then: sent"):  # fmt: skip
        assert line in out.splitlines(), (line, out)
    assert "3 events: 2 changed, 0 same, 1 filtered, 0 errors. Nothing was sent." in out, out
    assert "body 22 B (was 20 B)" in out, out
    done = engine.run("try", "shape", "--last", "3", "--webhook", webhook["uuid"])
    assert b"3 events: 0 changed, 3 same, 0 filtered, 0 errors." in done.stdout, done
    rows = tried(engine, "shape", webhook=webhook["uuid"])["data"]
    assert [row["request"]["body"].encode() for row in rows] == sent[::-1], rows
    assert [row["sent"]["request"]["body"].encode() for row in rows] == sent[::-1], rows
    assert all(row["difference"] == "same" and row["changes"] == [] for row in rows), rows
    assert len(target.requests) == 3


def test_one_stored_event(story):
    """By its id, with the webhook's other scripts, and with the script alone."""
    target = story.target()
    engine = with_shape(story)
    scripts = use({"name": "shape", "options": {"prefix": "p", "token": "hunter22"}}, "github")
    webhook = engine.webhook(target, scripts=scripts, secrets=[SECRET], extra_payload={"from": "us"})
    event = engine.ok(data={"title": "t"})
    engine.settled(event)
    uuid = webhook["uuid"]
    row = one(engine, "shape", event_id=event, webhook=uuid)
    assert row["event"]["id"] == event and row["difference"] == "same", row
    assert row["sent"]["outcome"] == "delivered" and row["sent"]["attempt"] == 1, row
    assert row["scripts"].startswith("shape@") and " github@" in row["scripts"], row
    assert row["request"]["headers"]["X-Hub-Signature-256"] == "[set by sign]", row
    assert json.loads(row["request"]["body"]) == {"text": "pt", "token": "[secret]", "from": "us"}, row
    assert json.loads(target.one().body) == {"text": "pt", "token": "hunter22", "from": "us"}
    row = one(engine, "shape", event_id=event, webhook=uuid, options={"prefix": "q"})
    changed = {(change["what"], change["name"]): (change["was"], change["now"]) for change in row["changes"]}
    assert changed[("body", "text")] == ('"pt"', '"qt"') and changed[("header", "X-Shape")] == ("p", "q"), row
    assert changed[("header", "X-Hub-Signature-256")] == ("[set by sign]",) * 2, row
    row = one(engine, "shape", event_id=event, webhook=uuid, alone=True)
    assert "github@" not in row["scripts"] and "X-Hub-Signature-256" not in row["request"]["headers"], row
    assert ("header", "X-Hub-Signature-256") in {(c["what"], c["name"]) for c in row["changes"]}, row
    row = one(engine, "shape", event_id=event)  # of no webhook: there is nothing to compare with
    assert row["sent"] is None and row["difference"] is None and row["request"]["url"] == "https://example.com/"
    done = engine.run("try", "shape,prefix=x", "--event", event, "--webhook", uuid[:8])
    assert b'    + text: "xt"' in done.stdout and b"1 event: 1 changed" in done.stdout, done
    assert len(target.requests) == 1


def test_other_webhooks_and_payloads_byte_for_byte(story):
    """A script that the webhook does not have runs behind its others; untouched bytes stay."""
    target = story.target()
    engine = with_shape(story)
    webhook = engine.webhook(target)
    line = b'{"event":"test","data":{"b": 1.50, "a":12345678901234567890,"e":[ ]}}'
    with engine.producer() as producer:
        producer.write(line + b"\n")
        event = producer.reply()["id"]
    engine.settled(event)
    source = 'return { api = 1, transform = function(r) r.headers["X-A"] = "b" end }'
    row = one(engine, "fresh", source=source, event_id=event, webhook=webhook["uuid"])
    assert row["request"]["body"].encode() == target.one().body, row
    assert [(c["what"], c["name"], c["was"], c["now"]) for c in row["changes"]] == [("header", "X-A", None, "b")], row
    source = "return { api = 1, transform = function(r) r.body.data.b = 1.5 end }"
    row = one(engine, "fresh", source=source, event_id=event, webhook=webhook["uuid"])
    assert row["difference"] == "same", row  # an equal number keeps its spelling
    source = 'return { api = 1, transform = function(r) r.body = "\\xff\\0bytes" end }'
    row = one(engine, "fresh", source=source, event_id=event, webhook=webhook["uuid"])
    assert base64.b64decode(row["request"]["body_base64"]) == b"\xff\0bytes", row
    assert row["changes"][0]["what"] == "bytes" and row["changes"][0]["name"] == "byte 1", row


def test_changed_webhook_is_compared_with_its_old_revision(story):
    """What was sent is rendered as the webhook was then; attempts that failed count as well."""
    target = story.target(500)
    engine = with_shape(story)
    webhook = engine.webhook(target, scripts=use("shape"), retry=[3600], extra_payload={"v": 1})
    event = engine.ok(data={"title": "t"})
    engine.in_state(event, "pending", attempts=1)
    answer = engine.api("PATCH", f"/api/v1/webhooks/{webhook['uuid']}", {"extra_payload": {"v": 2}})
    assert answer.status == 200, answer
    row = one(engine, "shape", event_id=event, webhook=webhook["uuid"])
    assert row["sent"]["outcome"] == "http_5xx" and row["sent"]["request"]["body"].encode() == target.one().body, row
    assert [(c["name"], c["was"], c["now"]) for c in row["changes"]] == [("v", "1", "2")], row


def test_an_older_version_is_rendered_again(story):
    """The script was changed since: what it sent then is shown, from the version on record."""
    target = story.target()
    engine = with_shape(story)
    webhook = engine.webhook(target, scripts=use("shape"))["uuid"]
    event = engine.ok(data={"title": "t"})
    engine.settled(event)
    old = one(engine, "shape", event_id=event, webhook=webhook)["scripts"]
    story.file("scripts/shape.lua", SHAPE.replace("text = title", 'text = title .. "!"'))
    engine.signal(1)
    wait_for(lambda: one(engine, "shape", event_id=event, webhook=webhook)["scripts"] != old, "the new version")
    for _ in range(2):
        row = one(engine, "shape", event_id=event, webhook=webhook)
        assert row["sent"]["scripts"] == old and row["sent"]["request"]["body"].encode() == target.one().body, row
        assert [(c["name"], c["was"], c["now"]) for c in row["changes"] if c["what"] == "body"] == [
            ("text", '"t"', '"t!"')
        ], row
        row = one(engine, old, event_id=event, webhook=webhook)
        assert row["scripts"] == old and row["difference"] == "same", row
        engine.restart()  # then the old version is in the store alone


def test_recorded_answers_are_judged_again(story):
    """Another `response` function, on the answer that came then."""
    target = story.target([Answer.status(200, body=b'{"ok":true,"code":7}')])
    engine = with_shape(story)
    webhook = engine.webhook(target, scripts=use("shape"))["uuid"]
    event = engine.ok(data={"title": "t"})
    engine.settled(event)
    row = one(engine, "shape", event_id=event, webhook=webhook)
    assert row["verdict"]["answer"] == "recorded" and row["verdict"]["verdict"] == "none", row
    assert row["verdict"]["status"] == 200 and row["difference"] == "same", row
    strict = SHAPE.replace("answer.ok == false", "answer.code == 7")
    row = one(engine, "shape", source=strict, event_id=event, webhook=webhook)
    assert row["verdict"]["verdict"] == "fail" and row["verdict"]["reason"] == "it said no", row
    assert [(c["what"], c["was"], c["now"]) for c in row["changes"]] == [("verdict", "none", "fail")], row
    script = story.file("shape.lua", strict)
    done = engine.run("try", script, "--webhook", webhook)
    assert b"    verdict on the answer of then: fail: it said no\n" in done.stdout, done
    assert b"    - verdict: none\n    + verdict: fail\n" in done.stdout, done
    row = one(engine, "shape", event_id=event, webhook=webhook, response={"status": 503})
    assert row["verdict"]["answer"] == "given" and row["verdict"]["after_ms"] == 60000, row


def test_what_failed_then(story):
    """An attempt that a script ended, beside a request now; and the other way round."""
    target = story.target()
    path = story.file("scripts/shape.lua", SHAPE)
    engine = story.engine(scripts_dir=os.path.dirname(path))
    webhook = engine.webhook(target, scripts=use("shape"))
    event = engine.ok(data={"priority": "Low"})
    engine.settled(event)
    row = one(engine, "shape", event_id=event, webhook=webhook["uuid"])
    assert row["outcome"] == row["sent"]["outcome"] == "filtered" and row["difference"] == "same", row
    fresh = SHAPE.replace('~= "Low"', '~= "None"')
    row = one(engine, "shape", source=fresh, event_id=event, webhook=webhook["uuid"])
    assert row["outcome"] == "request" and row["difference"] == "changed" and row["sent"]["request"] is None, row
    assert target.requests == []


def test_values_of_hook_env_are_not_shown(story):
    """Long ones, as they are and as they read inside of JSON; short ones are words."""
    source = """return { api = 1, transform = function(r, e, ctx)
        r.body = { ctx.env.KEY, ctx.env.ODD, ctx.env.LEVEL } end }"""
    env = {"KEY": "k3y-of-the-tenant", "ODD": 'a "quoted" p\\ss', "LEVEL": "high"}
    engine = story.engine(hook_env={"default": env})
    row = one(engine, "env", source=source, event={"event": "test", "data": {}}, tenant="default")
    assert json.loads(row["request"]["body"]) == ["[secret]", "[secret]", "high"], row
    shown = json.dumps(row)
    assert "k3y" not in shown and "quoted" not in shown, row


def test_secrets_with_quotes_are_not_shown(story):
    target = story.target()
    engine = with_shape(story)
    odd = 'hunter"22'
    webhook = engine.webhook(target, scripts=use({"name": "shape", "options": {"token": odd}}))["uuid"]
    event = engine.ok(data={"title": "t"})
    engine.settled(event)
    assert target.one().json["token"] == odd
    row = one(engine, "shape", event_id=event, webhook=webhook, options={"prefix": "p"})
    assert json.loads(row["request"]["body"])["token"] == "[secret]" and "hunter" not in json.dumps(row), row


def test_what_cannot_be_proved_is_not_shown(story):
    """hook_env is not kept: what it made then is not rendered again, and the body's hash tells."""
    target = story.target()
    path = story.file("scripts/env.lua", "return { api = 1, transform = function(r, e, ctx)\n"
                      "  r.body = ctx.env.A end }\n")  # fmt: skip
    engine = story.engine(scripts_dir=os.path.dirname(path), hook_env={"default": {"A": "one"}})
    webhook = engine.webhook(target, scripts=use("env"))["uuid"]
    event = engine.ok()
    engine.settled(event)
    row = one(engine, "env", event_id=event, webhook=webhook)
    assert row["sent"]["request"]["body"] == "one" and row["difference"] == "same", row
    engine.write_config(hook_env={"default": {"A": "two"}})
    engine.signal(1)
    engine.wait_log("hook_env has changed")
    row = one(engine, "env", event_id=event, webhook=webhook)
    assert row["sent"]["request"] is None and "hook_env has changed" in row["sent"]["note"], row
    assert row["request"]["body"] == "two" and row["difference"] == "changed" and row["changes"] == [], row


def test_a_long_answer_is_cut_as_a_real_one(story):
    source = """return { api = 1, response = function(response)
        if #response.body == 65536 then return "ok" end return "fail", #response.body .. "" end }"""
    engine = story.engine()
    answer = {"status": 500, "body": "x" * 70000}
    row = one(engine, "long", source=source, event={"event": "test", "data": {}}, response=answer)
    assert row["verdict"]["verdict"] == "ok", row


# ---- refusals ----


def test_unknown_things_are_named(story):
    target = story.target()
    engine = with_shape(story)
    webhook = engine.webhook(target)["uuid"]
    event = {"event": "e", "data": {}}

    def refused(name="shape", **question):
        answer = engine.api("POST", f"/api/v1/scripts/{name}/try", question)
        return engine.refused_fields(answer)

    nowhere = "01940c3e-7c1a-7e5d-8a57-3f0d5a3c9b11"
    assert "no such event" in refused(event_id=nowhere)["event_id"]
    done = engine.run("try", "shape", "--event", nowhere)
    assert done.returncode == 1 and b"no such event" in done.stderr, done
    assert "webhook" in refused(webhook=WEBHOOK, event=event)
    assert "there is no script" in str(refused("shap", event=event))
    assert "there is no version" in str(refused("shape@123456", event=event))
    assert "event" in refused()
    assert "last" in refused(last=3)
    assert "last" in refused(last=101, webhook=webhook)
    assert "event" in refused(event=event, last=3, webhook=webhook)
    assert "scripts.0.options.times" in refused(event=event, options={"times": "x"})
    assert "options" in refused(event=event, options=[])
    assert "sauce" in refused(event=event, sauce="x")
    assert "source" in refused(event=event, source="return {")
    assert "source" in refused("shape@12345678", event=event, source="return { api = 1 }")
    assert "script" in refused("Sh%20ape", event=event)
    assert "response.status" in refused(event=event, response={"status": 99})
    assert engine.api("POST", "/api/v1/scripts/shape/try", b"{").status == 400
    assert engine.run("try", "shape", "--event", "{}", "--webhook", "nobody").returncode == 1


def test_tenants_are_apart(story):
    """An event of one tenant is not tried with another's webhook, secrets and environment."""
    target = story.target()
    path = story.file("scripts/env.lua", "return { api = 1, transform = function(r, e, ctx)\n"
                      "  r.body = { mine = ctx.env.NAME, tenant = ctx.webhook.tenant, event = e.tenant } end }\n")  # fmt: skip
    engine = story.engine(
        scripts_dir=os.path.dirname(path), hook_env={"default": {"NAME": "d"}, "acme": {"NAME": "a"}}
    )
    assert engine.api("POST", "/api/v1/tenants", {"name": "acme"}).status == 201
    ours = engine.webhook(target)["uuid"]
    theirs = engine.webhook(target, tenant="acme")["uuid"]
    event = engine.ok(tenant="acme", data={})
    engine.settled(event)
    answer = engine.api("POST", "/api/v1/scripts/env/try", {"event_id": event, "webhook": ours})
    assert "event_id" in engine.refused_fields(answer), answer
    answer = engine.api("POST", "/api/v1/scripts/env/try",
                        {"event": {"event": "e", "tenant": "acme", "data": {}}, "webhook": ours})  # fmt: skip
    assert "event" in engine.refused_fields(answer), answer
    row = one(engine, "env", event_id=event, webhook=theirs)
    assert json.loads(row["request"]["body"]) == {"mine": "a", "tenant": "acme", "event": "acme"}, row
    row = one(engine, "env", event={"event": "e", "tenant": "acme", "data": {}})
    assert json.loads(row["request"]["body"])["mine"] == "a", row
    row = one(engine, "env", event={"event": "e", "data": {}})
    assert json.loads(row["request"]["body"])["mine"] == "d", row
    assert tried(engine, "env", webhook=ours)["data"] == []


def test_hostile_scripts_disturb_nobody(story):
    """Endless loops are tried again and again; meanwhile everything is delivered, at once."""
    target = story.target()
    engine = with_shape(story)
    engine.webhook(target, scripts=use("shape"))
    engine.settled(engine.ok(data={"title": "first"}))
    trials, events = story.scale(12, 4), story.scale(60, 10)

    def work(number):
        if number == 2:
            ids = [engine.ok(data={"title": str(count)}) for count in range(events)]
            return [engine.settled(one)["attempts"] for one in ids]
        outcomes = []
        for _ in range(trials):
            data = {"find": True} if number else {}
            row = one(engine, "hostile", source=LOOP, event={"event": "e", "data": data})
            outcomes.append(row["outcome"])
        return outcomes

    loops, finds, delivered = in_threads(3, work)
    assert set(loops) == {"script_timeout"} and set(finds) == {"script_killed"}, (loops, finds)
    assert all(len(attempts) == 1 and attempts[0]["outcome"] == "delivered" for attempts in delivered), delivered
    shown = engine.get("/api/v1/scripts")["data"]
    assert "hostile" not in [script["name"] for script in shown], shown  # it left nothing behind
    wait_for(lambda: one(engine, "shape", event={"event": "e", "data": {}})["outcome"] == "request", "a trial after it")


def test_trying_counts_for_nobody(story):
    """A trial that fails is no failure of the script or the webhook."""
    target = story.target()
    engine = with_shape(story)
    webhook = engine.webhook(target, scripts=use("shape"))["uuid"]
    engine.settled(engine.ok(data={"title": "t"}))

    def accounts():
        row = next(script for script in engine.get("/api/v1/scripts")["data"] if script["name"] == "shape")
        return row["calls"], row["errors"], row["cpu_us"]

    before = accounts()
    assert before[0] >= 1 and before[1] == 0, before
    for _ in range(30):
        row = one(engine, "shape", event={"event": "test", "data": {"title": {}}}, webhook=webhook)
        assert row["outcome"] == "script_error" and "shape.lua:" in row["reason"], row
    assert accounts() == before
    assert engine.get(f"/api/v1/webhooks/{webhook}")["state"] == "active"
    engine.settled(engine.ok(data={"title": "u"}))
    assert len(target.requests) == 2
