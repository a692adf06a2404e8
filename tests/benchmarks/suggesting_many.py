"""Suggestions for a whole project: how much memory they take as their number grows, and what stopping costs.

    python -m tests.benchmarks.suggesting_many [--project FILE.db] [--reviews 1000000] [--base MODEL]

`train` and then `suggest` run as a person types them. The base model is a BERT of two layers and 32 numbers with
random weights, unless another is named: reading, tokenising, storing and memory are measured, and a large model would
only take longer. The first command is stopped with ctrl+c when four in ten reviews have their suggestion; the second
goes on. The memory is that of all processes of the command, looked at twice a second. The project is copied.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.corpus import make_project

STOP_AT = 0.4
TENTHS = 10


@dataclass
class Watched:
    """What was seen of one command."""

    command: str
    seconds: float = 0.0
    code: int = 0
    last_line: str = ""
    seen: list[tuple[int, float]] = field(default_factory=list)
    """Suggestions stored, and the processes' memory in MB at that time."""


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--project", type=Path, help="a project to measure on; made if not given")
    arguments.add_argument("--reviews", type=int, default=1_000_000)
    arguments.add_argument("--base", help="a base model; else a very small one is made")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"LABELLOOP_HOME": scratch, "HF_HUB_OFFLINE": "1"}
        path = Path(scratch) / "reviews.db"
        if wanted.project:
            shutil.copy(wanted.project, path)
        else:
            make_project(path, wanted.reviews, 2_000, suggestions=False)
        base = wanted.base or str(_small_bert(Path(scratch) / "small", path))
        total = _number(path, "SELECT count(*) FROM review WHERE id NOT IN (SELECT review_id FROM annotation)")
        train = ["train", str(path), "--base", base, "--steps", "60", "--pool-reviews", "0", "--no-cross-validate"]
        first = _watch(train, path, stop_at=round(total * STOP_AT))
        run = _number(path, "SELECT max(id) FROM run")
        second = _watch(["suggest", str(path), "--run", str(run)], path)
        _show(total, [first, second])


def _watch(command: list[str], path: Path, stop_at: int | None = None) -> Watched:
    """Run a command to its end, or ask it to stop at so many suggestions, and look at its memory all the time."""
    found, began = Watched(command[0]), time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.cli.main", *command], stdin=subprocess.DEVNULL, stdout=told, stderr=told
        )
        before = _number(path, "SELECT max(id) FROM run") if command[0] == "train" else None
        while process.poll() is None:
            time.sleep(0.5)
            stored = _stored(path, before)
            found.seen.append((stored, _memory(process.pid)))
            if stop_at is not None and stored >= stop_at:
                process.send_signal(signal.SIGINT)
                stop_at = None
        told.seek(0)
        found.last_line = next((line for line in reversed(told.read().splitlines()) if line.strip()), "")
    found.seconds, found.code = time.perf_counter() - began, process.returncode
    return found


def _memory(pid: int) -> float:
    """Megabytes of a process and those it started."""
    try:
        process = psutil.Process(pid)
        return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _stored(path: Path, before: int | None) -> int:
    """Suggestions of the newest run, if it is newer than `before`."""
    newest = _number(path, "SELECT max(id) FROM run")
    return _number(path, f"SELECT count(*) FROM suggestion WHERE run_id = {newest}") if newest != before else 0


def _number(path: Path, query: str) -> int:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        return int(connection.execute(query).fetchone()[0] or 0)
    finally:
        connection.close()


def _small_bert(folder: Path, path: Path) -> Path:
    """A BERT of random weights whose vocabulary is the words of some reviews and all their letters."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    connection = sqlite3.connect(path)
    texts = [row[0] for row in connection.execute("SELECT text FROM review LIMIT 2000")]
    connection.close()
    words = sorted({word.lower() for text in texts for word in text.split() if word.isalpha()})
    letters = sorted({letter for text in texts for letter in text.lower() if not letter.isspace()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters), *words]
    numbered = {word: place for place, word in enumerate(dict.fromkeys(vocabulary))}
    BertTokenizerFast(vocab=numbered, model_max_length=128).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(numbered), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    return folder


def _show(total: int, commands: list[Watched]) -> None:
    table = Table(
        title=f"{total:,} reviews without a label; {psutil.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    for column in ("command", "suggestions stored", "memory, MB (highest)"):
        table.add_column(column)
    for command in commands:
        for tenth in range(TENTHS):
            low, high = total * tenth / TENTHS, total * (tenth + 1) / TENTHS
            memory = [used for stored, used in command.seen if low < stored <= high]
            if memory:
                table.add_row(command.command, f"{low:,.0f} to {high:,.0f}", f"{max(memory):,.0f}")
        table.add_section()
    Console().print(table)
    for command in commands:
        moving = [stored for stored, _ in command.seen if stored]
        print(
            f"{command.command}: {command.seconds:.0f} s, exit status {command.code}, from {min(moving, default=0):,}"
        )
        print(f"  to {max(moving, default=0):,} suggestions; “{command.last_line}”")


if __name__ == "__main__":
    main()
