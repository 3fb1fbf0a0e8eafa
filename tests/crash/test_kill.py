# SPDX-License-Identifier: MIT
"""kill -9 at seeded random moments: what was acknowledged arrives, and little arrives twice."""
import os
import time

from life import Life, Load
from story import alone, within


def seed_of(number):
    """From --seed, or a new one; printed, so that a failure can be told again."""
    seed = int(os.environ.get("SEED") or time.time_ns() % 1_000_000_000)
    print(f"seed {seed}: run.py --seed {seed}")
    return seed * 1000 + number


def cycles(share):
    return max(1, int(int(os.environ.get("CYCLES") or 24) * share))


def kill_under_load(life, longest=0.7):
    """One life: load, and the end at a random moment."""
    life.begin()
    life.send_again()
    load = Load(life)
    until = time.monotonic() + life.random.uniform(0.02, longest)
    while time.monotonic() < until:
        life.read_gauge()
    life.engine.kill()
    load.stop()
    life.note_death()


@alone
@within(200)
def test_random_moments_under_load(story):
    life = Life(story, seed_of(1))
    for _ in range(cycles(2 / 3)):
        kill_under_load(life)
        life.begin()
        life.judge()
        life.engine.kill()
        life.note_death()
    life.begin()
    life.judge()
    print(life.sum_up())


@alone
@within(150)
def test_random_moments_with_little_memory(story):
    """Most deliveries go through pending rows: claims, retries, held rows."""
    life = Life(story, seed_of(2), memory_deliveries=64, memory_bytes="1MiB")
    for _ in range(cycles(1 / 6)):
        kill_under_load(life)
        life.begin()
        life.judge()
        life.engine.stop()
    life.begin()
    life.judge()
    print(life.sum_up())


@alone
@within(150)
def test_killed_while_it_recovers(story):
    """A crash loop: killed again soon after, or before, it is ready; attempts and events survive."""
    life = Life(story, seed_of(3))
    for _ in range(cycles(1 / 6)):
        kill_under_load(life)
        for _ in range(3):
            life.begin()
            until = time.monotonic() + life.random.uniform(0, 0.15)
            while time.monotonic() < until:
                life.read_gauge()
            life.engine.kill()
            life.note_death()
        life.begin()
        life.judge()
        life.engine.stop()
    life.begin()
    life.judge()
    print(life.sum_up())


@alone
@within(100)
def test_killed_while_it_drains(story):
    life = Life(story, seed_of(4), drain_timeout="20s")
    for _ in range(cycles(1 / 8)):
        life.begin()
        load = Load(life)
        until = time.monotonic() + life.random.uniform(0.1, 0.4)
        while time.monotonic() < until:
            life.read_gauge()
        life.engine.signal(15)
        until = time.monotonic() + life.random.uniform(0, 0.02)
        while time.monotonic() < until and life.engine.is_running:
            life.read_gauge()
        life.engine.process.kill()
        life.engine.wait_end()
        load.stop()
        life.note_death()
        life.begin()
        life.judge()
        life.engine.stop()
    life.begin()
    life.judge()
    print(life.sum_up())


@alone
@within(100)
def test_acknowledging_too_early_is_found_out(story):
    """The proof that the judge sees: with ingest_ack_early the engine answers before the commit."""
    life = Life(story, seed_of(5))
    for _ in range(10):
        life.begin("ingest_ack_early:error")
        load = Load(life)
        until = time.monotonic() + life.random.uniform(0.1, 0.4)
        while time.monotonic() < until:
            life.read_gauge()
        life.engine.kill()
        load.stop()
        life.note_death()
        life.begin()
        life.settle()
        if life.lost():
            try:
                life.judge()
            except AssertionError as error:
                assert "are lost" in str(error), error
                print(f"found out after {life.kills} kills: {len(life.lost())} deliveries lost")
                return
            raise AssertionError("events are lost, and the judge did not say so")
        life.engine.stop()
    raise AssertionError("the order commit-then-acknowledge was broken in 10 lives, and nothing was seen")
