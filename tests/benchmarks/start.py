"""How long until the first review is on the screen, and what the screen's process weighs.

    python -m tests.benchmarks.start [--reviews N] [--times K]

Each start is a process of its own with its modules' bytecode cached, as a person has it from the second start on.
Beside labelloop stands the least one could compare it with: an empty Textual app.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

EMPTY = """
import time, psutil, json, os
began = psutil.Process().create_time()
import asyncio
from textual.app import App
class Empty(App[None]):
    pass
async def main():
    app = Empty()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        print(json.dumps([time.time() - began, psutil.Process().memory_info().rss]))
asyncio.run(main())
"""

LABELLOOP = """
import time, psutil, json, sys
began = psutil.Process().create_time()
import asyncio
from pathlib import Path
from tui.app import LabelloopApp
async def main():
    app = LabelloopApp(Path(sys.argv[1]))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.desk.session.current is not None
        shown = time.time() - began
        for _ in range(200):
            await pilot.press("1")
        await pilot.pause()
        print(json.dumps([shown, psutil.Process().memory_info().rss]))
asyncio.run(main())
"""


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--reviews", type=int, default=10_000)
    arguments.add_argument("--times", type=int, default=7)
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = _project(Path(folder), wanted.reviews)
        rows = [_measure("an empty Textual app", EMPTY, [], wanted.times)]
        rows.append(_measure(f"labelloop, {wanted.reviews:,} reviews", LABELLOOP, [str(path)], wanted.times))
    table = Table(title=f"Start to first frame, median of {wanted.times}; {psutil.cpu_count()} cores")
    for column in ("what", "first frame, s", "ratio", "memory, MB (after 200 labels)"):
        table.add_column(column)
    for name, seconds, megabytes in rows:
        table.add_row(name, f"{seconds:.2f}", f"{seconds / rows[0][1]:.1f}", f"{megabytes:.0f}")
    Console().print(table)


def _measure(name: str, program: str, arguments: list[str], times: int) -> tuple[str, float, float]:
    taken = []
    for _ in range(times + 1):
        command = [sys.executable, "-P", "-c", program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        taken.append(json.loads(done.stdout.splitlines()[-1]))
    seconds, memory = zip(*taken[1:], strict=True)
    return name, statistics.median(seconds), statistics.median(memory) / 2**20


def _project(folder: Path, reviews: int) -> Path:
    """A project of the sample reviews, each made distinct by a number, until there are enough."""
    import csv

    from core import locations
    from core.files.importing import Choice, import_file
    from core.labels import SchemeKind, new_labels
    from core.storage.database import create

    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    source = folder / "reviews.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows((f"N{number}", f"{texts[number % len(texts)]} {number}") for number in range(reviews))
    database = create(folder / "reviews.db", SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    import_file(database, Choice(source), "bench")
    database.close()
    return folder / "reviews.db"


if __name__ == "__main__":
    main()
