# SPDX-License-Identifier: MIT
"""Rules of the contract of scripts that only a running engine can keep (lua/README.md)."""
import json
import os
import socket

from story import Answer, wait_for

HEAD = "-- SPDX-License-Identifier: MIT\n"


def with_scripts(story, **sources):
    for name, source in sources.items():
        story.file(f"scripts/{name}.lua", HEAD + source)
    return story.engine(scripts_dir=os.path.join(story.folder, "scripts"))


def body_of(function, arguments, line):
    return f"return {{ api = 1, {function} = function({arguments})\n    {line}\nend }}\n"


def test_method_address_and_form(story):
    """PUT and PATCH, an address of the script's own, a form; each attempt is rendered anew."""
    transform = """
        request.method = event.data.method
        request.url = ctx.webhook.target .. "/" .. event.data.id .. "?a=" .. ctx.attempt.number
        request.headers["content-type"] = "application/x-www-form-urlencoded"
        request.body = { title = event.data.title, list = { 1, true, "a b" }, n = event.data.n }
    """
    engine = with_scripts(story, form=body_of("transform", "request, event, ctx", transform))
    target = story.target([500, 204, 204])
    engine.webhook(target.url("/x"), scripts=[{"name": "form"}], retry=[0])
    engine.settled(engine.ok(data={"method": "PUT", "id": 7, "title": "é&=", "n": 1.50}))
    engine.settled(engine.ok(data={"method": "PATCH", "id": 8}))
    lines = [request.line for request in target.requests]
    assert lines == ["PUT /x/7?a=1 HTTP/1.1", "PUT /x/7?a=2 HTTP/1.1", "PATCH /x/8?a=1 HTTP/1.1"], lines
    bodies = [request.body for request in target.requests]
    assert bodies[0] == bodies[1] == b"list=1&list=true&list=a+b&n=1.5&title=%C3%A9%26%3D", bodies
    assert bodies[2] == b"list=1&list=true&list=a+b", bodies
    assert target.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_addresses_of_scripts_are_guarded(story):
    """An address that a script sets is judged as a target's is; nothing is sent to it."""
    refused = {
        "private": ('request.url = "http://10.0.0.1/"', "blocked_address"),
        "metadata": ('request.url = "http://169.254.169.254/latest"', "blocked_address"),
        "mapped": ('request.url = "http://[::ffff:10.0.0.1]/"', "blocked_address"),
        "scheme": ('request.url = "file:///etc/passwd"', "script_error"),
        "user": ('request.url = "http://a:b@127.0.0.1/"', "script_error"),
    }
    sources = {name: body_of("sign", "request", line) for name, (line, _) in refused.items()}
    engine = with_scripts(story, **sources)
    target = story.target()
    for name, (_, outcome) in refused.items():
        webhook = engine.webhook(target, events=["x"], scripts=[{"name": name}], retry=[])
        delivery = engine.settled(engine.ok("x", webhook=webhook["uuid"]))
        assert (delivery["state"], delivery["outcome"]) == ("dead", outcome), (name, delivery)
    assert target.count == 0


def test_answers_as_response_sees_them(story):
    """64 KiB at most, names in any case, two of a name joined; not run where nothing was read."""
    line = """
        local headers = response.headers
        return "fail", table.concat({ response.status, #response.body, tostring(response.truncated),
            headers["X-TWO"], tostring(response.json()) }, " ")
    """
    engine = with_scripts(story, judge=body_of("response", "response", line))
    twice = {"X-Two": "a", "x-two": "b"}
    for body, expected in ((b"x" * 70000, "200 65536 true a, b nil"), (b'"text"', "200 6 false a, b text")):
        target = story.target(Answer.status(200, twice, body))
        webhook = engine.webhook(target, events=["x"], scripts=[{"name": "judge"}], retry=[])
        delivery = engine.settled(engine.ok("x", webhook=webhook["uuid"]))
        assert delivery["outcome"] == "verdict_fail", delivery
        assert expected in json.dumps(delivery), delivery
    with socket.socket() as closed:  # bound, but nobody listens
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        webhook = engine.webhook(url, events=["x"], scripts=[{"name": "judge"}], retry=[])
        delivery = engine.settled(engine.ok("x", webhook=webhook["uuid"]))
        assert delivery["outcome"] == "connect_refused", delivery


OPTIONS = """return { api = 1, options = {
    line = { type = "string", required = true, min = 2, max = 4 },
    many = { type = "list", of = "integer", min = 1, check = function(value)
        if value < 600 then return true end
        return nil, value .. " is no status"
    end },
    names = { type = "map", of = "path" },
    wait = { type = "duration", default = "90s", max = 3600 },
    mode = { type = "string", choices = { "a", "b" }, default = "a" },
    on = { type = "boolean", default = true },
    key = { type = "secret" },
}, transform = function(request, _, ctx)
    local options = ctx.options
    print("key is", options.key)
    request.body = { line = options.line, many = options.many, names = options.names, wait = options.wait,
        mode = options.mode, on = options.on, has = options.key ~= nil }
end }
"""


