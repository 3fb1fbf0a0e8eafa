# SPDX-License-Identifier: MIT
"""What arrives at the target: bytes of the body, extra payload, headers (webhook.md)."""
import json
import time


def envelope(webhook, event, rest):
    hook = {"uuid": webhook["uuid"], "event": event, "target": webhook["target"]}
    return b'{"hook":' + json.dumps(hook, separators=(",", ":")).encode() + b"," + rest + b"}"


def arrived(story, line, **fields):
    """The request of one event (bytes of a line, its name "test") for one webhook."""
    target = story.target()
    engine = story.engine(**fields.pop("options", {}))
    webhook = engine.webhook(target.url("/in"), **fields)
    with engine.producer() as producer:
        producer.write(line + b"\n")
        reply = producer.reply()
    assert reply["ok"] and reply["deliveries"] == 1, reply
    return webhook, target.one()


def test_example_event_arrives_byte_for_byte(story):
    data = story.support("request_added.json")
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target.url("/hooks/in?x=1"), events=["request.added"])
    with engine.producer() as producer:
        producer.write(b'{"event":"request.added","data":' + data + b"}\n")
        reply = producer.reply()
    request = target.one()
    assert reply["deliveries"] == 1
    assert request.body == envelope(webhook, "request.added", b'"data":' + data), request.body
    assert request.line == "POST /hooks/in?x=1 HTTP/1.1"
    assert request.id == reply["id"]


def test_example_event_with_extra_payload(story):
    data = story.support("request_added.json")
    target = story.target()
    engine = story.engine()
    extra = {"source": "dejacode", "data_version": 2}
    webhook = engine.webhook(target, events=["request.added"], extra_payload=extra)
    with engine.producer() as producer:
        producer.write(b'{"event":"request.added","data":' + data + b"}\n")
        assert producer.reply()["ok"]
    expected = envelope(webhook, "request.added", b'"data":' + data + b',"source":"dejacode","data_version":2')
    assert target.one().body == expected


def test_what_nobody_touched_keeps_its_spelling(story):
    data = (
        rb'{ "b" : 1e14 ,"a":12345678901234567890, "c":1.0,"d":[ ],"e":{},"f":"\u00e9\/\ud800",'
        rb'"g":null,	"a":1.50E+3, "h":[1,[2,{"x" :-0}]],"\u0069":"' + "é€😀".encode() + rb'" }'
    )
    webhook, request = arrived(story, b'{"event":"test","data":' + data + b"}")
    assert request.body == envelope(webhook, "test", b'"data":' + data), request.body


def test_scalars_and_arrays_as_data(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target)
    values = [b"null", b"true", b"-0.0", b'"x"', b"[]", b"[1 , 2]", b"12345678901234567890123", b'""']
    with engine.producer() as producer:
        for data in values:
            producer.write(b'{"event":"test","data":' + data + b"}\n")
        ids = [reply["id"] for reply in producer.replies(len(values))]
    target.wait(len(values))
    for event_id, data in zip(ids, values):
        assert target.of_id(event_id)[0].body == envelope(webhook, "test", b'"data":' + data)


def test_fields_stand_beside_hook(story):
    line = rb'{"event":"test","fields":{"username":"jo","email":"jo\u0040x.org","n":1.0}}'
    webhook, request = arrived(story, line)
    expected = rb'"username":"jo","email":"jo\u0040x.org","n":1.0'
    assert request.body == envelope(webhook, "test", expected), request.body
    assert list(request.json) == ["hook", "username", "email", "n"]


def test_empty_fields_leave_the_hook_alone(story):
    webhook, request = arrived(story, b'{"event":"test","fields":{}}')
    assert list(request.json) == ["hook"] and request.json["hook"]["uuid"] == webhook["uuid"], request


def test_override_is_the_whole_body(story):
    _, request = arrived(story, b'{"event":"test","override":{"text" : "hi", "n":1e3,"hook":1}}')
    assert json.loads(request.body) == {"text": "hi", "n": 1000.0, "hook": 1}
    assert b"1e3" in request.body and b'"hook":1' in request.body


def test_extra_payload_keeps_places_and_wins(story):
    """A member that exists keeps its place, new ones follow in their order; shallow."""
    line = b'{"event":"test","fields":{"b":1,"a":{"deep":1},"c":3}}'
    extra = {"z": 1, "a": {}, "c": None, "y": "2"}
    webhook, request = arrived(story, line, extra_payload=extra)
    expected = b'"b":1,"a":{},"c":null,"z":1,"y":"2"'
    assert request.body == envelope(webhook, "test", expected), request.body


