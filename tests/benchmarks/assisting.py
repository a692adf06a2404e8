"""How long after the twelfth label there are suggestions, in a project that was just imported.

    python -m tests.benchmarks.assisting [--rows 10000] [--seconds-a-label 4] [--labels 40] [--file FILE.csv]

The quick learner's process is started when the import ends, as the app starts it, and labels are given at a person's
pace through the app's session: the review's own sentiment, as `FILE` (columns text and label) or the made-up corpus
has it. Told is how long after the label the next reviews have suggestions, and how long until all reviews have.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import statistics
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.files.importing import Choice, import_file
from core.labelling.session import LabellingSession
from core.labels import SchemeKind, new_labels
from core.storage.database import create, open_project
from core.worker import events
from core.worker.client import Worker
from core.worker.requests import Assist
from tests.benchmarks.corpus import write_corpus

FIRST = 12
"""The label after which suggestions are expected."""


class Watched:
    """When the quick learner told what, in seconds of `time.monotonic`."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.head: list[float] = []
        self.stored: list[tuple[float, int]] = []
        self.fits: list[tuple[float, int, float]] = []
        self.failed = ""

    async def follow(self) -> None:
        """Listen until it ends."""
        async with aclosing(self.worker.events()) as told:  # type: ignore[type-var]
            async for event in told:
                now = time.monotonic()
                if isinstance(event, events.HeadSuggested) and event.run_id is not None and event.count:
                    self.head.append(now)
                elif isinstance(event, events.QuickStored):
                    self.stored.append((now, event.count))
                elif isinstance(event, events.QuickFitted):
                    self.fits.append((now, event.labels, event.seconds))
                elif isinstance(event, events.Failed):
                    self.failed = event.sentence


async def measure(project: Path, gold: dict[str, str], labels: int, pause: float) -> Table:
    """Label through the app's session, and say when there were suggestions."""
    database = open_project(project)
    session = LabellingSession(database, "ann")
    watched = Watched(Worker(Assist(str(project))))
    begun = time.monotonic()
    following = asyncio.create_task(watched.follow())
    given: list[float] = []
    names = {name: number for number, name in enumerate(dict.fromkeys(gold.values()), start=1)}
    while len(given) < labels and session.current is not None:
        await asyncio.sleep(pause)
        session.renew_ahead()
        card = session.current
        session.give([names[gold[card.text]]])
        given.append(time.monotonic())
    session.writer.flush()
    all_at = await _all_stored(watched, given[-1])
    await watched.worker.stop()
    await following
    session.close()
    database.close()
    return _table(watched, begun, given, all_at)


async def _all_stored(watched: Watched, since: float, patience: float = 120.0) -> float | None:
    """When all suggestions were stored after the last label; None when that takes longer than `patience` seconds."""
    while time.monotonic() - since < patience and not watched.failed:
        found = next((at for at, _ in watched.stored if at > since), None)
        if found is not None:
            return found
        await asyncio.sleep(0.1)
    return None


def _table(watched: Watched, begun: float, given: list[float], all_at: float | None) -> Table:
    def after(moment: float, moments: list[float]) -> str:
        found = next((at for at in moments if at >= moment), None)
        return "never" if found is None else f"{found - moment:.1f}"

    twelfth = given[min(FIRST, len(given)) - 1]
    table = Table(title=watched.failed or None)
    for heading in ("what", "seconds"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left")
    first = watched.head[0] if watched.head else None
    before = sum(at <= first for at in given) if first is not None else len(given)
    table.add_row(f"from the start to label {min(FIRST, len(given))}", f"{twelfth - begun:.1f}")
    table.add_row(f"the first suggestions, after {before} labels", after(begun, watched.head))
    table.add_row(f"label {min(FIRST, len(given))} to suggestions for the next reviews", after(twelfth, watched.head))
    stored = [at for at, _ in watched.stored]
    table.add_row(f"label {min(FIRST, len(given))} to suggestions for all that have features", after(twelfth, stored))
    count = max((number for _, number in watched.stored), default=0)
    last = "never" if all_at is None else f"{all_at - given[-1]:.1f}"
    table.add_row(f"the last label to all {count:,} suggestions", last)
    if watched.fits:
        table.add_row("a fit, median", f"{statistics.median(seconds for _, _, seconds in watched.fits):.2f}")
    return table


def main() -> None:
    """Import, label and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=40)
    parser.add_argument("--seconds-a-label", type=float, default=4.0)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, column = asked.file, "label"
        if file is None:
            file, column = Path(folder) / "corpus.csv", "sentiment"
            write_corpus(file, asked.rows)
        with file.open(encoding="utf-8", newline="") as stream:
            gold = {row["text"]: row[column] for row in csv.DictReader(stream)}
        project = Path(folder) / "assisted.db"
        names = list(dict.fromkeys(gold.values()))
        database = create(project, SchemeKind.SINGLE, new_labels(names))
        import_file(database, Choice(file, text_column="text"), "ann")
        database.close()
        Console().print(asyncio.run(measure(project, gold, asked.labels, asked.seconds_a_label)))


if __name__ == "__main__":
    main()
