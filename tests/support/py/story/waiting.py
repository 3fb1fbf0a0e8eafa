# SPDX-License-Identifier: MIT
"""Waiting for a state, never for a time."""
import time


class TimedOut(AssertionError):
    """What was waited for did not come."""


def wait_for(condition, what="", timeout=30.0):
    """Returns the condition's first true value; raises TimedOut with what it was last."""
    until = time.monotonic() + timeout
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise TimedOut(f"waited {timeout:g} s for {what or condition.__name__}; last: {value!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
