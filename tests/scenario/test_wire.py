# SPDX-License-Identifier: MIT
"""The ingest socket: lines in, replies out, errors (wire.md)."""
import json
import os
import re
import resource
import socket
import threading
import time

from story import DAY, HOUR, wait_for

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def test_dialogue_of_the_documentation(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target, events=["request.added"])
    engine.webhook(target, events=["request.*"])
    with engine.producer() as producer:
        producer.write(b'{"event":"request.added","data":{"title":"New vulnerability detected","cc_emails":[]}}\n')
        producer.write(b'{"event":"request.added","id":"req-42/added","data":{}}\n')
        producer.write(b'{"event":"request.added","id":"req-42/added","data":{}}\n')
        producer.write(b'{"evnt":"request.added"}\n')
        first, second, third, fourth = producer.replies(4)
    assert list(first) == ["ok", "id", "deliveries"] and first["ok"] and first["deliveries"] == 2
    assert UUID7.match(first["id"]), first
    assert third == {**second, "duplicate": True}
    assert fourth == {
        "ok": False,
        "error": {"code": "unknown_field", "message": 'unknown field "evnt"; did you mean "event"?'},
    }
    target.wait(4)
    engine.wait_idle()
    assert target.count == 4


BAD_LINES = [
    (b"", "bad_json"),
    (b"   ", "bad_json"),
    (b"{", "bad_json"),
    (b'{"event":"a","data":{}', "bad_json"),
    (b'{"event":"a","data":01}', "bad_json"),
    (b'{"event":"a","data":[1,]}', "bad_json"),
    (b'{"event":"a","data":NaN}', "bad_json"),
    (b'{"event":"a","data":"\x01"}', "bad_json"),
    (b'{"event":"a","data":"\xff"}', "bad_json"),
    (b'{"event":"a","data":"\xed\xa0\x80"}', "bad_json"),
    (b'{"event":"a","data":"\\x"}', "bad_json"),
    (b'{"event":"a","event":"b","data":1}', "bad_json"),
    (b'{"event":"a","fields":{"x":1,"x":2}}', "bad_json"),
    (b'{"event":"a","override":{"x":1,"\\u0078":2}}', "bad_json"),
    (b'{"event":"a","data":{}} x', "bad_json"),
    (b'{"event":"a\x00","data":{}}', "bad_json"),
    (b"[]", "not_an_object"),
    (b'"x"', "not_an_object"),
    (b"null", "not_an_object"),
    (b'{"data":{}}', "missing_field"),
    (b'{"event":"a"}', "missing_field"),
    (b'{"event":"a","data":1,"fields":{}}', "bad_field"),
    (b'{"event":"a","data":1,"override":{}}', "bad_field"),
    (b'{"event":"a","fields":{"hook":1}}', "bad_field"),
    (b'{"event":"a","fields":[]}', "bad_field"),
    (b'{"event":"a","override":"x"}', "bad_field"),
    (b'{"event":"a b","data":1}', "bad_field"),
    (b'{"event":"","data":1}', "bad_field"),
    (b'{"event":1,"data":1}', "bad_field"),
    (b'{"event":"%s","data":1}' % (b"a" * 129), "bad_field"),
    (b'{"event":"a","data":1,"id":""}', "bad_field"),
    (b'{"event":"a","data":1,"id":"%s"}' % (b"a" * 129), "bad_field"),
    (b'{"event":"a","data":1,"webhook":"x"}', "bad_field"),
    (b'{"event":"a","data":1,"webhook":"00000000-0000-4000-8000-000000000000"}', "unknown_webhook"),
    (b'{"event":"a","data":1,"tenant":"nobody"}', "unknown_tenant"),
    (b'{"event":"a","data":1,"time":"yesterday"}', "bad_field"),
    (b'{"event":"a","data":1,"time":"2026-01-01T00:00:00"}', "bad_field"),
    (b'{"event":"a","data":1,"deliver_at":"2026-02-30T00:00:00Z"}', "bad_field"),
    (b'{"event":"a","data":1,"deliver_at":"2030-01-01T00:00:00Z","expires_at":"2029-01-01T00:00:00Z"}', "bad_field"),
    (b'{"event":"a","data":1,"traceparent":"x"}', "bad_field"),
    (b'{"event":"a","data":1,"ref":"%s"}' % (b"a" * 129), "bad_field"),
    (b'{"event":"a","data":1,"extra":1}', "unknown_field"),
    (b'{"event":"a","data":' + b"[" * 64 + b"]" * 64 + b"}", "bad_json"),
    (b'{"event":"a","data":' + b"[" * 100000, "bad_json"),
]


