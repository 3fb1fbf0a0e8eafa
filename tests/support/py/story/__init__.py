# SPDX-License-Identifier: MIT
"""What stories are told with: an engine, producers, targets, a clock, a name server; standard library only."""
from story.clock import DAY, HOUR, MINUTE, Clock
from story.engine import Engine, Lua
from story.marks import alone, needs, plain_only, within
from story.producer import Producer
from story.rates import median, ratio_of_pairs
from story.target import Answer, Target
from story.tell import Skip, Story
from story.waiting import TimedOut, wait_for

__all__ = [
    "DAY", "HOUR", "MINUTE", "Answer", "Clock", "Engine", "Lua", "Producer", "Skip", "Story", "Target",
    "TimedOut", "alone", "median", "needs", "plain_only", "ratio_of_pairs", "wait_for", "within",
]  # fmt: skip
