# SPDX-License-Identifier: MIT
"""An engine under load that is killed, and the judge of what its receivers then have.

Three webhooks want every event: one plain, one with a script, one whose target refuses each tenth
event at first. The judge knows what producers were told and what arrived.
"""
import hashlib
import json
import os
import random
import shutil
import sqlite3
import threading
import time
from collections import Counter

from story import Answer, wait_for
from story.producer import Producer

OK, BUSY = Answer.status(204), Answer.status(503)
PATHS = ("/plain", "/signed", "/flaky")
WINDOW = 128  # lines without a reply, per connection
CONNECTIONS = 2


class Receiver:
    """What the target had; counted in its own thread."""

    def __init__(self):
        self.arrivals = 0
        self.accepted = Counter()  # (path, webhook-id) → requests that were answered 204
        self.refused = set()

    def answer(self, request):
        self.arrivals += 1
        key = (request.path, request.id)
        if request.path == "/flaky" and key not in self.refused and hashlib.md5(request.id.encode()).digest()[0] < 26:
            self.refused.add(key)
            return BUSY
        self.accepted[key] += 1
        return OK

    def duplicates(self):
        return sum(self.accepted.values()) - len(self.accepted)


class Load:
    """Producers that write as fast as they are answered, until told to stop or the engine is gone."""

    def __init__(self, life):
        self.life = life
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CONNECTIONS)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        try:
            producer = Producer(self.life.engine.ingest)
        except OSError:
            return
        waiting = []
        try:
            while not self.stopping.is_set():
                lines = [self.life.next_line() for _ in range(WINDOW - len(waiting))]
                waiting += lines
                producer.write(b"".join(line for line, _ in lines))
                for _ in range(len(waiting) // 2 + 1):
                    self._read(producer, waiting)
            while waiting:
                self._read(producer, waiting)
        except (OSError, EOFError):
            # The engine is gone; what it had written may still be read.
            try:
                while waiting:
                    self._read(producer, waiting)
            except (OSError, EOFError):
                pass
        self.life.note_unanswered(waiting)
        producer.close()

    def _read(self, producer, waiting):
        line = producer.read_line()
        if line is None:
            raise EOFError
        self.life.note_reply(waiting.pop(0), json.loads(line))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)


