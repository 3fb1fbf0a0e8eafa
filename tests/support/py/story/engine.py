# SPDX-License-Identifier: MIT
"""A running `grapnel serve` in a folder of its own, its API, its log and its end."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from datetime import datetime

from story.clock import DAY
from story.producer import Producer
from story.waiting import wait_for

ALARMS = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|CHECK failed|check failed|Assertion", re.I
)
# What every engine of a story gets, unless the story says otherwise.
DEFAULTS = {
    "admin_listen": "none",
    "allow_targets": ["127.0.0.0/8"],
    "drain_timeout": "300ms",
    "min_free_bytes": "1MiB",
    "log_level": "debug",
}


class Lua(str):
    """A value of the configuration that is Lua already."""


def to_lua(value):
    if isinstance(value, Lua):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\{ord(c):03d}" for c in value) + '"'
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(map(to_lua, value)) + " }"
    pairs = [f"[{to_lua(name)}] = {to_lua(one)}" for name, one in value.items()]
    return "{ " + ", ".join(pairs) + " }"


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ApiAnswer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:1000]!r}>"


class Engine:
    """options: the configuration's, as Python values. environment: additions. clock: a Clock."""

    def __init__(self, binary, folder, options=None, environment=None, clock=None):
        self.binary = str(binary)
        self.folder = str(folder)
        self.options = {**DEFAULTS, **(options or {})}
        self.environment = dict(environment or {})
        self.clock = clock
        self.ingest = os.path.join(self.folder, "ingest.sock")
        self.admin = os.path.join(self.folder, "admin.sock")
        self.data_dir = os.path.join(self.folder, "data")
        self.database = os.path.join(self.data_dir, "grapnel.db")
        self.config = os.path.join(self.folder, "config.lua")
        self.log_path = os.path.join(self.folder, "engine.log")
        self.process = None
        self.exits_checked = 0
        self.expects_crash = False
        os.makedirs(self.folder, exist_ok=True)
        self.write_config()

    # ---- life ----

    def write_config(self, **changes):
        """Also for SIGHUP."""
        self.options.update(changes)
        paths = {"data_dir": self.data_dir, "ingest_socket": self.ingest, "admin_socket": self.admin}
        rows = [f"    {name} = {to_lua(value)}," for name, value in {**paths, **self.options}.items()]
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(["return {", *rows, "}", ""]))

    def env(self):
        env = {name: value for name, value in os.environ.items() if not name.startswith("GRAPNEL_")}
        env.update(ASAN_OPTIONS="detect_stack_use_after_return=0:" + os.environ.get("ASAN_OPTIONS", ""))
        if self.clock:
            env.update(GRAPNEL_TEST="1", GRAPNEL_CLOCK=self.clock.path)
        env.update(self.environment)
        return env

    def start(self, timeout=30.0, arguments=(), **popen):
        """Returns when it is ready; raises with its log when it is not."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--config", self.config, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=self.env(), **popen,
            )  # fmt: skip
        out = self.process.stdout
        until = time.monotonic() + timeout
        while True:
            if select.select([out], [], [], max(0, until - time.monotonic()))[0]:
                line = out.readline()
                if line == b"ready\n":
                    return self
                code = self.process.wait(10)
                raise AssertionError(f"the engine ended with {code} before it was ready:\n{self.log()[-3000:]}")
            self.process.kill()
            raise AssertionError(f"the engine was not ready after {timeout} s:\n{self.log()[-3000:]}")

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As a crash would: no chance to do anything."""
        self.process.kill()
        self.wait_end()

    def wait_end(self, timeout=60.0):
        code = self.process.wait(timeout)
        self.process.stdout.close()
        return code

    def stop(self, timeout=60.0):
        """Drains; it must end with 0."""
        self.process.terminate()
        code = self.wait_end(timeout)
        assert code == 0, f"the engine ended with {code}:\n{self.log()[-3000:]}"

    def restart(self, **start):
        self.stop()
        return self.start(**start)

    def close(self):
        """The end of a story: clean, and nothing alarming in the log."""
        if self.is_running:
            self.stop()
        alarms = [] if self.expects_crash else [line for line in self.log().splitlines() if ALARMS.search(line)]
        assert not alarms, "\n".join(alarms[:20])

    # ---- producers ----

    def producer(self, timeout=30.0):
        return Producer(self.ingest, timeout)

    def send(self, event="test", **fields):
        """One event on a connection of its own; its reply."""
        with self.producer() as producer:
            return producer.send(event, **fields)

    def ok(self, event="test", **fields):
        with self.producer() as producer:
            return producer.ok(event, **fields)

    def run(self, *arguments, stdin=b"", timeout=60.0, binary=True):
        """A command of the command line against this engine."""
        env = {**self.env(), "GRAPNEL_ADMIN_SOCKET": self.admin, "GRAPNEL_INGEST_SOCKET": self.ingest}
        command = [self.binary] if binary else []
        return subprocess.run([*command, *arguments], input=stdin, capture_output=True, timeout=timeout, env=env)

    # ---- API ----

    def api(self, method, path, body=None, headers=None):
        connection = _Connection(self.admin)
        try:
            payload = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            all_headers = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, payload, all_headers)
            answer = connection.getresponse()
            return ApiAnswer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path):
        answer = self.api("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def webhook(self, target, events=("test",), **fields):
        """Adds a webhook; what the API answers."""
        target = target if isinstance(target, str) else target.url()
        answer = self.api("POST", "/api/v1/webhooks", {"target": target, "events": list(events), **fields})
        assert answer.status == 201, answer
        return answer.json

    def refused_fields(self, answer):
        """field → message of a refused webhook."""
        assert answer.status == 422, answer
        assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers
        return {error["field"]: error["message"] for error in answer.json["errors"]}

    def deliveries(self, query=""):
        return self.get("/api/v1/deliveries" + query)["data"]

    def delivery(self, event_id, webhook=None):
        """The delivery of an event, or None while it cannot be seen yet."""
        rows = [row for row in self.deliveries(f"?event={event_id}") if webhook in (None, row["webhook"])]
        assert len(rows) <= 1, rows
        return rows[0] if rows else None

    def settled(self, event_id, webhook=None, timeout=30.0):
        """The delivery, once it is in a final state."""
        return self.in_state(event_id, ("delivered", "filtered", "dead", "cancelled"), webhook, timeout)

    def in_state(self, event_id, states, webhook=None, timeout=30.0, attempts=0):
        """The delivery, once it is in one of the states and has so many attempts."""
        states = (states,) if isinstance(states, str) else states
        last = {}

        def reached():
            last["row"] = row = self.delivery(event_id, webhook)
            return row if row and row["state"] in states and len(row["attempts"]) >= attempts else None

        try:
            return wait_for(reached, f"{states} with {attempts} attempts", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; the delivery is {last.get('row')}") from None

    def metrics(self):
        """'name{labels}' → number."""
        answer = self.api("GET", "/metrics")
        assert answer.status == 200, answer
        rows = [line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def metric(self, name):
        return self.metrics()[f"grapnel_{name}"]

    def wait_idle(self, timeout=60.0):
        """Until nothing is under way and every outcome is committed."""

        def is_idle():
            metrics = self.metrics()
            return metrics["grapnel_unsettled"] == 0 and metrics["grapnel_memory_deliveries"] == 0

        wait_for(is_idle, "nothing under way", timeout)

    # ---- time (with a clock of the story's) ----

    def advance_to(self, due_at, beyond=0.2):
        """Lets time pass until just behind a time of the API, such as due_at."""
        due = datetime.fromisoformat(due_at.replace("Z", "+00:00")).timestamp()
        self.clock.advance(max(0, due - self.clock.now() + beyond))

    def wait_quiet(self, timeout=60.0):
        """Until nothing is due, under way or waits to be written: time may pass."""

        def is_quiet():
            metrics = self.metrics()
            names = ("overdue_seconds", "unsettled", "memory_deliveries")
            return all(metrics["grapnel_" + name] == 0 for name in names)

        wait_for(is_quiet, "nothing due and nothing under way", timeout)

    def advance_until(self, condition, step=60, most=30 * DAY):
        """Lets time pass in steps of so many seconds, each when the engine has done what was due,
        until the condition is true; its value. Fails when `most` seconds have passed."""
        passed = 0
        while True:
            self.wait_quiet()
            value = condition()
            if value:
                return value
            assert passed < most, f"it is not so after {passed} s of the engine's time; last: {value!r}"
            self.clock.advance(step)
            passed += step

    # ---- from outside ----

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_log(self, text, timeout=30.0):
        return wait_for(lambda: [line for line in self.log().splitlines() if text in line], f"{text!r} in the log", timeout)

    def children(self):
        """Process ids of its script hosts."""
        found = []
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        return found

    def memory(self):
        """Bytes of memory that the engine itself has written to. (An engine hides its smaps from all but root.)"""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"^RssAnon:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024

    def cpu(self):
        """Seconds of CPU time of the engine itself."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        """As the engine counts them: it hides them from all but root."""
        return int(self.metric("process_open_fds"))


def in_threads(count, work):
    """Runs work(0) … work(count - 1) at once; their results, or the first error."""
    results, errors = [None] * count, []

    def run(number):
        try:
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


TERM = signal.SIGTERM
HUP = signal.SIGHUP