def test_each_bad_line_costs_its_own_error_only(story):
    """A good line stands between any two bad ones."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target, events=["good"])
    good = b'{"event":"good","data":{}}\n'
    with engine.producer() as producer:
        producer.write(b"".join(line + b"\n" + good for line, _ in BAD_LINES))
        for line, code in BAD_LINES:
            reply = producer.reply()
            assert not reply["ok"] and reply["error"]["code"] == code, (line[:100], code, reply)
            assert reply["error"]["message"], reply
            assert ("offset" in reply["error"]) == (code == "bad_json"), reply
            assert producer.reply()["ok"], line[:100]
    target.wait(len(BAD_LINES))
    metrics = engine.metrics()
    refused = {code: sum(1 for _, one in BAD_LINES if one == code) for _, code in BAD_LINES}
    for code, count in refused.items():
        assert metrics[f'grapnel_events_rejected_total{{code="{code}"}}'] == count, (code, count)
    assert metrics["grapnel_events_accepted_total"] == len(BAD_LINES)


def test_offsets_name_the_byte(story):
    engine = story.engine()
    with engine.producer() as producer:
        for line, offset in [
            (b'{"event":"a","data":x}\n', 20),
            (b'{"event":"a"\xc3\xa9}\n', 12),
            (b"\n", 0),
            (b'{"event":"\xc3\xa9\xff"}\n', 12),
        ]:
            error = producer.refused(line)
            assert error["code"] == "bad_json" and error["offset"] == offset, (line, error)


def test_depth_is_counted_from_the_line(story):
    engine = story.engine()
    with engine.producer() as producer:
        producer.write(b'{"event":"a","data":' + b"[" * 63 + b"]" * 63 + b"}\n")
        assert producer.reply()["ok"]


def test_carriage_return_and_missing_line_feed(story):
    engine = story.engine()
    with engine.producer() as producer:
        producer.write(b'{"event":"a","data":1}\r\n{"event":"b","data":2}')
        assert producer.reply()["ok"]
        producer.finish_writing()
        rest = producer.all_replies()
    assert len(rest) == 1 and rest[0]["ok"], rest


def test_unfinished_line_at_the_end_is_a_line(story):
    engine = story.engine()
    with engine.producer() as producer:
        producer.write(b'{"event":"a","da')
        producer.finish_writing()
        (reply,) = producer.all_replies()
    assert reply["error"]["code"] == "bad_json", reply


def test_half_close_still_gets_all_replies(story):
    count = story.scale(5000, 500)
    target = story.target(keep="ids")
    engine = story.engine()
    engine.webhook(target)
    with engine.producer() as producer:
        writer = socket.socket(fileno=os.dup(producer.sock.fileno()))
        replies = []
        payload = b"".join(b'{"event":"test","data":%d,"ref":"%d"}\n' % (i, i) for i in range(count))

        def on_replies(chunk):
            replies.extend(json.loads(line)["ref"] for line in chunk.splitlines())

        thread = threading.Thread(target=lambda: (writer.sendall(payload), writer.shutdown(socket.SHUT_WR)))
        thread.start()
        while (line := producer.read_line()) is not None:
            on_replies(line)
        thread.join()
        writer.close()
    assert replies == [str(i) for i in range(count)], len(replies)
    target.wait(count)


def test_longest_line_and_one_more(story):
    """A line over max_event_bytes is answered, skipped to its end, and the connection goes on."""
    engine = story.engine(max_event_bytes="64KiB")
    frame = b'{"event":"a","data":""}'
    fits = b'{"event":"a","data":"' + b"x" * (65536 - len(frame)) + b'"}'
    assert len(fits) == 65536
    with engine.producer() as producer:
        producer.write(fits + b"\n" + fits[:-2] + b'x"}\n' + fits + b"\r\n" + b"y" * 3_000_000 + b"\n" + fits + b"\n")
        codes = [reply["error"]["code"] if "error" in reply else "ok" for reply in producer.replies(5)]
    assert codes[0] == "ok" and codes[1] == "too_large" and codes[3:] == ["too_large", "ok"], codes


def test_endless_line_stays_within_memory(story):
    """100 MB without a line feed: one error, and the engine does not keep them."""
    engine = story.engine()
    engine.ok()
    before = engine.memory()
    with engine.producer() as producer:
        block = b"x" * (1 << 20)
        for _ in range(story.scale(100, 10)):
            producer.write(block)
        producer.write(b"\n")
        assert producer.reply()["error"]["code"] == "too_large"
        grown = engine.memory() - before
        assert story.is_sanitized or grown < 8 << 20, grown
        assert producer.send()["ok"]


def test_ref_comes_back(story):
    engine = story.engine()
    with engine.producer() as producer:
        assert producer.send(ref="é/1")["ref"] == "é/1"
        producer.write({"event": "a", "ref": "r2"})
        reply = producer.reply()
        assert reply["error"]["code"] == "missing_field" and reply["ref"] == "r2", reply
        producer.write(b'{"event":"a","data":1,"nope":1,"ref":"r3"}\n')
        assert producer.reply().get("ref") == "r3"


def test_same_id_is_not_delivered_again(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target)
    with engine.producer() as producer:
        first = producer.send(id="k1", data={"a": 1})
        again = producer.send(id="k1", data={"a": 1})
        honest = producer.send(id="k1", data={"a": 1}, time="2026-01-01T00:00:00Z")
        other = producer.send(id="k1", data={"a": 2})
        named = producer.send("other", id="k1", data={"a": 1})
        spelled = producer.send(id="k1", data={"a": 1.0})
    assert again == {**first, "duplicate": True} == honest
    for reply in (other, named, spelled):
        assert reply["error"]["code"] == "id_reused", reply
    target.wait(1)
    engine.wait_idle()
    assert target.count == 1


def test_same_id_in_one_write(story):
    """Two of a batch: both in one commit."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target)
    with engine.producer() as producer:
        line = b'{"event":"test","id":"x","data":1}\n'
        producer.write(line + line + b'{"event":"test","id":"x","data":2}\n')
        first, again, other = producer.replies(3)
    assert first["ok"] and again == {**first, "duplicate": True}
    assert other["error"]["code"] == "id_reused"
    engine.wait_idle()
    assert target.count == 1


