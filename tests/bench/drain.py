#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A million deliveries wait when all targets come back: limits, new events, memory; prints figures, fails on a breach.
"""Usage: tests/bench/drain.py [--engine build/release/grapnel] [--count 1000000]."""
import argparse
import os
import shutil
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "support", "py"))

from story.drain import run  # noqa: E402
from story.tell import Story  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default=os.path.join(TOP, "build/release/grapnel"))
    parser.add_argument("--count", type=int, default=1_000_000)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="grapnel-drain-")
    story = Story(options.engine, folder)
    has_failed = True
    try:
        run(story, options.count, 120 + options.count / 500)
        has_failed = False
    finally:
        story.end(has_failed)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
