# SPDX-License-Identifier: MIT
"""The engine's clock, owned by a story: two numbers in a shared file (core/base/clock.h)."""
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
            file.write(bytes(16))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16)
        self.offset_s = 0.0
        self.jump_s = 0.0

    def advance(self, seconds):
        """Lets time pass for the engine, as if real time had; also while it is down."""
        self.offset_s += seconds
        self._map[:8] = struct.pack("<q", round(self.offset_s * 1e9))

    def jump(self, seconds):
        """Somebody sets the system's clock: no time passes."""
        self.jump_s += seconds
        self._map[8:] = struct.pack("<q", round(self.jump_s * 1e9))

    def now(self):
        """Seconds since 1970, as an engine sees them whose clock nobody has set."""
        return time.time() + self.offset_s

    def system_now(self):
        """Seconds since 1970, as the system's clock says."""
        return self.now() + self.jump_s