def test_options_from_save_to_script(story):
    """Checked with their own complaints when saved, defaults filled in, secrets masked everywhere."""
    target = story.target()
    engine = with_scripts(story, shape=OPTIONS)
    wrong = {"line": "x", "many": [200, 700], "names": {"a": "b..c"}, "wait": "2h", "mode": "c", "on": 1, "extra": 1}
    body = {"target": target.url(), "events": ["*"], "scripts": [{"name": "shape", "options": wrong}]}
    complaints = json.dumps(engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body)))
    for name in wrong:
        assert name in complaints, (name, complaints)
    for text in ("700 is no status", "at least 2", "at most 3600", "one of a, b", "no such option"):
        assert text in complaints, (text, complaints)
    given = {"line": "abc", "many": [200], "names": {"a": "b.c"}, "key": "hidden-key"}
    webhook = engine.webhook(target, scripts=[{"name": "shape", "options": given}])
    delivery = engine.settled(engine.ok())
    assert target.one().json == {"line": "abc", "many": [200], "names": {"a": "b.c"}, "wait": 90, "mode": "a",
                                 "on": True, "has": True}  # fmt: skip
    path = f"/api/v1/webhooks/{webhook['uuid']}"
    shown = json.dumps([webhook, delivery, engine.get(path), engine.get("/api/v1/webhooks")]) + engine.log()
    assert "hidden-key" not in shown and "key is [secret]" in shown, shown


KEYS = """return { api = 1, options = {
    one = { type = "secret" }, list = { type = "list", of = "secret" }, map = { type = "map", of = "secret" },
    other = { type = "string" },
}, sign = function(request, _, ctx)
    local o = ctx.options
    request.headers.A = o.one .. o.list[1] .. o.list[2] .. o.map.a .. (o.other or "")
end }
"""


def test_the_mask_keeps_secret_options(story):
    """What is shown may be sent back: the mask stands for what was there; anything else replaces it."""
    target = story.target()
    engine = with_scripts(story, keys=KEYS)
    options = {"one": "secret1", "list": ["secret2", "secret3"], "map": {"a": "secret4"}, "other": "***"}
    webhook = engine.webhook(target, scripts=[{"name": "keys", "options": options}])
    path = f"/api/v1/webhooks/{webhook['uuid']}"
    shown = engine.get(path)["scripts"]
    masked = {"one": "***", "list": ["***", "***"], "map": {"a": "***"}, "other": "***"}
    assert shown == [{"name": "keys", "options": masked}], shown
    shown[0]["options"]["other"] = "-"
    assert engine.api("PATCH", path, {"scripts": shown}).status == 200
    engine.settled(engine.ok())
    shown[0]["options"] = {"one": "***", "list": ["new", "***"], "map": {"a": "***"}}
    assert engine.api("PATCH", path, {"scripts": shown}).status == 200
    engine.settled(engine.ok())
    sent = [request.headers["a"] for request in target.requests]
    assert sent == ["secret1secret2secret3secret4-", "secret1newsecret3secret4"], sent


def test_what_sign_sets_is_not_shown(story):
    target = story.target()
    engine = with_scripts(story, token=body_of("sign", "request", 'request.headers.Authorization = "Bearer t0ken"'))
    engine.webhook(target, scripts=[{"name": "token"}])
    delivery = engine.settled(engine.ok())
    assert target.one().headers["authorization"] == "Bearer t0ken"
    shown = json.dumps(delivery)
    assert "[set by sign]" in shown and "t0ken" not in shown and "t0ken" not in engine.log(), shown


def test_a_mended_script_heals_what_waits(story):
    """Rendering happens at every attempt with the script as it is then; nothing leaves before."""
    target = story.target()
    engine = with_scripts(story, heal=body_of("sign", "request", "request.headers.A = request.bdy"))
    engine.webhook(target, scripts=[{"name": "heal"}], retry=[1] * 30)
    event_id = engine.ok()
    delivery = engine.in_state(event_id, "pending", attempts=1)
    assert delivery["outcome"] == "script_error" and "heal.lua:3: a request has no 'bdy'" in json.dumps(delivery), delivery
    assert target.count == 0
    story.file("scripts/heal.lua", HEAD + body_of("sign", "request", 'request.headers.A = "b"'))
    engine.signal(1)
    wait_for(lambda: target.count == 1, "it is sent", 60)
    assert target.one().headers["a"] == "b"
