# SPDX-License-Identifier: MIT
"""Between tenants, versions and visits: what one leaves behind, no other finds."""
import os
import re

from attack import CANARY, Ground, SANITIZED, PLAIN
from case import Case
from story import plain_only, wait_for, within

MEMO = """-- SPDX-License-Identifier: MIT
local memo = {}
return {
    api = 1,
    transform = function(request, event, ctx)
        memo[#memo + 1] = event.tenant .. ":" .. event.data.word
        request.body = table.concat(memo, " ")
    end,
}
"""


def engine_of(story, scripts, **options):
    limits = SANITIZED if story.is_sanitized else PLAIN
    for name, source in scripts.items():
        story.file(f"scripts/{name}.lua", source)
    return story.engine(
        scripts_dir=os.path.join(story.folder, "scripts"), script_hosts=1,
        script_cpu_ms=limits["cpu"], script_wall_ms=limits["wall"], tenants="open", quarantine_after=0, **options,
    )  # fmt: skip


def test_one_script_two_tenants(story):
    """The same version on the same host: each tenant has a state of its own."""
    engine = engine_of(story, {"memo": MEMO})
    targets = {tenant: story.target() for tenant in ("a", "b")}
    for tenant, target in targets.items():
        engine.send(tenant=tenant)  # makes the tenant
        engine.webhook(target, ["x"], tenant=tenant, scripts=[{"name": "memo"}])
    for word in ("one", "two", "three"):
        for tenant, target in targets.items():
            count = target.count
            engine.ok("x", tenant=tenant, data={"word": word})
            target.wait(count + 1)
    assert targets["a"].requests[-1].body == b"a:one a:two a:three"
    assert targets["b"].requests[-1].body == b"b:one b:two b:three"


def test_new_version_starts_anew(story):
    """What a version kept at file level is gone with it, also when the old one comes back."""
    engine = engine_of(story, {"memo": MEMO})
    target = story.target()
    engine.webhook(target, ["x"], scripts=[{"name": "memo"}])
    bodies = []
    for number, source in enumerate((MEMO, MEMO + "-- 2\n", MEMO)):
        story.file("scripts/memo.lua", source)
        engine.signal(1)
        wait_for(lambda: engine.log().count("scripts_dir was read") > number, "read again")  # noqa: B023
        for word in ("one", "two"):
            engine.ok("x", data={"word": f"{word}{number}"})
            bodies.append(target.wait(len(bodies) + 1)[-1].body.decode())
    assert bodies[:4] == ["default:one0", "default:one0 default:two0", "default:one1", "default:one1 default:two1"]
    assert "1" not in bodies[4].replace("one1", "1") and "two1" not in bodies[5], bodies


HOARD = """-- SPDX-License-Identifier: MIT
local crypto, json, cjson = require "grapnel.crypto", require "grapnel.json", require "cjson"
return {
    api = 1,
    transform = function(request)
        for _, try in ipairs({
            function() crypto.hex(("x"):rep(5 << 20)) end,
            function() crypto.hmac("sha1", ("k"):rep(4 << 20), "") end,
            function() crypto.hmac("md5", ("k"):rep(4 << 20), "") end,
            function() cjson.encode(("\\0"):rep(1 << 20)) end,
            function() json.decode("[" .. ("1,"):rep(200000) .. "1]") end,
        }) do
            pcall(try)
        end
        request.body = "kept"
    end,
}
-- %d
"""


