# SPDX-License-Identifier: MIT
"""Nothing inside is ever connected to: by no spelling, by no name, at no door (delivery.md, Addresses)."""
import re

from story import Answer, within
from story.addresses import OUTSIDE, urls
from story.dns import DnsServer
from story.engine import HUP
from story.world import whole_world

# Sends each event where its data says: past what is checked when a webhook is saved.
ANYWHERE = """return {
    api = 1,
    transform = function(request, event) request.url = event.data.url end,
}
"""
NOT_SENT = ("blocked_address", "dns_error", "bad_response", "script_error", "connect_refused")


def saved(engine, url):
    return engine.api("POST", "/api/v1/webhooks", {"target": url, "events": ["none"], "retry": []})


def host_of(url):
    return f"[{url}]" if ":" in url else url


@within(300)
def test_no_spelling_leads_inside(story):
    """Saved, changed, tried, tested or delivered: hundreds of spellings, all refused, each with a reason."""
    canary = whole_world(story)
    DnsServer({})  # no name exists
    story.file("scripts/anywhere.lua", ANYWHERE)
    engine = story.engine(allow_targets=[], scripts_dir=story.file("scripts/.keep", "").rsplit("/", 1)[0])
    other = engine.webhook("http://1.1.1.1/", events=["none"])
    corpus = urls()
    assert len(corpus) >= 300, len(corpus)
    accepted, events = [], {}
    with engine.producer() as producer:
        for number, url in enumerate(corpus):
            name = f"spelling.{number // 9}"  # fewer than what opens a circuit breaker
            if number % 9 == 0:
                sender = engine.webhook("http://1.1.1.1/", events=[name], scripts=[{"name": "anywhere"}], retry=[])
            events[url] = (producer.ok(name, data={"url": url}), sender["uuid"])
    for url in corpus:
        answer = saved(engine, url)
        patched = engine.api("PATCH", f"/api/v1/webhooks/{other['uuid']}", {"target": url})
        assert (answer.status == 201) == (patched.status == 200), (url, answer, patched)
        if answer.status == 201:
            accepted.append((url, answer.json["uuid"]))
            continue
        assert answer.status in (400, 422) and answer.body == patched.body, (url, answer, patched)
        assert re.search(r"refused|URL|target", answer.body.decode()), (url, answer)
    for url, (event_id, uuid) in events.items():
        delivery = engine.settled(event_id, uuid)
        assert delivery["state"] == "dead" and delivery["outcome"] in NOT_SENT, (url, delivery)
        assert delivery["attempts"][-1]["reason"], (url, delivery)
    for url, uuid in accepted:  # names, which a resolver does not know
        answer = engine.api("POST", f"/api/v1/webhooks/{uuid}/test")
        assert answer.status == 200 and answer.json["outcome"] in NOT_SENT, (url, answer)
    print(f"{len(corpus)} spellings, {len(accepted)} of them names: {[url for url, _ in accepted]}")
    assert not canary.seen, canary.seen


def test_the_same_is_said_at_every_door(story):
    """Save, change, try, test and delivery: one address, one reason."""
    canary = whole_world(story)
    path = story.file("scripts/anywhere.lua", ANYWHERE)
    engine = story.engine(allow_targets=[], scripts_dir=path.rsplit("/", 1)[0])
    webhook = engine.webhook("http://1.1.1.1/", scripts=[{"name": "anywhere"}], retry=[])
    for url, why in [
        ("http://169.254.169.254/latest/meta-data", "metadata service"),
        ("http://10.1.2.3:8080/", "private"),
        ("http://[::ffff:127.0.0.1]/", "loopback"),
        ("http://[2002:c0a8:101::1]/", "private"),
        ("http://[fd00:ec2::254]/", "metadata service"),
        ("http://2130706433/", "loopback"),
        ("http://localhost:8080/", "loopback"),
    ]:
        refusal = engine.refused_fields(saved(engine, url))["target"]
        assert why in refusal and "allow_targets" in refusal, refusal
        changed = engine.api("PATCH", f"/api/v1/webhooks/{webhook['uuid']}", {"target": url})
        assert engine.refused_fields(changed)["target"] == refusal
        event = {"event": "test", "data": {"url": url}}
        tried = engine.api("POST", "/api/v1/scripts/anywhere/try", {"event": event})
        assert tried.json["data"][0]["request"]["blocked"] == refusal, tried
        tested = engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/test", event)
        assert tested.json["outcome"] == "blocked_address" and why in tested.json["reason"], tested
        sent = engine.settled(engine.ok(data={"url": url}), webhook["uuid"])
        assert sent["outcome"] == "blocked_address" and sent["attempts"][0]["reason"] == tested.json["reason"], sent
    assert not canary.seen, canary.seen


