# SPDX-License-Identifier: MIT
"""The scripts for services against events of every shape: each request keeps to its service's documented form."""
import json
import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

from story import Answer, wait_for

SECRET = "s3cret-0123456789abcdef012345678"  # 32 characters, as PagerDuty wants them
NASTY = "<b>&amp;*_`[x](http://evil)@here <!channel> {code} [~admin] \"'\\ é\U0001f389\n/close\n$HOME ,= "

# ---- events ----

DEJACODE = [  # as DejaCode sends them (webhook.md): data, fields and override
    {"event": "request_comment.added", "data": {"user": "ann", "text": "why?", "request": {
        "title": "T", "assignee": None, "absolute_url": "https://d.example/requests/1/"}}},
    {"event": "user.added_or_updated", "fields": {
        "username": "joe", "email": "joe@example.com", "is_active": True, "last_login": None}},
    {"event": "user.locked_out", "fields": {"username": "joe"}},
    {"event": "vulnerability.data_update", "override": {"text": "[DejaCode/nexB] 3 new vulnerabilities\nhttps://d/"}},
]
ODD = [None, True, 0, -1.5e300, "", "text", NASTY, [], {}, [[]], [None, 1, "a", {}], {"title": None, "name": ""},
       {"title": {"a": [1]}}, {"title": 12345678901234567890, "priority": 1}, {"priority": "URGENT", "severity": []},
       {"title": NASTY, NASTY[:60]: NASTY, "absolute_url": "https://d.example/" + "a_b" * 30},
       {"title": NASTY * 500, "absolute_url": "https://d.example/" + "x" * 5000, "severity": NASTY},
       {f"{NASTY[:40]}{i}": NASTY * 20 for i in range(60)}, {"title": "\x00\x01\x1b\x7f", "url": "javascript:alert(1)"},
       {"title": "\U0001f389" * 70000}, {"deep": [{"a": [{"b": None}] * 10}] * 3000}, {"title": "'\"" * 40000},
       {"items": [{"id": i, "tags": []} for i in range(9000)]}, list(range(5000)), {"a.b": {"c.d": 1}, "": 2, "*": 3}]


NAMES = ["odd", "request.added", "request.updated", "request_comment.added"]


def lines_of(story):
    yield b'{"event":"request.added","data":' + story.support("request_added.json") + b"}\n"
    for event in DEJACODE + [{"event": NAMES[i % 4], "data": data} for i, data in enumerate(ODD)]:
        yield json.dumps(event).encode() + b"\n"
    yield b'{"event":"odd","data":{"title":"\\ud800 half","n":1e999,"big":12345678901234567890123}}\n'
    yield b'{"event":"odd"  ,"data":' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}\n"


# ---- what each service asks for ----


def at_most(text, most, least=1):
    assert isinstance(text, str) and least <= len(text) <= most, (len(text), most, text[:200])


