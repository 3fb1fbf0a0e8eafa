# SPDX-License-Identifier: MIT
"""A long backlog for a dead target costs neither memory nor the others' rate."""
import threading
import time

from story import Answer, alone, median, plain_only, ratio_of_pairs, wait_for, within

BACKLOG = 200_000
ROUND = 4000
LIMIT = 32 << 20


def rate(engine, target):
    """Deliveries per second of the healthy webhook, from the first line to the last arrival."""
    before, started = target.count, time.monotonic()
    payload = b'{"event":"good","data":{"title":"something of a usual length","n":1}}\n' * ROUND
    with engine.producer() as producer:
        assert producer.pipeline(payload) == ROUND
    wait_for(lambda: target.count >= before + ROUND, "the round", 60)
    return ROUND / (time.monotonic() - started)


@alone
@plain_only
@within(300)
def test_dead_target_with_200000_waiting(story):
    """Two engines take turns, one with the backlog and one without, so that both see the same machine."""
    count = story.scale(BACKLOG)
    good = story.target(keep="ids")
    engine = story.engine(log_level="warn")
    other = story.engine(log_level="warn")
    for one in (engine, other):
        one.webhook(good, events=["good"], max_in_flight=128)
        for _ in range(3):
            rate(one, good)  # warm
    before = engine.memory()

    engine.webhook(story.dead_url(), events=["bad"])
    data = b'{"event":"bad","data":{"title":"%s"}}\n' % (b"x" * 200)
    started = time.monotonic()
    with engine.producer() as producer:
        for _ in range(10):
            assert producer.pipeline(data * (count // 10)) == count // 10
    took = time.monotonic() - started
    wait_for(lambda: waiting(engine) == count, "all of them wait", 60)
    after = engine.memory()

    ratio, without, with_backlog = ratio_of_pairs(lambda: rate(other, good), lambda: rate(engine, good), 0.9)
    grown = max(after, engine.memory()) - before
    print(
        f"{count} waiting: {count / took:.0f}/s acknowledged, memory {before >> 20} MiB, grown by"
        f" {grown / (1 << 20):.1f} MiB; other webhook {median(without):.0f}/s without,"
        f" {median(with_backlog):.0f}/s beside it: {ratio:.2f}"
    )
    wait_for(lambda: waiting(engine) == count, "nothing but the backlog waits")
    assert grown < LIMIT, grown
    assert ratio >= 0.9, (with_backlog, without)


def waiting(engine):
    metrics = engine.metrics()
    return sum(value for name, value in metrics.items() if name.startswith("grapnel_pending"))


@within(150)
def test_backlog_drains_when_the_target_is_back(story):
    """Everything that waited arrives, once; live events do not wait behind it for ever."""
    count = story.scale(20000, 500)
    target = story.target(503, keep="ids")
    engine = story.engine(clock=True, log_level="warn")
    engine.webhook(target, max_in_flight=128)
    with engine.producer() as producer:
        assert producer.pipeline(b'{"event":"test","data":1}\n' * count) == count
    wait_for(lambda: waiting(engine) == count and engine.metric("unsettled") == 0, "all wait", 60)
    target.answer_with(204)
    target.ids.clear()
    before = target.count
    engine.clock.advance(3600)
    wait_for(lambda: target.count >= before + count, "the backlog", 100)
    engine.wait_idle()
    assert len(target.ids) == count and target.count == before + count, (target.count - before, count)
    assert waiting(engine) == 0


@within(120)
def test_backlog_survives_a_restart(story):
    count = story.scale(20000, 500)
    target = story.target(keep="ids")
    engine = story.engine(log_level="warn")
    webhook = engine.webhook(target, is_paused=True, max_in_flight=128)
    with engine.producer() as producer:
        assert producer.pipeline(b'{"event":"test","data":1}\n' * count) == count
    engine.kill()
    engine.start()
    assert target.count == 0
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/resume").status == 200
    wait_for(lambda: target.count >= count, "the backlog", 80)
    engine.wait_idle()
    assert len(target.ids) == count == target.count


def test_what_waits_in_memory_is_written_after_5_s(story):
    """Waiting for its turn or being sent: it gets a row, the queue is empty, and goes on when there is room."""
    target = story.target(Answer.hang())
    engine = story.engine(clock=True)
    engine.webhook(target, max_in_flight=1, timeout_ms=60000, retry=[1])
    ids = [engine.ok(data=i) for i in range(30)]
    target.wait(1)
    assert engine.metric('pending{state="claimed"}') == 29
    engine.clock.advance(6)
    wait_for(lambda: engine.metric('pending{state="pending"}') == 30, "a row for each")
    engine.ok("other")
    target.answer_with(204)
    target.drop_all()
    wait_for(lambda: set(target.ids) == set(ids), "all of them")
    for event_id in ids:
        engine.clock.advance(0.1)
        assert engine.settled(event_id)["state"] == "delivered"


@within(30)
def test_slow_start_with_much_owed(story):
    """More than 5 s between reading what is owed and the loop's first turn: rows are written, then sent."""
    target = story.target(Answer.hang(), keep="ids")
    engine = story.engine(clock=True, log_level="info")
    engine.webhook(target, timeout_ms=60000)
    ids = {engine.ok(data=i) for i in range(60)}
    engine.kill()
    target.answer_with(204)
    is_ready = threading.Event()

    def let_time_fly():
        while "were owed" not in engine.log() and not is_ready.is_set():
            pass
        engine.clock.advance(6)

    thread = threading.Thread(target=let_time_fly)
    thread.start()
    engine.start()
    is_ready.set()
    thread.join()
    wait_for(lambda: engine.clock.advance(1) or set(target.ids) == ids, "all of them")
    engine.wait_idle()