def test_what_is_outside_is_reached(story):
    """The other half of the proof: the same world, addresses that are allowed, and the canary sings."""
    canary = whole_world(story)
    engine = story.engine(allow_targets=["10.0.0.0/8"])
    for address in [*OUTSIDE, "10.1.2.3"]:
        webhook = engine.webhook(f"http://{host_of(address)}/", events=[address.replace(":", ".")], retry=[])
        delivery = engine.settled(engine.ok(address.replace(":", ".")), webhook["uuid"])
        assert delivery["state"] == "delivered", (address, delivery)
        assert canary.seen[address] == 1, (address, canary.seen)


@within(120)
def test_no_name_leads_inside(story):
    """Names for what is inside, in A and AAAA, alone, mixed, behind an alias; with every answer different."""
    canary = whole_world(story)
    names = {
        "loop.test": ["127.0.0.1"], "meta.test": ["169.254.169.254"], "private.test": ["10.0.0.1"],
        "six.test": ["::1"], "mapped.test": ["::ffff:127.0.0.1"], "unique.test": ["fd00:ec2::254"],
        "sixtofour.test": ["2002:7f00:1::1"], "nat64.test": ["64:ff9b::7f00:1"], "zero.test": ["0.0.0.0"],
        "both.test": ["127.0.0.1", "::1"], "alias.test": "loop.test", "aliases.test": "alias.test",
        "to-localhost.test": "localhost", "two.test": [f"127.0.0.{i}" for i in range(1, 3)],
        "turning.test": lambda number: [f"127.0.0.{number % 250 + 1}"],
        "listed.test": ["127.0.0.7"], "localhost": ["127.0.0.1"],
    }  # fmt: skip
    DnsServer(names)
    engine = story.engine(allow_targets=["listed.test"])
    for name in names:
        if name in ("listed.test", "localhost"):
            continue
        webhook = engine.webhook(f"http://{name}/", events=[name], retry=[])
        for host in (name, name.upper() + "."):
            changed = engine.api("PATCH", f"/api/v1/webhooks/{webhook['uuid']}", {"target": f"http://{host}/"})
            assert changed.status == 200, changed
            delivery = engine.settled(engine.ok(name), webhook["uuid"])
            assert delivery["outcome"] == "blocked_address", (host, delivery)
    assert not canary.seen, canary.seen
    webhook = engine.webhook("http://listed.test/", events=["listed"], retry=[])
    assert engine.settled(engine.ok("listed"), webhook["uuid"])["state"] == "delivered"
    assert dict(canary.seen) == {"127.0.0.7": 1}, "a name on the list allows that name, and no other at its address"


@within(120)
def test_only_what_is_outside_of_a_mixed_answer(story):
    """An answer with addresses of both sides: the one inside is never connected to, whatever the order."""
    canary = whole_world(story)
    DnsServer({
        "first.test": ["127.0.0.1", "1.1.1.1"], "last.test": ["1.1.1.1", "127.0.0.1"],
        "six.test": ["::1", "1.1.1.1"], "turn.test": lambda number: ["1.1.1.1"] if number == 1 else ["127.0.0.1"],
    })  # fmt: skip
    engine = story.engine(clock=True)
    engine.write_config(allow_targets=[])
    engine.restart()
    for name in ("first", "last", "six"):
        webhook = engine.webhook(f"http://{name}.test/", events=[name], retry=[])
        delivery = engine.settled(engine.ok(name), webhook["uuid"])
        assert delivery["outcome"] in ("delivered", "blocked_address"), (name, delivery)
        assert set(canary.seen) <= {"1.1.1.1"}, (name, canary.seen)
    webhook = engine.webhook("http://turn.test/", events=["turn"], retry=[])
    assert engine.settled(engine.ok("turn"), webhook["uuid"])["state"] == "delivered"
    engine.restart()  # the answer is forgotten, and the name turns
    assert engine.settled(engine.ok("turn"), webhook["uuid"])["outcome"] == "blocked_address"
    assert set(canary.seen) == {"1.1.1.1"}, canary.seen


def test_no_redirect_leads_inside(story):
    """301 to 308, with bodies and without: followed nowhere."""
    target, inside = story.target(), story.target()
    engine = story.engine()
    engine.webhook(target, retry=[])
    for status in (300, 301, 302, 303, 304, 305, 307, 308):
        target.answer_with(Answer.status(status, {"Location": inside.url("/inside")}))
        delivery = engine.settled(engine.ok())
        assert (delivery["outcome"], delivery["attempts"][0]["status"]) == ("http_3xx", status), delivery
    assert inside.connections == 0 and target.count == 8


def test_a_shorter_list_ends_kept_connections(story):
    """What was allowed when the connection was made is judged again after a reload."""
    target = story.target()
    engine = story.engine(allow_targets=["127.0.0.1"])
    engine.webhook(target, retry=[])
    assert engine.settled(engine.ok())["state"] == "delivered"
    engine.write_config(allow_targets=["127.0.0.2"])
    engine.signal(HUP)
    engine.wait_log("allow_targets has changed")
    delivery = engine.settled(engine.ok())
    assert delivery["outcome"] == "blocked_address" and target.count == 1, delivery
