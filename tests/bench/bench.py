# SPDX-License-Identifier: MIT
# Runs engine and limit in turns against the same nginx and prints each row beside its target.
"""Rows: passthrough, script, and lua-* for single uses of scripts. Every figure is a ratio to what libcurl alone does in the same run."""
import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NGINX_CORE = "1"
IN_FLIGHT = 64
WINDOW = 150  # below the room of one webhook: max(4 * max_in_flight, 128)

SIGN = """-- bench: signs.
local crypto = require "grapnel.crypto"
return {
    api = 1,
    sign = function(request, _, ctx)
        request.headers["X-Signature"] =
            "sha256=" .. crypto.hex(crypto.hmac("sha256", ctx.secret, request.body))
    end,
}
"""

FILTER = """-- bench: reads two fields, and lets the event pass.
return {
    api = 1,
    filter = function(event)
        return event.data.priority ~= "Never" and event.data.request_template ~= "None"
    end,
}
"""

CHANGE = """-- bench: changes one field.
return {
    api = 1,
    transform = function(request) request.body.data.status = "%s" end,
}
"""

REBUILD = """-- bench: builds the whole body anew from all that the event has.
return {
    api = 1,
    transform = function(request, event)
        local function copy(value)
            if type(value) ~= "table" then return value end
            local new = {}
            for key, member in pairs(value) do new[key] = copy(member) end
            return new
        end
        request.body = { event = event.event, id = event.id, all = copy(event.data) }
    end,
}
"""

SIGN_AND_CHANGE = """-- bench: changes one field, adds one, signs: what the row `script` runs.
-- Options: none. Sends: the event with a status and a note, X-Signature over the bytes.
local crypto = require "grapnel.crypto"

return {
    api = 1,
    transform = function(request, event)
        request.body.data.status = event.data.priority == "Urgent" and "open" or "later"
        request.body.data.note = "seen"
    end,
    sign = function(request, _, ctx)
        request.headers["X-Signature"] =
            "sha256=" .. crypto.hex(crypto.hmac("sha256", ctx.secret, request.body))
    end,
}
"""

