#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes random documents, random edits of them in Lua, and what a reference model says must come out.

    lazy_model.py SEED COUNT

prints three lines per case: the document, the Lua code (`d` is the document, `json` the module), the result
without white space between tokens. The model knows nothing of tapes: a value is a Python object that
remembers how its document spelled it.
"""
import json
import random
import struct
import sys


class Num:
    def __init__(self, lexeme):
        self.lexeme = lexeme
        try:
            value = int(lexeme)
            self.value = value if -2**63 <= value < 2**63 and lexeme != "-0" else float(lexeme)
        except ValueError:
            self.value = float(lexeme)

    def key(self):
        return ("i", self.value) if isinstance(self.value, int) else ("f", struct.pack("d", self.value))

    def spell(self):
        return self.lexeme


class Str:
    def __init__(self, lexeme):
        self.lexeme = lexeme
        self.value = decode(lexeme)

    def key(self):
        return ("s", self.value)

    def spell(self):
        return encode(self.value)


class Word:
    def __init__(self, lexeme):
        self.lexeme = lexeme

    def key(self):
        return ("w", self.lexeme)

    def spell(self):
        return self.lexeme


class Box:
    """A list or an object: `now` is what is in it, `was` what its document said (None: it is new)."""

    def __init__(self, is_list, was):
        self.is_list = is_list
        self.was = was  # list of values, or of (spelled name, name, value)
        if is_list:
            self.now = list(was or [])
        else:
            self.now = {name: value for _, name, value in was or []}


def decode(lexeme):
    text = json.loads(lexeme)
    # Lua sees half a surrogate pair as U+FFFD.
    return "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in text)


def encode(text):
    out = ['"']
    for c in text:
        if c in '"\\':
            out.append("\\" + c)
        elif c < " ":
            out.append({"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(c, "\\u%04x" % ord(c)))
        else:
            out.append(c)
    return "".join(out) + '"'


# ---- rendering ----

def same_spelled(old, new):
    """How the value `new` is written where the document had `old`."""
    if isinstance(new, Box):
        return render(new)
    if not isinstance(old, Box) and old.key() == new.key():
        return old.lexeme
    return new.spell()


def original(value):
    if not isinstance(value, Box):
        return value.lexeme
    if value.is_list:
        return "[" + ",".join(original(v) for v in value.was) + "]"
    return "{" + ",".join(s + ":" + original(v) for s, _, v in value.was) + "}"


def render(box):
    if box.is_list:
        was = box.was or []
        parts = [same_spelled(was[i], v) if i < len(was) else plain(v) for i, v in enumerate(box.now)]
        if not parts and box.was is None:
            return "[]" if box.is_list == "marked" else "{}"
        return "[" + ",".join(parts) + "]"
    last = {name: value for _, name, value in box.was or []}
    parts = []
    for spelled, name, value in box.was or []:
        if value is not last[name]:  # a twin: stays while the last one says what it said
            now = box.now.get(name)
            if now is None or not (same_value(last[name], now)):
                continue
            parts.append(spelled + ":" + original(value))
        elif name in box.now:
            parts.append(spelled + ":" + same_spelled(value, box.now[name]))
    new = sorted((name.encode(), name) for name in box.now if name not in last)
    parts += [encode(name) + ":" + plain(box.now[name]) for _, name in new]
    return "{" + ",".join(parts) + "}"


def same_value(old, new):
    if isinstance(old, Box) or isinstance(new, Box):
        return old is new and render(new) == original(old)
    return old.key() == new.key()


def plain(value):
    return render(value) if isinstance(value, Box) else value.spell()


# ---- documents ----

class Case:
    def __init__(self, rng):
        self.rng = rng
        self.floats = {}

    def number(self):
        rng = self.rng
        kind = rng.randrange(6)
        if kind < 2:
            lexeme = str(rng.choice([0, 1, -1, 7, 42, 2**53, 2**63 - 1, -2**63, rng.randrange(10**6)]))
        elif kind == 2:
            lexeme = str(rng.choice([2**63, 10**19 + rng.randrange(9), 12345678901234567890, -2**63 - 1]))
        else:
            lexeme = rng.choice(["1.0", "1.50", "1e2", "1E+3", "-0", "0.10", "1999.90", "1e14", "2.50e-3",
                                 "%d.%d0" % (rng.randrange(99), rng.randrange(99))])
        number = Num(lexeme)
        # One spelling per value: which of two is remembered is nobody's promise.
        if isinstance(number.value, float):
            number = Num(self.floats.setdefault(number.key(), lexeme))
        return number

    def string(self):
        rng = self.rng
        atoms = ["a", "b", "x", " ", "é", "€", "😀", "\\u00e9", "\\u0000", "\\n", "\\/", '\\"', "\\\\", "\\ud800",
                 "\\ud83d\\ude00", "\\u0041"]
        return Str('"' + "".join(rng.choice(atoms) for _ in range(rng.randrange(4))) + '"')

    def name(self):
        rng = self.rng
        return rng.choice(['"a"', '"b"', '"c"', '"d"', '"e"', '"f"', '"g"', '"h"', '"i"', '"j"', '"k"', '"1"', '""',
                           '"\\u0061"', '"é"', '"\\u00e9"', '"x.y"', '"n\\n"'] + ['"m%d"' % rng.randrange(40)] * 9)

    def value(self, depth):
        rng = self.rng
        kind = rng.randrange(9 if depth < 4 else 5)
        if kind < 2:
            return self.number()
        if kind < 4:
            return self.string()
        if kind == 4:
            return Word(rng.choice(["true", "false", "null"]))
        return self.box(depth, rng.random() < 0.45)

    def box(self, depth, is_list):
        rng = self.rng
        count = rng.choice([0, 1, 2, 3, 4, 5, 12 if depth < 3 else 3])
        if is_list:
            return Box(True, [self.value(depth + 1) for _ in range(count)])
        members = []
        for _ in range(count):
            spelled = self.name()
            if rng.random() < 0.8 and any(decode(spelled) == name for _, name, _ in members):
                continue
            members.append((spelled, decode(spelled), self.value(depth + 1)))
        return Box(False, members)


def write(value, space):
    """The document's text, with white space by `space()`."""
    if not isinstance(value, Box):
        return value.lexeme
    if value.is_list:
        return "[" + space() + (space() + "," + space()).join(write(v, space) for v in value.was) + space() + "]"
    parts = (s + space() + ":" + space() + write(v, space) for s, _, v in value.was)
    return "{" + space() + (space() + "," + space()).join(parts) + space() + "}"


