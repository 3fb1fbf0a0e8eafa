# SPDX-License-Identifier: MIT
"""Versions of scripts: hot reload, checks before activation, pins, activation, rollback (lua.md)."""
import hashlib
import os
import re
import sqlite3

from story import wait_for


def says(text, options="", tests=""):
    """A script that stamps a header; `options` and `tests` are members of its table."""
    return f"""return {{
    api = 1, {options} {tests}
    transform = function(request) request.headers["X-Says"] = "{text}" end,
}}
"""


def version_of(source):
    return hashlib.sha256(source.encode()).hexdigest()


def save(story, name, source):
    """As editors do: a new file, renamed over the old one."""
    temporary = story.file(f"scripts/.{name}.swp", source)
    os.rename(temporary, os.path.join(story.folder, "scripts", f"{name}.lua"))


def with_folder(story, **scripts):
    folder = os.path.join(story.folder, "scripts")
    os.makedirs(folder, exist_ok=True)
    for name, source in scripts.items():
        story.file(f"scripts/{name}.lua", source)
    return story.engine(scripts_dir=folder)


def active(engine, name, tenant="default"):
    rows = engine.get(f"/api/v1/scripts?tenant={tenant}")["data"]
    return next((row for row in rows if row["name"] == name), None)


def wait_active(engine, name, source):
    version = version_of(source)
    return wait_for(lambda: (active(engine, name) or {}).get("version") == version, f"{name} at {version[:8]}")


def heard(engine, target):
    """What the script stamps now, and which version the record names."""
    before = target.count
    delivery = engine.settled(engine.ok())
    target.wait(before + 1)
    return target.requests[before].headers.get("x-says"), delivery["attempts"][0]["scripts"]["versions"]


def put(engine, name, source, **fields):
    return engine.api("PUT", f"/api/v1/scripts/{name}", {"source": source, **fields})


def activate(engine, name, version, **fields):
    return engine.api("POST", f"/api/v1/scripts/{name}/activate", {"version": version, **fields})


def versions(engine, name, tenant="default"):
    return engine.get(f"/api/v1/scripts/{name}/versions?tenant={tenant}")["data"]


# ---- scripts_dir ----


def test_a_saved_file_is_used_by_the_next_delivery(story):
    target = story.target()
    one, two, three = says("one"), says("two"), says("three")
    engine = with_folder(story, stamp=one)
    engine.webhook(target, scripts=[{"name": "stamp"}])
    assert heard(engine, target) == ("one", f"stamp@{version_of(one)[:8]}")
    save(story, "stamp", two)
    wait_active(engine, "stamp", two)
    assert heard(engine, target) == ("two", f"stamp@{version_of(two)[:8]}")
    story.file("scripts/stamp.lua", three)  # written in place
    wait_active(engine, "stamp", three)
    assert heard(engine, target)[0] == "three"
    rows = versions(engine, "stamp")
    assert [row["version"] for row in rows] == [version_of(s) for s in (three, two, one)], rows
    assert [row["active"] for row in rows] == [True, False, False], rows
    assert rows[0]["by"] == "scripts_dir" and rows[0]["origin"] == "scripts_dir" and rows[0]["at"], rows


def test_a_new_file_and_one_that_goes(story):
    engine = with_folder(story)
    fresh = says("fresh")
    save(story, "fresh", fresh)
    wait_active(engine, "fresh", fresh)
    os.unlink(os.path.join(story.folder, "scripts", "fresh.lua"))
    wait_for(lambda: active(engine, "fresh") is None, "fresh is gone")
    assert len(versions(engine, "fresh")) == 1  # its versions stay


