# SPDX-License-Identifier: MIT
"""The engine killed at each of its failpoints (core/base/failpoint.def) under load, and started again."""
import os
import re
import time

from life import Life, Load
from story import DAY, wait_for, within
from test_kill import seed_of

# Not places where it dies, but proofs that tests see.
PROOFS = {"ingest_ack_early", "store_rekey"}  # the second is told in tests/scenario
# How many passages a load makes at least: the one that kills is chosen among them.
PASSAGES = {"store_checkpoint": 2, "store_run_flush": 1, "store_prune": 3, "store_migrate": 1, "ingest_before_reply": 2000, "main_drain": 1,
            "dispatch_retry": 40, "store_claim": 10, "store_before_insert": 40, "store_before_commit": 40,
            "store_after_commit": 40, "ingest_mid_reply": 20}  # fmt: skip
OPTIONS = {"store_claim": {"memory_deliveries": 64}, "store_prune": {"retention_events": "1h"}}


def names(story):
    with open(os.path.join(story.top, "core", "base", "failpoint.def"), encoding="utf-8") as file:
        return [name for name in re.findall(r'^X\(\w+, "(\w+)"', file.read(), re.M) if name not in PROOFS]


def wait_death(life, timeout=40.0):
    """Reads the gauge until it dies."""
    until = time.monotonic() + timeout
    while life.engine.is_running:
        assert time.monotonic() < until, f"{life.engine.environment['GRAPNEL_FAILPOINT']} was not passed"
        life.read_gauge()
        life.engine.clock.advance(0.05)
    assert life.engine.wait_end() == -9, "it ended by itself"


def make_old_events(life, count=1500):
    """Delivered, and older than is kept."""
    life.begin()
    load = Load(life)
    wait_for(lambda: len(life.acknowledged) > count, "events")
    load.stop()
    life.settle()
    life.engine.stop()
    life.engine.clock.advance(40 * DAY)


def die_at(life, name):
    """One life that ends at the failpoint."""
    passage = life.random.randint(1, PASSAGES.get(name, 300))
    if name == "store_prune":
        make_old_events(life)
    if not life.begin(f"{name}:kill:{passage}"):
        life.note_death()
        return
    load = Load(life)
    try:
        if name == "main_drain":
            wait_for(lambda: len(life.acknowledged) > 500, "some events")
            life.read_gauge()
            life.engine.signal(15)
        wait_death(life)
    finally:
        load.stop()
    life.note_death()


def tell(story, name, lives=3):
    life = Life(story, seed_of(hash_of(name)), **OPTIONS.get(name, {}))
    for _ in range(1 if name in ("store_migrate", "store_run_flush") else lives):
        die_at(life, name)
        assert life.begin()
        life.judge()
        life.engine.stop()
    life.begin()
    life.judge()
    assert life.kills > 0
    print(life.sum_up())


def hash_of(name):
    return sum(ord(c) * (i + 7) for i, c in enumerate(name)) % 1000


def _story(name):
    @within(150)
    def function(story):
        tell(story, name)

    return function


def test_every_failpoint_is_told(story):
    """What is in the table has a story below."""
    missing = [name for name in names(story) if f"test_killed_at_{name}" not in globals()]
    assert not missing, missing


for _name in (
    "store_before_insert", "store_before_commit", "store_after_commit", "store_checkpoint", "store_prune",
    "store_migrate", "store_run_flush", "store_claim", "ingest_before_reply", "ingest_mid_reply",
    "script_after_render", "send_after_post", "send_after_answer", "dispatch_retry", "main_drain",
):  # fmt: skip
    globals()[f"test_killed_at_{_name}"] = _story(_name)


ERRORS = ("store_before_insert", "store_before_commit", "store_claim", "store_checkpoint", "store_run_flush",
          "script_after_render", "send_after_post")  # fmt: skip


def _error_story(name):
    @within(100)
    def function(story):
        """The step fails now and then instead: nothing is lost, and nothing that was refused is kept from a new try."""
        life = Life(story, seed_of(hash_of(name) + 1), **OPTIONS.get(name, {}))
        for _ in range(3):
            life.begin(f"{name}:error:{life.random.randint(1, PASSAGES.get(name, 100))}")
            load = Load(life)
            count = len(life.acknowledged)
            wait_for(lambda: len(life.acknowledged) > count + 1500, "events", 40)  # noqa: B023
            load.stop()
            life.bound += 1  # an answer that was thrown away
            life.judge()
            life.engine.stop()
        print(life.sum_up())

    return function


for _name in ERRORS:
    globals()[f"test_error_at_{_name}"] = _error_story(_name)
