#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges a file of documents and what our parser made of them by Python's json; run by test_json_python.c.

Each record is: length of the document, length of our reading (little-endian, 4
bytes each; 0xffffffff: refused), the document, our reading. Python also accepts
NaN and the infinities; here it does not. Python keeps lone surrogates; we read
them as U+FFFD. Prints what differs.
"""
import json
import struct
import sys

REFUSED = 0xFFFFFFFF
MAX_DEPTH = 64


def refuse(word):
    raise ValueError(word)


class Members(list):
    """An object with order and duplicates."""


def number(text):
    value = float(text)
    out = b"d" + struct.pack("<d", value) if abs(value) != float("inf") else b"i"
    if text.lstrip("-").isdigit() and text != "-0" and -(2**63) <= int(text[:25]) < 2**63 and len(text) < 25:
        out += b"n%d" % int(text)
    return out + b";"


def string(text):
    # Halves of a pair that stand side by side are one character already.
    data = "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in text).encode()
    return b"s%d:" % len(data) + data


def reading(value, depth):
    """The same text that test_json_python.c makes from its tape."""
    if isinstance(value, (Members, list)):
        if depth == MAX_DEPTH:
            raise ValueError("too deep")
        if isinstance(value, Members):
            inside = b"".join(string(n) + reading(v, depth + 1) for n, v in value)
            return b"{" + inside + b"}"
        return b"[" + b"".join(reading(v, depth + 1) for v in value) + b"]"
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return string(value)
    return {None: b"0", True: b"t", False: b"f"}[value]


def judge(document):
    try:
        value = json.loads(
            document.decode("utf-8"),
            object_pairs_hook=Members,
            parse_constant=refuse,
            parse_int=number,
            parse_float=number,
        )
        return reading(value, 0)
    except (ValueError, RecursionError):
        return None


with open(sys.argv[1], "rb") as file:
    data = file.read()
at = count = accepted = bad = 0
while at < len(data):
    length, ours = struct.unpack_from("<II", data, at)
    document = data[at + 8 : at + 8 + length]
    at += 8 + length
    mine = None
    if ours != REFUSED:
        mine = data[at : at + ours]
        at += ours
    theirs = judge(document)
    count += 1
    accepted += theirs is not None
    if mine != theirs:
        bad += 1
        print(f"differs: {document!r}\n  ours:   {mine!r}\n  Python: {theirs!r}")
print(f"{count} documents, {accepted} accepted, {bad} differ")
sys.exit(bad > 0 or accepted < count // 10)
