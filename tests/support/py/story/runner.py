# SPDX-License-Identifier: MIT
"""Finds the stories of a folder, runs each in a process and a folder of its own, prints one line for each."""
import argparse
import fnmatch
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from story.tell import Skip, Story, is_sanitized

OK, FAILED, SKIPPED = 0, 1, 77
LOG_LINES = 80


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def discover(folder):
    """(file.function, function) of everything that is called test_*, in order."""
    found = []
    for path in sorted(Path(folder).glob("test_*.py")):
        for name, function in vars(load(path)).items():
            if name.startswith("test_") and callable(function):
                found.append((f"{path.stem[5:]}.{name[5:]}", function))
    return found


def matches(name, pattern):
    return not pattern or any(one in name or fnmatch.fnmatch(name, one) for one in pattern.split(","))


def tell(function, engine, folder):
    """In the story's own process; the exit code."""
    story = Story(engine, folder)
    has_failed = True
    try:
        function(story)
        has_failed = False
        story.end(False)
        return OK
    except Skip as reason:
        has_failed = False
        story.end(True)
        print(reason)
        return SKIPPED
    except BaseException:
        traceback.print_exc()
        if has_failed:
            story.end(True)
        return FAILED


def reason_to_skip(function, engine):
    if getattr(function, "plain_only", False) and is_sanitized(engine):
        return "measures, and this build has a sanitizer"
    missing = [program for program in getattr(function, "needs", ()) if not shutil.which(program)]
    return f"no {', '.join(missing)} here" if missing else None


def logs(folder):
    for path in sorted(Path(folder).rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines()
        if lines:
            yield f"--- {path.relative_to(folder)}, the last of {len(lines)} lines"
            yield from lines[-LOG_LINES:]


def run_one(name, function, arguments):
    """(status, text) of a story in a process of its own."""
    reason = reason_to_skip(function, arguments.engine)
    if reason:
        return SKIPPED, reason, 0.0
    folder = tempfile.mkdtemp(prefix="grapnel-")
    limit = getattr(function, "within", 90)
    command = [sys.executable, "-X", "faulthandler", sys.argv[0], "--engine", arguments.engine]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--tell", name, "--folder", folder],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, text=True, errors="replace",
    )  # fmt: skip
    try:
        text, _ = process.communicate(timeout=limit)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # faulthandler says where it was
        try:
            text, _ = process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            text = ""
        text, status = f"{text}\nstopped after {limit} s", FAILED
    try:
        os.killpg(process.pid, signal.SIGKILL)  # engines that a failed story left
    except ProcessLookupError:
        pass
    if status not in (OK, SKIPPED):
        text = "\n".join([text, *logs(folder)])
    if status in (OK, SKIPPED) or not arguments.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        text += f"\nkept in {folder}"
    return status, text, time.monotonic() - started


def report(name, status, text, seconds):
    if status == OK:
        print("".join(f"    {line}\n" for line in text.splitlines()) + f"ok {name} ({seconds:.1f} s)", flush=True)
    elif status == SKIPPED:
        print(f"skip {name} {text.strip().splitlines()[-1] if text.strip() else ''}", flush=True)
    else:
        print("\n".join(f"    {line}" for line in text.rstrip().splitlines()))
        print(f"not ok {name} ({seconds:.1f} s)", flush=True)


def run_all(chosen, arguments):
    failed = 0

    def one(item):
        return item[0], *run_one(*item, arguments)

    together = [item for item in chosen if not getattr(item[1], "alone", False)]
    in_turn = [item for item in chosen if getattr(item[1], "alone", False)]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(one, together):
            report(*result)
            failed += result[1] not in (OK, SKIPPED)
    for item in in_turn:
        result = one(item)
        report(*result)
        failed += result[1] not in (OK, SKIPPED)
    return failed


def main(folder, description, options=()):
    """options: (name, help) of more arguments, which stories read from the environment."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--engine", required=True, help="the grapnel binary")
    parser.add_argument("--only", help="patterns, separated by commas: parts of names, or with * and ?")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--list", action="store_true", help="print names only")
    parser.add_argument("--keep", action="store_true", help="keep the folder of what failed")
    parser.add_argument("--tell", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    for name, text in options:
        parser.add_argument(f"--{name}", help=text)
    arguments = parser.parse_args()
    arguments.engine = os.path.abspath(arguments.engine)
    for name, _ in options:
        if getattr(arguments, name) is not None:
            os.environ[name.upper()] = getattr(arguments, name)
    if not os.access(arguments.engine, os.X_OK):
        parser.error(f"no engine at {arguments.engine}: cmake --preset dev && cmake --build --preset dev")
    stories = discover(folder)
    if arguments.tell:
        return tell(dict(stories)[arguments.tell], arguments.engine, arguments.folder)
    chosen = [(name, function) for name, function in stories if matches(name, arguments.only)]
    if arguments.list:
        print("\n".join(name for name, _ in chosen))
        return 0
    if not chosen:
        parser.error(f"nothing matches {arguments.only!r}")
    return 1 if run_all(chosen, arguments) else 0