def test_ids_are_forgotten_after_the_window(story):
    target = story.target()
    engine = story.engine(clock=True, idempotency_window="1h")
    engine.webhook(target)
    first = engine.send(id="k")
    engine.clock.advance(HOUR - 5)
    assert engine.send(id="k")["duplicate"]
    engine.clock.advance(60)
    later = engine.send(id="k")
    assert later["ok"] and "duplicate" not in later and later["id"] != first["id"], later
    target.wait(2)


def test_ids_outlive_a_restart(story):
    engine = story.engine()
    first = engine.send(id="k", data=[1])
    engine.restart()
    assert engine.send(id="k", data=[1]) == {**first, "duplicate": True}


def test_ids_belong_to_tenants(story):
    engine = story.engine(tenants="open")
    a = engine.send(id="k", tenant="a")
    b = engine.send(id="k", tenant="b")
    assert a["ok"] and b["ok"] and a["id"] != b["id"] and "duplicate" not in b


def test_one_webhook_by_name(story):
    target = story.target()
    engine = story.engine()
    one = engine.webhook(target.url("/one"), events=["other"])
    engine.webhook(target.url("/two"), events=["test"])
    reply = engine.send(webhook=one["uuid"])
    assert reply["deliveries"] == 1
    assert target.one().path == "/one"
    assert target.one().json["hook"]["event"] == "test"


