# SPDX-License-Identifier: MIT
"""`grapnel test`: golden tests of scripts from the command line, without an engine (lua.md, Golden tests)."""
import json
import os
import re
import subprocess

GOOD = """-- SPDX-License-Identifier: MIT
return {
    api = 1,
    transform = function(request, event) request.body = { n = event.data.n } end,
    tests = {
        { name = "takes n", event = { data = { n = 1 } }, expect = { body = { n = 1 } } },
        { name = "order # and numbers", event = [[{"event":"test","data":{"n":1.50}}]],
          expect = { body = '{"n":1.50}' } },
    },
}
"""
BAD = """-- SPDX-License-Identifier: MIT
return {
    api = 1,
    transform = function(request, event)
        request.body.data = { a = event.data.a + 1, b = "x" }
    end,
    sign = function(request) request.headers["X-Sum"] = "abc" end,
    tests = {
        { name = "passes", event = { data = { a = 1 } }, expect = { headers = { ["X-Sum"] = "abc" } } },
        { name = "differs", event = { data = { a = 1 } },
          expect = { body = { data = { a = 3, b = "x", c = 1 } }, headers = { ["X-Sum"] = "abd" } } },
        { name = "fails", expect = { body = "x" } },
    },
}
"""


def run(story, *arguments):
    env = {name: value for name, value in os.environ.items() if not name.startswith("GRAPNEL_")}
    done = subprocess.run([story.binary, "test", *arguments], capture_output=True, timeout=120, env=env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_ready_made_scripts_pass_as_files(story):
    """The very files of scripts/, as one who changes them would run them."""
    code, out, err = run(story, os.path.join(story.top, "scripts"))
    names = [name for name in os.listdir(os.path.join(story.top, "scripts")) if name.endswith(".lua")]
    assert code == 0 and err == "", (code, out, err)
    assert all(f"/{name} " in out for name in names), out
    assert re.search(rf"^{len(names)} scripts, \d+ tests, 0 failed$", out, re.M), out


def test_what_differs_is_shown(story):
    """Paths of a body, bytes of a header, line of an error: where to look, and what was expected."""
    good = story.file("scripts/good.lua", GOOD)
    bad = story.file("scripts/bad.lua", BAD)
    code, out, _ = run(story, os.path.dirname(good))
    assert code == 1 and f"ok      {good}   2 tests" in out, out
    assert f"FAILED  {bad}   2 of 3 tests" in out, out
    for line in (
        f"    {bad}:10: test 2 (differs)",
        "      body.data.a is another number",
        "        expected 3",
        "        got      2",
        "      body.data.c is missing",
        "      body.hook was not expected",
        "      header X-Sum differs at byte 3",
        "        expected abd",
        "        got      abc",
        f"    {bad}:12: test 3 (fails)",
        "      it failed: bad.lua:5: attempt to perform arithmetic on a nil value (field 'a')",
        "2 scripts, 5 tests, 2 failed",
    ):
        assert line in out, (line, out)
    assert run(story, good)[0] == 0


def test_the_sum_tells_tests_from_scripts(story):
    """A script that cannot be loaded has no test that failed, and is no success."""
    story.file("scripts/good.lua", GOOD)
    broken = story.file("scripts/broken.lua", "return { api = 1, filtr = 1 }\n")
    code, out, _ = run(story, os.path.dirname(broken))
    assert code == 1 and "2 scripts, 2 tests, 0 failed, 1 script could not be tested\n" in out, out
    assert run(story, broken)[0] == 1


def test_tap(story):
    """What other tools read: each test one point, its reason below it."""
    story.file("scripts/good.lua", GOOD)
    bad = story.file("scripts/bad.lua", BAD)
    story.file("scripts/empty.lua", "return { api = 1 }\n")
    broken = story.file("scripts/broken.lua", "-- nothing\nreturn {\n")
    code, out, _ = run(story, "--tap", os.path.dirname(bad))
    lines = out.splitlines()
    assert code == 1 and lines[0] == "TAP version 13" and lines[-1] == "1..7", out
    points = [line for line in lines if re.match(r"(not )?ok ", line)]
    assert points == [
        "ok 1 - bad: passes",
        "not ok 2 - bad: differs",
        "not ok 3 - bad: fails",
        "not ok 4 - broken: loads",
        "ok 5 - empty: loads, and has no tests",
        "ok 6 - good: takes n",
        "ok 7 - good: order \\# and numbers",
    ], out
    assert f"  at: {bad}:10" in lines and "      body.data.a is another number" in lines, out
    assert f"  at: {broken}" in lines and re.search(r"^    broken\.lua:\d+: ", out, re.M), out
    assert lines.count("  ---") == lines.count("  ...") == 3, out


def test_json(story):
    bad = story.file("scripts/bad.lua", BAD)
    code, out, _ = run(story, "--output", "json", bad)
    (row,) = map(json.loads, out.splitlines())
    assert code == 1 and row["path"] == bad and row["script"] == "bad" and row["is_ok"] is False, row
    assert [(test["name"], test["is_ok"], test["line"]) for test in row["tests"]] == [
        ("passes", True, 9), ("differs", False, 10), ("fails", False, 12),
    ]  # fmt: skip
    assert "header X-Sum differs" in row["tests"][1]["report"], row


def test_what_does_not_end_is_named(story):
    """Stopped where it hangs; the script after it is tested all the same."""
    loops = """return { api = 1,
        transform = function(request, event)
            if event.data.loop then while true do end end
            if event.data.find then string.find(string.rep("a", 90000), string.rep("a?", 40) .. "b") end
        end,
        tests = {
            { name = "ends", expect = {} },
            { name = "hangs", event = { data = { %s = true } }, expect = {} },
            { name = "comes late", expect = {} },
        } }
    """
    a_loop = story.file("scripts/a-loop.lua", loops % "loop")
    a_find = story.file("scripts/b-find.lua", loops % "find")
    story.file("scripts/good.lua", GOOD)
    code, out, _ = run(story, os.path.dirname(a_loop))
    assert code == 1 and f"{a_loop}:8: test 2 (hangs)" in out, out
    assert "stopped in line 3: it does not end in time" in out and "not run: an earlier test does not end" in out, out
    assert f"FAILED  {a_find}\n    b-find.lua: test 2: the script host " in out, out
    assert "good.lua   2 tests" in out, out


def test_misuse(story):
    """What cannot be tested is named; nothing passes by being absent."""
    empty = os.path.join(story.folder, "empty")
    os.makedirs(empty)
    code, _, err = run(story, empty)
    assert code == 1 and "no file in this folder ends in .lua" in err, err
    code, _, err = run(story, os.path.join(story.folder, "none.lua"))
    assert code == 1 and "none.lua" in err, err
    assert run(story)[0] == 2 and run(story, "--output", "xml", empty)[0] == 2
    large = story.file("large.lua", "--" + "x" * (256 * 1024))
    code, out, _ = run(story, large)
    assert code == 1 and "256 KiB" in out, out
