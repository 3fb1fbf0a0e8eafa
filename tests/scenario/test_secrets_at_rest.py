# SPDX-License-Identifier: MIT
"""Stored secrets are encrypted with the key of a file (delivery.md, Secrets)."""
import base64
import glob
import os
import sqlite3

SECRET = b"c4n4ry of 32 bytes, not a secret"
URL_PART, HEADER, OPTION = "c4n4ry-path", "c4n4ry-header", "c4n4ry-option"
CANARIES = [SECRET, URL_PART.encode(), HEADER.encode(), OPTION.encode(), b"c4n4ry-first-name"]


def key_file(story, *keys, name="key"):
    path = os.path.join(story.folder, name)
    if os.path.exists(path):
        os.unlink(path)
    story.file(name, "".join(base64.b64encode(key * 32).decode() + "\n" for key in keys))
    os.chmod(path, 0o400)
    return path


def found(engine):
    """Canaries in the database and the files beside it: plain, base64, hex."""
    stored = b"".join(open(path, "rb").read() for path in glob.glob(engine.data_dir + "/*"))
    shapes = [shape for one in CANARIES for shape in (one, base64.b64encode(one)[:-4], one.hex().encode())]
    return [shape for shape in shapes if shape in stored]


def add(engine, target):
    return engine.webhook(
        target.url(f"/{URL_PART}"), name="c4n4ry-first-name", secrets=["whsec_" + base64.b64encode(SECRET).decode()],
        extra_headers={"X-Key": HEADER}, scripts=[{"name": "bearer", "options": {"token": OPTION}}, {"name": "github"}],
    )  # fmt: skip


def works(engine, target):
    event_id = engine.ok()
    assert engine.settled(event_id)["state"] == "delivered"
    assert target.requests[-1].headers["authorization"] == f"Bearer {OPTION}"


def refuses(engine, about):
    try:
        engine.start()
    except AssertionError as error:
        assert about in str(error), error
    else:
        raise AssertionError(f"it started, and should have said {about!r}")


def keys_used(engine):
    with sqlite3.connect(f"file:{engine.database}?mode=ro", uri=True) as database:
        return {row[0] for row in database.execute("SELECT key_id FROM revisions")}


def test_nothing_secret_is_in_the_file(story):
    target = story.target()
    engine = story.engine(secrets_key_file=key_file(story, b"1"))
    made = add(engine, target)
    works(engine, target)
    assert engine.api("PATCH", f"/api/v1/webhooks/{made['uuid']}", {"is_paused": False, "name": "x"}).status == 200
    assert not found(engine), found(engine)
    engine.restart()
    works(engine, target)
    assert not found(engine) and len(keys_used(engine)) == 1 and 0 not in keys_used(engine)


def test_rows_in_the_clear_are_encrypted_when_a_key_appears(story):
    target = story.target()
    engine = story.engine()
    made = add(engine, target)
    for number in range(100):  # all revisions, more than one transaction takes
        patch = {"metadata": {"n": str(number) * 20}}
        assert engine.api("PATCH", f"/api/v1/webhooks/{made['uuid']}", patch).status == 200
    assert found(engine) and "kept in the clear" in engine.log()
    assert os.stat(engine.database).st_mode & 0o777 == 0o600
    engine.kill()
    engine.write_config(secrets_key_file=key_file(story, b"1"))
    engine.start()
    assert not found(engine), found(engine)
    works(engine, target)
    assert 0 not in keys_used(engine)
    assert engine.get(f"/api/v1/webhooks/{made['uuid']}")["revision"] == 101


def test_a_lost_or_wrong_key_file_refuses_to_start(story):
    target = story.target()
    engine = story.engine(secrets_key_file=key_file(story, b"1"))
    add(engine, target)
    engine.stop()
    engine.write_config(secrets_key_file="")
    refuses(engine, "secrets_key_file is not set")
    engine.write_config(secrets_key_file=story.folder + "/nowhere")
    refuses(engine, "cannot be read")
    engine.write_config(secrets_key_file=key_file(story, b"2"))
    refuses(engine, "which secrets_key_file does not hold")
    path = key_file(story, b"1")
    engine.write_config(secrets_key_file=path)
    os.chmod(path, 0o644)
    refuses(engine, "chmod 0400")
    os.chmod(path, 0o600)
    with open(path, "w", encoding="ascii") as file:
        file.write("c2hvcnQ=\n")
    refuses(engine, "base64 of 32 bytes")
    key_file(story, b"1")
    engine.start()
    works(engine, target)


def test_a_new_first_key_encrypts_everything_again(story):
    target = story.target()
    engine = story.engine(secrets_key_file=key_file(story, b"1"))
    add(engine, target)
    before = keys_used(engine)
    engine.stop()
    key_file(story, b"2", b"1")
    engine.start()
    works(engine, target)
    after = keys_used(engine)
    assert len(after) == 1 and not before & after, (before, after)
    engine.stop()
    key_file(story, b"2")  # the old one is not needed any more
    engine.start()
    works(engine, target)