# ---- edits: each answers a Lua statement, and does the same to the model ----

def lua(text):
    return '"' + "".join("\\%03d" % b for b in text.encode()) + '"'


def lua_value(value):
    if isinstance(value, Word):
        return "json.null" if value.lexeme == "null" else value.lexeme
    if isinstance(value, Str):
        return lua(value.value)
    return value.lexeme


def boxes(box, path="d"):
    yield path, box
    items = enumerate(box.now, 1) if box.is_list else list(box.now.items())
    for key, value in items:
        if isinstance(value, Box):
            yield from boxes(value, path + "[" + (str(key) if box.is_list else lua(key)) + "]")


def inside(outer, box):
    return any(b is box for _, b in boxes(outer))


class Editor:
    def __init__(self, case, root):
        self.case, self.rng, self.root, self.fresh = case, case.rng, root, 0

    def new_scalar(self):
        self.fresh += 1
        return self.rng.choice([Num(str(10**7 + self.fresh)), Num("%d.25" % (2000000 + self.fresh)), Str('"new é"'),
                                Word("true"), Word("null"), Word("false")])

    def pick(self):
        return self.rng.choice(list(boxes(self.root)))

    def slot(self, box):
        """A key of what is there, or None."""
        if not box.now:
            return None
        return self.rng.randrange(len(box.now)) if box.is_list else self.rng.choice(list(box.now))

    @staticmethod
    def at(path, box, key):
        return path + "[" + (str(key + 1) if box.is_list else lua(key)) + "]"

    def read(self):
        path, box = self.pick()
        key = self.slot(box)
        return "local _ = #%s" % path if key is None else "local _ = %s" % self.at(path, box, key)

    def walk(self):
        path, _ = self.pick()
        return "walk(%s)" % path

    def change(self):
        path, box = self.pick()
        key = self.slot(box)
        if key is None:
            return None
        value = self.new_scalar()
        box.now[key] = value
        return "%s = %s" % (self.at(path, box, key), lua_value(value))

    def again(self):
        path, box = self.pick()
        key = self.slot(box)
        if key is None:
            return None
        at = self.at(path, box, key)
        return "do local v = %s %s = false %s = v end" % (at, at, at)

    def remove(self):
        path, box = self.pick()
        key = self.slot(box)
        if key is None:
            return None
        if box.is_list:
            del box.now[key]
            return "table.remove(%s, %d)" % (path, key + 1)
        del box.now[key]
        return "%s[%s] = nil" % (path, lua(key))

    def add(self):
        path, box = self.pick()
        value = self.new_scalar()
        if box.is_list:
            at = self.rng.randrange(len(box.now) + 1)
            box.now.insert(at, value)
            return "table.insert(%s, %d, %s)" % (path, at + 1, lua_value(value))
        name = self.rng.choice(["z", "new", "é", "a", "n\n", "m3"])
        box.now[name] = value
        return "%s[%s] = %s" % (path, lua(name), lua_value(value))

    def put(self, box, path, value, code):
        if box.is_list:
            box.now.append(value)
            return "do %s table.insert(%s, v) end" % (code, path)
        name = self.rng.choice(["z", "moved", "b", "m3"])
        box.now[name] = value
        return "do %s %s[%s] = v end" % (code, path, lua(name))

    def move(self):
        path, box = self.pick()
        key = self.slot(box)
        if key is None:
            return None
        value = box.now[key]
        # Held by the code before anything moves, so that paths stay right.
        targets = [(p, b) for p, b in boxes(self.root) if not (isinstance(value, Box) and inside(value, b))]
        to, target = self.rng.choice(targets)
        code = "local to, from = %s, %s local v = from[%s] " % (to, path, key + 1 if box.is_list else lua(key))
        if box.is_list:
            del box.now[key]
            code += "table.remove(from, %d)" % (key + 1)
        else:
            del box.now[key]
            code += "from[%s] = nil" % lua(key)
        return self.put(target, "to", value, code)

    def copy(self):
        path, box = self.pick()
        to, target = self.pick()
        copied = parse(render(box))
        return self.put(target, "to", copied, "local to = %s local v = json.copy(%s)" % (to, path))

    def swap(self):
        lists = [(p, b) for p, b in boxes(self.root) if b.is_list and len(b.now) > 1]
        if not lists:
            return None
        path, box = self.rng.choice(lists)
        i, j = self.rng.sample(range(len(box.now)), 2)
        box.now[i], box.now[j] = box.now[j], box.now[i]
        return "do local t = %s t[%d], t[%d] = t[%d], t[%d] end" % (path, i + 1, j + 1, j + 1, i + 1)

    def empty(self):
        path, box = self.pick()
        if box is self.root or self.rng.random() < 0.7:
            return None
        box.now.clear()
        return "for k in json.each(%s, '*') do end for p, k in json.each(%s, '*') do p[k] = nil end" % (path, path)

    def decoded(self):
        path, box = self.pick()
        value = self.case.box(3, self.rng.random() < 0.5)
        text = write(value, lambda: "")
        return self.put(box, "to", value, "local to = %s local v = assert(json.decode(%s))" % (path, lua(text)))