NGINX = """worker_processes 1; worker_cpu_affinity {affinity}; pid {dir}/nginx.pid;
error_log {dir}/nginx.log crit; daemon on;
events {{ worker_connections 60000; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s;
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
  uwsgi_temp_path {dir}; scgi_temp_path {dir}; client_max_body_size 8m;
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location /status {{ stub_status; }} location / {{ return 200; }} }} }}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench: {what} did not happen within {seconds} s")
        time.sleep(0.01)


def can_connect(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    """The target: one worker on a core of its own."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(NGINX.format(dir=folder, port=self.port, affinity="10"))
        subprocess.run(["nginx", "-c", path], check=True)
        wait_for(lambda: can_connect(self.port), "nginx")

    def stop(self):
        with open(os.path.join(self.folder, "nginx.pid"), encoding="utf-8") as f:
            os.kill(int(f.read()), signal.SIGTERM)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Engine:
    """`grapnel serve` in a folder of its own."""

    def __init__(self, binary, folder):
        self.folder = folder
        self.ingest = os.path.join(folder, "ingest.sock")
        self.admin = os.path.join(folder, "admin.sock")
        args = [binary, "serve", "--data-dir", folder, "--ingest-socket", self.ingest,
                "--admin-socket", self.admin, "--admin-listen", "none",
                "--allow-targets", "127.0.0.0/8", "--log-level", "error"]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            sys.exit("bench: the engine did not start")
        self.api = UnixConnection(self.admin)

    def ask(self, method, path, fields):
        self.api.request(method, path, json.dumps(fields))
        answer = self.api.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            sys.exit(f"bench: {method} {path} refused: {text.decode()}")
        return json.loads(text)

    def add(self, **fields):
        return self.ask("POST", "/api/v1/webhooks", fields)["uuid"]

    def spilled(self):
        """Deliveries that went by way of rows: the slower way, for want of room in memory."""
        self.api.request("GET", "/metrics")
        text = self.api.getresponse().read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("grapnel_spilled_total"))

    def pids(self):
        tree = [self.process.pid]
        for pid in tree:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as f:
                    tree += [int(child) for child in f.read().split()]
        return tree

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def pss_mib(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def figures(line):
    return {k: float(v) for k, v in (word.split("=") for word in line.split()[1:])}


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.nginx = Nginx(folder)
        self.runs = 0

    def limit(self):
        out = subprocess.run(
            ["taskset", "-c", "0", os.path.join(self.options.build, "tests/bench/limit"),
             str(self.nginx.port), str(self.options.events)],
            check=True, capture_output=True, text=True).stdout
        found = figures(out)
        return {"rate": found["posts_per_s"], "cpu": found["cpu_s_per_10k"]}

    def engine(self, row):
        self.runs += 1
        folder = os.path.join(self.folder, f"run{self.runs}")
        os.mkdir(folder)
        names = [f"bench{i}" for i in range(row.count)] if row.source else []
        engine = Engine(os.path.join(self.options.build, "grapnel"), folder)
        lines = os.path.join(folder, "events")
        try:
            with open(os.path.join(HERE, "event.json"), encoding="utf-8") as f:
                event = json.load(f)
            with open(lines, "w", encoding="utf-8") as f:
                for name in names or [None]:
                    if name:
                        engine.ask("PUT", f"/api/v1/scripts/{name}",
                                   {"source": row.source.replace("%s", name)})
                    uuid = engine.add(target=f"http://127.0.0.1:{self.nginx.port}/hook",
                                      events=["request.added"], max_in_flight=IN_FLIGHT,
                                      scripts=[{"name": name}] if name else [])
                    f.write(json.dumps({**event, "webhook": uuid}, separators=(",", ":")) + "\n")
            self.load(engine, lines, self.options.events // 10)  # warm
            before, spilled = engine.cpu_seconds(), engine.spilled()
            found = self.load(engine, lines, self.options.events)
            cpu = (engine.cpu_seconds() - before) / self.options.events * 1e4
            return {"rate": found["events_per_s"], "cpu": cpu, "pss": engine.pss_mib(),
                    "spilled": (engine.spilled() - spilled) / self.options.events}
        finally:
            engine.stop()
            shutil.rmtree(folder)

    def load(self, engine, lines, events):
        out = subprocess.run(
            [os.path.join(self.options.build, "tests/bench/load"), engine.ingest,
             str(self.nginx.port), str(events), str(WINDOW), lines],
            check=True, capture_output=True, text=True).stdout
        return figures(out)


class Row:
    """`source`: the webhooks' script, %s being its name; each of `count` webhooks has one of its own."""

    def __init__(self, what, source=None, good=None, best=None, count=1):
        self.what, self.source, self.good, self.best, self.count = what, source, good, best, count


ROWS = {  # deliveries/s ÷ libcurl's; the targets are those of the design, where it has one
    "passthrough": Row("durable pass-through", None, 0.80, 0.95),
    "script": Row("durable + Lua transform + HMAC", SIGN_AND_CHANGE, 0.55, 0.70),
    "lua-sign": Row("HMAC only", SIGN),
    "lua-filter": Row("a filter that reads two fields", FILTER),
    "lua-change": Row("one field changed", CHANGE),
    "lua-rebuild": Row("everything rebuilt in Lua", REBUILD),
    "lua-10000": Row("10,000 webhooks with 10,000 different scripts, in turn", CHANGE, count=10000),
}
USUAL = [name for name, row in ROWS.items() if row.count == 1]  # the others take minutes to set up


def spread(values):
    middle = statistics.median(values)
    return middle, (max(values) - min(values)) / middle if middle else 0.0


def measure(bench, names):
    results = {name: {"limit": [], "engine": []} for name in names}
    for round_number in range(bench.options.rounds):
        for name in names:
            results[name]["limit"].append(bench.limit())
            results[name]["engine"].append(bench.engine(ROWS[name]))
            print(f"  round {round_number + 1} {name}: limit "
                  f"{results[name]['limit'][-1]['rate']:.0f}/s, engine "
                  f"{results[name]['engine'][-1]['rate']:.0f}/s", file=sys.stderr)
    return results


def report(results, old):
    print(f"{'row':<12} {'engine/s':>9} {'limit/s':>9} {'ratio':>6} {'pass':>5} {'best':>5} "
          f"{'CPU/10k':>8} {'limit':>6} {'ratio':>6} {'PSS MiB':>8} {'spilled':>7} {'spread':>7}")
    noisy = False
    rows = {}
    for name, found in results.items():
        ratios = [e["rate"] / l["rate"] for e, l in zip(found["engine"], found["limit"])]
        cpus = [e["cpu"] / l["cpu"] for e, l in zip(found["engine"], found["limit"])]
        ratio, wide = spread(ratios)
        rate = statistics.median(e["rate"] for e in found["engine"])
        limit = statistics.median(l["rate"] for l in found["limit"])
        noisy = noisy or wide > 0.25
        rows[name] = {"ratio": ratio, "cpu_ratio": statistics.median(cpus), "spread": wide}
        change = f"  was {old[name]['ratio']:.2f}" if name in old else ""
        print(f"{name:<12} {rate:9.0f} {limit:9.0f} {ratio:6.2f} {ROWS[name].good or '':>5} "
              f"{ROWS[name].best or '':>5} {statistics.median(e['cpu'] for e in found['engine']):8.3f} "
              f"{statistics.median(l['cpu'] for l in found['limit']):6.3f} "
              f"{statistics.median(cpus):6.2f} "
              f"{statistics.median(e['pss'] for e in found['engine']):8.1f} "
              f"{statistics.median(e['spilled'] for e in found['engine']):7.1%} {wide:6.0%}{change}")
    if noisy:
        print("the machine was too noisy to tell: a ratio's spread is over 25 %")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; without: all but lua-10000")
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=100000)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--compare", metavar="FILE")
    options = parser.parse_args()
    for row in options.rows:
        if row not in ROWS:
            parser.error(f"no row \"{row}\"; there are: {', '.join(ROWS)}")
    old = {}
    if options.compare:
        with open(options.compare, encoding="utf-8") as f:
            old = json.load(f)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        try:
            rows = report(measure(bench, options.rows or USUAL), old)
        finally:
            bench.nginx.stop()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
