# SPDX-License-Identifier: MIT
"""Hostile files in scripts_dir: each is refused by name, the engine and another tenant's deliveries go on."""
import os
import re

from attack import Ground
from case import Case
from story import within
from test_corpus import HERE, cases_of

HEAD = b"-- SPDX-License-Identifier: MIT\n-- Made by the test.\n"
GOOD = b"return { api = 1, filter = function() return true end }\n"
DEEP = 10000  # below what a file may be long
# What no editor would write: (name, source, what the refusal must say).
MADE = [
    ("bytecode", b"\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08" + bytes(64), "binary"),
    ("bytecode-comment", b"#!\n\x1bLua\x54\x00" + bytes(64), "binary|unexpected symbol|must say"),
    ("parentheses", HEAD + b"return " + b"(" * DEEP + b"1" + b")" * DEEP, "overflow|too many|levels"),
    ("braces", HEAD + b"return " + b"{" * DEEP + b"}" * DEEP, "overflow|too many|levels"),
    ("functions", HEAD + b"return " + b"function() return " * DEEP + b"end " * DEEP, "overflow|too many|levels"),
    ("blocks", HEAD + b"do " * DEEP + b"end " * DEEP, "overflow|too many|levels"),
    ("nots", HEAD + b"return " + b"not " * DEEP + b"1", "overflow|too many|levels"),
    ("powers", HEAD + b"return " + b"2^" * DEEP + b"1", "overflow|too many|levels"),
    ("concats", HEAD + b"return " + b"'a'.." * DEEP + b"'a'", "overflow|too many|levels"),
    ("locals", HEAD + b"".join(b"local a%d = 1\n" % i for i in range(300)) + GOOD, "too many local variables"),
    ("upvalues", HEAD + b"".join(
        b"local function f%d()\n%s" % (n, b"".join(b"local u%d_%d = 1\n" % (n, i) for i in range(90))) for n in range(4)
    ) + b"return function() return " + b"+".join(b"u%d_%d" % (n, i) for n in range(4) for i in range(90))
        + b" end\n" + b"end\n" * 4, "too many upvalues|too many"),
    ("unfinished-string", HEAD + b"return '" + b"x" * 200000, "unfinished string"),
    ("unfinished-bracket", HEAD + b"return [" + b"=" * 200000 + b"[", "unfinished long string"),
    ("unfinished-comment", HEAD + b"--[[" + b"x" * 200000, "unfinished long comment"),
    ("escape", HEAD + b"return '\\u{ffffffffffffffff}'", "UTF-8 value too large"),
    ("numeral", HEAD + b"return 0x" + b"_" * 2000, "malformed number"),
    ("nul", HEAD + b"return {\0}", "unexpected symbol|<\\\\0>"),
    ("control", HEAD + b"return \x1b[2J", "unexpected symbol"),
    ("goto", HEAD + b"goto nowhere", "no visible label 'nowhere'"),
    ("break", HEAD + b"break", "break outside"),
    ("attribute", HEAD + b"local x <evil> = 1", "unknown attribute 'evil'"),
    ("constant", HEAD + b"local x <const> = 1; x = 2", "attempt to assign to const variable 'x'"),
    ("close-twice", HEAD + b"local a <close>, b <close> = nil, nil", "multiple to-be-closed variables"),
    ("labels", HEAD + b"::a:: ::a::", "label 'a' already defined"),
    ("too-large", HEAD + b"-- " + b"x" * (1 << 20) + b"\n" + GOOD, "KiB|large|long|bytes"),
    ("vararg", HEAD + b"return function() return ... end", "cannot use '...' outside a vararg function"),
]  # fmt: skip
# And what is only large: it loads, or is refused, and nobody notices.
LARGE = [
    ("constants", HEAD + b"local t = {" + b",".join(b"'c%d'" % i for i in range(25000)) + b"}\n" + GOOD),
    ("comment", HEAD + b"-- " + b"x" * 240000 + b"\n" + GOOD),
    ("lines", HEAD + b"\n" * 240000 + GOOD),
    ("ifs", HEAD + b"local x = 1\nif x == 0 then x = 1\n" + b"elseif x == 2 then x = 3\n" * 5000 + b"end\n" + GOOD),
    ("functions", HEAD + b"local t = {}\n" + b"t[#t + 1] = function() return t end\n" * 6000 + GOOD),
    ("not-utf8", HEAD + b"local s = '" + bytes(range(128, 256)) * 10 + b"'\n" + GOOD),
]
REFUSED = re.compile(r'msg="a script was refused.*? script=(\S+) reason=("(?:[^"\\]|\\.)*"|\S*)')


def refusals(engine, known):
    said = [(name.removesuffix(".lua"), reason) for name, reason in REFUSED.findall(engine.log())]
    return {name: reason for name, reason in said if name in known}


def reload(ground, sources):
    """Has the engine read these files, too; the canary is delivered meanwhile. What was refused, and why."""
    before = len(ground.engine.wait_log("area=", 1))
    for name, source in sources.items():
        ground.story.file(f"scripts/{name}.lua", source)
    ground.engine.signal(1)
    for _ in range(10):
        ground.canary.send()
    ground.engine.wait_log("scripts_dir was read", 120)
    ground.canary.send()
    problems = list(ground.canary.problems())
    assert not problems, problems
    assert before
    return refusals(ground.engine, sources)


def judge(name, refused, pattern, may_load=False):
    if name not in refused:
        return [] if may_load else ["it was not refused"]
    if not re.search(pattern, refused[name].strip('"')):
        return [f"the refusal says {refused[name][:400]}, not {pattern!r}"]
    if re.search("[\0-\x1f\x7f]|0x[0-9a-f]{8}", refused[name]):
        return [f"the refusal has control characters or an address: {refused[name][:200]}"]
    return []


def tell_all(found):
    """One line for each; fails when there is a problem."""
    bad = 0
    for name, problems in found.items():
        for line in problems:
            print(f"    {line}")
        print(f"{'not ok' if problems else 'ok'} loading/{name}", flush=True)
        bad += bool(problems)
    assert not bad, f"{bad} files were not judged as declared"


@within(240)
def test_files(story):
    cases = [case for folder in ("loading", "code") for case in cases_of(folder, "load")]
    if not cases:
        story.skip("no such script here")
    ground = Ground(story, [])
    refused = reload(ground, {case.name: case.source for case in cases})
    found = {}
    for case in cases:
        pattern = "|".join(case.reasons)
        may_load = "loaded" in case.outcomes[0]
        found[case.name] = judge(case.name, refused, pattern, may_load)
    ground.canary.send()
    assert not list(ground.canary.problems())
    assert not list(ground.canary.leaks("the log", ground.engine.log().encode()))
    tell_all(found)


@within(240)
def test_made(story):
    if os.environ.get("CASE"):
        story.skip("only some scripts are wanted")
    ground = Ground(story, [])
    sources = {f"made-{name}": source for name, source, _ in MADE}
    sources.update((f"large-{name}", source) for name, source in LARGE)
    refused = reload(ground, sources)
    found = {f"made-{name}": judge(f"made-{name}", refused, pattern) for name, _, pattern in MADE}
    found.update((f"large-{name}", judge(f"large-{name}", refused, ".", True)) for name, _ in LARGE)
    ground.canary.send()
    assert not list(ground.canary.problems())
    tell_all(found)


def test_declared(story):
    """Every file has its header, and a name of its own; there are as many as were promised."""
    paths = sorted(HERE.glob("*/*.lua"))
    names = [Case(path).name for path in paths]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    assert len(paths) >= 120, len(paths)
