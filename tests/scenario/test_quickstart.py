# SPDX-License-Identifier: MIT
"""The README's first command, as written."""
import json
import os
import re
import signal
import subprocess

from story import wait_for, within


def quickstart(story, *arguments):
    built = os.path.join(story.top, "build", "release", "grapnel")
    if not os.path.exists(built) or not os.path.samefile(built, story.binary):
        story.skip("it runs the release build, and this is another one")
    env = {**os.environ, "TMPDIR": story.folder}
    script = os.path.join(story.top, "examples", "quickstart.sh")
    done = subprocess.run([script, *arguments], capture_output=True, text=True, timeout=280, env=env, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@within(300)
def test_ends_with_the_delivered_post(story):
    said = quickstart(story)
    assert "signature: verified" in said and "POST /webhook" in said, said
    data = story.support("request_added.json").decode()
    body = json.loads(next(line for line in said.splitlines() if '"hook":' in line))
    assert body["data"] == json.loads(data) and body["username"] == "DejaCode Webhook", said
    assert data in said, "byte for byte"
    assert re.search(r"x-source: quickstart", said, re.I), said
    assert os.listdir(story.folder) == [], "nothing is left behind"


@within(300)
def test_keep_leaves_it_running(story):
    said = quickstart(story, "--keep")
    pids = [int(pid) for pid in re.search(r"kill (\d+) (\d+)", said).groups()]
    sockets = dict(re.findall(r"(GRAPNEL_\w+)=(\S+)", said))
    try:
        env = {**os.environ, **sockets}
        done = subprocess.run(
            [story.binary, "send", "request.added", '{"n":1}'], capture_output=True, text=True, env=env, check=False
        )
        assert done.returncode == 0 and json.loads(done.stdout)["deliveries"] == 1, done
        (folder,) = os.listdir(story.folder)
        path = os.path.join(story.folder, folder, "requests")
        wait_for(lambda: open(path, encoding="utf-8").read().count("signature: verified") == 2, "the second one")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
