# SPDX-License-Identifier: MIT
"""Secrets of webhooks: made, brought along, rotated, shown, taken away (delivery.md, Secrets)."""
import base64
import hashlib
import hmac
import json
import re
import sqlite3

from story import wait_for
from story.clock import HOUR

OWN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SCRIPTS = [{"name": "standard-webhooks"}]


def signature(secret, request):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def signed_with(engine, target, *secrets):
    """The next request carries the signatures of these secrets, in that order, and no others."""
    event_id = engine.ok()
    (request,) = wait_for(lambda: target.of_id(event_id), "the request")
    assert request.headers["webhook-signature"].split(" ") == [signature(one, request) for one in secrets]
    return request


def add(engine, uuid, body=None, status=201):
    answer = engine.api("POST", f"/api/v1/webhooks/{uuid}/secrets", body)
    assert answer.status == status, answer
    return answer.json


def listed(engine, uuid):
    rows = engine.get(f"/api/v1/webhooks/{uuid}/secrets")["data"]
    assert all("secret" not in row for row in rows), rows
    return rows


def audit(engine):
    with sqlite3.connect(f"file:{engine.database}?mode=ro", uri=True) as database:
        return database.execute("SELECT action, by, key FROM audit WHERE kind = 1 ORDER BY id").fetchall()


def test_a_rotation_keeps_the_old_secret_for_24_hours(story):
    target = story.target()
    engine = story.engine(clock=True)
    uuid = engine.webhook(target, scripts=SCRIPTS, secrets=[OWN])["uuid"]
    made = add(engine, uuid)
    fresh = made["secret"]
    assert len(base64.b64decode(fresh.removeprefix("whsec_"))) == 32 and made["type"] == "symmetric", made
    assert made["expires_at"] is None, made
    new, old = listed(engine, uuid)
    assert new["id"] == made["id"] and new["expires_at"] is None and old["expires_at"] is not None, (new, old)
    signed_with(engine, target, fresh, OWN)
    engine.clock.advance(23 * HOUR)
    signed_with(engine, target, fresh, OWN)
    engine.restart()
    signed_with(engine, target, fresh, OWN)
    engine.clock.advance(2 * HOUR)
    signed_with(engine, target, fresh)
    assert [row["id"] for row in listed(engine, uuid)] == [made["id"]]
    assert engine.api("POST", f"/api/v1/webhooks/{uuid}/secrets/{old['id']}/reveal").status == 404


def test_the_overlap_is_an_option(story):
    target = story.target()
    engine = story.engine(clock=True)
    uuid = engine.webhook(target, scripts=SCRIPTS, secrets=[OWN])["uuid"]
    second = add(engine, uuid, {"overlap_s": 7200})["secret"]
    signed_with(engine, target, second, OWN)
    third = add(engine, uuid, {"overlap_s": 3600 * 48})["secret"]  # the first keeps its earlier end
    engine.clock.advance(3 * HOUR)
    signed_with(engine, target, third, second)
    fourth = add(engine, uuid, {"overlap_s": 0})["secret"]
    signed_with(engine, target, fourth)
    fifth = add(engine, uuid, {"overlap_s": None})["secret"]
    engine.clock.advance(1000 * HOUR)
    signed_with(engine, target, fifth, fourth)


