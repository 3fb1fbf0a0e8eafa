#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes random documents, random edits of them in Lua, and what a reference model says must come out.

    lazy_model.py SEED COUNT [--slow]

prints three lines per case: the document, the Lua code, the exact bytes of the result. In the code `d` is the
document, `e` the same as tables of its own (a body and its event), `json` the module. The model knows nothing of
tapes: a value is a Python object that remembers how its document spelled it, a container also the bytes between
its values. --slow: larger documents and more edits.

What it does not try, because the promise is an error or nothing: two numbers or texts that are one to Lua
(support/lazy_idioms.txt has those), keys that are no JSON.
"""
import json
import random
import sys
from decimal import Decimal


class Num:
    def __init__(self, lexeme):
        self.lexeme = lexeme
        self.value = None  # an integer, if Lua has it as one
        if lexeme.lstrip("-").isdigit() and lexeme != "-0" and -(2**63) <= int(lexeme) < 2**63:
            self.value = int(lexeme)

    def key(self):
        """Equal for equal numbers: of which -0 is none, and an integer no float."""
        if self.value is not None:
            return ("i", self.value)
        number = Decimal(self.lexeme)
        return ("f", number.is_signed(), number)

    def spell(self):
        return self.lexeme


class Str:
    def __init__(self, lexeme):
        self.lexeme = lexeme
        self.value = decode(lexeme)

    def key(self):
        return ("s", self.value)

    def spell(self):
        return self.lexeme if "\ufffd" in self.value else encode(self.value)


class Word:
    def __init__(self, lexeme):
        self.lexeme = lexeme

    def key(self):
        return ("w", self.lexeme)

    def spell(self):
        return self.lexeme


class Box:
    """A list or an object: `now` is what is in it, `was` what its document said (None: it is new)."""

    def __init__(self, is_list, was, now=None, is_marked=False):
        self.is_list = is_list
        self.is_marked = is_marked  # by json.array
        self.was = was  # list of values, or of (spelled name, name, value)
        self.lead = ["," if i else "" for i in range(len(was or []))]  # the bytes before each
        self.middle = [":"] * len(was or [])  # between name and value
        self.tail = ""  # before the closing bracket
        if was is None:
            self.now = now
        elif is_list:
            self.now = list(was)
        else:
            self.now = {name: value for _, name, value in was}

    def order(self):
        """Names or indices as pairs gives them."""
        if self.is_list:
            return list(range(len(self.now)))
        last = {name: i for i, (_, name, _) in enumerate(self.was or [])}
        known = sorted((i, name) for name, i in last.items() if name in self.now)
        rest = sorted((name.encode(), name) for name in self.now if name not in last)
        return [name for _, name in known] + [name for _, name in rest]


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
    parts = []
    for i, item in enumerate(value.was):
        name = "" if value.is_list else item[0] + value.middle[i]
        parts.append(value.lead[i] + name + original(item if value.is_list else item[2]))
    return ("[" if value.is_list else "{") + "".join(parts) + value.tail + ("]" if value.is_list else "}")


def kept(box):
    """(index, text or None) of what the document had: None is what was left out."""
    if box.is_list:
        for i, old in enumerate(box.was):
            yield i, same_spelled(old, box.now[i]) if i < len(box.now) else None
        return
    last = {name: value for _, name, value in box.was}
    for i, (spelled, name, value) in enumerate(box.was):
        now, text = box.now.get(name), None
        if value is not last[name]:  # a twin: stays while the last one says what it said
            text = original(value) if now is not None and same_value(last[name], now) else None
        elif now is not None:
            text = same_spelled(value, now)
        yield i, None if text is None else spelled + box.middle[i] + text


def added(box):
    if box.is_list:
        return [plain(value) for value in box.now[len(box.was or []) :]]
    last = {name for _, name, _ in box.was or []}
    names = sorted((name.encode(), name) for name in box.now if name not in last)
    return [encode(name) + ":" + plain(box.now[name]) for _, name in names]


def render(box):
    opening, closing = "[]" if box.is_list else "{}"
    if not box.was:  # a new one, or one that the document had empty
        if box.was is not None and not box.now:
            return original(box)
        if not box.now and box.was is None and not box.is_marked:
            return "{}"
        return opening + ",".join(added(box)) + closing
    out, is_whole, has_any = [opening], True, False
    for i, text in kept(box):
        if text is None:
            is_whole = False
            continue
        # White space before a value is kept as long as nothing before it was left out.
        out.append(box.lead[i] if is_whole else "," if has_any else "")
        out.append(text)
        is_whole = has_any = True
    new = added(box)
    out.append(("," if has_any and new else "") + ",".join(new))
    return "".join(out) + (box.tail if is_whole and not new else "") + closing


def same_value(old, new):
    if isinstance(old, Box) or isinstance(new, Box):
        return old is new and is_unchanged(old)
    return old.key() == new.key()


def is_unchanged(box):
    was = dict(enumerate(box.was)) if box.is_list else {name: value for _, name, value in box.was}
    now = dict(enumerate(box.now)) if box.is_list else box.now
    return len(was) == len(now) and all(key in now and same_value(value, now[key]) for key, value in was.items())


def plain(value):
    return render(value) if isinstance(value, Box) else value.spell()


# ---- documents ----


class Case:
    def __init__(self, rng, size):
        self.rng = rng
        self.size = size
        self.known = {}

    def number(self):
        rng = self.rng
        kind = rng.randrange(6)
        if kind < 2:
            lexeme = str(rng.choice([0, 1, -1, 7, 42, 2**53, 2**63 - 1, -(2**63), rng.randrange(10**6)]))
        elif kind == 2:  # several of these have the same double
            big = [2**63 + rng.randrange(99), 10**19 + 1 + rng.randrange(9), 12345678901234567890 + rng.randrange(9)]
            lexeme = str(rng.choice([*big, -(2**63) - 1 - rng.randrange(9)]))
        else:
            lexeme = rng.choice(["1.0", "1.50", "1e2", "1E+3", "-0", "0.10", "1999.90", "1e14", "2.50e-3",
                                 "%d.%d0" % (rng.randrange(1, 99), rng.randrange(99)), "1e-500",
                                 "0.1234567890123456789%d" % rng.randrange(9)])  # fmt: skip
        # One spelling per value: which of two is remembered is nobody's promise.
        number = Num(lexeme)
        return number if number.value is not None else Num(self.known.setdefault(number.key(), lexeme))

    def string(self):
        rng = self.rng
        atoms = ["a", "b", "x", " ", "é", "€", "😀", "\\u00e9", "\\u0000", "\\n", "\\/", '\\"', "\\\\", "\\ud800",
                 "\\udc01", "\\ud83d\\ude00", "\\u0041"]  # fmt: skip
        lexeme = '"' + "".join(rng.choice(atoms) for _ in range(rng.randrange(4))) + '"'
        return Str(self.known.setdefault(decode(lexeme), lexeme) if "\ufffd" in decode(lexeme) else lexeme)

    def name(self):
        rng = self.rng
        return rng.choice(['"a"', '"b"', '"c"', '"d"', '"e"', '"f"', '"g"', '"h"', '"i"', '"j"', '"k"', '"1"', '""',
                           '"\\u0061"', '"é"', '"\\u00e9"', '"x.y"', '"*"', '"n\\n"']
                          + ['"m%d"' % rng.randrange(40)] * 9)  # fmt: skip

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
        count = rng.choice([0, 1, 2, 3, 4, 5, self.size if depth < 3 else 3])
        if is_list:
            return Box(True, [self.value(depth + 1) for _ in range(count)])
        members = []
        for _ in range(count):
            spelled = self.name()
            if rng.random() < 0.8 and any(decode(spelled) == name for _, name, _ in members):
                continue
            members.append((spelled, decode(spelled), self.value(depth + 1)))
        return Box(False, members)


def space_out(value, space):
    """Gives the document white space by `space()`."""
    if not isinstance(value, Box):
        return
    value.lead = [space() + ("," + space() if i else "") for i in range(len(value.was))]
    value.middle = [space() + ":" + space() for _ in value.was]
    value.tail = space()
    for item in value.was:
        space_out(item if value.is_list else item[2], space)


def parse(text):
    """A text of ours as a fresh document."""
    at = 0

    def space():
        nonlocal at
        start = at
        while at < len(text) and text[at] in " \t":
            at += 1
        return text[start:at]

    def scalar():
        nonlocal at
        start = at
        if text[at] == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
            at += 1
            return Str(text[start:at])
        while at < len(text) and text[at] not in ",]} \t":
            at += 1
        lexeme = text[start:at]
        return Word(lexeme) if lexeme in ("true", "false", "null") else Num(lexeme)

    def container(is_list):
        nonlocal at
        at += 1
        items, lead, middle, gap = [], [], [], space()
        while text[at] not in "]}":
            if text[at] == ",":
                at += 1
                gap += "," + space()
            lead.append(gap)
            if is_list:
                items.append(value())
            else:
                name = scalar()
                start = at
                space()
                at += 1
                space()
                middle.append(text[start:at])
                items.append((name.lexeme, name.value, value()))
            gap = space()
        at += 1
        box = Box(is_list, items)
        box.lead, box.middle, box.tail = lead, middle, gap
        return box

    def value():
        return container(text[at] == "[") if text[at] in "[{" else scalar()

    return value()


# ---- edits: each answers a Lua statement, and does the same to the model ----


def lua(text):
    return '"' + "".join("\\%03d" % b for b in text.encode()) + '"'


def lua_value(value):
    if isinstance(value, Word):
        return "json.null" if value.lexeme == "null" else value.lexeme
    return lua(value.value) if isinstance(value, Str) else value.lexeme


def index(box, key):
    return "[%s]" % (key + 1 if box.is_list else lua(key))


def boxes(box, path, keys=()):
    """(path in Lua, keys, box) of all tables; of one that stands twice twice."""
    yield path, keys, box
    for key in box.order():
        value = box.now[key]
        if isinstance(value, Box):
            yield from boxes(value, path + index(box, key), (*keys, (box, key)))


def inside(outer, box):
    return any(b is box for _, _, b in boxes(outer, ""))


def path_of(keys):
    """For json.set: names joined by dots."""
    names = (str(key + 1) if box.is_list else key for box, key in keys)
    return ".".join(name.replace("\\", "\\\\").replace(".", "\\.").replace("*", "\\*") for name in names)


def is_float(value):
    return isinstance(value, Num) and value.value is None


class Editor:
    def __init__(self, case, root, event):
        self.case, self.rng, self.fresh = case, case.rng, 0
        self.roots = {"d": root, "e": event}

    def new_scalar(self):
        self.fresh += 1
        return self.rng.choice([Num(str(10**7 + self.fresh)), Num("%d.25" % (2000000 + self.fresh)), Str('"new é"'),
                                Word("true"), Word("null"), Word("false")])  # fmt: skip

    def new_value(self):
        """A value and how Lua writes it: at times a table."""
        kind = self.rng.randrange(6)
        if kind == 0:
            items = [self.new_scalar() for _ in range(self.rng.randrange(1, 4))]
            return Box(True, None, items), "{" + ", ".join(map(lua_value, items)) + "}"
        if kind == 1:
            members = {name: self.new_scalar() for name in self.rng.sample(["z", "a", "é", "n\n"], 2)}
            fields = ("[%s] = %s" % (lua(name), lua_value(v)) for name, v in members.items())
            return Box(False, None, members), "{" + ", ".join(fields) + "}"
        if kind == 2:
            return self.rng.choice([(Box(True, None, [], True), "json.array()"), (Box(False, None, {}), "{}")])
        value = self.new_scalar()
        return value, lua_value(value)

    def all(self, root=None):
        root = root or self.rng.choice("dddde")
        return list(boxes(self.roots[root], root))

    def pick(self, wanted=lambda box: True):
        found = [(path, box) for path, _, box in self.all() if wanted(box)]
        return self.rng.choice(found) if found else (None, None)

    def pick_list(self, least=1):
        return self.pick(lambda box: box.is_list and len(box.now) >= least)

    def pick_slot(self):
        path, box = self.pick(lambda box: box.now)
        return (path, box, self.rng.choice(box.order())) if box else (None, None, None)

    # -- reading --

    def read(self):
        path, box, key = self.pick_slot()
        return box and "local _ = %s, #%s" % (path + index(box, key), path)

    def walk(self):
        path, _ = self.pick()
        return self.rng.choice(["walk(%s)", "local _ = next(%s)", "for _ in ipairs(%s) do end"]) % path

    # -- single members --

    def change(self):
        path, box, key = self.pick_slot()
        if box:
            box.now[key], code = self.new_value()
            return "%s = %s" % (path + index(box, key), code)

    def again(self):
        path, box, key = self.pick_slot()
        if box:
            at = path + index(box, key)
            return "do local v = %s %s = false %s = v end" % (at, at, at)

    def remove(self):
        path, box, key = self.pick_slot()
        if box:
            del box.now[key]
            return "table.remove(%s, %d)" % (path, key + 1) if box.is_list else "%s[%s] = nil" % (path, lua(key))

    def add(self):
        path, box = self.pick()
        value, code = self.new_value()
        if box.is_list:
            at = self.rng.randrange(len(box.now) + 1)
            box.now.insert(at, value)
            return "table.insert(%s, %d, %s)" % (path, at + 1, code)
        name = self.rng.choice(["z", "new", "é", "a", "n\n", "m3"])
        box.now[name] = value
        return "%s[%s] = %s" % (path, lua(name), code)

    def set(self):
        path, keys, box = self.rng.choice(self.all())
        if box.is_list or any(not b.is_list and key == "" for b, key in keys) or len(box.now) == 0:
            return None
        value, code = self.new_value()
        names = self.rng.choice([["a"], ["x.y"], ["fresh"], ["fresh", "more"], ["*", "1"]])
        text = ".".join(filter(None, [path_of(keys), path_of([(box, name) for name in names])]))
        for name in names[:-1]:
            if not isinstance(box.now.get(name), Box):
                if name in box.now and getattr(box.now[name], "lexeme", "") != "null":
                    return None
                box.now[name] = Box(False, None, {})
            box = box.now[name]
        if box.is_list:
            return None
        box.now[names[-1]] = value
        return "json.set(%s, %s, %s)" % (path[0], lua(text), code)

    # -- whole tables --

    def put(self, box, path, value, code):
        if box.is_list:
            box.now.append(value)
            return "do %s table.insert(%s, v) end" % (code, path)
        name = self.rng.choice(["z", "moved", "b", "m3"])
        box.now[name] = value
        return "do %s %s[%s] = v end" % (code, path, lua(name))

    def target(self, value):
        """Where a value may go, in either document."""
        found = [(p, b) for p, _, b in self.all() if not (isinstance(value, Box) and inside(value, b))]
        return self.rng.choice(found) if found else (None, None)

    def move(self):
        path, box, key = self.pick_slot()
        to, target = self.target(box.now[key]) if box else (None, None)
        if not target:
            return None
        value = box.now[key]
        # Held by the code before anything moves, so that paths stay right.
        code = "local to, from = %s, %s local v = from%s " % (to, path, index(box, key))
        del box.now[key]
        code += "table.remove(from, %d)" % (key + 1) if box.is_list else "from[%s] = nil" % lua(key)
        return self.put(target, "to", value, code)

    def share(self):
        path, box, key = self.pick_slot()
        to, target = self.target(box.now[key]) if box else (None, None)
        if target and sum(1 for _ in self.all("d")) < 200:
            return self.put(target, "to", box.now[key], "local to, v = %s, %s" % (to, path + index(box, key)))

    def copy(self):
        path, box = self.pick()
        to, target = self.pick()
        return self.put(target, "to", parse(render(box)), "local to = %s local v = json.copy(%s)" % (to, path))

    def decoded(self):
        path, box = self.pick()
        value = self.case.box(3, self.rng.random() < 0.5)
        space_out(value, lambda: self.rng.choice(["", "", " "]))
        return self.put(box, "to", value, "local to = %s local v = assert(json.decode(%s))" % (path, lua(original(value))))

    # -- lists --

    def swap(self):
        path, box = self.pick_list(2)
        if box:
            i, j = self.rng.sample(range(len(box.now)), 2)
            box.now[i], box.now[j] = box.now[j], box.now[i]
            return "do local t = %s t[%d], t[%d] = t[%d], t[%d] end" % (path, i + 1, j + 1, j + 1, i + 1)

    def sort(self):
        path, box = self.pick_list()
        if not box:
            return None
        if all(isinstance(v, Str) for v in box.now):
            box.now.sort(key=lambda v: v.value.encode())
            return "table.sort(%s, less)" % path
        if all(isinstance(v, Num) and len(v.lexeme) < 15 for v in box.now):
            keys = [v.key()[-1] for v in box.now]
            if len(set(keys)) == len(keys):
                box.now.sort(key=lambda v: -v.key()[-1])
                return "table.sort(%s, function(a, b) return a > b end)" % path
        return None

    def rotate(self):
        path, box = self.pick_list()
        if box:
            box.now.insert(0, box.now.pop())
            return "do local t = %s table.insert(t, 1, table.remove(t)) end" % path

    def reverse(self):
        path, box = self.pick_list()
        if box:
            box.now.reverse()
            return "do local t = %s for i = 1, #t // 2 do t[i], t[#t - i + 1] = t[#t - i + 1], t[i] end end" % path

    def shift(self):
        path, box = self.pick_list(2)
        if box:
            box.now[1:] = box.now[:-1]
            return "do local t = %s table.move(t, 1, #t - 1, 2) end" % path

    def pack(self):
        found = [(p, b, k) for p, _, b in self.all() for k in b.order() if isinstance(b.now[k], Box)]
        found = [(p, b, k) for p, b, k in found if b.now[k].is_list and b.now[k].now]
        if found:
            path, box, key = self.rng.choice(found)
            box.now[key] = Box(True, None, list(box.now[key].now))
            return "do local t = %s t%s = { table.unpack(t%s) } end" % (path, index(box, key), index(box, key))

    # -- loops --

    def filter(self):
        """Numbers go: backwards through lists, with pairs through objects."""
        path, box = self.pick()
        if box.is_list:
            box.now = [v for v in box.now if not isinstance(v, Num)]
            return "do local t = %s for i = #t, 1, -1 do if number(t[i]) then table.remove(t, i) end end end" % path
        box.now = {name: v for name, v in box.now.items() if not isinstance(v, Num)}
        return "do local t = %s for k, v in pairs(t) do if number(v) then t[k] = nil end end end" % path

    def number_all(self):
        """Writes 1, 2, 3 … in the order of pairs, or from the last with json.each."""
        path, box = self.pick()
        keys = box.order()
        if self.rng.random() < 0.5:
            keys.reverse()
            code = "do local n = 0 for t, k in json.each(%s, '*') do n = n + 1 t[k] = n end end" % path
        else:
            code = "do local n, t = 0, %s for k in pairs(t) do n = n + 1 t[k] = n end end" % path
        for n, key in enumerate(keys, 1):
            box.now[key] = Num(str(n))
        return code

    def empty(self):
        path, box = self.pick()
        if box in self.roots.values() or self.rng.random() < 0.5:
            return None
        box.now.clear()
        loops = ["for p, k in json.each(%s, '*') do p[k] = nil end", "do local t = %s for k in pairs(t) do t[k] = nil end end"]
        if not box.is_list:
            loops.append("do local t = %s while next(t) do t[next(t)] = nil end end")
        return self.rng.choice(loops) % path

    # -- the next script: what is sent by one is read by the other --

    def next_script(self):
        self.roots["d"] = parse(render(self.roots["d"]))
        return "d = assert(json.decode(json.encode(d)))"

    def statement(self):
        often = [self.read, self.walk, self.change, self.again, self.remove, self.add, self.move, self.share]
        edits = often * 2 + [self.set, self.copy, self.decoded, self.swap, self.sort, self.rotate, self.reverse, self.shift,
                             self.pack, self.filter, self.number_all, self.empty, self.next_script]  # fmt: skip
        return self.rng.choice(edits)()


PRELUDE = (
    "local function walk(t) for _, v in pairs(t) do if type(v) == 'table' then walk(v) end end end "
    "local function number(v) return type(v) == 'number' end "
    "local function less(a, b) return a < b end"
)


def main():
    seed, count, is_slow = int(sys.argv[1]), int(sys.argv[2]), "--slow" in sys.argv
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for number in range(count):
        rng = random.Random(seed * 1000003 + number)
        case = Case(rng, 40 if is_slow and rng.random() < 0.3 else 12)
        root = case.box(0, rng.random() < 0.3)
        space_out(root, (lambda: rng.choice(["", "", " ", "\t", "  "])) if rng.random() < 0.5 else (lambda: ""))
        document = original(root)
        editor = Editor(case, root, parse(document))
        code = [PRELUDE]
        for _ in range(rng.randrange(30 if is_slow else 12)):
            statement = editor.statement()
            if statement:
                code.append(statement)
        print(document)
        print(" ".join([*code, "return d"]))
        print(render(editor.roots["d"]))


if __name__ == "__main__":
    main()