def test_rotate_key_makes_and_changes_the_key(story):
    target = story.target()
    path = os.path.join(story.folder, "fresh-key")
    engine = story.engine(start=False, secrets_key_file=path)
    assert engine.run("secrets", "rotate-key", path).returncode == 0
    assert os.stat(path).st_mode & 0o777 == 0o400
    engine.start()
    add(engine, target)
    before = keys_used(engine)
    engine.stop()
    assert engine.run("secrets", "rotate-key", path).returncode == 0
    with open(path, encoding="ascii") as file:
        keys = file.read().split()
    assert len(set(keys)) == 2 and all(len(base64.b64decode(key)) == 32 for key in keys)
    engine.start()
    works(engine, target)
    after = keys_used(engine)
    assert len(after) == 1 and not before & after, (before, after)
    os.chmod(path, 0o644)
    refused = engine.run("secrets", "rotate-key", path)
    assert refused.returncode == 1 and b"chmod 0400" in refused.stderr, refused


def test_canaries_are_nowhere(story):
    """Log at debug, answers, metrics, errors, command line, database and WAL."""
    target = story.target([500, 204])
    engine = story.engine(
        clock=True, secrets_key_file=key_file(story, b"1"), hook_env={"default": {"TOKEN": "c4n4ry-hook-env"}}
    )
    uuid = add(engine, target)["uuid"]
    path = f"/api/v1/webhooks/{uuid}"
    assert engine.api("PATCH", path, {"retry": [100], "extra_headers": {"X-Env": "{{TOKEN}}"}}).status == 200
    event_id = engine.ok()
    engine.in_state(event_id, "pending", attempts=1)
    engine.clock.advance(200)
    engine.settled(event_id)
    assert target.requests[0].headers["x-env"] == "c4n4ry-hook-env"
    made = engine.api("POST", path + "/secrets").json
    assert engine.api("POST", f"{path}/secrets/{made['id']}/reveal").json["secret"] == made["secret"]
    places = {"log": engine.log()}
    for url in ("/metrics", "/api/v1/settings", f"/api/v1/events/{event_id}/explain",
                f"/api/v1/deliveries?event={event_id}", "/api/v1/events", path + "/secrets"):  # fmt: skip
        places[url] = engine.api("GET", url).body.decode()
    for command in (("explain", event_id), ("deliveries", "list"), ("secrets", "list", uuid)):
        done = engine.run(*command)
        assert done.returncode == 0, done
        places[" ".join(command)] = (done.stdout + done.stderr).decode()
    secrets = [URL_PART, HEADER, OPTION, "c4n4ry-hook-env", made["secret"][6:-1], base64.b64encode(SECRET).decode()[:-1]]
    for place, text in places.items():
        for secret in secrets:
            assert secret not in text and secret.encode().hex() not in text, (place, secret)
    for url in ("/api/v1/webhooks", path, path + "/explain"):  # the administrator sees targets and headers
        text = engine.api("GET", url).body.decode()
        assert OPTION not in text and made["secret"][6:-1] not in text, url
    stored = b"".join(open(file, "rb").read() for file in glob.glob(engine.data_dir + "/*"))
    assert not found(engine) and not [one for one in secrets if one.encode() in stored]


def test_a_kill_while_the_key_changes_loses_nothing(story):
    target = story.target()
    engine = story.engine(secrets_key_file=key_file(story, b"1"))
    made = add(engine, target)
    for number in range(150):
        patch = {"metadata": {"n": str(number)}}
        assert engine.api("PATCH", f"/api/v1/webhooks/{made['uuid']}", patch).status == 200
    before = keys_used(engine)
    engine.stop()
    key_file(story, b"2", b"1")
    for passage in (1, 1):  # each time some rows more
        engine.environment = {"GRAPNEL_TEST": "1", "GRAPNEL_FAILPOINT": f"store_rekey:kill:{passage}"}
        refuses(engine, "ended with -9")
        assert len(keys_used(engine)) == 2
    engine.environment = {}
    engine.start()
    works(engine, target)
    assert len(keys_used(engine)) == 1 and not keys_used(engine) & before
    assert not found(engine)
    assert engine.get(f"/api/v1/webhooks/{made['uuid']}")["revision"] == 151


def test_swapped_rows_fail(story):
    target = story.target()
    engine = story.engine(secrets_key_file=key_file(story, b"1"))
    add(engine, target)
    add(engine, target)
    engine.stop()
    with sqlite3.connect(engine.database) as database:
        rows = database.execute("SELECT number, body FROM revisions WHERE kind = 1 ORDER BY number").fetchall()
        for (number, _), (_, body) in zip(rows, reversed(rows)):
            database.execute("UPDATE revisions SET body = ? WHERE kind = 1 AND number = ?", (body, number))
    database.close()
    refuses(engine, "cannot be decrypted")


def test_core_files_are_off(story):
    engine = story.engine()
    for pid in [engine.pid, *engine.children()]:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            (line,) = [line for line in file if line.startswith("Max core file size")]
        assert line.split()[4:6] == ["0", "0"], line
