# SPDX-License-Identifier: MIT
"""A hostile script and what its header says must come of it (README.md has the words of the header)."""
import json
import re
from pathlib import Path

OUTCOMES = {
    "delivered", "filtered", "script_error", "script_timeout", "script_memory", "script_killed",
    "blocked_address", "http_5xx", "verdict_retry", "verdict_fail", "verdict_disable", "refused", "loaded",
}  # fmt: skip
KEYS = {
    "outcome", "reason", "log", "sends", "header", "host", "data", "webhook", "options", "answer", "at", "together",
}  # fmt: skip
PLACES = ("visit", "load", "save")
LINE = re.compile(r"-- ([a-z]+):(?: (.*))?")


class Case:
    """One file. Lists have an entry per visit; the last one stands for all that follow."""

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.stem
        self.source = self.path.read_bytes()
        lines = self.source.decode("utf-8", "replace").split("\n")
        self.title = lines[1].removeprefix("-- ")
        said = {key: [] for key in KEYS}
        for line in lines[2:]:
            found = LINE.fullmatch(line)
            if not found:
                break
            if found.group(1) not in KEYS:
                raise ValueError(f"{path}: '{found.group(1)}' is no word of a header")
            said[found.group(1)].append(found.group(2) or "")
        self.outcomes = [set(text.split(" or ")) for text in said["outcome"]]
        if not self.outcomes:
            raise ValueError(f"{path}: no outcome is declared")
        for outcome in set.union(*self.outcomes) - OUTCOMES:
            raise ValueError(f"{path}: '{outcome}' is no outcome")
        self.reasons, self.logs, self.sends = said["reason"], said["log"], said["sends"]
        self.headers = [text.split("=", 1) for text in said["header"]]
        self.at = _one(said, "at", "visit")
        self.data = [json.loads(text) for text in said["data"]] or [{"n": 1}]
        self.webhook = json.loads(_one(said, "webhook", "{}"))
        self.options = json.loads(_one(said, "options", "{}"))
        self.answer = json.loads(_one(said, "answer", "{}"))
        killed = any("script_killed" in outcome for outcome in self.outcomes)
        self.host = _one(said, "host", "killed" if killed else "alive")
        if self.at not in PLACES or self.host not in ("alive", "killed", "either"):
            raise ValueError(f"{path}: at {self.at}, host {self.host}")
        if self.at == "visit" and "delivered" in self.outcomes[-1] and not self.sends:
            raise ValueError(f"{path}: what is delivered must be declared (sends)")
        if not said["reason"] and not {"delivered", "loaded"} & self.outcomes[-1]:
            raise ValueError(f"{path}: the reason must be declared")

    def outcome(self, visit):
        return self.outcomes[min(visit, len(self.outcomes) - 1)]


def _one(said, key, otherwise):
    if len(said[key]) > 1:
        raise ValueError(f"{key} stands twice")
    return said[key][0] if said[key] else otherwise


def nth(entries, index):
    """The entry of that visit; the last for all that follow."""
    return entries[min(index, len(entries) - 1)] if entries else None