def test_a_broken_file_leaves_the_version_before(story):
    target = story.target()
    good = says("good")
    engine = with_folder(story, stamp=good)
    engine.webhook(target, scripts=[{"name": "stamp"}])
    save(story, "stamp", "return {\n    api = 1,\n    transform = function( end,\n}\n")
    (line,) = engine.wait_log("a script was refused")
    assert "stamp.lua:3:" in line, line
    assert heard(engine, target)[0] == "good"
    healed = says("healed")
    save(story, "stamp", healed)
    wait_active(engine, "stamp", healed)
    assert heard(engine, target)[0] == "healed"


def test_a_golden_test_that_fails_refuses(story):
    target = story.target()
    good = says("good")
    engine = with_folder(story, stamp=good)
    engine.webhook(target, scripts=[{"name": "stamp"}])
    failing = 'tests = { { name = "stamps well", expect = { headers = { ["X-Says"] = "well" } } } },'
    save(story, "stamp", says("badly", tests=failing))
    (line,) = engine.wait_log("a script was refused")
    assert "stamp.lua" in line and "stamps well" in line and "badly" in line, line
    assert heard(engine, target)[0] == "good"


def test_options_that_no_longer_fit_refuse(story):
    target = story.target()
    good = says("good", 'options = { channel = { type = "string" } },')
    engine = with_folder(story, stamp=good)
    webhook = engine.webhook(target, name="tracker", scripts=[{"name": "stamp", "options": {"channel": "#a"}}])
    engine.webhook(target, events=["other"], scripts=[{"name": "stamp"}])
    strict = says("strict", 'options = { channel = { type = "string", max = 1 } },')
    save(story, "stamp", strict)
    (line,) = engine.wait_log("a script was refused")
    assert webhook["uuid"] in line and "tracker" in line and "scripts.0.options.channel" in line, line
    assert heard(engine, target)[0] == "good"
    answer = put(engine, "stamp", strict)  # the same by the API, for this tenant
    errors = engine.refused_fields(answer)
    assert list(errors) == [f"webhooks.{webhook['uuid']}.scripts.0.options.channel"], errors
    # Once the webhook fits, so does the version.
    change = {"scripts": [{"name": "stamp", "options": {"channel": "#"}}]}
    assert engine.api("PATCH", f"/api/v1/webhooks/{webhook['uuid']}", change).status == 200
    engine.signal(1)
    wait_active(engine, "stamp", strict)
    assert heard(engine, target)[0] == "strict"


def test_files_of_one_save_belong_together(story):
    """One of two is broken: neither is used; when it is mended, both are."""
    engine = with_folder(story, a=says("a1"), b=says("b1"))
    a2, b2 = says("a2"), says("b2")
    folder = os.path.join(story.folder, "scripts")
    other = story.file("next/a.lua", a2)
    os.rename(other, os.path.join(folder, "a.lua"))
    story.file("scripts/b.lua", "return {")
    refused = engine.wait_log("scripts_dir has changed: 0 scripts loaded, ")
    assert refused, engine.log()
    if "2 refused" in refused[0]:  # they were seen as one save
        assert active(engine, "a")["version"] == version_of(says("a1"))
        assert "saved together with b.lua" in engine.log()
    assert active(engine, "b")["version"] == version_of(says("b1"))
    save(story, "b", b2)
    wait_active(engine, "b", b2)
    wait_active(engine, "a", a2)


def test_restart_keeps_what_is_active(story):
    target = story.target()
    one, two, stored = says("one"), says("two"), says("stored")
    engine = with_folder(story, stamp=one)
    assert put(engine, "mine", stored).status == 200
    engine.webhook(target, scripts=[{"name": "stamp"}, {"name": "mine"}])
    save(story, "stamp", two)
    wait_active(engine, "stamp", two)
    assert activate(engine, "stamp", version_of(one)[:12]).status == 200
    engine.restart()
    row = active(engine, "stamp")  # rolled back, though the file says otherwise
    assert row["version"] == version_of(one) and row["activated_by"] == f"uid:{os.getuid()}", row
    assert active(engine, "mine")["version"] == version_of(stored)
    assert heard(engine, target)[0] == "stored"
    three = says("three")
    save(story, "stamp", three)  # until the file changes
    wait_active(engine, "stamp", three)


