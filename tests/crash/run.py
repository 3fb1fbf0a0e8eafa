#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills the engine and starts it again: run.py --engine build/dev/grapnel [--seed N] [--cycles N] [--only PATTERN].

Each run prints its seed; --seed repeats its moments (not the machine's). --cycles is how often the
random runs kill (default: 24 in all).
"""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support" / "py"))
sys.path.insert(0, str(HERE))

from story.runner import main  # noqa: E402  (the lines above find it)

if __name__ == "__main__":
    options = [("seed", "of the random moments"), ("cycles", "how often the engine is killed in random runs")]
    sys.exit(main(HERE, __doc__.splitlines()[0], options))
