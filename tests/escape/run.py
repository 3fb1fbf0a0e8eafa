#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets hostile scripts at an engine: run.py --engine build/asan/grapnel [--only PATTERN] [--case NAME] [--jobs N]."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support" / "py")]

from story import runner  # noqa: E402  (the line above finds it)

_report = runner.report


def report(name, status, text, seconds):
    """Each script that a story tried counts as a test of its own: its line stands at the margin."""
    lines = text.splitlines()
    parts = [number for number, line in enumerate(lines, 1) if line.startswith(("ok ", "not ok "))]
    end = parts[-1] if parts else 0
    print("".join(f"{line}\n" for line in lines[:end]), end="", flush=True)
    _report(name, status, "\n".join(lines[end:]), seconds)


if __name__ == "__main__":
    runner.report = report
    sys.exit(runner.main(HERE, __doc__, [("case", "only scripts with this in their name")]))