# ---- stored ----


def test_stored_scripts_are_of_a_tenant_and_come_first(story):
    target = story.target()
    folder, stored = says("folder"), says("stored")
    engine = with_folder(story, stamp=folder)
    assert engine.api("POST", "/api/v1/tenants", {"name": "acme"}).status == 201
    engine.webhook(target, scripts=[{"name": "stamp"}])
    answer = put(engine, "stamp", stored, tenant="acme", note="louder")
    assert answer.status == 200, answer
    assert answer.json["version"] == version_of(stored) and answer.json["active"] is True, answer
    assert heard(engine, target)[0] == "folder"  # the default tenant's
    assert active(engine, "stamp", "acme")["origin"] == "stored"
    assert put(engine, "stamp", stored).status == 200
    assert heard(engine, target)[0] == "stored"
    first = versions(engine, "stamp", "acme")[0]
    assert (first["by"], first["note"], first["tenant"]) == (f"uid:{os.getuid()}", "louder", "acme"), first
    assert engine.api("DELETE", "/api/v1/scripts/stamp").status == 204
    assert heard(engine, target)[0] == "folder"
    assert engine.api("DELETE", "/api/v1/scripts/stamp").status == 404


def test_what_is_refused_is_not_stored(story):
    engine = story.engine()
    errors = engine.refused_fields(put(engine, "mine", "return {\n  api = 1,\n  tests = { { name = 'x' } },\n}"))
    assert "mine.lua" in errors["source"], errors
    assert active(engine, "mine") is None
    assert engine.api("GET", "/api/v1/scripts/mine/versions").status == 404
    assert "must be 1 byte" in engine.refused_fields(put(engine, "mine", ""))["source"]
    assert "name" in engine.refused_fields(put(engine, "Mine", says("x")))
    assert engine.refused_fields(put(engine, "mine", says("x"), colour=1)) == {"colour": "unknown field"}


def test_a_script_that_is_used_cannot_be_removed(story):
    target = story.target()
    engine = story.engine()
    assert put(engine, "mine", says("mine")).status == 200
    webhook = engine.webhook(target, scripts=[{"name": "mine"}])
    errors = engine.refused_fields(engine.api("DELETE", "/api/v1/scripts/mine"))
    assert list(errors) == [f"webhooks.{webhook['uuid']}.scripts.0"], errors
    assert heard(engine, target)[0] == "mine"


def test_activate_rollback_and_difference(story):
    target = story.target()
    engine = story.engine()
    sources = [says(text) for text in ("one", "two", "three")]
    for source in sources:
        assert put(engine, "mine", source).status == 200
    engine.webhook(target, scripts=[{"name": "mine"}])
    assert heard(engine, target)[0] == "three"
    kept = says("kept")
    answer = put(engine, "mine", kept, activate=False)
    assert answer.status == 200 and answer.json["active"] is False, answer
    assert heard(engine, target)[0] == "three"
    answer = engine.api("POST", "/api/v1/scripts/mine/rollback")
    assert answer.status == 200 and answer.json["before"] == version_of(sources[2]), answer
    assert heard(engine, target)[0] == "two"
    engine.api("POST", "/api/v1/scripts/mine/rollback")
    assert heard(engine, target)[0] == "one"
    assert engine.api("POST", "/api/v1/scripts/mine/rollback").status == 404  # there is none before it
    assert activate(engine, "mine", version_of(kept)).status == 200
    assert heard(engine, target)[0] == "kept"
    assert activate(engine, "mine", "0" * 8).status == 404
    assert "hex digits" in engine.refused_fields(activate(engine, "mine", "xyz"))["version"]
    path = f"/api/v1/scripts/mine/diff?from={version_of(sources[0])[:8]}"
    diff = engine.get(path)
    assert diff["to"] == version_of(kept), diff
    assert '-    transform = function(request) request.headers["X-Says"] = "one" end,\n' in diff["diff"], diff
    assert '+    transform = function(request) request.headers["X-Says"] = "kept" end,\n' in diff["diff"], diff
    shown = engine.get(f"/api/v1/scripts/mine?version={version_of(sources[1])[:10]}")
    assert shown["source"] == sources[1] and shown["active"] is False, shown
    with sqlite3.connect(f"file:{engine.database}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT by, action, key FROM audit WHERE kind = 2 ORDER BY id").fetchall()
    audit = [row for row in rows if row[2].startswith("default/mine@")]
    assert [row[1] for row in audit] == ["add"] * 4 + ["rollback"] * 2 + ["activate"], audit
    assert audit[-1] == (f"uid:{os.getuid()}", "activate", f"default/mine@{version_of(kept)}"), audit


