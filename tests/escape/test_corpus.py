# SPDX-License-Identifier: MIT
"""Each folder of hostile scripts against an engine of its own; load.py tells what is tried when scripts are loaded."""
import os
from pathlib import Path

from attack import attack
from case import Case
from story import within

HERE = Path(__file__).resolve().parent
FOLDERS = sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name not in ("control", "__pycache__"))


def cases_of(folder, *places):
    wanted = os.environ.get("CASE", "")
    cases = [Case(path) for path in sorted((HERE / folder).glob("*.lua"))]
    return [case for case in cases if case.at in places and wanted in case.name]


def story_of(folder):
    @within(300)
    def tell(story):
        cases = cases_of(folder, "visit", "save")
        if not cases:
            story.skip("no such script here")
        problems = attack(story, cases)
        assert not problems, f"{len(problems)} problems, the last one: {problems[-1]}"

    return tell


for _folder in FOLDERS:
    if not any(Case(path).at in ("visit", "save") for path in (HERE / _folder).glob("*.lua")):
        continue  # test_loading.py has them
    globals()[f"test_{_folder}"] = story_of(_folder)