def test_own_secrets_are_taken_and_never_shown_by_the_way(story):
    target = story.target()
    engine = story.engine()
    uuid = engine.webhook(target, scripts=SCRIPTS)["uuid"]
    answer = add(engine, uuid, {"secret": OWN, "overlap_s": 0})
    assert "secret" not in answer and answer["type"] == "symmetric", answer
    signed_with(engine, target, OWN)
    again = engine.api("POST", f"/api/v1/webhooks/{uuid}/secrets", {"secret": OWN})
    assert again.status == 409 and OWN not in again.body.decode(), again
    refusals = [
        ({"secret": "whsec_" + base64.b64encode(bytes(15)).decode()}, "secret", "16 to 75"),
        ({"secret": "whsec_" + base64.b64encode(bytes(76)).decode()}, "secret", "16 to 75"),
        ({"secret": "whsec_none of base64"}, "secret", "base64"),
        ({"secret": "whsk_" + base64.b64encode(bytes(31)).decode()}, "secret", "32 (a seed)"),
        ({"secret": ""}, "secret", "1 to 256"),
        ({"secret": "x" * 257}, "secret", "1 to 256"),
        ({"secret": "***"}, "secret", "mask"),
        ({"secret": OWN + "A", "type": "plain"}, "secret", "base64"),
        ({"type": "rsa"}, "type", "symmetric, ed25519 or plain"),
        ({"overlap_s": -1}, "overlap_s", "whole seconds"),
        ({"overlap_s": 1.5}, "overlap_s", "whole seconds"),
        ({"overlap": 1}, "", "overlap_s"),
    ]
    for body, field, about in refusals:
        refused = engine.api("POST", f"/api/v1/webhooks/{uuid}/secrets", body)
        fields = engine.refused_fields(refused)
        assert about in fields.get(field, ""), (body, fields)
        assert body.get("secret", "") in ("", "***") or body["secret"] not in refused.body.decode(), body
    assert engine.api("POST", f"/api/v1/webhooks/{uuid}/secrets", b"{").status == 400
    assert len(listed(engine, uuid)) == 1


def test_lists_show_the_public_key_of_ed25519(story):
    target = story.target()
    engine = story.engine()
    scripts = [{"name": "standard-webhooks-ed25519"}]
    key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
    webhook = engine.webhook(target, scripts=scripts, secrets=[key])
    (row,) = listed(engine, webhook["uuid"])
    assert row["public_key"] == "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=" and row["type"] == "ed25519", row
    made = add(engine, webhook["uuid"])
    assert made["type"] == "ed25519" and made["secret"].startswith("whsk_"), made
    pair = base64.b64decode(made["secret"].removeprefix("whsk_"))
    assert made["public_key"] == "whpk_" + base64.b64encode(pair[32:]).decode()
    engine.ok()
    assert [part[:4] for part in target.one().headers["webhook-signature"].split(" ")] == ["v1a,", "v1a,"]
    plain = add(engine, webhook["uuid"], {"type": "plain", "overlap_s": None})
    assert plain["type"] == "plain" and "public_key" not in plain, plain
    assert len(listed(engine, webhook["uuid"])) == 3


def test_reveal_is_audited(story):
    engine = story.engine()
    webhook = engine.webhook("http://127.0.0.1:9999", secrets=["a plain one"])
    uuid = webhook["uuid"]
    (row,) = listed(engine, uuid)
    answer = engine.api("POST", f"/api/v1/webhooks/{uuid}/secrets/{row['id']}/reveal")
    assert answer.status == 200 and answer.json["secret"] == "a plain one", answer
    made = add(engine, uuid)
    assert engine.api("DELETE", f"/api/v1/webhooks/{uuid}/secrets/{row['id']}").status == 204
    assert engine.api("DELETE", f"/api/v1/webhooks/{uuid}/secrets/{row['id']}").status == 404
    assert [one["id"] for one in listed(engine, uuid)] == [made["id"]]
    rows = audit(engine)
    assert [action for action, _, _ in rows] == ["create", "reveal_secret", "rotate_secret", "revoke_secret"], rows
    assert {key for _, _, key in rows} == {uuid} and all(by.startswith("uid:") for _, by, _ in rows), rows


def test_revoked_secrets_sign_no_more(story):
    target = story.target()
    engine = story.engine()
    uuid = engine.webhook(target, scripts=SCRIPTS, secrets=[OWN])["uuid"]
    fresh = add(engine, uuid, {"overlap_s": None})
    signed_with(engine, target, fresh["secret"], OWN)
    assert engine.api("DELETE", f"/api/v1/webhooks/{uuid}/secrets/{fresh['id']}").status == 204
    signed_with(engine, target, OWN)


