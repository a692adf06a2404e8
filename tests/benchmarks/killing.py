"""What is lost when processes are killed (signal 9) at random moments.

    python -m tests.benchmarks.killing [--screens 300] [--workers 50] [--seed 0]

The screen: the app in a pseudo-terminal, labelling as fast as reviews come up, killed at a random moment. A decision
counts as acknowledged as soon as the review after it has been painted, which is before the project has it. The
project is the same over all kills; after each it is opened as the app opens it, compared, and checked.

The worker: a training of a tiny BERT with frequent checkpoints, then its suggestions, killed at a random moment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlmodel import col, select

from core.check.examine import examine
from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage import pending, runs
from core.storage.database import Database, create, open_project
from core.storage.states import states
from core.storage.tables import Review
from core.worker.client import Worker
from core.worker.events import Event
from core.worker.requests import Train
from tests.benchmarks.labelling import TITLE, Terminal
from tests.conftest import BAD, FILLER, GOOD, learnable, write_csv

SHORTEST, LONGEST = 0.05, 1.5
"""Seconds of labelling before a kill."""

REVIEWS = 20_000
LABELS = {b"1": 1, b"2": 2}


@dataclass
class Counts:
    """What came of the kills."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    noted: int = 0
    """Decisions that were entered from what the killed process had noted."""
    damaged: int = 0
    """Kills after which the project failed the check."""
    during: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--screens", type=int, default=300)
    arguments.add_argument("--workers", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=0)
    wanted = arguments.parse_args()
    draw = random.Random(wanted.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LABELLOOP_HOME"] = folder
        os.environ["HF_HUB_OFFLINE"] = "1"
        (Path(folder) / "settings.toml").write_text("quick_learner = false\n", encoding="utf-8")
        screens = kill_screens(Path(folder), wanted.screens, draw)
        workers = kill_workers(Path(folder), wanted.workers, draw)
    table = Table(title="Killed with signal 9 at random moments")
    for column in ("process", "kills", "acknowledged annotations", "of these lost", "entered from notes",
                   "projects that fail the check"):  # fmt: skip
        table.add_column(column, justify="left" if column == "process" else "right")
    for name, one in (("screen, while labelling", screens), ("worker, while training and suggesting", workers)):
        cells = (one.kills, one.acknowledged, one.lost, one.noted, one.damaged)
        table.add_row(name, *(f"{cell:,}" for cell in cells))
    Console(width=130).print(table)
    if workers.during:
        told = ", ".join(f"{name} {workers.during.count(name)}" for name in dict.fromkeys(workers.during))
        Console().print(f"The worker was killed after: {told}.")
    for problem in (*screens.problems, *workers.problems):
        Console().print(f"! {problem}", markup=False)


# ---------------------------------------------------------------------- the screen


def kill_screens(folder: Path, times: int, draw: random.Random) -> Counts:
    """Label in a terminal and kill the app, again and again, on one project."""
    counts = Counts()
    if not times:
        return counts
    path = folder / "screen.db"
    rows = [(f"R{number:07d}", text) for number, (text, _) in enumerate(learnable(REVIEWS), 1)]
    database = create(path, SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    import_file(database, Choice(write_csv(folder / "screen.csv", ["id", "text"], rows), alike=1.0), "bench")
    database.close()
    all_said: dict[bytes, int] = {}
    for _ in range(times):
        said = _label_until_killed(path, folder, draw)
        all_said |= said
        counts.kills += 1
        counts.acknowledged += len(said)
        database = open_project(path)
        counts.noted += pending.recover(database)
        found = _labels_of(database, list(all_said))
        database.close()
        lost = {name: label for name, label in all_said.items() if found.get(name) != label}
        if lost:
            counts.lost += len(lost)
            counts.problems.append(f"lost: {lost}")
            all_said = {name: label for name, label in all_said.items() if name not in lost}
        _check(path, counts)
    return counts


def _label_until_killed(path: Path, folder: Path, draw: random.Random) -> dict[bytes, int]:
    """The decisions after which another review was painted, by the review's own id."""
    terminal = Terminal(path, folder)
    said: dict[bytes, int] = {}
    try:
        current = terminal.next_id(b"")
        terminal.drain()
        killer = threading.Timer(draw.uniform(SHORTEST, LONGEST), terminal.process.send_signal, [signal.SIGKILL])
        killer.start()
        while True:
            key = draw.choice(list(LABELS))
            terminal.write(key)
            before, current = current, _next_painted(terminal, current)
            said[before] = LABELS[key]
    except OSError:
        pass  # the terminal's other end is gone
    terminal.process.wait(30)
    os.close(terminal.master)
    return said


def _next_painted(terminal: Terminal, known: bytes) -> bytes:
    """Read until another review is painted, at once. Raises OSError when nothing will be any more."""
    seen = b""
    while True:
        seen += terminal.read(5.0)
        found: list[bytes] = [one for one in TITLE.findall(seen) if one != known]
        if found:
            return found[-1]
        if terminal.process.poll() is not None and not terminal.read(0.1):
            raise OSError


def _labels_of(database: Database, names: Sequence[bytes]) -> dict[bytes, int]:
    """The label of each review, by the review's own id."""
    with database.reading() as session:
        query = select(Review.id, Review.external_id)
        wanted = {name.decode() for name in names}
        ids = {review_id: name for review_id, name in session.exec(query) if review_id and name in wanted}
        found = states(session, ids)
    return {str(ids[review_id]).encode(): state.label_ids[0] for review_id, state in found.items() if state.label_ids}


# ---------------------------------------------------------------------- the worker


def kill_workers(folder: Path, times: int, draw: random.Random) -> Counts:
    """Train and suggest, and kill the worker, again and again, on one project."""
    counts = Counts()
    if not times:
        return counts
    path = folder / "worker.db"
    rows = [[text, label if number < 120 else ""] for number, (text, label) in enumerate(learnable(1_500))]
    database = create(path, SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    file = write_csv(folder / "worker.csv", ["text", "mark"], rows)
    import_file(database, Choice(file, label_column="mark", alike=1.0), "bench")
    before = _annotations(database)
    base = make_tiny_bert(folder / "tiny")
    arguments = {"base_model": str(base), "epochs": 12, "learning_rate": 3e-3, "patience": None}
    request = Train(str(path), arguments, checkpoint_seconds=0.2, cross_validate=False)
    whole = statistics.median(asyncio.run(_train(request, None))[1] for _ in range(2))
    for _ in range(times):
        last, _seconds = asyncio.run(_train(request, draw.uniform(0.0, whole)))
        counts.kills += 1
        counts.acknowledged += len(before)
        counts.during.append(last)
        with database.writing() as session:
            runs.mark_interrupted(session)
        after = _annotations(database)
        if after != before:
            counts.lost += len(before.items() - after.items())
            counts.problems.append(f"annotations differ after {last}")
        _check(path, counts)
    database.close()
    return counts


async def _train(request: Train, kill_after: float | None) -> tuple[str, float]:
    """The name of the last event before the end, and how long it took."""
    worker = Worker(request)
    began = time.monotonic()
    last = "the start"

    def kill() -> None:
        if worker.process_id is not None:
            os.kill(worker.process_id, signal.SIGKILL)

    timer = asyncio.get_running_loop().call_later(kill_after, kill) if kill_after is not None else None
    event: Event
    async for event in worker.events():
        if type(event).__name__ != "Failed":
            last = type(event).__name__
    if timer is not None:
        timer.cancel()
    return last, time.monotonic() - began


def _annotations(database: Database) -> dict[int, object]:
    with database.reading() as session:
        ids = [one for one in session.exec(select(Review.id).order_by(col(Review.id))) if one is not None]
        return dict(states(session, ids))


def _check(path: Path, counts: Counts) -> None:
    report = examine(path)
    if not report.is_whole:
        counts.damaged += 1
        counts.problems += [f"{one.part}: {one.told} {one.examples}" for one in report.findings
                            if one.part in report.damaged_parts()]  # fmt: skip


def make_tiny_bert(folder: Path) -> Path:
    """A BERT of random weights that knows the words of the reviews; it trains in seconds."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, *FILLER]
    words += [*letters, *(f"##{letter}" for letter in letters)]
    tokenizer = BertTokenizerFast(vocab={word: at for at, word in enumerate(words)}, model_max_length=64)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **size)).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