class Life:
    """The lives of one engine, one after the other."""

    def __init__(self, story, seed, **options):
        self.story = story
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.receiver = Receiver()
        self.target = story.target(self.receiver.answer, keep="none")
        self.engine = story.engine(clock=True, start=False, **{"log_level": "warn", **options})
        self.engine.expects_crash = True
        self.acknowledged = {}  # event id → idempotency key or None
        self.keys = {}  # idempotency key → event id
        self.unanswered = []  # lines whose fate nobody told
        self.problems = []
        self.number = 0
        self.bound = 0  # of duplicates since the last quiet moment
        self.known_duplicates = 0
        self.kills = 0
        self.sample = (0, 0)  # grapnel_unsettled, and arrivals just before it was read
        self.worst = (0, 0)  # duplicates, bound

    # ---- producers ----

    def next_line(self):
        """A line, and its idempotency key or None; every third has one."""
        with self.lock:
            self.number += 1
            number = self.number
        key = f"key-{number}" if number % 3 == 0 else None
        text = {"event": "test", "data": {"n": number, "text": "x" * (number % 500)}}
        if key:
            text["id"] = key
        return json.dumps(text, separators=(",", ":")).encode() + b"\n", key

    def note_reply(self, sent, reply):
        line, key = sent
        with self.lock:
            if not reply["ok"]:
                code = reply["error"]["code"]
                if code not in ("shutting_down", "store_unavailable"):
                    self.problems.append(f"refused: {reply}")
                return
            event_id = reply["id"]
            if key and self.keys.setdefault(key, event_id) != event_id:
                self.problems.append(f"{key} was {self.keys[key]} and is {event_id}")
            if not reply.get("duplicate") and event_id in self.acknowledged:
                self.problems.append(f"{event_id} was given twice")
            self.acknowledged[event_id] = key

    def note_unanswered(self, waiting):
        with self.lock:
            self.unanswered += [sent for sent in waiting if sent[1]]

    def send_again(self):
        """An honest producer's way: what got no reply is sent again with its key, and some that did."""
        with self.lock:
            again, self.unanswered = self.unanswered, []
            known = [key for key in self.acknowledged.values() if key][-20:]
        again += [(self._line_of(key), key) for key in known]
        with Producer(self.engine.ingest) as producer:
            for sent in again:
                producer.write(sent[0])
                reply = json.loads(producer.read_line())
                if sent[1] in known and not reply.get("duplicate"):
                    self.problems.append(f"{sent[1]} was acknowledged and is no duplicate: {reply}")
                self.note_reply(sent, reply)

    @staticmethod
    def _line_of(key):
        number = int(key.split("-")[1])
        text = {"event": "test", "data": {"n": number, "text": "x" * (number % 500)}, "id": key}
        return json.dumps(text, separators=(",", ":")).encode() + b"\n"

    # ---- lives ----

    def begin(self, failpoint=None):
        """A life begins; with a failpoint it may end before it is ready: False."""
        self.engine.environment = {"GRAPNEL_TEST": "1"}
        if failpoint:
            self.engine.environment["GRAPNEL_FAILPOINT"] = failpoint
        self.sample = (0, self.receiver.arrivals)
        try:
            self.engine.start()
        except AssertionError:
            if failpoint and self.engine.process.returncode == -9:
                return False
            raise
        if not self.engine.get("/api/v1/webhooks")["data"]:
            self.add_webhooks()
        return True

    def add_webhooks(self):
        retry = [1] * 30
        for number, path in enumerate(PATHS, 1):
            scripts = [{"name": "standard-webhooks"}] if path == "/signed" else []
            uuid = f"00000000-0000-4000-8000-00000000000{number}"
            self.engine.webhook(self.target.url(path), retry=retry, scripts=scripts, uuid=uuid, max_in_flight=64)

    def read_gauge(self):
        """What the next crash may send again, as the engine says, and when it said so."""
        arrivals = self.receiver.arrivals
        try:
            self.sample = (int(self.engine.metric("unsettled")), arrivals)
        except (OSError, AssertionError, KeyError, ValueError):
            pass
        except Exception as error:  # http.client: the engine went away within the answer
            if "http.client" not in type(error).__module__:
                raise

    def note_death(self):
        """After the engine is gone and its connections are read to their end."""
        wait_for(lambda: self.target.open_connections == 0, "the dead engine's connections end")
        unsettled, arrivals = self.sample
        self.bound += unsettled + self.receiver.arrivals - arrivals
        self.kills += 1
        self.check_file()

    def check_file(self):
        """The database as it lies there, with its log, in a copy: the engine itself shall repair it."""
        if not os.path.exists(self.engine.database):
            return
        folder = os.path.join(self.story.folder, "copy")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name in os.listdir(self.engine.data_dir):
            if name.startswith("grapnel.db"):
                shutil.copy(os.path.join(self.engine.data_dir, name), folder)
        with sqlite3.connect(os.path.join(folder, "grapnel.db")) as connection:
            answer = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
        assert answer == [("ok",)], answer

    # ---- judging ----

    def lost(self):
        """(path, event) of what was acknowledged and has not arrived."""
        with self.lock:
            ids = list(self.acknowledged)
        return [(path, event_id) for path in PATHS for event_id in ids if (path, event_id) not in self.receiver.accepted]

    def settle(self, timeout=60.0):
        """Lets time pass until nothing is due, in memory or unsettled; then judges."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            self.engine.clock.advance(2)
            metrics = self.engine.metrics()
            under_way = sum(value for name, value in metrics.items() if name.startswith("grapnel_pending"))
            if under_way + metrics["grapnel_unsettled"] + metrics["grapnel_memory_deliveries"] == 0:
                break
            time.sleep(0.02)
        else:
            raise AssertionError(f"not settled after {timeout} s: {metrics}")

    def judge(self):
        self.settle()
        lost = self.lost()
        assert not lost, f"{len(lost)} of {len(self.acknowledged)} acknowledged events are lost: {lost[:5]}"
        assert not self.problems, self.problems[:5]
        duplicates = self.receiver.duplicates() - self.known_duplicates
        assert duplicates <= self.bound, f"{duplicates} duplicates, and at most {self.bound} were possible"
        if duplicates > self.worst[0]:
            self.worst = (duplicates, self.bound)
        self.known_duplicates += duplicates
        self.bound = 0

    def sum_up(self):
        return (
            f"{self.kills} kills, {len(self.acknowledged)} events acknowledged, none lost;"
            f" {self.known_duplicates} duplicates of {sum(self.receiver.accepted.values())} deliveries,"
            f" at most {self.worst[0]} of {self.worst[1]} possible after one kill"
        )