def parse(text):
    """A compact text of ours as a fresh document."""
    def pairs(members):
        return Box(False, members)

    pos = 0

    def value():
        nonlocal pos
        if text[pos] in "{[":
            is_list, pos_close = text[pos] == "[", "]" if text[pos] == "[" else "}"
            pos += 1
            items = []
            while text[pos] != pos_close:
                if text[pos] == ",":
                    pos += 1
                if is_list:
                    items.append(value())
                else:
                    name = value()
                    pos += 1  # the colon
                    items.append((name.lexeme, name.value, value()))
            pos += 1
            return Box(True, items) if is_list else pairs(items)
        start = pos
        if text[pos] == '"':
            pos += 1
            while text[pos] != '"':
                pos += 2 if text[pos] == "\\" else 1
            pos += 1
            return Str(text[start:pos])
        while pos < len(text) and text[pos] not in ",]}":
            pos += 1
        lexeme = text[start:pos]
        return Word(lexeme) if lexeme in ("true", "false", "null") else Num(lexeme)

    return value()


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for number in range(count):
        rng = random.Random(seed * 1000003 + number)
        case = Case(rng)
        root = case.box(0, rng.random() < 0.3)
        space = (lambda: rng.choice(["", "", " ", "\t", "  "])) if rng.random() < 0.5 else (lambda: "")
        document = write(root, space)
        editor = Editor(case, root)
        edits = [editor.read, editor.walk, editor.change, editor.again, editor.remove, editor.add, editor.move,
                 editor.copy, editor.swap, editor.empty, editor.decoded]
        code = ["local function walk(t) for _, v in pairs(t) do if type(v) == 'table' then walk(v) end end end"]
        for _ in range(rng.randrange(9)):
            statement = rng.choice(edits)()
            if statement:
                code.append(statement)
        # What was empty and is a list now, or an object, is what it has become.
        print(document)
        print(" ".join(code))
        print(render(root))


main()