class Tags(HTMLParser):
    """Telegram refuses a message whose tags are unknown or not closed."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text = [], ""

    def handle_starttag(self, tag, _attributes):
        assert tag == "b", tag
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def telegram(body, request):
    tags = Tags()
    tags.feed(body["text"])
    tags.close()
    assert not tags.open, "a tag is not closed"
    at_most(tags.text, 4096)
    assert request.path == f"/telegram/bot42:{SECRET}/sendMessage", request.path


def slack(body, _request):
    at_most(body["text"], 40000)
    assert not re.search(r"<(?!https?://)", body["text"]), body["text"]
    assert not re.search(r"&(?!amp;|lt;|gt;)", body["text"]), body["text"]


def dejacode_slack(body, _request):
    for attachment in body.get("attachments", ()):
        assert all(isinstance(attachment[name], str) for name in ("fallback", "pretext", "color", "text"))
        assert not re.search(r"<(?!/|https?://)", attachment["pretext"]), attachment["pretext"]


def discord(body, request):
    (embed,) = body["embeds"]
    at_most(embed["title"], 256)
    assert len(embed["fields"]) <= 25
    for field in embed["fields"]:
        at_most(field["name"], 256)
        at_most(field["value"], 1024)
    texts = [embed["title"]] + [field[key] for field in embed["fields"] for key in ("name", "value")]
    assert sum(map(len, texts)) <= 6000
    assert body["allowed_mentions"] == {"parse": []} and parse_qs(urlsplit(request.path).query)["wait"] == ["true"]


def teams(_body, request):
    assert len(request.body) <= 28 * 1024, len(request.body)
    (attachment,) = request.json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    for block in attachment["content"]["body"]:
        assert block["type"] == "RichTextBlock" and all(run["text"] for run in block["inlines"])


def mattermost(body, _request):
    at_most(body["text"], 16383)
    assert not re.search(r"(^|\W)@\w", body["text"]), body["text"]


def pagerduty(body, request):
    assert body["routing_key"] == SECRET and body["event_action"] == "trigger"
    at_most(body["dedup_key"], 255)
    at_most(body["payload"]["summary"], 1024)
    assert body["payload"]["severity"] in ("critical", "error", "warning", "info") and body["payload"]["source"]
    assert len(request.body) <= 512 * 1024


def opsgenie(body, request):
    assert request.headers["authorization"] == "GenieKey " + SECRET
    for name, most in {"message": 130, "alias": 512, "description": 15000, "source": 100}.items():
        at_most(body.get(name, "-"), most)
    assert body.get("priority", "P3") in ("P1", "P2", "P3", "P4", "P5")
    details = body.get("details", {})
    assert sum(len(name) + len(value) for name, value in details.items()) <= 8000


def ntfy(body, _request):
    assert body["topic"] == "t" and 1 <= len(body["message"].encode()) <= 4096
    at_most(body["title"], 250)
    assert body.get("priority", 3) in range(1, 6)


def jira(body, _request):
    fields = body["fields"]
    at_most(fields["summary"], 255)
    assert "\n" not in fields["summary"] and fields["description"]["type"] == "doc"
    texts = [run["text"] for line in fields["description"]["content"] for run in line["content"]]
    assert texts and all(texts) and sum(map(len, texts)) <= 32767


def markdown(title, text, most):
    def check(body, _request):
        at_most(body["title"], most)
        at_most(body[text], 65536)
        assert "\n" not in body["title"]
        assert not re.search(r"(^|\W)@\w", body[text]) and not re.search(r"^\s*/", body[text], re.M), body[text]
        assert not re.search(r"(?<!\\)<(?!https?://|!--)", body[text]), body[text]
    return check


def github_dispatch(body, request):
    at_most(body["event_type"], 100)
    assert len(body["client_payload"]) <= 10 and len(json.dumps(body["client_payload"], ensure_ascii=False)) <= 65535
    assert request.headers["authorization"] == "Bearer " + SECRET


def gitlab_pipeline(body, request):
    assert parse_qs(urlsplit(request.path).query)["token"] == [SECRET]
    assert body["ref"] == "main" and all(isinstance(value, str) for value in body["variables"].values())
    assert "$" not in body["variables"].get("GRAPNEL_DATA", "").replace("$$", "")


def form(*names):
    def check(_body, request):
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert set(names) <= set(parse_qs(request.body.decode("ascii"), strict_parsing=True)), request.body
    return check


def grafana(body, _request):
    at_most(body["text"], 4000)
    assert isinstance(body["time"], int) and all(len(tag) <= 100 for tag in body["tags"])
    assert not re.search(r"<(?!a href=\"https?://|/a>)", body["text"]), body["text"]


def loki(body, _request):
    (stream,) = body["streams"]
    ((stamp, line),) = stream["values"]
    assert re.fullmatch(r"\d{19}", stamp) and len(line.encode()) <= 256 * 1024
    assert 1 <= len(stream["stream"]) <= 15 and all(re.fullmatch(r"[a-zA-Z_]\w*", name) for name in stream["stream"])


def influx(_body, request):
    line = request.body.decode()
    name = r'(?:[^,= \\]|\\[,= ])+'
    value = r'(?:"(?:[^"\\\n]|\\["\\])*"|true|false|-?[0-9.eE+-]+)'
    assert re.fullmatch(rf"{name}(,{name}={name})* {name}={value}(,{name}={value})* \d{{19}}", line), line[:300]


def servicenow(body, _request):
    at_most(body["short_description"], 160)
    at_most(body.get("description", "-"), 4000)
    assert "\n" not in body["short_description"] and body["correlation_id"]


def zendesk(body, request):
    at_most(body["ticket"]["subject"], 150)
    at_most(body["ticket"]["comment"]["body"], 65535)
    assert request.headers["idempotency-key"] == body["ticket"]["external_id"]


SERVICES = {
    "slack": ({"token": SECRET}, slack),
    "dejacode-slack": ({}, dejacode_slack),
    "discord": ({}, discord),
    "teams": ({}, teams),
    "mattermost": ({}, mattermost),
    "telegram": ({"token": "42:" + SECRET, "chat_id": "-1"}, telegram),
    "pagerduty": ({"routing_key": SECRET}, pagerduty),
    "opsgenie": ({"key": SECRET}, opsgenie),
    "ntfy": ({"topic": "t", "token": SECRET}, ntfy),
    "jira-issue": ({"project": "SEC", "token": SECRET, "user": "u"}, jira),
    "github-issue": ({"token": SECRET}, markdown("title", "body", 256)),
    "gitlab-issue": ({"token": SECRET}, markdown("title", "description", 255)),
    "github-dispatch": ({"token": SECRET}, github_dispatch),
    "gitlab-pipeline": ({"token": SECRET}, gitlab_pipeline),
    "jenkins": ({"user": "u", "token": SECRET, "trigger": SECRET}, form("GRAPNEL_EVENT", "GRAPNEL_ID", "cause")),
    "grafana-annotation": ({"token": SECRET}, grafana),
    "loki": ({"token": SECRET, "user": "u"}, loki),
    "influx": ({"token": SECRET, "fields": {"title": "data.title", "n": "data.n"}}, influx),
    "statsd-http": ({"token": SECRET}, form("value", "sampleRate")),
    "servicenow": ({"token": SECRET, "user": "u"}, servicenow),
    "zendesk": ({"token": SECRET, "user": "u"}, zendesk),
}


def check(name, request):
    is_json = request.headers["content-type"] == "application/json"
    body = request.json if is_json else None
    SERVICES[name][1](body, request)
    assert name == "pagerduty" or SECRET.encode() not in request.body, "a secret is in the body"


def attempted(engine, event_id):
    rows = engine.deliveries(f"?event={event_id}&limit=100")
    return rows if len(rows) == len(SERVICES) and all(row["attempts"] for row in rows) else None


def test_each_script_takes_every_event(story):
    target = story.target(Answer.status(201, {"Content-Type": "application/json"}, b'{"result":{}}'))
    engine = story.engine(script_cpu_ms=2000, script_wall_ms=20000)  # this is about shapes, not about speed
    uuids = {}
    for name, (options, _) in SERVICES.items():
        webhook = engine.webhook(target.url("/" + name), events=["*"], scripts=[{"name": name, "options": options}])
        uuids[webhook["uuid"]] = name
    for line in lines_of(story):
        before = target.count
        with engine.producer() as producer:
            producer.write(line)
            reply = producer.reply()
        assert reply["ok"] and reply["deliveries"] == len(SERVICES), reply
        rows = wait_for(lambda: attempted(engine, reply["id"]), "an attempt of each")
        for row in rows:
            assert row["outcome"] == "delivered", (uuids[row["webhook"]], line[:300], row)
        for request in target.requests[before:]:
            name = request.path.split("?")[0].split("/")[1]
            try:
                check(name, request)
            except Exception as error:
                raise AssertionError(f"{name}, {line[:300]}: {error!r}; {request.body[:300]}") from error
    assert SECRET not in engine.log(), "a secret is in the log"