def test_webhook_of_another_tenant_is_unknown(story):
    target = story.target()
    engine = story.engine()
    assert engine.api("POST", "/api/v1/tenants", {"name": "acme"}).status == 201
    theirs = engine.webhook(target, tenant="acme")
    with engine.producer() as producer:
        assert producer.refused({"event": "test", "data": 1, "webhook": theirs["uuid"]})["code"] == "unknown_webhook"
        assert producer.send(webhook=theirs["uuid"], tenant="acme")["deliveries"] == 1
        assert producer.send(tenant="default")["deliveries"] == 0
        assert producer.send(tenant="acme")["deliveries"] == 1
    target.wait(2)


def test_inactive_webhook_misses_and_is_told(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, is_active=False)
    direct = engine.send(webhook=webhook["uuid"])
    matched = engine.send()
    for reply in (direct, matched):
        assert reply["ok"] and reply["deliveries"] == 0, reply
        assert engine.get(f"/api/v1/events/{reply['id']}")["missed"] == [webhook["uuid"]]
        said = json.dumps(engine.get(f"/api/v1/events/{reply['id']}/explain"))
        assert "inactive" in said, said
    assert target.count == 0


def test_paused_webhook_waits(story):
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, is_paused=True)
    reply = engine.send()
    assert reply["deliveries"] == 1
    delivery = engine.in_state(reply["id"], "pending")
    assert "paused" in json.dumps(engine.get(f"/api/v1/deliveries/{delivery['id']}/explain"))
    assert target.count == 0
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/resume").status == 200
    assert target.one().id == reply["id"]


def test_nobody_subscribes_is_a_success(story):
    engine = story.engine()
    reply = engine.send("nobody.cares", data={"a": 1})
    assert reply["ok"] and reply["deliveries"] == 0
    event = engine.get(f"/api/v1/events/{reply['id']}")
    assert event["event"] == "nobody.cares" and event["data"] == {"a": 1}


def test_listed_events_only(story):
    target = story.target()
    engine = story.engine(events=["request.added", "user.added"])
    assert engine.send("request.added")["ok"]
    error = engine.send("request.adde")["error"]
    assert error["code"] == "unknown_event" and "request.added" in error["message"], error
    body = {"target": target.url(), "events": ["request.gone"]}
    assert "request.gone" in str(engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body)))
    engine.webhook(target, events=["request.*", "user.added", "grapnel.*"])


def test_tenants_are_listed_or_open(story):
    engine = story.engine()
    assert engine.send(tenant="acme")["error"]["code"] == "unknown_tenant"
    assert engine.api("POST", "/api/v1/tenants", {"name": "acme"}).status == 201
    assert engine.api("POST", "/api/v1/tenants", {"name": "acme"}).status == 409
    assert engine.send(tenant="acme")["ok"]
    assert [row["name"] for row in engine.get("/api/v1/tenants")["data"]] == ["acme", "default"]
    engine.restart()
    assert engine.send(tenant="acme")["ok"]
    open_engine = story.engine(tenants="open")
    assert open_engine.send(tenant="anything")["ok"]


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_deliver_at_waits(story):
    target = story.target()
    engine = story.engine(clock=True)
    engine.webhook(target)
    due = engine.clock.now() + DAY
    later = engine.ok(deliver_at=rfc3339(due), data="later")
    now = engine.ok(data="now")
    assert target.one().id == now
    assert engine.in_state(later, "pending")["due_at"].startswith(rfc3339(due)[:-1])
    engine.clock.advance(DAY - HOUR)
    assert engine.ok(data="between") and target.wait(2)[1].json["data"] == "between"
    engine.clock.advance(HOUR + 5)
    assert target.wait(3)[2].id == later