def test_a_change_that_holds_the_mask_keeps_the_value(story):
    target = story.target()
    engine = story.engine()
    url = target.url("/services/T0/SECRET?token=1")
    webhook = engine.webhook(url, scripts=SCRIPTS, secrets=[OWN], extra_headers={"X-Key": "hidden"})
    path = f"/api/v1/webhooks/{webhook['uuid']}"
    shown = engine.get(path)
    other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    masked = target.url("/services/T0/…")
    patch = {"target": masked, "extra_headers": {"x-key": "***", "X-New": "1"}, "secrets": [other, *shown["secrets"]]}
    patch["extra_headers"]["X-Key"] = None
    changed = engine.api("PATCH", path, patch)
    assert changed.status == 200, changed
    assert changed.json["target"] == url, changed.json
    assert changed.json["secrets"][1]["id"] == shown["secrets"][0]["id"], changed.json
    request = signed_with(engine, target, other, OWN)
    assert request.headers["x-key"] == "hidden" and request.headers["x-new"] == "1" and "token=1" in request.path
    kept = engine.api("PATCH", path, {"secrets": ["***", "***"]})
    assert kept.status == 200 and kept.json["secrets"] == changed.json["secrets"], kept
    for wrong in (["***", "***", "***"], [{"id": "nobody"}], [{}]):
        assert engine.api("PATCH", path, {"secrets": wrong}).status == 422, wrong
    assert engine.api("POST", "/api/v1/webhooks", {"target": url, "events": ["a"], "secrets": ["***"]}).status == 422


def test_eight_secrets_are_as_many_as_there_may_be(story):
    engine = story.engine()
    uuid = engine.webhook("http://127.0.0.1:9999", secrets=["one"])["uuid"]
    for _ in range(7):
        add(engine, uuid, {"overlap_s": None})
    refused = add(engine, uuid, {"overlap_s": None}, status=409)
    assert "revoke" in refused["detail"], refused
    assert len(listed(engine, uuid)) == 8
    first = listed(engine, uuid)[-1]
    assert engine.api("DELETE", f"/api/v1/webhooks/{uuid}/secrets/{first['id']}").status == 204
    add(engine, uuid)


def test_the_command_line_rotates_reveals_and_revokes(story):
    target = story.target()
    engine = story.engine(clock=True)
    webhook = engine.webhook(target, scripts=SCRIPTS, secrets=[OWN], name="tracker")

    def run(*arguments, stdin=b"", code=0):
        done = engine.run("secrets", *arguments, stdin=stdin)
        assert done.returncode == code, done
        return (done.stdout + done.stderr).decode()

    said = run("rotate", "tracker", "--overlap", "1h")
    fresh = re.search(r"whsec_[A-Za-z0-9+/=]+", said).group(0)
    assert "not shown again" in said, said
    signed_with(engine, target, fresh, OWN)
    table = run("list", "tracker")
    assert "symmetric" in table and "in 1 h" in table or "in 59 min" in table, table
    assert fresh not in table and OWN not in table
    newest, oldest = json.loads(run("list", "tracker", "--output", "json"))["data"]
    assert OWN in run("reveal", "tracker", oldest["id"])
    assert "--yes" in run("revoke", "tracker", oldest["id"], code=2)
    assert "revoked" in run("revoke", "tracker", oldest["id"], "--yes")
    signed_with(engine, target, fresh)
    brought = run("generate").strip()
    said = run("add", webhook["uuid"], "--secret", "-", stdin=brought.encode() + b"\n")
    assert brought not in said and "symmetric" in said, said
    signed_with(engine, target, brought, fresh)
    path = story.file("secret.txt", OWN + "\n")
    run("rotate", "tracker", "--secret", f"@{path}", "--overlap", "0s")
    signed_with(engine, target, OWN)
    assert run("generate", "--type", "ed25519").startswith("whsk_")
    assert "none of" in run("generate", "--type", "rsa", code=2)
    assert "no secret" in run("reveal", "tracker", newest["id"], code=1)