def test_extra_payload_may_replace_data_and_hook(story):
    _, request = arrived(story, b'{"event":"test","data":{"a":1}}', extra_payload={"data": 7, "hook": "mine"})
    assert request.body == b'{"hook":"mine","data":7}', request.body


def test_extra_payload_into_data(story):
    webhook, request = arrived(
        story,
        b'{"event":"test","data":{"a":1e2,"b":[ ],"c":1}}',
        extra_payload={"b": 5, "new": True},
        extra_payload_into="data",
    )
    assert request.body == envelope(webhook, "test", b'"data":{"a":1e2,"b":5,"c":1,"new":true}'), request.body


def test_extra_payload_into_data_that_is_no_object(story):
    webhook, request = arrived(
        story, b'{"event":"test","data":[1,2]}', extra_payload={"new": 1}, extra_payload_into="data"
    )
    assert request.body == envelope(webhook, "test", b'"data":[1,2],"new":1'), request.body


def test_extra_payload_on_override(story):
    _, request = arrived(story, b'{"event":"test","override":{"text":"a","n":1.0}}', extra_payload={"text": "b", "m": 1})
    assert request.body == b'{"text":"b","n":1.0,"m":1}', request.body


def test_extra_payload_keeps_its_own_spelling(story):
    target = story.target()
    engine = story.engine()
    body = (
        '{"target":"%s","events":["test"],"extra_payload":{"big":12345678901234567890,"f":1.0,"s":"\\u00e9"}}'
        % target.url()
    )
    answer = engine.api("POST", "/api/v1/webhooks", body.encode())
    assert answer.status == 201, answer
    engine.ok(data={})
    assert target.one().body.endswith(b'"data":{},"big":12345678901234567890,"f":1.0,"s":"\\u00e9"}')


def test_headers_of_the_engine(story):
    before = int(time.time())
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    line = b'{"event":"test","data":{},"traceparent":"' + trace.encode() + b'"}'
    _, request = arrived(story, line)
    headers = request.headers
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("grapnel/")
    assert before <= int(headers["webhook-timestamp"]) <= time.time() + 1
    assert headers["traceparent"] == trace
    assert headers["content-length"] == str(len(request.body))
    assert headers["host"] == request_host(story)
    for name in ("expect", "transfer-encoding", "accept-encoding"):
        assert name not in headers, headers


def request_host(story):
    return f"127.0.0.1:{story.targets[0].port}"


def test_extra_headers_win_over_defaults(story):
    _, request = arrived(
        story,
        b'{"event":"test","data":{}}',
        extra_headers={"content-TYPE": "application/vnd.x+json", "X-Empty": "", "Webhook-Source": "a: b"},
    )
    names = [name.lower() for name, _ in request.header_list]
    assert names.count("content-type") == 1
    assert request.headers["content-type"] == "application/vnd.x+json"
    assert request.headers["x-empty"] == ""
    assert request.headers["webhook-source"] == "a: b"


def test_hook_env_in_headers(story):
    target = story.target()
    engine = story.engine(hook_env={"default": {"TOKEN": "s3cret", "HOST": "h"}, "other": {"TOKEN": "foreign"}})
    headers = {
        "Authorization": "Bearer {{TOKEN}}",
        "X-Spaces": "{{ TOKEN }}-{{  HOST  }}",
        "X-Unknown": "a{{NOPE}}b",
        "X-Not": "{{1x}} {{a-b}} {TOKEN} {{TOKEN} }",
        "X-Html": "<{{TOKEN}}>&",
    }
    engine.webhook(target, extra_headers=headers)
    engine.ok()
    got = target.one().headers
    assert got["authorization"] == "Bearer s3cret"
    assert got["x-spaces"].startswith("s3cret-")
    assert got["x-unknown"] == "ab"
    assert got["x-not"] == "{{1x}} {{a-b}} {TOKEN} {{TOKEN} }"
    assert got["x-html"] == "<s3cret>&"


def test_headers_are_verbatim_without_hook_env(story):
    _, request = arrived(story, b'{"event":"test","data":{}}', extra_headers={"X-A": "{{TOKEN}}"})
    assert request.headers["x-a"] == "{{TOKEN}}"


