# SPDX-License-Identifier: MIT
"""What the ready-made scripts sign and shape, judged by other people's libraries (tests/npm/verify.mjs).

Each request is one that a running engine has sent. The vectors of the formats are reproduced through the
engine as well: their bytes come from a script in front of the signing one, their times from the test clock.
An id is the engine's own: where a format signs it (Standard Webhooks), the library judges the signature.
"""
import base64
import json
import os
import shutil
import subprocess
import time

from story import within

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
RAW = """-- raw: sends a text as it is, for vectors.
-- Options: body. Sends: it.
return {
    api = 1,
    options = { body = { type = "text", required = true } },
    transform = function(request, _, ctx) request.body = ctx.options.body end,
    tests = { { name = "as it is", options = { body = "a b" }, expect = { body = "a b" } } },
}
"""
SLACK_BODY = (
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
CONTACT = (
    '{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z",'
    '"data":{"id":"1f81eb52-5198-4599-803e-771906343485"}}'
)
CHARGE = '{"event":"charge.success","amount":1000,"currency":"NGN"}'
BY_NOW = 1700000000

# script, its options, secrets, body, time, header → value: exact, byte for byte; the earliest first.
VECTORS = [
    # As webhook's secret it is refused: what follows "whsec_" is no base64. So it is a key of its own.
    ("hmac", {"keys": ["whsec_test_secret"], "header": "Stripe-Signature", "signed": "{{timestamp}}.{{body}}",
              "each": "v1={{signature}}", "value": "t={{timestamp}},{{signatures}}"},
     [], '{"id":"evt_1","object":"event"}', 1492774577,
     {"stripe-signature": "t=1492774577,v1=654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543"}),
    ("slack-signature", {}, ["8f742231b10e8888abcd99yyyzzz85a5"], SLACK_BODY, 1531420618,
     {"x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
      "x-slack-request-timestamp": "1531420618"}),
    ("github", {}, ["It's a Secret to Everybody"], "Hello, World!", BY_NOW,
     {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
      "x-hub-signature": "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}),
    ("shopify", {}, ["hush"], '{"id":123456789,"total_price":"99.00"}', BY_NOW,
     {"x-shopify-hmac-sha256": "V9RIXFzn4GCoDAfZICebD/DTE//XoA9QtqGbU1Fz2os="}),
    ("hmac", {"header": "X-Convoy-Signature"}, ["convoy-webhook-secret"], CHARGE, BY_NOW,
     {"x-convoy-signature": "244449b7f48cbc2709060c9dcdc2b3aa47a78f540430579015c579fb12defbb4"}),
    ("hmac", {"header": "X-Convoy-Signature", "signed": "{{timestamp}},{{body}}", "each": "v1={{signature}}",
              "value": "t={{timestamp}},{{signatures}}"},
     ["convoy-webhook-secret"], CHARGE, BY_NOW,
     {"x-convoy-signature": "t=1700000000,v1=77b8b9269f25a199846a55a2bd25b3fba151c70fdae60bb1dcd87fbbc943c55c"}),
    ("hmac", {"header": "webhookx-signature", "timestamp_header": "webhookx-timestamp",
              "signed": "{{timestamp}}.{{body}}", "each": "v1={{signature}}"},
     ["foo"], '{\n        "key": "value"\n    }', 1758706646,
     {"webhookx-timestamp": "1758706646",
      "webhookx-signature": "v1=37e25342d983c26d783eafe50fe170eaac731383439568e3354315c2e84c5173"}),
]  # fmt: skip

# script, scheme, secrets of the webhook, what the receiver has.
SIGNED = [
    ("standard-webhooks", "standardwebhooks", [SECRET], SECRET),
    ("standard-webhooks", "svix", [SECRET], SECRET),
    ("standard-webhooks", "standardwebhooks", ["whsec_" + "YzRuNHJ5" * 6, SECRET], SECRET),  # rotated
    ("standard-webhooks-ed25519", "ed25519", [PRIVATE], PUBLIC),
    ("stripe", "stripe", ["whsec_" + "YzRuNHJ5" * 6, SECRET], SECRET),
    ("github", "github", ["It's a Secret to Everybody"], "It's a Secret to Everybody"),
    ("slack-signature", "slack", ["8f742231b10e8888abcd99yyyzzz85a5"], "8f742231b10e8888abcd99yyyzzz85a5"),
    ("shopify", "shopify", ["hush"], "hush"),
]
TIMED = {"standardwebhooks", "svix", "stripe", "slack"}
DATA = {"title": "grüße \U0001f600 </script>", "n": 1, "list": [], "object": {}}


def judge(story, jobs):
    """What the libraries say of each job."""
    program = os.path.join(story.top, "tests/npm/verify.mjs")
    if shutil.which("node") is None or not os.path.exists(os.path.join(story.top, "tests/npm/node_modules/svix")):
        story.skip("no npm packages: npm ci in tests/npm")
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    done = subprocess.run(["node", program], input=lines, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(jobs), done.stdout
    return answers


def job_of(scheme, secret, request, at):
    return {"scheme": scheme, "secret": secret, "at": round(at), "headers": request.headers,
            "body": base64.b64encode(request.body).decode()}  # fmt: skip


def changed(job, **fields):
    return {**job, **fields}


@within(120)
def test_libraries_accept_what_was_sent(story):
    """And refuse it with one byte changed, with another secret, and when it is old."""
    engine = story.engine()
    jobs, wanted = [], []
    for i, (script, scheme, secrets, known) in enumerate(SIGNED):
        target = story.target()
        engine.webhook(target, [f"verify.{i}"], scripts=[{"name": script}], secrets=secrets)
        engine.ok(f"verify.{i}", data=DATA)
        (request,) = target.wait(1)
        good = job_of(scheme, known, request, time.time())
        other = base64.b64encode(b"another secret of some length!!!").decode()
        body = base64.b64encode(request.body.replace(b'"n":1', b'"n":2')).decode()
        assert body != good["body"], request.body
        jobs += [good, changed(good, body=body), changed(good, secret=other)]
        wanted += [True, False, False]
        if scheme in TIMED:
            jobs.append(changed(good, at=good["at"] + 3600))
            wanted.append(False)
    answers = judge(story, jobs)
    for job, answer, want in zip(jobs, answers, wanted):
        assert answer["ok"] is want, (job["scheme"], answer, want, job)


@within(60)
def test_cloudevents_are_read_by_its_library(story):
    engine = story.engine()
    requests = []
    for mode in ("structured", "binary"):
        target = story.target()
        options = {"mode": mode, "source": "https://example.com/app", "subject": "{{data.title}}"}
        engine.webhook(target, [f"cloud.{mode}"], scripts=[{"name": "cloudevents", "options": options}])
        engine.ok(f"cloud.{mode}", data=DATA)
        requests += target.wait(1)
    for mode, request, answer in zip(
        ("structured", "binary"), requests, judge(story, [job_of("cloudevents", "", r, time.time()) for r in requests])
    ):
        assert answer["ok"], answer
        found = answer["found"]
        assert found["id"] == request.id and found["type"] == f"cloud.{mode}", found
        assert found["source"] == "https://example.com/app" and found["specversion"] == "1.0", found
        assert found["data"] == DATA, found
    assert answer["found"]["subject"], "the binary one has its subject, too"


@within(120)
def test_vectors_of_the_formats_leave_the_engine(story):
    """Exactly the bytes and headers of each vector, in a POST that was received."""
    story.file("scripts/raw.lua", RAW)
    engine = engine_at(story, VECTORS[0][4])
    for i, (script, options, secrets, body, at, headers) in enumerate(VECTORS):
        target = story.target()
        scripts = [{"name": "raw", "options": {"body": body}}, {"name": script, "options": options}]
        engine.webhook(target, [f"vector.{i}"], scripts=scripts, secrets=secrets)
        request = sent_at(engine, target, f"vector.{i}", at)
        assert request.body == body.encode(), (script, request.body)
        for name, value in headers.items():
            assert request.headers[name] == value, (script, name, request.headers)


def engine_at(story, at):
    """An engine that has never seen a later time."""
    engine = story.engine(start=False, clock=True, scripts_dir=os.path.join(story.folder, "scripts"))
    engine.clock.advance(at - 60 - engine.clock.now())
    engine.start()
    return engine


def sent_at(engine, target, event, at):
    """A request of that very second: the clock goes on while an event is under way, so try until it is hit."""
    for number in range(1, 200):
        engine.clock.advance(at + 0.01 - engine.clock.now())
        engine.ok(event, data=1)
        request = target.wait(number)[-1]
        if int(request.headers["webhook-timestamp"]) == at:
            return request
    raise AssertionError(f"no request left within the second {at}")


@within(120)
def test_standard_webhooks_vectors_with_an_id_of_the_engine(story):
    """Body, time and key of the vectors; the id is the engine's, so the libraries judge the signature."""
    story.file("scripts/raw.lua", RAW)
    engine = engine_at(story, 1614265330)
    jobs = []
    for i, (body, at) in enumerate([('{"test": 2432232314}', 1614265330), (CONTACT, 1674087231)]):
        scripts = [{"name": "raw", "options": {"body": body}}, {"name": "standard-webhooks"},
                   {"name": "standard-webhooks-ed25519"}]  # fmt: skip
        target = story.target()
        engine.webhook(target, [f"standard.{i}"], scripts=scripts, secrets=[SECRET, PRIVATE])
        request = sent_at(engine, target, f"standard.{i}", at)
        assert request.body == body.encode()
        versions = [one.split(",")[0] for one in request.headers["webhook-signature"].split(" ")]
        assert versions == ["v1", "v1a"], request.headers
        jobs += [job_of("standardwebhooks", SECRET, request, at), job_of("svix", SECRET, request, at),
                 job_of("ed25519", PUBLIC, request, at)]  # fmt: skip
    for answer in judge(story, jobs):
        assert answer["ok"], answer
