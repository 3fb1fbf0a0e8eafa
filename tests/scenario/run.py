#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the stories of this folder against an engine: run.py --engine build/dev/grapnel [--only PATTERN] [--jobs N]."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support" / "py"))

from story.runner import main  # noqa: E402  (the line above finds it)

if __name__ == "__main__":
    sys.exit(main(HERE, __doc__))
