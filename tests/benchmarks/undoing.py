"""How long a batch of 100,000 takes to be recorded, undone and redone, and what a key waits meanwhile.

    python -m tests.benchmarks.undoing [--project FILE.db] [--changes N]

The steps run in the ordered writer of the real app; meanwhile the key for the next review is pressed again and again,
and what is measured is the time from the key to the next review drawn. (A label's key would drop what is to be
redone.) The project is copied first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from sqlmodel import Session, col, select
from textual.pilot import Pilot

from core.storage import decisions, journal
from core.storage.states import labelled
from core.storage.tables import Review
from tests.benchmarks.corpus import make_project
from tui.app import LabelloopApp

Row = tuple[str, float, list[float]]


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--project", type=Path, help="a project to measure on; made if not given")
    arguments.add_argument("--changes", type=int, default=100_000)
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LABELLOOP_HOME"] = folder
        path = Path(folder) / "reviews.db"
        if wanted.project:
            shutil.copy(wanted.project, path)
        else:
            make_project(path, wanted.changes + 20_000, wanted.changes // 10, suggestions=True)
        rows = asyncio.run(_measure(path, wanted.changes))
    load = os.getloadavg()[0]
    table = Table(
        title=f"A batch of {wanted.changes:,}; {psutil.cpu_count()} cores, load {load:.1f}; goal: undo ≤ 5 s"
    )
    for column in ("what", "seconds", "keys meanwhile", "median, ms", "p99, ms", "longest, ms"):
        table.add_column(column)
    for name, seconds, keys in rows:
        ordered = sorted(keys) or [0.0]
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        cells = (statistics.median(ordered), p99, ordered[-1])
        table.add_row(name, f"{seconds:.2f}", str(len(keys)), *(f"{1000 * cell:.0f}" for cell in cells))
    Console().print(table)


async def _measure(path: Path, changes: int) -> list[Row]:
    app = LabelloopApp(path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        session = app.desk.session
        with session.database.reading() as reading:
            highest = col(Review.id).desc()
            ids = [one for one in reading.exec(select(Review.id).order_by(highest).limit(changes)) if one is not None]

        def record(writing: Session) -> None:
            state = labelled(session.annotator, [session.scheme[0].id or 0])
            decisions.decide_all(writing, session.annotator, "many", ids, state)

        def aside(work: Callable[[Session], object]) -> Callable[[Callable[[], None]], None]:
            return lambda done: session.writer.submit(work, lambda _result: done())

        rows = [("nothing else", 0.0, await _keys(app, pilot, for_seconds=5.0))]
        for name, work in (("record", record), ("undo", journal.undo), ("redo", journal.redo)):
            rows.append(await _during(app, pilot, name, aside(work)))
    return rows


async def _during(
    app: LabelloopApp, pilot: Pilot[None], name: str, start: Callable[[Callable[[], None]], None]
) -> Row:
    """Do something in the writer's thread, and press keys until it is done."""
    ended = threading.Event()
    began = time.perf_counter()
    seconds = [0.0]

    def done() -> None:
        seconds[0] = time.perf_counter() - began
        ended.set()

    start(done)
    keys = await _keys(app, pilot, until=ended)
    return name, seconds[0], keys


async def _keys(
    app: LabelloopApp, pilot: Pilot[None], until: threading.Event | None = None, for_seconds: float = 600.0
) -> list[float]:
    taken = []
    ends = time.perf_counter() + for_seconds
    while time.perf_counter() < ends and not (until is not None and until.is_set()):
        before = time.perf_counter()
        app.simulate_key("right")
        await pilot._wait_for_screen()
        taken.append(time.perf_counter() - before)
        await asyncio.sleep(0.05)
    return taken


if __name__ == "__main__":
    main()
