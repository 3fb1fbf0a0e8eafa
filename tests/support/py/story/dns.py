# SPDX-License-Identifier: MIT
"""A name server that answers, or never does, and a world (namespaces) in which it is the only one."""
import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections import Counter

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
A, CNAME, AAAA, IN = 1, 5, 28, 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def _unshare(libc, flags):
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _enter_namespaces(libc):
    uid, gid = os.getuid(), os.getgid()
    try:
        _unshare(libc, CLONE_NEWNS | CLONE_NEWNET)
    except OSError:
        _unshare(libc, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)


def _mount(libc, source, target, flags):
    if libc.mount(source.encode(), target.encode(), None, flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}: {os.strerror(ctypes.get_errno())}")


def own_world(story):
    """Moves this process, which must have one thread, to a network of its own: only loopback, and
    127.0.0.1:53 as its name server. Skips the story where that is not permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    resolv = story.file("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    nsswitch = story.file("nsswitch.conf", "hosts: files dns\n")
    hosts = story.file("hosts", "127.0.0.1 localhost\n")
    try:
        _enter_namespaces(libc)
        _mount(libc, "none", "/", MS_REC | MS_PRIVATE)
        _mount(libc, resolv, "/etc/resolv.conf", MS_BIND)
        _mount(libc, nsswitch, "/etc/nsswitch.conf", MS_BIND)
        _mount(libc, hosts, "/etc/hosts", MS_BIND)
    except OSError as error:
        story.skip(f"no namespaces of our own here: {error}")
    with socket.socket() as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def _encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _record(name, kind, data):
    return _encode(name) + struct.pack(">HHIH", kind, IN, 0, len(data)) + data


class DnsServer:
    """names: name → list of addresses of both families, a function of the query's number that gives
    one, or another name: an alias. A name that is not there does not exist; None: never answered. A
    name may begin with "*."."""

    def __init__(self, names, host="127.0.0.1", port=53):
        self.names = names
        self.queries = Counter()
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((host, port))
        threading.Thread(target=self._run, daemon=True).start()

    def _find(self, name):
        for known, addresses in self.names.items():
            if known == name or (known.startswith("*.") and name.endswith(known[1:])):
                return True, addresses
        return False, []

    def _run(self):
        while True:
            query, sender = self._sock.recvfrom(4096)
            answer = self._answer(query)
            if answer is not None:
                self._sock.sendto(answer, sender)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        question = query[12 : at + 5]
        kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
        name = asked = ".".join(labels)
        if kind == A:
            self.queries[name] += 1
        is_known, addresses = self._find(name)
        records = []
        while isinstance(addresses, str):
            records.append(_record(name, CNAME, _encode(addresses)))
            name = addresses
            is_known, addresses = self._find(name)
        if addresses is None:
            return None
        if callable(addresses):
            addresses = addresses(self.queries[asked])
        for address in addresses:
            family, its_kind = (socket.AF_INET6, AAAA) if ":" in address else (socket.AF_INET, A)
            if its_kind == kind:
                records.append(_record(name, kind, socket.inet_pton(family, address)))
        head = struct.pack(">2sHHHHH", query[:2], 0x8180 if is_known else 0x8183, 1, len(records), 0, 0)
        return head + question + b"".join(records)
