# SPDX-License-Identifier: MIT
"""A story: the folder, the engines and targets of one test, and their end."""
import os
import shutil
import socket

from story.clock import Clock
from story.engine import Engine
from story.target import Target


class Skip(Exception):
    """The machine lacks what the story needs."""


class Story:
    def __init__(self, binary, folder):
        self.binary = os.path.abspath(binary)
        self.folder = str(folder)
        self.top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        self.top = os.path.dirname(self.top)
        self.engines = []
        self.targets = []
        self.is_sanitized = is_sanitized(self.binary)

    def engine(self, clock=False, environment=None, start=True, **options):
        """An engine, started; clock=True: its time is the story's (engine.clock)."""
        number = len(self.engines)
        folder = os.path.join(self.folder, f"engine{number}")
        the_clock = Clock(os.path.join(self.folder, f"clock{number}")) if clock is True else clock or None
        engine = Engine(self.binary, folder, options, environment, the_clock)
        self.engines.append(engine)
        return engine.start() if start else engine

    def target(self, answer=204, **arguments):
        target = Target(answer, **arguments)
        self.targets.append(target)
        return target

    def scale(self, count, least=1):
        """So many, or fewer where the build is slow; SCENARIO_SCALE=0.1 asks for a tenth."""
        factor = float(os.environ.get("SCENARIO_SCALE", "0.05" if self.is_sanitized else "1"))
        return max(least, int(count * factor))

    def skip(self, reason):
        raise Skip(reason)

    def file(self, name, content):
        """A file in the story's folder; its path."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def support(self, name):
        """Bytes of a file of tests/support/."""
        with open(os.path.join(self.top, "tests", "support", name), "rb") as file:
            return file.read()

    def dead_url(self):
        """A target where nobody listens; the port is kept for this story."""
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        self._kept = [*getattr(self, "_kept", []), sock]
        return f"http://127.0.0.1:{sock.getsockname()[1]}/dead"

    def end(self, has_failed):
        """Stops everything; problems at the end count when the story itself was fine."""
        problems = []
        for engine in self.engines:
            try:
                if has_failed and engine.is_running:
                    engine.kill()
                engine.close()
            except Exception as error:
                problems.append(f"{type(error).__name__}: {error}")
        for target in self.targets:
            try:
                target.close()
            except Exception as error:
                problems.append(f"{type(error).__name__}: {error}")
        if problems and not has_failed:
            raise AssertionError("at the end of the story: " + "\n".join(problems))

    def has(self, program):
        return shutil.which(program) is not None


def is_sanitized(binary):
    """Whether it was built with a sanitizer: slow, and with memory of its own."""
    with open(binary, "rb") as file:
        text = file.read()
    return b"__asan_init" in text or b"__tsan_init" in text