FORBIDDEN = (
    "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade", "Keep-Alive", "TE",
    "Trailer", "Proxy-Authorization", "proxy-connection", "webhook-id", "Webhook-Timestamp",
)  # fmt: skip


def test_forbidden_headers_are_refused_by_name(story):
    target = story.target()
    engine = story.engine()
    for name in FORBIDDEN:
        body = {"target": target.url(), "events": ["test"], "extra_headers": {name: "x"}}
        errors = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
        assert any(name.lower() in (field + message).lower() for field, message in errors.items()), (name, errors)
    for headers in ({"X Y": "a"}, {"X:": "a"}, {"": "a"}, {"X": "a\r\nY: b"}, {"X": "a\u0000"}, {"X": 1}):
        body = {"target": target.url(), "events": ["test"], "extra_headers": headers}
        engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
    many = {f"X-{i}": "a" for i in range(65)}
    engine.refused_fields(
        engine.api("POST", "/api/v1/webhooks", {"target": target.url(), "events": ["test"], "extra_headers": many})
    )
    assert engine.get("/api/v1/webhooks")["data"] == []


def test_what_is_not_built_yet_is_refused_by_name(story):
    target = story.target()
    engine = story.engine()
    later = {
        "ordered": "key",
        "tls": {"verify": False},
        "keep_requests": "1h",
    }
    for field, value in later.items():
        body = {"target": target.url(), "events": ["test"], field: value}
        errors = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
        assert field in errors, errors


def test_wrong_fields_are_refused_by_name(story):
    target = story.target()
    engine = story.engine()
    wrong = {
        "timeout_ms": 99, "max_in_flight": 0, "retry": [-1], "uuid": "x", "is_active": "yes",
        "extra_payload": [], "extra_payload_into": "hook", "name": 1, "metadata": {"a": 1},
        "scripts": [{"name": "no-such-script"}], "secrets": ["whsec_AAAA"], "tenant": "nobody", "evnts": ["x"],
    }  # fmt: skip
    for field, value in wrong.items():
        body = {"target": target.url(), "events": ["test"], field: value}
        errors = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
        assert any(field in name for name in errors), (field, errors)
    for url in ("ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://127.0.0.1/#x", "x", "http://127.0.0.1:22/", ""):
        errors = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", {"target": url, "events": ["test"]}))
        assert "target" in errors, (url, errors)
    for events in ([], ["a b"], ["a.*.b"], ["*x"], [""], "x"):
        errors = engine.refused_fields(
            engine.api("POST", "/api/v1/webhooks", {"target": target.url(), "events": events})
        )
        assert any("events" in field for field in errors), (events, errors)
    assert engine.get("/api/v1/webhooks")["data"] == []


def test_patterns_of_events(story):
    target = story.target()
    engine = story.engine()
    hooks = {"*": "/all", "request.*": "/request", "request.added": "/exact", "request.added.*": "/below"}
    for pattern, path in hooks.items():
        engine.webhook(target.url(path), events=[pattern])
    expected = {
        "request.added": {"/all", "/request", "/exact"},
        "request.added.now": {"/all", "/request", "/below"},
        "request": {"/all"},
        "requests.added": {"/all"},
    }
    for name, paths in expected.items():
        reply = engine.send(name)
        assert reply["deliveries"] == len(paths), (name, reply)
    target.wait(sum(map(len, expected.values())))
    arrived_at = {}
    for request in target.requests:
        arrived_at.setdefault(request.json["hook"]["event"], set()).add(request.path)
    assert arrived_at == expected


def test_one_event_name_is_accepted_for_events(story):
    target = story.target()
    engine = story.engine()
    answer = engine.api("POST", "/api/v1/webhooks", {"target": target.url(), "event": "test"})
    assert answer.status == 201 and answer.json["events"] == ["test"], answer
    assert engine.send()["deliveries"] == 1


def test_large_event_arrives_whole(story):
    """The longest line that is allowed."""
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target)
    line = b'{"event":"test","data":"%s"}'
    data = b"x" * ((1 << 20) - len(line) + 2)
    with engine.producer() as producer:
        producer.write(line % data + b"\n")
        assert producer.reply()["ok"]
    assert target.one().body == envelope(webhook, "test", b'"data":"' + data + b'"')