def test_expired_events_die_unsent(story):
    target = story.target()
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, is_paused=True)
    past = engine.send(expires_at=rfc3339(engine.clock.now() - 60))
    assert past["ok"], past
    soon = engine.ok(expires_at=rfc3339(engine.clock.now() + HOUR))
    engine.clock.advance(2 * HOUR)
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/resume").status == 200
    for event_id in (past["id"], soon):
        delivery = engine.settled(event_id)
        assert (delivery["state"], delivery["outcome"]) == ("dead", "expired"), delivery
    assert target.count == 0


def test_client_that_never_reads_is_no_longer_read_from(story):
    """Its bytes stay in its own socket; memory stays flat; others go on."""
    engine = story.engine()
    engine.ok()
    before = engine.memory()
    deaf = socket.socket(socket.AF_UNIX)
    deaf.connect(engine.ingest)
    deaf.setblocking(False)
    block = b"".join(b'{"event":"deaf","data":%d}\n' % i for i in range(2000))
    sent, last = 0, time.monotonic()
    while time.monotonic() - last < 1.0 and sent < 200_000_000:
        try:
            sent += deaf.send(block)
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.005)
    assert sent < 200_000_000, "the engine never stopped reading"
    assert engine.send()["ok"]
    assert story.is_sanitized or engine.memory() - before < 24 << 20, engine.memory() - before
    deaf.close()
    wait_for(lambda: engine.metric("ingest_connections") == 0, "the connection is gone")


