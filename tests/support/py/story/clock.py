# SPDX-License-Identifier: MIT
"""The engine's clock, owned by a story: an offset in a shared file (core/base/clock.h)."""
import mmap
import struct
import time

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock:
    def __init__(self, path):
        self.path = str(path)
        with open(path, "wb") as file:
            file.write(bytes(8))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self.offset_s = 0.0

    def advance(self, seconds):
        """Lets time pass for the engine."""
        self.offset_s += seconds
        self._map[:8] = struct.pack("<q", round(self.offset_s * 1e9))

    def now(self):
        """Seconds since 1970, as the engine sees them."""
        return time.time() + self.offset_s
