# SPDX-License-Identifier: MIT
"""The runner itself: scripts that end otherwise than they say, and ones that leak, are found."""
from attack import TOKEN, Ground
from case import Case
from story import within
from test_corpus import HERE

# What the runner must say about each script of control/.
SAID = {
    "wrong-outcome": "came to script_error",
    "wrong-reason": "the reason is",
    "wrong-bytes": "sent b'those', not 'these'",
    "wrong-host": "the host is gone, declared is alive",
    "wrong-host-alive": "the host is alive, declared is killed",
    "leak-in-body": "the request has",
    "leak-in-log": "the record of the attempt has",
    "address": "has control characters or an address",
}


@within(120)
def test_mistakes_are_seen(story):
    cases = [Case(path) for path in sorted((HERE / "control").glob("*.lua"))]
    assert {case.name for case in cases} == set(SAID)
    ground = Ground(story, cases)
    for case in cases:
        case.options = {name: value.replace("@TOKEN@", TOKEN) for name, value in case.options.items()}
        found = "\n".join(ground.run(case))
        assert SAID[case.name] in found, (case.name, found)
    leaks = list(ground.canary.leaks("the log", b"x" + TOKEN[8:22].encode()))
    assert leaks and not list(ground.canary.leaks("the log", b"x" + TOKEN[8:18].encode()))


def test_a_changed_canary_is_seen(story):
    """Other bytes, another signature, a delivery that is missing or comes twice."""
    ground = Ground(story, [])
    ground.canary.send()
    assert list(ground.canary.problems()) == []
    ground.canary.send()
    ground.canary.target.wait(2)
    ground.canary.target.requests[-1].body += b" "
    assert "body became" in "\n".join(ground.canary.problems())
    ground.canary.sum = "0" * 64
    ground.canary.send()
    assert "signature became" in "\n".join(ground.canary.problems())
    ground.canary.target.count += 1
    assert "was sent" in "\n".join(ground.canary.problems())