def test_what_is_hidden_is_not_activated(story):
    """It would be said to be active, and nobody would get it."""
    target = story.target()
    engine = with_folder(story, stamp=says("folder"))
    engine.webhook(target, scripts=[{"name": "stamp"}])
    assert put(engine, "stamp", says("stored")).status == 200
    answer = activate(engine, "stamp", version_of(says("folder")))
    assert answer.status == 409 and "a stored script of that name hides it" in answer.json["detail"], answer
    assert heard(engine, target)[0] == "stored"


def test_a_pinned_version_stays(story):
    target = story.target()
    one, two = says("one"), says("two")
    engine = with_folder(story, stamp=one)
    engine.webhook(target, scripts=[{"name": "stamp", "version": version_of(one)[:8]}])
    save(story, "stamp", two)
    wait_active(engine, "stamp", two)
    assert heard(engine, target) == ("one", f"stamp@{version_of(one)[:8]}")
    engine.restart()  # now it is fetched from the store
    assert heard(engine, target) == ("one", f"stamp@{version_of(one)[:8]}")
    body = {"target": target.url(), "events": ["x"], "scripts": [{"name": "stamp", "version": "00000000"}]}
    errors = engine.refused_fields(engine.api("POST", "/api/v1/webhooks", body))
    assert "there is no version" in errors["scripts.0"], errors
    # One that is neither active nor pinned by anybody is found, too.
    three = says("three")
    save(story, "stamp", three)
    wait_active(engine, "stamp", three)
    engine.restart()
    engine.webhook(target, events=["other"], scripts=[{"name": "stamp", "version": version_of(two)[:8]}])
    engine.settled(engine.ok("other"))
    assert target.requests[-1].headers["x-says"] == "two"


# ---- command line ----


def run(engine, *arguments, code=0):
    done = engine.run(*arguments)
    assert done.returncode == code, done
    return (done.stdout + done.stderr).decode()


