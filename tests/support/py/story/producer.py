# SPDX-License-Identifier: MIT
"""A producer: a connection to the ingest socket that sends lines and reads replies."""
import json
import select
import socket


class Producer:
    def __init__(self, path, timeout=30.0):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(str(path))
        self._timeout = timeout
        self._read = bytearray()
        self.saw_end = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def finish_writing(self):
        """The half-close: no more lines, replies wanted."""
        self.sock.shutdown(socket.SHUT_WR)

    def write(self, line):
        """Bytes as they are; anything else as one line of JSON."""
        if not isinstance(line, (bytes, bytearray)):
            line = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self.sock.sendall(line)

    def read_line(self):
        """One line without its end; None: the engine closed."""
        while (end := self._read.find(b"\n")) < 0:
            some = self.sock.recv(65536)
            if not some:
                self.saw_end = True
                return None
            self._read += some
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        return line

    def reply(self):
        """The next reply, parsed."""
        line = self.read_line()
        assert line is not None, "the engine closed the connection without a reply"
        return json.loads(line)

    def replies(self, count):
        return [self.reply() for _ in range(count)]

    def all_replies(self):
        """Until the engine closes."""
        lines = []
        while (line := self.read_line()) is not None:
            lines.append(json.loads(line))
        return lines

    def send(self, event="test", **fields):
        """One event; its reply. Without data, fields or override: data is {}."""
        line = {"event": event, **fields}
        if not {"data", "fields", "override"} & set(fields):
            line["data"] = {}
        self.write(line)
        return self.reply()

    def ok(self, event="test", **fields):
        """One event that must be accepted; its id."""
        reply = self.send(event, **fields)
        assert reply["ok"], reply
        return reply["id"]

    def refused(self, line):
        """A line that must be refused; the error."""
        self.write(line)
        reply = self.reply()
        assert not reply["ok"], reply
        return reply["error"]

    def pipeline(self, payload, on_replies=None):
        """Writes all of payload while reading; the lines of replies come in chunks to on_replies.

        Returns the number of replies; the connection stays open. Ends early when the engine is gone.
        """
        view = memoryview(payload)
        lines = payload.count(b"\n")
        replies = 0
        self.sock.setblocking(False)
        try:
            while replies < lines:
                wanted = [self.sock] if view else []
                readable, writable, _ = select.select([self.sock], wanted, [], self._timeout)
                if not readable and not writable:
                    raise TimeoutError(f"{replies} of {lines} replies, then nothing for {self._timeout} s")
                if writable:
                    try:
                        view = view[self.sock.send(view[:262144]) :]
                    except BlockingIOError:
                        pass
                if readable:
                    some = self.sock.recv(262144)
                    if not some:
                        self.saw_end = True
                        break
                    self._read += some
                    end = self._read.rfind(b"\n") + 1
                    chunk = bytes(self._read[:end])
                    del self._read[:end]
                    replies += chunk.count(b"\n")
                    if on_replies and chunk:
                        on_replies(chunk)
        except (BrokenPipeError, ConnectionResetError):
            self.saw_end = True
        finally:
            if self.sock.fileno() >= 0:
                self.sock.settimeout(self._timeout)
        return replies
