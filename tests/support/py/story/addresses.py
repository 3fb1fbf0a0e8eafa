# SPDX-License-Identifier: MIT
"""Addresses that lead inside, in every spelling that some parser of URLs takes for them."""
import ipaddress

# One of each kind that must never be reached (delivery.md, Addresses).
INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.0.1", "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "100.64.0.1",
    "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255",
]  # fmt: skip
INSIDE_V6 = [
    "::1", "::", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "ff02::1",
    "2001:db8::1", "100::1", "2001:2::1", "4000::1", "fd20:ce::254", "3fff::1", "2001:10::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "192.0.1.1", "172.32.0.1", "100.128.0.1", "169.255.0.1", "2606:4700::1111"]

# Hosts as they are written in a URL that have nothing in common. (0127.1 is not among them: it is 87.0.0.1.)
ODD = [
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "A.B.LocalHost.", "127.1", "127.0.1", "0x7f.1", "0177.1",
    "017700000001", "0", "0x0", "00", "1", "0x7f000001", "0x7F000001", "0x0000000000007f000001",
    "127.0.0.1.", "127.000.000.001", "[::ffff:127.0.0.1]", "[::FFFF:7F00:1]", "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::1%25lo]", "[::1%lo]", "[fe80::1%25eth0]", "[::1", "::1", "[]",
    "[127.0.0.1]", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127.0.0.1%00.example.com", "127.0.0.1%0d%0a", "127。0。0。1",
    "①②⑦.⓪.⓪.①", "１２７.０.０.１", "ｌocalhost", "ⅼocalhost", "localhoﬆ", "user@127.0.0.1", "example.com@127.0.0.1",
    "user:pass@127.0.0.1", "127.0.0.1@example.com", "127.0.0.1#@example.com", "127.0.0.1\\@example.com",
    "example.com\\@127.0.0.1", "127.0.0.1:80@example.com", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1\t", "127.\n0.0.1",
    "127.0.0.1\u200b", "\u00ad127.0.0.1", "4294967297", "256.256.256.256", "127.0.0.1.1", "0x7f.0x0.0x0.0x1",
    "0177.0000.0000.0001", "127.0x0.00.1", "2852039166", "0xa9fea9fe", "169.254.43518", "0251.0376.0251.0376",
    "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::]",
    "[2001:0:a9fe:a9fe::]", "127.0.0.1:", "127.0.0.1:0080", "127.0.0.1:80:80", "127.0.0.1:99999", "-127.0.0.1",
    "+127.0.0.1", "1e1.0.0.1", "127.0.0.1;", "127.0.0.1,", "127.0.0.1?", "127.0.0.1/..", "(127.0.0.1)",
]  # fmt: skip

STARTS = [
    "HTTP://127.0.0.1/", "http:/127.0.0.1/", "http:///127.0.0.1/", "http:127.0.0.1/", "//127.0.0.1/", "127.0.0.1",
    "http:\\\\127.0.0.1\\", "http://\t127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:80/_x",
    "dict://127.0.0.1:80/x", "unix:///run/grapnel/admin.sock", "http+unix://%2Frun%2Fgrapnel%2Fadmin.sock/",
    "ws://127.0.0.1/", "https+http://127.0.0.1/", "javascript://127.0.0.1/", "http://", "http:// /", "",
]  # fmt: skip


def _v4(text):
    """Spellings of one IPv4 address, as hosts of a URL."""
    address = ipaddress.IPv4Address(text)
    a, b, c, d = address.packed
    number = int(address)
    high, low = f"{number >> 16:x}", f"{number & 0xffff:x}"
    inverted = ipaddress.IPv4Address(number ^ 0xFFFFFFFF).packed
    yield text
    yield text + "."
    yield str(number)
    yield hex(number)
    yield f"0{number:o}"
    yield f"{a}.{number & 0xffffff}"
    yield f"{a}.{b}.{number & 0xffff}"
    yield f"{a:#x}.{b:#x}.{c:#x}.{d:#x}"
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield f"[::ffff:{text}]"
    yield f"[::ffff:{high}:{low}]"
    yield f"[0:0:0:0:0:ffff:{high}:{low}]"
    yield f"[::ffff:0:{high}:{low}]"
    yield f"[64:ff9b::{high}:{low}]"
    yield f"[64:ff9b::{text}]"
    yield f"[64:ff9b:1::{high}:{low}]"
    yield f"[2002:{high}:{low}::1]"
    yield f"[2001:0:{high}:{low}::1]"
    yield f"[2001:0:101:101:0:0:{inverted[0]:02x}{inverted[1]:02x}:{inverted[2]:02x}{inverted[3]:02x}]"
    if number > 0xFFFF:
        yield f"[::{high}:{low}]"


def urls():
    """All of them, as targets of webhooks, without repetition."""
    hosts = [spelling for text in INSIDE for spelling in _v4(text)]
    for text in INSIDE_V6:
        address = ipaddress.IPv6Address(text)
        hosts += [f"[{text}]", f"[{address.exploded}]", f"[{text.upper()}]"]
    return list(dict.fromkeys([f"http://{host}/" for host in hosts + ODD] + STARTS))
