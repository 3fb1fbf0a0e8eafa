# SPDX-License-Identifier: MIT
"""After an outage of all targets (delivery.md, Limits): caps and rates hold, nobody starves, memory stays flat."""
from story import alone, plain_only, within
from story.drain import run


@alone
@plain_only
@within(240)
def test_all_targets_come_back(story):
    """tests/bench/drain.py does the same with a million."""
    run(story, story.scale(20_000, 2000), 150)
