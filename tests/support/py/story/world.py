# SPDX-License-Identifier: MIT
"""A network in which every address leads to this process: what is let through is seen, not lost."""
import errno
import os
import selectors
import socket
import struct
import threading
from collections import Counter

from story.dns import own_world

RTM_NEWROUTE, NLM_F_REQUEST_ACK_CREATE = 24, 0x1 | 0x4 | 0x400
RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL, RTA_OIF = 255, 3, 254, 2, 4
LOOPBACK = 1  # index of the interface


def _route_all_to_us(family):
    """Like `ip route add local default dev lo`."""
    route = struct.pack("BBBBBBBBI", family, 0, 0, 0, RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL, 0)
    attribute = struct.pack("HHI", 8, RTA_OIF, LOOPBACK)
    length = 16 + len(route) + len(attribute)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.sendto(struct.pack("IHHII", length, RTM_NEWROUTE, NLM_F_REQUEST_ACK_CREATE, 1, 0) + route + attribute, (0, 0))
        code = struct.unpack_from("i", sock.recv(4096), 16)[0]
    if code != 0:
        raise OSError(-code, f"a route for family {family}: {os.strerror(-code)}")


class Canary:
    """Listens on all addresses of the world at some ports; answers 204. `seen`: who was connected to."""

    def __init__(self, ports):
        self.seen = Counter()
        self._selector = selectors.DefaultSelector()
        for port in ports:
            self._listen(socket.AF_INET, "0.0.0.0", port)
            try:
                self._listen(socket.AF_INET6, "::", port)
            except OSError as error:  # a kernel without IPv6
                assert error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL), error
        threading.Thread(target=self._run, daemon=True).start()

    def _listen(self, family, host, port):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(512)
        self._selector.register(sock, selectors.EVENT_READ)

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                connection, _ = key.fileobj.accept()
                self.seen[connection.getsockname()[0]] += 1
                with connection:
                    connection.settimeout(10)
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(65536) or b"\r\n\r\n"
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass


def whole_world(story, ports=(80, 8080)):
    """Moves this process to a network where every address is ours, with a Canary on it. As own_world:
    one thread, and skipped where that is not permitted."""
    own_world(story)
    _route_all_to_us(socket.AF_INET)
    try:
        _route_all_to_us(socket.AF_INET6)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EOPNOTSUPP):
            raise
    return Canary(ports)
