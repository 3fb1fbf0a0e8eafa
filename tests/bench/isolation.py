#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The p99 of a healthy webhook beside one that is slow, dead, flooding or hostile, in turns with a quiet engine.
"""Usage: tests/bench/isolation.py [KIND ...] [--engine build/release/grapnel] [--rounds N] [--events N] [--rate N].

Producer, healthy target and the other webhook's side are processes of their own. Prints one ratio a kind: the
median over rounds of (p99 beside it / p99 just before or after, without it). Fails when one is over 1.2.
"""
import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "support", "py"))

from story.producer import Producer  # noqa: E402
from story.rates import median  # noqa: E402
from story.target import Answer, Target, free_port  # noqa: E402
from story.tell import Story  # noqa: E402

MOST = 1.2
LINE = b'{"event":"%s","data":{"n":1}}\n'


def hostile(request):
    """Each in turn: endless headers, an endless body, a byte at a time, 1xx without end, garbage, a reset."""
    evil = [
        Answer.endless(b"HTTP/1.1 200 Ok\r\n", b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100),
        Answer.endless(b"HTTP/1.1 500 No\r\nContent-Length: 9999999999\r\n\r\n", b"x" * 65536),
        Answer.drip(b"HTTP/1.1 500 Internal\r\nX: y\r\n" * 20, 0.05),
        Answer.endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        Answer(b"\x00\xff" * 500, end="close"),
        Answer.reset(),
    ]
    return evil[int(time.monotonic() * 1000) % len(evil)]


# kind → (what its target answers; None: nobody listens), events a second to it
KINDS = {
    "slow": (Answer.status(204, delay=5), 200),
    "dead": (None, 200),
    "flooding": (204, 3000),
    "hostile": (hostile, 50),
}


def other_side(answer, pipe):
    """A process: the other webhook's target."""
    target = Target(answer, keep="none")
    pipe.send(target.url())
    pipe.recv()
    target.drop_all()
    target.close()


def other_producer(socket, event, per_second, is_on):
    """A process: events for the other webhook, while it is on."""
    with Producer(socket) as producer:
        while True:
            if is_on.is_set():
                producer.pipeline(LINE % event.encode() * max(1, per_second // 20))
            time.sleep(0.05)


def p99_of(engine, target, count, per_second):
    """Milliseconds from the way in to the arrival, at an even pace; 99 % were faster."""
    target.requests.clear()
    sent, started = {}, time.monotonic()
    with engine.producer() as producer:
        for i in range(count):
            wait = started + i / per_second - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            at = time.monotonic()
            sent[producer.ok("good")] = at
    until = time.monotonic() + 30
    while len(target.requests) < count and time.monotonic() < until:
        time.sleep(0.01)
    times = sorted((request.at - sent[request.id]) * 1000 for request in target.requests)
    assert len(times) == count, (len(times), count)
    return times[int(count * 0.99)]


def measure(story, kind, options):
    answer, per_second = KINDS[kind]
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    url = f"http://127.0.0.1:{free_port()}/"
    processes = []
    if answer is not None:
        processes.append(context.Process(target=other_side, args=(answer, theirs), daemon=True))
        processes[0].start()
        url = mine.recv()
    good = story.target()
    engine = story.engine(log_level="error")
    engine.webhook(good, events=["good"])
    engine.webhook(url, events=["bad"], retry=[1, 1, 1], timeout_ms=10000)
    is_on = context.Event()
    processes.append(context.Process(target=other_producer, args=(engine.ingest, "bad", per_second, is_on), daemon=True))
    processes[-1].start()
    quiet, beside = [], []

    def one(is_beside):
        if is_beside:
            is_on.set()
        else:
            is_on.clear()
        time.sleep(1)  # what was under way has come to rest, or the trouble to its height
        (beside if is_beside else quiet).append(p99_of(engine, good, options.events, options.rate))

    p99_of(engine, good, options.events, options.rate)  # warm
    for i in range(options.rounds):
        one(bool(i % 2))
        one(not i % 2)
    for process in processes:
        process.kill()
    engine.kill()
    ratio = median([noisy / calm for noisy, calm in zip(beside, quiet)])
    print(
        f"{kind:<10} p99 quiet {median(quiet):7.2f} ms  beside it {median(beside):7.2f} ms  ratio {ratio:5.2f}"
        f"  of rounds {' '.join(f'{noisy / calm:.2f}' for noisy, calm in zip(beside, quiet))}",
        flush=True,
    )
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--engine", default=os.path.join(TOP, "build/release/grapnel"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="grapnel-isolation-")
    story = Story(options.engine, folder)
    try:
        ratios = {kind: measure(story, kind, options) for kind in options.kinds or KINDS}
    finally:
        story.end(True)
        shutil.rmtree(folder)
    over = [kind for kind, ratio in ratios.items() if ratio > MOST]
    if over:
        sys.exit(f"over {MOST}: {', '.join(over)}")


if __name__ == "__main__":
    main()