def test_versions_on_the_command_line(story):
    target = story.target()
    engine = story.engine()
    one, two = says("one", 'help = "stamps",'), says("two", 'help = "stamps",')
    path = story.file("stamp.lua", one)
    assert "is active" in run(engine, "scripts", "put", path, "--note", "first")
    pin = f"stamp@{version_of(one)[:8]}"
    run(engine, "webhooks", "add", "--target", target.url(), "--event", "test", "--script", "stamp")
    shown = run(engine, "webhooks", "add", "--target", target.url(), "--event", "pinned", "--script", pin)
    assert re.search(rf"^  script +{pin}$", shown, re.M), shown
    two_path = story.file("two.lua", two)
    assert "not active" in run(engine, "scripts", "put", two_path, "--name", "stamp", "--inactive")
    assert heard(engine, target)[0] == "one"
    said = run(engine, "scripts", "activate", "stamp", version_of(two)[:8])
    assert "is active" in said and version_of(one)[:8] in said, said
    assert heard(engine, target)[0] == "two"
    engine.settled(engine.ok("pinned"))
    assert target.requests[-1].headers["x-says"] == "one"
    listing = run(engine, "scripts", "list")
    assert version_of(two)[:8] in listing and "stamps" in listing and "github" in listing, listing
    listing = run(engine, "scripts", "versions", "stamp")
    assert version_of(one)[:8] in listing and "first" in listing and f"uid:{os.getuid()}" in listing, listing
    assert '-    transform = function(request) request.headers["X-Says"] = "one" end,' in run(
        engine, "scripts", "diff", "stamp", version_of(one)[:8]
    )
    assert run(engine, "scripts", "show", "stamp", "--source") == two
    assert "stamps" in run(engine, "scripts", "show", "stamp", "--version", version_of(one)[:8])
    assert version_of(one)[:8] in run(engine, "scripts", "rollback", "stamp")
    assert heard(engine, target)[0] == "one"
    broken = story.file("broken.lua", "return {\n    api = 1,\n    transfrom = 1,\n}\n")
    assert "broken.lua" in run(engine, "scripts", "put", broken, code=1)
    failing = 'tests = { { name = "a test", expect = { headers = { ["X-Says"] = "two" } } } },'
    said = run(engine, "scripts", "put", story.file("fails.lua", says("one", tests=failing)), code=1)
    assert re.search(r"\n  source: fails.lua:\d+: test 1 \(a test\)\n      header X-Says .*\n        ", said), said
    assert "is used" not in run(engine, "scripts", "remove", "stamp", code=1)  # a webhook would have none


# ---- a new binary ----


def test_changed_built_in_waits_for_activation(story):
    """The database was written by a binary whose github script was another one."""
    target = story.target()
    engine = story.engine()
    engine.webhook(target, scripts=[{"name": "github"}], secrets=["s3cr3t-s3cr3t-s3cr3t"])
    ours = active(engine, "github")
    engine.stop()
    former = says("former")
    with sqlite3.connect(engine.database) as database:
        database.execute("INSERT INTO script_sources(hash, source) VALUES(?, ?)", (version_of(former), former.encode()))
        database.execute(
            "UPDATE script_versions SET hash = ?, functions = 2, description = ? WHERE name = 'github'",
            (version_of(former), b'{"functions":["transform"],"options":[]}'),
        )
    database.close()
    engine.start()
    (line,) = engine.wait_log("built-in scripts of this version wait")
    assert f"github@{ours['version'][:8]}" in line, line
    row = active(engine, "github")
    assert row["version"] == version_of(former) and row["waiting"] == ours["version"], row
    assert heard(engine, target)[0] == "former"
    assert activate(engine, "github", row["waiting"]).status == 200
    heard(engine, target)
    assert "x-hub-signature-256" in target.requests[-1].headers
    assert active(engine, "github")["waiting"] is None


# ---- kill -9 ----


def test_killed_while_reloading_leaves_one_whole_state(story):
    """Two files are saved together, over and over, and the engine is killed at any moment."""
    names = ("a", "b")
    engine = with_folder(story, **{name: says(f"{name}0") for name in names})
    engine.expects_crash = True
    folder = os.path.join(story.folder, "scripts")
    for turn in range(1, 6):
        for name in names:
            story.file(f"next/{name}.lua", says(f"{name}{turn}"))
        if turn % 2:
            engine.wait_log("is ready")
        for name in names:
            os.rename(os.path.join(story.folder, "next", f"{name}.lua"), os.path.join(folder, f"{name}.lua"))
        engine.kill()
        engine.start()
        for name in names:
            wait_active(engine, name, says(f"{name}{turn}"))
        with sqlite3.connect(f"file:{engine.database}?mode=ro", uri=True) as database:
            query = "SELECT p.name, v.hash FROM script_places p JOIN script_versions v ON v.number = p.version"
            rows = dict(database.execute(query))
        assert {rows[name] for name in names} == {version_of(says(f"{name}{turn}")) for name in names}, rows