def test_hosts_that_knew_a_secret_are_replaced(story):
    target = story.target()
    engine = story.engine(script_hosts=1)
    uuid = engine.webhook(target, scripts=SCRIPTS, secrets=[OWN])["uuid"]
    signed_with(engine, target, OWN)
    before = set(engine.children())
    add(engine, uuid, {"overlap_s": 0})
    wait_for(lambda: before - set(engine.children()), "an old host to end")


def test_a_script_that_needs_another_kind_of_secret_is_refused(story):
    """When it is saved, with the command that makes one."""
    target = story.target()
    engine = story.engine(clock=True)
    key = engine.run("secrets", "generate", "--type", "ed25519").stdout.decode().strip()

    def refused(answer, kind, command):
        told = engine.refused_fields(answer)
        assert f"secret of type {kind}" in told.get("scripts.0", "") and command in told["scripts.0"], told

    def create(script, secrets, **fields):
        return engine.api("POST", "/api/v1/webhooks", {
            "target": target.url(), "events": ["a"], "scripts": [{"name": script}], "secrets": secrets, **fields,
        })  # fmt: skip

    make = "grapnel secrets generate --type "
    refused(create("standard-webhooks-ed25519", [OWN]), "ed25519", make + "ed25519")
    refused(create("standard-webhooks", [key]), "symmetric", make + "symmetric")
    refused(create("standard-webhooks", ["a plain one"]), "symmetric", make + "symmetric")
    refused(create("github", [key]), "symmetric or plain", make + "symmetric")
    assert create("github", ["a plain one"]).status == 201
    made = create("standard-webhooks-ed25519", [OWN, key], name="both")
    assert made.status == 201, made
    uuid = made.json["uuid"]
    # A rotation to another kind would sign until the old one ends, and then no more.
    path = f"/api/v1/webhooks/{uuid}"
    refused(engine.api("POST", path + "/secrets", {"type": "symmetric"}), "ed25519", "secrets add WEBHOOK")
    said = engine.run("secrets", "rotate", "both", "--type", "plain")
    assert said.returncode == 1 and b"--type ed25519" in said.stderr, said
    add(engine, uuid, {"type": "symmetric", "overlap_s": None})
    refused(engine.api("PATCH", path, {"scripts": [{"name": "github"}], "secrets": [key]}), "symmetric or plain", make)
    # What leaked can be taken away all the same; nothing leaves unsigned then.
    ids = [row["id"] for row in listed(engine, uuid) if row["type"] == "ed25519"]
    assert engine.api("DELETE", f"{path}/secrets/{ids[0]}").status == 204
    event_id = engine.ok(event="a")
    failed = lambda: (engine.delivery(event_id, uuid) or {"outcome": None})["outcome"]  # noqa: E731
    wait_for(lambda: failed() == "script_error", "the failed attempt")


def test_versions_that_need_another_secret_are_refused(story):
    """A script that begins to demand a secret must fit those who use it, as with options."""
    signs = "return { api = 1, %s sign = function(request) request.headers['x-sig'] = 'none' end }"
    engine = story.engine()
    put = lambda text: engine.run("scripts", "put", story.file("own.lua", text))  # noqa: E731
    assert put(signs % "").returncode == 0
    user = engine.webhook("http://127.0.0.1:9999", scripts=[{"name": "own"}], secrets=[OWN])["uuid"].encode()
    said = put(signs % "secret = 'ed25519',")
    assert said.returncode != 0 and user in said.stderr and b"ed25519" in said.stderr, said
    assert put(signs % "secret = 'shared',").returncode == 0
