# SPDX-License-Identifier: MIT
"""Starting, stopping, reloading: signals, sockets, configuration (admin.md)."""
import json
import os
import socket
import subprocess
import sys
import threading
import time

from story import Answer, wait_for, within
from story.engine import HUP, TERM


@within(120)
def test_sigterm_under_load_loses_and_repeats_nothing(story):
    """Producers write all the time; what was acknowledged before the end arrives once, after a restart too."""
    target = story.target(keep="ids")
    engine = story.engine(drain_timeout="30s")
    engine.webhook(target, max_in_flight=64)
    acknowledged, refused, rounds = [], [], story.scale(3, 2)

    def produce(producer):
        payload = b"".join(b'{"event":"test","data":%d}\n' % i for i in range(30_000))

        def on_replies(chunk):
            for line in chunk.splitlines():
                reply = json.loads(line)
                (acknowledged if reply["ok"] else refused).append(reply)

        with producer:
            producer.pipeline(payload, on_replies)

    for _ in range(rounds):
        before = len(acknowledged)
        threads = [threading.Thread(target=produce, args=(engine.producer(),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(acknowledged) > before + 1000, "some replies")  # noqa: B023
        engine.stop()
        for thread in threads:
            thread.join()
        engine.start()
    ids = [reply["id"] for reply in acknowledged]
    wait_for(lambda: len(target.ids) >= len(ids), "all that was acknowledged", 60)
    engine.wait_idle()
    missing = set(ids) - set(target.ids)
    assert not missing, f"{len(missing)} of {len(ids)} lost"
    repeated = {event_id: count for event_id, count in target.ids.items() if count > 1}
    assert not repeated, f"{len(repeated)} sent twice"
    unasked = set(target.ids) - set(ids)
    assert not unasked, f"{len(unasked)} delivered though their reply was never sent"
    assert {reply["error"]["code"] for reply in refused} <= {"shutting_down"}, refused[:3]


def test_drain_finishes_what_is_in_flight(story):
    target = story.target(Answer.status(204, delay=0.8))
    engine = story.engine(drain_timeout="30s")
    engine.webhook(target)
    event_id = engine.ok()
    target.wait(1)
    engine.stop()
    engine.start()
    assert engine.delivery(event_id)["state"] == "delivered"
    assert target.count == 1


def test_drain_gives_back_what_does_not_end(story):
    """A target that hangs: the engine ends within drain_timeout, with 0, and sends it again later."""
    target = story.target([Answer.hang(), 204])
    engine = story.engine(drain_timeout="300ms")
    engine.webhook(target, timeout_ms=60000)
    event_id = engine.ok()
    target.wait(1)
    started = time.monotonic()
    engine.stop()
    assert time.monotonic() - started < 20
    engine.start()
    assert engine.settled(event_id)["state"] == "delivered"
    assert target.ids == {event_id: 2}


def test_open_connections_hear_that_it_shuts_down(story):
    target = story.target(Answer.hang())
    engine = story.engine(drain_timeout="30s")
    engine.webhook(target, timeout_ms=60000)
    with engine.producer() as producer:
        producer.ok()
        target.wait(1)
        engine.signal(TERM)
        engine.wait_log("draining")
        try:
            producer.write({"event": "test", "data": 1})
            line = producer.read_line()
        except OSError:
            line = None
        assert line is None or json.loads(line)["error"]["code"] == "shutting_down", line
    answer = engine.api("GET", "/readyz")
    assert answer.status == 503, answer
    target.drop_all()
    assert engine.wait_end() == 0


def test_second_signal_stops_at_once(story):
    target = story.target(Answer.hang())
    engine = story.engine(drain_timeout="60s")
    engine.webhook(target, timeout_ms=60000)
    engine.ok()
    target.wait(1)
    engine.signal(TERM)
    engine.wait_log("draining")
    engine.signal(TERM)
    assert engine.wait_end(10) != 0
    target.answer_with(204)
    engine.start()
    target.wait(2)


def test_interrupt_drains_too(story):
    engine = story.engine()
    engine.ok()
    engine.signal(2)
    assert engine.wait_end() == 0


def test_hup_with_a_good_configuration(story):
    target = story.target()
    engine = story.engine(hook_env={"default": {"A": "one"}})
    engine.webhook(target, extra_headers={"X-A": "{{A}}"})
    engine.ok()
    target.wait(1)
    engine.write_config(hook_env={"default": {"A": "two"}}, events=["test", "more"], memory_deliveries=100)
    engine.signal(HUP)
    engine.wait_log("hook_env has changed")
    assert any("next start" in line for line in engine.wait_log("memory_deliveries has changed"))
    assert engine.send("unlisted")["error"]["code"] == "unknown_event"
    engine.ok()
    assert [request.headers["x-a"] for request in target.wait(2)] == ["one", "two"]


def test_hup_with_a_bad_configuration_changes_nothing(story):
    engine = story.engine(events=["test"])
    good = open(engine.config, encoding="utf-8").read()
    bad = [
        good.replace("events", "evnts"),
        good.replace('"test"', "7"),
        good.replace("return {", "return {{"),
        good.replace('"127.0.0.0/8"', '"127.0.0.0/80"'),
        "error('no')",
        "",
    ]
    for number, text in enumerate(bad, 1):
        with open(engine.config, "w", encoding="utf-8") as file:
            file.write(text)
        engine.signal(HUP)
        wait_for(lambda: engine.log().count("not reloaded") >= number, f"refusal {number}")  # noqa: B023
        assert engine.send("other")["error"]["code"] == "unknown_event"
        assert engine.send("test")["ok"]
    assert any("config.lua" in line for line in engine.wait_log("not reloaded"))


def test_many_reloads_under_load(story):
    """Good and bad in turn, while events flow."""
    target = story.target(keep="ids")
    engine = story.engine(hook_env={"default": {"A": "0"}}, log_level="info")
    engine.webhook(target, extra_headers={"X-A": "{{A}}"}, scripts=[{"name": "standard-webhooks"}])
    count = story.scale(3000, 300)
    stop = threading.Event()
    reloads = [0]

    def reload():
        while not stop.is_set():
            reloads[0] += 1
            engine.write_config(hook_env={"default": {"A": str(reloads[0])}}, allow_targets=["127.0.0.0/8", "::1/128"])
            if reloads[0] % 3 == 0:
                with open(engine.config, "a", encoding="utf-8") as file:
                    file.write("oops")
            engine.signal(HUP)
            stop.wait(0.005)

    thread = threading.Thread(target=reload)
    thread.start()
    try:
        with engine.producer() as producer:
            for i in range(count):
                producer.ok(data=i)
        target.wait(count, 60)
        wait_for(lambda: reloads[0] >= 30, "enough reloads")
    finally:
        stop.set()
        thread.join()
    assert target.count == count == len(target.ids)


def test_stale_sockets_are_replaced(story):
    engine = story.engine()
    first = engine.ok()
    engine.kill()
    assert os.path.exists(engine.ingest) and os.path.exists(engine.admin)
    engine.start()
    assert engine.ok() != first


def test_a_file_in_the_way_is_not_removed(story):
    engine = story.engine(start=False)
    precious = story.file("engine0/ingest.sock", "precious")
    message = refuses_to_start(engine)
    assert "ingest.sock" in message, message
    with open(precious, encoding="ascii") as file:
        assert file.read() == "precious"
    os.unlink(precious)
    engine.start()


def refuses_to_start(engine, arguments=()):
    """What it says when it does not start; it must not hang."""
    done = subprocess.run(
        [engine.binary, "serve", "--config", engine.config, *arguments],
        capture_output=True, text=True, timeout=30, env=engine.env(), check=False,
    )  # fmt: skip
    assert done.returncode not in (0, None) and done.returncode > 0, done
    assert "ready" not in done.stdout.split(), done
    assert done.stderr.strip(), "it says why"
    return done.stderr


def test_second_engine_on_the_same_file_is_refused(story):
    engine = story.engine()
    second = story.engine(start=False)
    second.data_dir = engine.data_dir
    second.write_config()
    message = refuses_to_start(second)
    assert engine.data_dir in message or "grapnel.db" in message, message
    assert engine.ok()
    engine.stop()
    second.start()
    assert second.ok()


def test_second_engine_on_the_same_socket_is_refused(story):
    engine = story.engine()
    for name in ("ingest", "admin"):
        second = story.engine(start=False)
        setattr(second, name, getattr(engine, name))
        second.write_config()
        message = refuses_to_start(second)
        assert f"{name}.sock" in message, message
    assert engine.ok() and engine.api("GET", "/healthz").status == 200


def test_sockets_are_gone_after_a_stop(story):
    engine = story.engine()
    engine.stop()
    assert not os.path.exists(engine.ingest) and not os.path.exists(engine.admin)
    engine.start()


TAKES_OVER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True);"
    " os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); os.execv(sys.argv[2], sys.argv[2:])"
)


