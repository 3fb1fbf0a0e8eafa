# SPDX-License-Identifier: MIT
"""Who can write to the socket: socat, nc, Python, grapnel send; and very many lines at once."""
import json
import time

from story import alone, needs, wait_for, within

LINES = b'{"event":"test","data":1}\n{"event":"test"}\n{"event":"test","data":2}\n'


def replies_of(done):
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_three(story, engine, target, done):
    first, second, third = replies_of(done)
    assert first["ok"] and third["ok"] and second["error"]["code"] == "missing_field", done.stdout
    target.wait(2)
    assert sorted(request.json["data"] for request in target.requests) == [1, 2]


@needs("socat")
def test_socat(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target)
    done = engine.run("socat", "-t20", "-", f"UNIX-CONNECT:{engine.ingest}", stdin=LINES, binary=False)
    check_three(story, engine, target, done)


@needs("nc")
def test_nc(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target)
    done = engine.run("nc", "-UN", engine.ingest, stdin=LINES, binary=False)
    check_three(story, engine, target, done)


@needs("python3")
def test_python_as_in_the_readme(story):
    """Five lines that a Django view could hold."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target)
    code = (
        "import json, socket, sys\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile('rw')\n"
        "f.write(json.dumps({'event': 'test', 'data': {'n': 1}}) + '\\n'); f.flush()\n"
        "print(f.readline(), end='')\n"
    )
    done = engine.run("python3", "-c", code, engine.ingest, binary=False)
    assert replies_of(done)[0]["deliveries"] == 1
    assert target.one().json["data"] == {"n": 1}


def test_grapnel_send_one(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target, events=["request.added"])
    done = engine.run("send", "request.added", '{"a": 1e2}', "--id", "k1", "--ref", "r")
    reply = replies_of(done)[0]
    assert reply["ok"] and reply["ref"] == "r", reply
    assert b'"data":{"a": 1e2}}' in target.one().body
    again = replies_of(engine.run("send", "request.added", '{"a": 1e2}', "--id", "k1"))[0]
    assert again["duplicate"], again
    path = story.file("event.json", '{"from": "a file"}\n')
    replies_of(engine.run("send", "request.added", f"@{path}"))
    replies_of(engine.run("send", "request.added", "-", stdin=b'{"from":\n "stdin"}'))
    target.wait(3)
    assert {request.json["data"].get("from") for request in target.requests} == {None, "a file", "stdin"}


def test_grapnel_send_says_what_was_refused(story):
    engine = story.engine()
    done = engine.run("send", "bad name", "{}")
    assert done.returncode == 1, done
    assert b"bad_field" in done.stdout + done.stderr, done
    done = engine.run("send", "test", "{oops}")
    assert done.returncode in (1, 2) and done.stdout + done.stderr, done
    engine.stop()
    done = engine.run("send", "test", "{}")
    assert done.returncode == 3 and b"ingest.sock" in done.stderr, done


def test_grapnel_send_many_lines(story):
    count = story.scale(5000, 500)
    target = story.target(keep="ids")
    engine = story.engine()
    engine.webhook(target)
    lines = b"".join(b'{"event":"test","data":%d}\n' % i for i in range(count))
    replies = replies_of(engine.run("send", stdin=lines))
    assert len(replies) == count and all(reply["ok"] for reply in replies)
    target.wait(count)
    done = engine.run("send", stdin=b'{"event":"test","data":1}\n{"event":"test"}\n')
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 2, done


@alone
@within(240)
def test_hundred_thousand_events_on_one_connection(story):
    """A bad line every 1,000: replies in order, all POSTs arrive, each once."""
    count = story.scale(100_000, 2000)
    target = story.target(keep="ids")
    engine = story.engine(log_level="info")
    engine.webhook(target, max_in_flight=128)
    bad = b'{"event":"test","data":tru}\n'
    payload = b"".join(
        bad if i % 1000 == 999 else b'{"event":"test","data":{"n":%d},"ref":"%d"}\n' % (i, i) for i in range(count)
    )
    expected, ids, wrong = iter(range(count)), [], []

    def on_replies(chunk):
        for line in chunk.splitlines():
            i, reply = next(expected), json.loads(line)
            if i % 1000 == 999:
                fits = not reply["ok"] and reply["error"]["code"] == "bad_json"
            else:
                fits = reply["ok"] and reply["ref"] == str(i) and reply["deliveries"] == 1
                ids.append(reply.get("id"))
            if not fits:
                wrong.append((i, line))

    started = time.monotonic()
    with engine.producer(timeout=60) as producer:
        assert producer.pipeline(payload, on_replies) == count
    acknowledged = time.monotonic() - started
    assert not wrong, wrong[:3]
    good = count - count // 1000
    assert len(set(ids)) == good
    wait_for(lambda: target.count >= good, "all POSTs", 180)
    done = time.monotonic() - started
    engine.wait_idle()
    assert set(target.ids) == set(ids) and target.count == good, (target.count, good)
    assert engine.metric('deliveries_total{outcome="delivered"}') == good
    print(f"{count} events: {count / acknowledged:.0f}/s acknowledged, {good / done:.0f}/s delivered")


@within(120)
def test_many_webhooks_for_one_event(story):
    """One event, 200 deliveries; one event's webhooks do not wait for each other."""
    target = story.target()
    engine = story.engine()
    count = story.scale(200, 50)
    for i in range(count):
        engine.webhook(target.url(f"/{i}"))
    reply = engine.send()
    assert reply["deliveries"] == count
    target.wait(count)
    assert {request.path for request in target.requests} == {f"/{i}" for i in range(count)}
    assert set(target.ids) == {reply["id"]}