@plain_only
@within(120)
def test_many_states_do_not_fill_the_host(story):
    """What C code holds for a state outside of its ceiling goes back behind each visit: scripts that
    are each within their limits would otherwise together end the host under another tenant's visit."""
    scripts = {f"hoard{i}": HOARD % i for i in range(40)}
    engine = engine_of(story, {**scripts, "canary": CANARY}, hook_env={"default": {"TOKEN": "t"}})
    target = story.target()
    hosts = set(engine.children())
    for name in scripts:
        engine.webhook(target, [name], scripts=[{"name": name}], retry=[])
    for name in scripts:
        delivery = engine.settled(engine.ok(name))
        assert delivery["outcome"] == "delivered", delivery
    assert hosts <= set(engine.children()), "a host has ended"
    sizes = []
    for pid in engine.children():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            sizes.append(int(re.search(r"^VmRSS:\s+(\d+) kB", file.read(), re.M).group(1)) >> 10)
    assert max(sizes) < 220, f"{sizes} MiB"


FILE_DATA = """-- SPDX-License-Identifier: MIT
local json = require "grapnel.json"
local kept = json.decode("[" .. ("1,"):rep(120000) .. "1]")
return { api = 1, transform = function(request) request.body = tostring(type(kept)) end }
-- %d
"""


@plain_only
@within(120)
def test_documents_of_files_count(story):
    """Documents that files decode stay: the host drops old states for them before it is full."""
    scripts = {f"data{i}": FILE_DATA % i for i in range(60)}
    engine = engine_of(story, scripts, script_memory_bytes=16 << 20)
    target = story.target()
    for name in scripts:
        engine.webhook(target, [name], scripts=[{"name": name}], retry=[])
    for _ in range(2):
        for name in scripts:
            delivery = engine.settled(engine.ok(name))
            assert delivery["outcome"] == "delivered", delivery
    assert engine.metric("script_host_kills_total") == 0
    assert "ran out of memory" not in engine.log()


COMPLAIN = """-- SPDX-License-Identifier: MIT
return {
    api = 1,
    transform = function(_, event)
        print("log of " .. event.id)
        error(("message %s of %d"):format(event.id, event.data), 0)
    end,
}
"""


@within(200)
def test_ten_thousand_different_errors(story):
    """Each attempt fails by another message: nothing in the engine grows by them but the store."""
    engine = engine_of(story, {"complain": COMPLAIN}, log_level="error")
    target = story.target()
    engine.webhook(target, ["x"], scripts=[{"name": "complain"}], retry=[])
    half = story.scale(5000, 250)
    sizes, series = [], []
    failed = 'attempts_total{outcome="script_error"}'
    for sent in (half, 2 * half):
        with engine.producer() as producer:
            for i in range(half):
                producer.write({"event": "x", "data": i})
                if i % 500 == 499:
                    assert all(reply["ok"] for reply in producer.replies(500))
            left = half % 500
            assert all(reply["ok"] for reply in producer.replies(left))
        wait_for(lambda: engine.metric(failed) == sent, "all have failed", 120)  # noqa: B023
        engine.wait_idle(120)
        sizes.append(engine.memory())
        series.append(len(engine.metrics()))
    assert series[1] == series[0], series
    assert target.count == 0
    assert story.is_sanitized or sizes[1] < sizes[0] + (32 << 20), sizes


def test_flood_of_kills_holds_up_nobody(story):
    """Many scripts in a row that must be killed; the other tenant's deliveries all arrive, once."""
    source = "-- SPDX-License-Identifier: MIT\n-- Stuck in C.\n-- outcome: script_killed\n-- reason: .\n"
    source += 'return { api = 1, transform = function(request) request.body = (""):rep(1 << 62) end }\n'
    path = story.file("stuck.lua", source)
    case = Case(path)
    ground = Ground(story, [case])
    hook = ground.engine.webhook(ground.target, ["stuck"], scripts=[{"name": "stuck"}], retry=[])
    ids = []
    for i in range(story.scale(20, 6)):
        ids.append(ground.engine.ok("stuck", webhook=hook["uuid"], data=i))
        ground.canary.send()
    for event_id in ids:
        assert ground.engine.settled(event_id, timeout=120)["outcome"] == "script_killed"
    assert not list(ground.canary.problems())
    assert ground.engine.metric("script_host_kills_total") >= len(ids) and ground.target.count == 0
