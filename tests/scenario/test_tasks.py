# SPDX-License-Identifier: MIT
"""The set tasks of lua/README.md in a running engine, and what those are told who err on the way."""
import base64
import hmac
import json
import os
import subprocess

from story import Answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def task(story, name, target, **fields):
    engine = story.engine(scripts_dir=os.path.join(story.top, "tests/lua/tasks"))
    options = fields.pop("options", {})
    engine.webhook(target, scripts=[{"name": name, "options": options}], **fields)
    return engine


def test_filter_by_two_fields(story):
    target = story.target()
    engine = task(story, "two-fields", target)
    sent = engine.ok(data={"status": "open", "priority": "High"})
    dropped = engine.ok(data={"status": "open", "priority": "Low"})
    assert target.one().id == sent
    delivery = engine.settled(dropped)
    assert delivery["state"] == "filtered" and "not open or not high" in json.dumps(delivery), delivery


def test_reshape_for_a_chat(story):
    target = story.target()
    engine = task(story, "chat", target, options={"channel": "#x"})
    engine.ok(data={"title": "a < b", "user": {"name": "joe"}, "tags": ["x", "y"]})
    assert target.one().json == {"channel": "#x", "text": "*a &lt; b* by joe", "footer": "x, y"}


def test_sign_with_a_custom_header(story):
    target = story.target()
    engine = task(story, "custom-signature", target, secrets=[SECRET])
    event_id = engine.ok(data={"é": [1]})
    request = target.one()
    mac = hmac.new(SECRET.encode(), event_id.encode() + b":" + request.body, "sha512").digest()
    assert request.headers["x-company-signature"] == "sha512=" + base64.b64encode(mac).decode()


def test_judge_a_response(story):
    answers = [
        (200, {"result": "busy"}, "pending", "verdict_retry"),
        (200, {"result": "unknown"}, "dead", "verdict_fail"),
        (409, {}, "delivered", "delivered"),
        (204, {}, "delivered", "delivered"),
        (200, {"result": "closed"}, "dead", "verdict_disable"),
    ]
    target = story.target([Answer.status(status, {}, json.dumps(body).encode()) for status, body, _, _ in answers])
    engine = task(story, "judge", target, retry=[600])
    for _, body, state, outcome in answers:
        delivery = engine.in_state(engine.ok(), state, attempts=1)
        assert delivery["outcome"] == outcome, (body, delivery)


# Wrong in one line each, as one errs who has just read the page; with what `grapnel test` must say.
TASK = """-- SPDX-License-Identifier: MIT
local crypto = require "grapnel.crypto"
return {
    api = 1,
    options = { channel = { type = "string" } },
    sign = function(request, event, ctx)
        %s
    end,
    tests = { { name = "signs", expect = { headers = { A = "b" } } } },
}
"""
MISTAKES = {
    'request.headers.A = crypto.hmca("sha256", ctx.secret, request.body)': (
        "{name}.lua:7: grapnel.crypto has no 'hmca'; did you mean \"hmac\"?"
    ),
    "request.headers.A = ctx.options.chanel": (
        "{name}.lua:7: the script declares no option 'chanel'; did you mean \"channel\"?"
    ),
    "request.headers.A = event.data.user.name": (
        "{name}.lua:7: attempt to index a nil value (field 'user'); "
        'where a step may be missing, json.get(t, "a.b") gives nil, and json.set makes the steps'
    ),
    "signature = request.body": "{name}.lua:7: cannot set the global 'signature': write local signature",
    'request.headers.A = ("%%d"):format("x")': (
        "{name}.lua:7: bad argument #2 to 'string.format' (number expected, got string); "
        "it is string.format(format, ...)"
    ),
    "return request.body": "{name}.lua:6: sign returned a string; it sets request.headers and returns nothing",
    'request.headers.A = "c"': "header A differs at byte 1",
}


def test_mistakes_on_the_way_are_explained(story):
    """Through the script host, not only in a unit test: file, line and what to do."""
    for i, (line, expected) in enumerate(MISTAKES.items()):
        path = story.file(f"scripts/wrong{i}.lua", TASK.replace("%s", line.replace("%%", "%")))
        done = subprocess.run([story.binary, "test", path], capture_output=True, timeout=120, check=False)
        out = done.stdout.decode()
        assert done.returncode == 1, (line, out, done.stderr)
        assert expected.replace("{name}", f"wrong{i}") in out, (line, out)