def test_producer_that_goes_away_loses_nothing(story):
    """It writes and closes at once, without reading: what was a whole line is stored."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target)
    with engine.producer() as producer:
        for i in range(100):
            producer.write({"event": "test", "data": i})
    target.wait(100)
    assert sorted(request.json["data"] for request in target.requests) == list(range(100))


def test_many_connections_at_once(story):
    target = story.target(keep="ids")
    engine = story.engine()
    engine.webhook(target)
    count = story.scale(300, 50)
    producers = [engine.producer() for _ in range(count)]
    for producer in producers:
        producer.write({"event": "test", "data": 1})
    ids = {producer.reply()["id"] for producer in producers}
    assert len(ids) == count
    target.wait(count)
    assert set(target.ids) == ids
    for producer in producers:
        producer.close()
    wait_for(lambda: engine.metric("ingest_connections") == 0, "all connections are gone")


def test_lines_in_pieces(story):
    """One byte a write."""
    engine = story.engine()
    with engine.producer() as producer:
        for byte in b'{"event":"test","data":"\xc3\xa9"}\n' * 3:
            producer.write(bytes([byte]))
        assert all(reply["ok"] for reply in producer.replies(3))


def test_uids_may_write_for_their_tenants(story):
    me = os.getuid()
    engine = story.engine(ingest_uids={me: ["acme"]})
    assert engine.api("POST", "/api/v1/tenants", {"name": "acme"}).status == 201
    with engine.producer() as producer:
        error = producer.refused({"event": "a", "data": 1})
        assert error["code"] == "not_allowed" and str(me) in error["message"], error
        assert producer.send(tenant="acme")["ok"]
    engine.write_config(ingest_uids={me: "*"})
    engine.signal(1)
    wait_for(lambda: engine.send()["ok"], "the new rights")
    engine.write_config(ingest_uids={me + 1: "*"})
    engine.signal(1)
    wait_for(lambda: not engine.send()["ok"], "the rights are gone")
    assert engine.send(tenant="acme")["error"]["code"] == "not_allowed"


def test_event_records_who_sent_it(story):
    engine = story.engine()
    event = engine.get(f"/api/v1/events/{engine.ok()}")
    assert event["uid"] == os.getuid() and event["pid"] == os.getpid(), event


def test_socket_mode(story):
    engine = story.engine(ingest_socket_mode="0622")
    assert os.stat(engine.ingest).st_mode & 0o777 == 0o622
    assert os.stat(engine.data_dir).st_mode & 0o777 == 0o700
    assert os.stat(engine.database).st_mode & 0o077 == 0


def test_events_over_http(story):
    target = story.target()
    engine = story.engine()
    engine.webhook(target)
    one = engine.api("POST", "/api/v1/events", {"event": "test", "data": {"a": 1}, "id": "h1"})
    assert one.status == 201 and one.json["deliveries"] == 1, one
    again = engine.api("POST", "/api/v1/events", {"event": "test", "data": {"a": 1}, "id": "h1"})
    assert again.status == 200 and again.json["duplicate"] and again.json["id"] == one.json["id"], again
    reused = engine.api("POST", "/api/v1/events", {"event": "test", "data": {"a": 2}, "id": "h1"})
    assert reused.status == 409 and reused.json["code"] == "id_reused", reused
    bad = engine.api("POST", "/api/v1/events", {"evnt": "x"})
    assert bad.status == 422 and bad.json["code"] == "unknown_field", bad
    many = engine.api("POST", "/api/v1/events", [{"event": "test", "data": i} for i in range(3)] + [{"x": 1}])
    assert many.status == 200 and [row["ok"] for row in many.json] == [True, True, True, False], many
    target.wait(4)


def test_producer_that_is_cut_off_has_a_prefix_stored(story):
    """In the middle of a pipeline: what is stored is what came first, and holds all that was acknowledged."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target, max_in_flight=64)
    count = story.scale(20000, 4000)
    payload = b"".join(b'{"event":"test","data":%d,"ref":"%d"}\n' % (i, i) for i in range(count))
    producer = engine.producer()
    producer.sock.setblocking(False)
    acknowledged, view = -1, memoryview(payload)
    while acknowledged < count // 4:
        try:
            view = view[producer.sock.send(view) :]
        except BlockingIOError:
            pass
        try:
            *_, last = producer.sock.recv(65536).rsplit(b"\n", 2)[:-1]
            acknowledged = int(json.loads(last)["ref"]) if last.startswith(b"{") else acknowledged
        except (BlockingIOError, ValueError):
            pass
    producer.close()
    wait_for(lambda: engine.metric("ingest_connections") == 0, "it is gone")
    wait_for(lambda: engine.metric("events_accepted_total") == target.count, "all that is stored has arrived")
    stored = sorted(request.json["data"] for request in target.requests)
    assert stored == list(range(len(stored))) and len(stored) > acknowledged, (len(stored), acknowledged)


def test_more_connections_than_descriptors(story):
    """Out of descriptors: no spinning, those that are connected and deliveries go on, and it heals."""
    target = story.target()
    engine = story.engine()
    limit = engine.open_files() + 60
    engine.stop()
    engine.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    engine.webhook(target)
    first = engine.producer()
    assert first.send()["ok"]
    target.wait(1)
    crowd = []
    try:
        for _ in range(300):
            crowd.append(engine.producer(timeout=5))
    except OSError:
        pass  # the kernel's queue is full as well
    before = engine.cpu()
    for i in range(20):
        assert first.send(data=i)["ok"]
        target.wait(i + 2)
    time.sleep(0.5)  # spinning would show as CPU time
    assert engine.cpu() - before < 0.4, engine.cpu() - before
    for producer in crowd:
        producer.close()
    wait_for(lambda: engine.metric("ingest_connections") == 1, "the crowd is gone")
    assert engine.send()["ok"]
    first.close()


def test_slow_writers_block_nobody(story):
    """Many connections in the middle of a line."""
    engine = story.engine()
    slow = [engine.producer() for _ in range(200)]
    for producer in slow:
        producer.write(b'{"event":"te')
    with engine.producer() as producer:
        for i in range(200):
            assert producer.send(data=i)["ok"]
    for producer in slow:
        producer.write(b'st","data":1}\n')
    assert all(producer.reply()["ok"] for producer in slow)
    for producer in slow:
        producer.close()
