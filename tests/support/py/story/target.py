# SPDX-License-Identifier: MIT
"""A receiver of webhooks that records what arrives and misbehaves as told; one epoll thread."""
import heapq
import json
import re
import select
import socket
import struct
import threading
import time
from collections import Counter

from story.waiting import wait_for

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
WEBHOOK_ID = re.compile(rb"\r\nwebhook-id: *([^\r]*)", re.I)
MAX_REQUEST = 80 << 20  # bytes


class Request:
    """One POST as it arrived."""

    __slots__ = ("head", "body", "at", "connection")

    def __init__(self, head, body, at, connection):
        self.head = head  # request line and headers, with the last line's CRLF
        self.body = body
        self.at = at  # monotonic
        self.connection = connection  # number of the connection it came on

    @property
    def id(self):
        found = WEBHOOK_ID.search(self.head)
        return found.group(1).decode() if found else None

    @property
    def line(self):
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def path(self):
        return self.line.split(" ")[1]

    @property
    def method(self):
        return self.line.split(" ")[0]

    @property
    def header_list(self):
        """(name, value) as spelled, in order."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [tuple(part.strip() for part in line.split(":", 1)) for line in lines if line]

    @property
    def headers(self):
        """Lower-case name to value; a header that came twice is joined by a comma."""
        out = {}
        for name, value in self.header_list:
            name = name.lower()
            out[name] = out[name] + ", " + value if name in out else value
        return out

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.line} {self.body[:200]!r}>"


class Answer:
    """What a target does with a request: parts are bytes to send or seconds to wait, then an end.

    `end`: "keep" the connection, "close" it, "reset" it, or "hang" (never another byte).
    """

    def __init__(self, *parts, end="keep"):
        self.parts = parts
        self.end = end
        self.whole = parts[0] if len(parts) == 1 and isinstance(parts[0], bytes) and end == "keep" else None

    @staticmethod
    def status(status, headers=None, body=b"", delay=0.0, end="keep"):
        lines = [f"HTTP/1.1 {status} Told\r\n".encode()]
        lines += [f"{name}: {value}\r\n".encode() for name, value in (headers or {}).items()]
        if status != 204 and not 100 <= status < 200:
            lines.append(b"Content-Length: %d\r\n" % len(body))
        answer = b"".join([*lines, b"\r\n", body])
        return Answer(delay, answer, end=end) if delay else Answer(answer, end=end)

    @staticmethod
    def hang():
        return Answer(end="hang")

    @staticmethod
    def close():
        return Answer(end="close")

    @staticmethod
    def reset():
        return Answer(end="reset")

    @staticmethod
    def drip(text, every):
        """One byte at a time."""
        parts = []
        for i in range(len(text)):
            parts += [text[i : i + 1], every]
        return Answer(*parts, end="hang")

    @staticmethod
    def endless(head, block):
        """`block` again and again, as fast as it is taken."""
        return Answer(_Endless(head, block), end="hang")


class _Endless:
    def __init__(self, head, block):
        self.head, self.block = head, block


OK = Answer.status(204)


class _Connection:
    __slots__ = ("sock", "number", "read", "out", "parts", "end", "repeat", "is_busy", "is_dead", "saw_eof")

    def __init__(self, sock, number):
        self.sock, self.number = sock, number
        self.read = bytearray()
        self.out = b""
        self.parts = []
        self.end = "keep"
        self.repeat = None
        self.is_busy = self.is_dead = self.saw_eof = False


class Target:
    """`with Target() as target:` or through a story.

    answer: an Answer, a status, a list of these (taken in turn, the last for all that follow), or a
    function of the request. keep: "all", "ids" when only counts per webhook-id are wanted, or "none".
    """

    def __init__(self, answer=204, keep="all", host="127.0.0.1", backlog=512):
        self.keep = keep
        self.requests = []
        self.ids = Counter()
        self.count = 0
        self.connections = 0
        self.open_connections = 0
        self.most_at_once = 0  # requests without an answer yet
        self.busy = 0
        self.failures = []
        self._turn = 0
        self.answer_with(answer)
        self._listener = socket.create_server((host, 0), backlog=backlog)
        self._listener.setblocking(False)
        self.host, self.port = self._listener.getsockname()[:2]
        self._wake_in, self._wake_out = socket.socketpair()
        self._is_closing = self._drops = False
        self._thread = threading.Thread(target=self._run, name=f"target {self.port}", daemon=True)
        self._thread.start()

    # ---- for stories ----

    def url(self, path="/"):
        return f"http://{self.host}:{self.port}{path}"

    def answer_with(self, answer):
        """From now on; a list starts at its first."""
        self._turn = 0
        if callable(answer) and not isinstance(answer, Answer):
            self._choose = lambda request: _as_answer(answer(request))
        else:
            answers = [_as_answer(one) for one in (answer if isinstance(answer, list) else [answer])]
            self._choose = lambda request: answers[min(self._turn, len(answers) - 1)]

    def wait(self, count, timeout=30.0):
        """Until at least so many requests have arrived; all of them."""
        wait_for(lambda: self.count >= count, f"{count} requests (there are {self.count})", timeout)
        return self.requests

    def one(self, timeout=30.0):
        """The only request, once it is there."""
        self.wait(1, timeout)
        assert self.count == 1, f"{self.count} requests: {self.requests}"
        return self.requests[0]

    def of_id(self, event_id):
        return [request for request in self.requests if request.id == event_id]

    def drop_all(self):
        """Closes every connection now."""
        self._drops = True
        self._wake_in.send(b"x")

    def close(self):
        self._is_closing = True
        self._wake_in.send(b"x")
        self._thread.join(10)
        assert not self.failures, self.failures

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- the thread ----

    def _run(self):
        try:
            self._loop()
        except BaseException as error:  # shown by close()
            self.failures.append(repr(error))
            raise

    def _loop(self):
        self._poll = select.epoll()
        self._by_fd = {}
        self._timers = []
        self._timer_number = 0
        self._poll.register(self._listener, select.EPOLLIN)
        self._poll.register(self._wake_out, select.EPOLLIN)
        while not self._is_closing:
            timeout = max(0, self._timers[0][0] - time.monotonic()) if self._timers else -1
            for fd, events in self._poll.poll(timeout):
                if fd == self._listener.fileno():
                    self._accept()
                elif fd == self._wake_out.fileno():
                    self._wake_out.recv(64)
                    for connection in list(self._by_fd.values()) if self._drops else []:
                        self._drop(connection)
                    self._drops = False
                else:
                    self._serve(self._by_fd.get(fd), events)
            while self._timers and self._timers[0][0] <= time.monotonic():
                connection = heapq.heappop(self._timers)[2]
                if not connection.is_dead:
                    self._go_on(connection)
        for connection in list(self._by_fd.values()):
            connection.sock.close()
        self._listener.close()
        self._poll.close()

    def _accept(self):
        for _ in range(64):
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.open_connections += 1
            self._by_fd[sock.fileno()] = _Connection(sock, self.connections)
            self._poll.register(sock, select.EPOLLIN)

    def _serve(self, connection, events):
        if connection is None:
            return
        if events & select.EPOLLOUT:
            self._go_on(connection)
        if connection.is_dead or not events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            return
        try:
            some = connection.sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            some = b""
        if not some:
            self._drop(connection)
            return
        connection.read += some
        assert len(connection.read) < MAX_REQUEST
        self._take(connection)

    def _take(self, connection):
        """Requests that are complete, one after the other."""
        while not connection.is_busy and not connection.is_dead:
            end = connection.read.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(connection.read[: end + 2])
            found = LENGTH.search(head)
            length = int(found.group(1)) if found else 0
            if len(connection.read) < end + 4 + length:
                return
            body = bytes(connection.read[end + 4 : end + 4 + length])
            del connection.read[: end + 4 + length]
            request = Request(head, body, time.monotonic(), connection.number)
            answer = self._choose(request)
            self._turn += 1
            self._record(request)
            self._begin(connection, answer)

    def _record(self, request):
        if self.keep == "all":
            self.requests.append(request)
        if self.keep != "none":
            self.ids[request.id] += 1
        self.count += 1

    def _begin(self, connection, answer):
        if answer.whole is not None:
            try:
                if connection.sock.send(answer.whole) == len(answer.whole):
                    return
            except OSError:
                pass
            self._drop(connection)
            return
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        connection.is_busy = True
        connection.parts = list(answer.parts)
        connection.end = answer.end
        connection.repeat = None
        self._go_on(connection)

    def _go_on(self, connection):
        while True:
            if connection.out:
                try:
                    sent = connection.sock.send(connection.out)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    self._drop(connection)
                    return
                connection.out = connection.out[sent:]
                if connection.out:
                    self._poll.modify(connection.sock, select.EPOLLIN | select.EPOLLOUT)
                    return
            if connection.repeat is not None:
                connection.out = connection.repeat
            elif connection.parts:
                part = connection.parts.pop(0)
                if isinstance(part, (int, float)):
                    self._poll.modify(connection.sock, select.EPOLLIN)
                    self._timer_number += 1
                    due = time.monotonic() + part
                    heapq.heappush(self._timers, (due, self._timer_number, connection))
                    return
                if isinstance(part, _Endless):
                    connection.out, connection.repeat = part.head, part.block
                else:
                    connection.out = part
            else:
                break
        self._poll.modify(connection.sock, select.EPOLLIN)
        if connection.end == "hang":
            return
        if connection.end == "keep":
            self.busy -= 1
            connection.is_busy = False
            self._take(connection)
            return
        if connection.end == "reset":
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._drop(connection)

    def _drop(self, connection):
        if connection.is_dead:
            return
        connection.is_dead = True
        if connection.is_busy:
            self.busy -= 1
        self.open_connections -= 1
        del self._by_fd[connection.sock.fileno()]
        self._poll.unregister(connection.sock)
        connection.sock.close()


def _as_answer(answer):
    if isinstance(answer, Answer):
        return answer
    return OK if answer == 204 else Answer.status(answer)


def free_port():
    """A port of loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