def test_socket_from_the_service_manager(story):
    """LISTEN_FDS: connections made while no engine runs are served by the next one."""
    target = story.target()
    engine = story.engine(start=False)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(engine.ingest)
    listener.listen(64)
    early = engine.producer()
    early.write({"event": "test", "data": "early"})

    def start():
        with open(engine.log_path, "ab") as log:
            engine.process = subprocess.Popen(
                [sys.executable, "-c", TAKES_OVER, str(listener.fileno()), engine.binary,
                 "serve", "--config", engine.config],
                stdout=subprocess.PIPE, stderr=log, env=engine.env(), pass_fds=[listener.fileno()],
            )  # fmt: skip
        assert engine.process.stdout.readline() == b"ready\n", engine.log()

    start()
    assert early.reply()["ok"]
    engine.webhook(target)
    assert engine.ok(data="second")
    engine.stop()
    assert os.path.exists(engine.ingest), "it is not the engine's to remove"
    between = engine.producer()
    between.write({"event": "test", "data": "between"})
    start()
    assert between.reply()["ok"]
    target.wait(2)
    assert [request.json["data"] for request in target.requests] == ["second", "between"]
    early.close()
    between.close()


def test_service_manager_is_notified(story):
    path = os.path.join(story.folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(20)
        engine = story.engine(environment={"NOTIFY_SOCKET": path})
        assert listener.recv(1000) == b"READY=1"
        engine.stop()
        assert listener.recv(1000) == b"STOPPING=1"
        engine.environment.clear()
        engine.start()


MISTAKES = [
    ('return { allow_target = { "127.0.0.0/8" } }', 1, "unknown option \"allow_target\"", "allow_targets"),
    ('return {\n  data_dir = "/x",\n  max_age = "5 parsecs",\n}', 3, "max_age", "5 parsecs"),
    ("return {\n  memory_deliveries = 1,\n}", 2, "memory_deliveries", "64"),
    ('return {\n\n  log_level = "loud" }', 3, "log_level", "debug"),
    ('return {\n  allow_targets = { "127.0.0.0/8", "x y" },\n}', None, "allow_targets", "x y"),
    ("return {\n  events = 7\n}", 2, "events", ""),
    ("return {\n  oops\n  here\n}", 3, "", ""),
    ("local x = os.getenv('X')\nreturn {}", 1, "", ""),
    ("while true do end", None, "", ""),
    ("return 7", None, "table", ""),
]


def test_check_names_file_line_and_the_nearest_right_name(story):
    engine = story.engine(start=False)
    for number, (text, line, what, hint) in enumerate(MISTAKES):
        path = story.file(f"bad{number}.lua", text + "\n")
        done = engine.run("check", "--config", path)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode not in (0, 3), (text, done)
        assert (f"{path}:{line}:" if line else path) in said, (text, said)
        assert what in said and hint in said, (text, said)
        assert "ready" not in said
        # A data_dir that anybody may write to: without one, an ordinary user is told of /var/lib first.
        serve = engine.run("serve", "--config", path, "--data-dir", os.path.dirname(path))
        assert serve.returncode != 0 and (f"{path}:{line}:" if line else what) in serve.stderr.decode(), serve
    done = engine.run("check", "--config", engine.config)
    assert done.returncode == 0, done


def test_check_looks_at_scripts_and_database(story):
    path = story.file("scripts/broken.lua", "-- SPDX-License-Identifier: MIT\nreturn {\n")
    engine = story.engine(start=False, scripts_dir=os.path.dirname(path))
    done = engine.run("check", "--config", engine.config)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1 and "broken.lua" in said, done
    os.unlink(path)
    engine.start()
    engine.ok()
    engine.stop()
    with open(engine.database, "r+b") as file:
        file.write(b"this is no database" * 10)
    done = engine.run("check", "--config", engine.config)
    assert done.returncode == 1 and "grapnel.db" in (done.stdout + done.stderr).decode(), done


def test_sample_configuration_is_valid(story):
    engine = story.engine(start=False)
    done = engine.run("check", "--sample")
    assert done.returncode == 0 and b"allow_targets" in done.stdout, done
    path = story.file("sample.lua", done.stdout)
    engine.data_dir = os.path.join(story.folder, "data")
    os.mkdir(engine.data_dir)
    done = engine.run("check", "--config", path, "--data-dir", engine.data_dir)
    assert done.returncode == 0, done


def test_flags_go_before_environment_before_file(story):
    engine = story.engine(start=False, events=["from.file"])
    engine.environment["GRAPNEL_EVENTS"] = "from.environment"
    engine.start()
    assert engine.send("from.environment")["ok"] and not engine.send("from.file")["ok"]
    engine.stop()
    engine.start(arguments=["--events", "from.flag,two"])
    assert engine.send("from.flag")["ok"] and engine.send("two")["ok"]
    assert not engine.send("from.environment")["ok"]
    settings = {row["name"]: row for row in engine.get("/api/v1/settings")["data"]}
    assert settings["events"]["origin"].startswith("flag") or "flag" in settings["events"]["origin"], settings["events"]


def test_full_disk_refuses_and_goes_on_sending(story):
    """Below min_free_bytes nothing new is stored; what waits is sent and settled all the same."""
    target = story.target()
    engine = story.engine()
    webhook = engine.webhook(target, is_paused=True)
    event_id = engine.ok()
    engine.stop()
    engine.write_config(min_free_bytes="1024GiB")
    engine.start()
    for _ in range(3):
        assert engine.send()["error"]["code"] == "store_unavailable"
    assert engine.api("POST", "/api/v1/events", {"event": "test", "data": 1}).status == 503
    assert engine.api("POST", f"/api/v1/webhooks/{webhook['uuid']}/resume").status == 200
    assert engine.settled(event_id)["state"] == "delivered"
    engine.stop()
    engine.write_config(min_free_bytes="1MiB")
    engine.start()
    assert engine.ok() and target.wait(2)


def test_commit_that_fails_is_not_acknowledged(story):
    """Nothing of it is stored; the same id is new afterwards."""
    target = story.target()
    engine = story.engine(environment={"GRAPNEL_TEST": "1", "GRAPNEL_FAILPOINT": "store_before_commit:error:3"})
    engine.webhook(target)
    replies = [engine.send(id=f"k{i}") for i in range(6)]
    refused = [reply for reply in replies if not reply["ok"]]
    if not refused:  # the passage was a settlement's
        assert "cannot be written" in engine.log()
    for reply in refused:
        assert reply["error"]["code"] == "store_unavailable", reply
    again = [engine.send(id=f"k{i}") for i in range(6)]
    assert all(reply["ok"] for reply in again)
    target.wait(6)
    engine.wait_idle()
    assert target.count == 6 and set(target.ids.values()) == {1}


def test_health_and_readiness(story):
    engine = story.engine()
    assert engine.api("GET", "/healthz").body == b"ok\n"
    assert engine.api("GET", "/readyz").status == 200


def test_metrics_are_well_formed(story):
    target = story.target([204, 500])
    engine = story.engine()
    engine.webhook(target, retry=[])
    engine.settled(engine.ok())
    engine.settled(engine.ok())
    text = engine.api("GET", "/metrics").body.decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    metrics = engine.metrics()
    for line in metrics:
        name = line.split("{")[0]
        for suffix in ("_bucket", "_sum", "_count"):
            if name.removesuffix(suffix) in names:
                name = name.removesuffix(suffix)
        assert name in names, line
    assert metrics["grapnel_events_accepted_total"] == 2
    assert metrics['grapnel_deliveries_total{outcome="delivered"}'] == 1
    assert metrics['grapnel_deliveries_total{outcome="http_5xx"}'] == 1
    assert metrics["grapnel_delivery_latency_seconds_count"] == 1
    assert metrics["grapnel_unsettled"] == 0
    if story.has("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done


def test_no_secret_in_logs_metrics_or_lists(story):
    """Canaries in every place that counts as secret."""
    canary = "c4n4ry"
    target = story.target([500, 204])
    engine = story.engine(clock=True, hook_env={"default": {"TOKEN": canary + "env"}})
    engine.webhook(
        target.url(f"/services/{canary}path?token={canary}query"),
        extra_headers={"Authorization": "Bearer {{TOKEN}}", "X-Key": canary + "header"},
        secrets=["whsec_" + "YzRuNHJ5" * 6],
        scripts=[{"name": "standard-webhooks"}],
        retry=[100],
    )
    engine.webhook(story.dead_url() + f"/{canary}dead", retry=[])
    event_id = engine.ok()
    wait_for(lambda: target.count == 1, "the first attempt")
    engine.wait_idle()
    engine.clock.advance(200)
    target.wait(2)
    assert canary in target.requests[0].headers["authorization"]
    engine.wait_idle()
    places = {
        "log": engine.log(),
        "metrics": engine.api("GET", "/metrics").body.decode(),
        "settings": engine.api("GET", "/api/v1/settings").body.decode(),
        "explain": engine.api("GET", f"/api/v1/events/{event_id}/explain").body.decode(),
        "deliveries": engine.api("GET", "/api/v1/deliveries").body.decode(),
    }
    for place, text in places.items():
        assert "YzRuNHJ5" not in text, place
        for part in ("env", "path", "query", "dead"):
            assert canary + part not in text, (place, part)


def test_the_process_says_what_it_uses(story):
    """For operators, and for tests: an engine hides its /proc from all but root."""
    engine = story.engine()
    before = engine.metrics()
    producers = [engine.producer() for _ in range(20)]
    for producer in producers:
        assert producer.send()["ok"]
    after = engine.metrics()
    assert after["grapnel_process_open_fds"] - before["grapnel_process_open_fds"] >= 20, after
    assert after["grapnel_process_open_fds"] < after["grapnel_process_max_fds"]
    assert after["grapnel_process_cpu_seconds_total"] >= before["grapnel_process_cpu_seconds_total"] > 0
    assert after["grapnel_process_resident_memory_bytes"] > 4 << 20


def test_source_address_that_is_not_ours(story):
    """Said at start, in words; what is accepted meanwhile waits, and leaves when the address is one of ours."""
    target = story.target()
    engine = story.engine(source_address="203.0.113.9")
    engine.wait_log('source_address \\"203.0.113.9\\" is neither an address nor an interface')
    webhook = engine.webhook(target, retry=[1000])
    event_id = engine.ok()
    engine.in_state(event_id, "pending", attempts=1)
    engine.write_config(source_address="no-such-if0")
    engine.restart()
    engine.wait_log('source_address \\"no-such-if0\\" is neither')
    engine.write_config(source_address="127.0.0.77")
    engine.restart()
    (delivery,) = engine.deliveries(f"?webhook={webhook['uuid']}")
    assert engine.api("POST", f"/api/v1/deliveries/{delivery['id']}/retry").status in (200, 202)
    assert engine.settled(event_id)["state"] == "delivered"
    assert target.count == 1


def test_a_proxy_is_warned_of_once(story):
    engine = story.engine(proxy="http://127.0.0.1:9")
    assert len(engine.wait_log("requests go through a proxy")) == 1
