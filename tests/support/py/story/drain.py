# SPDX-License-Identifier: MIT
"""The end of a long outage: all targets were down, much waits, and they come back (tests/bench/drain.py, a story)."""
import threading
import time
from collections import deque

from story.clock import HOUR
from story.target import Answer
from story.waiting import wait_for

CAPS = (2, 8, 32, 64)  # max_in_flight of the webhooks
RATE, BURST = 400, 40  # of one more, with a twentieth of the backlog, and at most MOST_LIMITED
MOST_LIMITED = 8000
ANSWER_S = 0.002  # long enough for requests to overlap
SLACK_S = 0.25  # arrivals are seen late by that much on a busy machine, several at once
MAX_GROWTH = 32 << 20
LINE = b'{"event":"%s","data":{"title":"something of a usual length","n":1}}\n'


class Rate:
    """In no window more than the burst, what the rate adds, and what a late look may add."""

    def __init__(self):
        self.times, self.most, self.broken = deque(), 0, []

    def note(self, at):
        self.times.append(at)
        while self.times[0] < at - 1:
            self.times.popleft()
        self.most = max(self.most, len(self.times))
        for i in range(0, len(self.times), 50):
            allowed = BURST + RATE * (at - self.times[i] + SLACK_S)
            if len(self.times) - i > allowed:
                self.broken.append((len(self.times) - i, at - self.times[i]))


class Drain:
    """Steps in order: warm, fill, drain; then the figures."""

    def __init__(self, story, count):
        self.count = count
        self.limited_count = min(count // 20, MOST_LIMITED)
        each = (count - self.limited_count) // len(CAPS)
        self.counts = [each] * len(CAPS) + [self.limited_count]
        self.total = sum(self.counts)
        self.rate = Rate()
        self.latencies = []
        self.is_over = False
        self.targets = [story.target(keep="none") for _ in self.counts]
        self.fresh = story.target(keep="ids")
        self.engine = story.engine(clock=True, log_level="error")
        for i, target in enumerate(self.targets):
            limit = {"max_in_flight": CAPS[i]} if i < len(CAPS) else {"rate_limit": {"per_second": RATE, "burst": BURST}}
            self.engine.webhook(target, events=[f"e{i}"], retry=[5] * 30, **limit)
        self.engine.webhook(self.fresh, events=["fresh"])

    def waiting(self):
        metrics = self.engine.metrics()
        return sum(value for name, value in metrics.items() if name.startswith("grapnel_pending"))

    def warm(self):
        """Every path has been used once; what it takes then is the idle engine."""
        for target in (*self.targets, self.fresh):
            target.answer_with(Answer.status(204, delay=ANSWER_S))
        with self.engine.producer() as producer:
            for i in range(len(self.counts)):
                producer.pipeline(LINE % f"e{i}".encode() * 2000)
        wait_for(lambda: self.waiting() == 0, "the engine is warm", 120)
        self.engine.wait_idle()
        self.quiet = self.latency_of(200)
        self.idle = self.most = self.engine.memory()

    def look(self):
        self.most = max(self.most, self.engine.memory())

    def fill(self):
        for target in self.targets:
            target.answer_with(503)
        with self.engine.producer() as producer:
            for i, count in enumerate(self.counts):
                block = LINE % f"e{i}".encode()
                for done in range(0, count, 10000):
                    some = min(10000, count - done)
                    assert producer.pipeline(block * some) == some
                    self.look()
        wait_for(lambda: self.waiting() == self.total and self.engine.metric("unsettled") == 0, "all wait", 120)
        self.look()

    def latency_of(self, count):
        """Milliseconds from an event's way in to its arrival, one after the other, sorted."""
        sent = {}
        with self.engine.producer() as producer:
            for i in range(count):
                before, started = self.fresh.count, time.monotonic()
                producer.ok("fresh", data=i)
                wait_for(lambda n=before: self.fresh.count > n, "a new event arrives beside the backlog", 30)
                sent[i] = (time.monotonic() - started) * 1000
        return sorted(sent.values())

    def send_fresh(self):
        while not self.is_over:
            self.latencies += self.latency_of(20)

    def judge(self, target, i):
        answer = Answer.status(204, delay=ANSWER_S)
        target.most_at_once = 0
        target.count = 0
        if i < len(CAPS):
            target.answer_with(answer)
        else:
            target.answer_with(lambda request: self.rate.note(request.at) or answer)

    def drain(self, timeout):
        for i, target in enumerate(self.targets):
            self.judge(target, i)
        self.failures = []
        thread = threading.Thread(target=self.send_fresh, daemon=True)
        started = time.monotonic()
        self.engine.clock.advance(HOUR)  # the next probe is due
        thread.start()
        until = started + timeout
        while sum(target.count for target in self.targets) < self.total and time.monotonic() < until:
            self.look()
            time.sleep(0.2)
        self.took = time.monotonic() - started
        self.is_over = True
        thread.join(60)
        assert not thread.is_alive(), "new events starve"
        wait_for(lambda: self.waiting() == 0, "nothing waits", 60)
        self.engine.wait_idle()
        self.look()
        self.latencies.sort()

    def check(self):
        """What must hold; the figures as text."""
        counts = [target.count for target in self.targets]
        assert counts == self.counts, ("each arrives once", counts, self.counts)
        at_once = [target.most_at_once for target in self.targets[: len(CAPS)]]
        assert all(most <= cap for most, cap in zip(at_once, CAPS)), (at_once, CAPS)
        assert not self.rate.broken, self.rate.broken[:10]
        grown = self.most - self.idle
        middle, last = (self.latencies[int(len(self.latencies) * part)] for part in (0.5, 0.99))
        text = (
            f"{self.total} waited: drained in {self.took:.1f} s ({self.total / self.took:.0f}/s); most at once {at_once}"
            f" of {list(CAPS)}; most in a second {self.rate.most} of {RATE} + {BURST}; memory {self.idle / 2**20:.1f} MiB"
            f" idle, grown by at most {grown / 2**20:.1f} MiB; {len(self.latencies)} new events beside it:"
            f" median {middle:.1f} ms, p99 {last:.1f} ms, longest {self.latencies[-1]:.1f} ms"
            f" (quiet: {self.quiet[len(self.quiet) // 2]:.1f}, {self.quiet[-1]:.1f})"
        )
        print(text)
        assert grown < MAX_GROWTH, grown
        assert self.latencies[-1] < 5000, "new events starve"
        return text


def run(story, count, timeout):
    drain = Drain(story, count)
    drain.warm()
    drain.fill()
    drain.drain(timeout)
    return drain.check()
