"""From a label's key to the next review painted, through a real terminal.

    python -m tests.benchmarks.labelling PROJECT.db [--keys 2000] [--while-training]

The app runs in a pseudo-terminal of 120×40, as a person's does. A key is written to it, and the clock stops when the
id of another review has come back on the screen. Nothing is written while the last key is still on its way. The
project is copied first; its reviews need ids of their own.
"""

from __future__ import annotations

import argparse
import atexit
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

TITLE = re.compile(rb"m *([A-Za-z]*\d+) \xc2\xb7 ")
"""A review's id in the border of its panel, followed by “·”."""

PATIENCE = 20.0
"""Seconds after which a key is taken for lost."""


class Terminal:
    """The app in a pseudo-terminal."""

    def __init__(self, project: Path, home: Path) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = os.environ | {"LABELLOOP_HOME": str(home), "HF_HUB_OFFLINE": "1", "TERM": "xterm-256color"}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.cli.main", "open", str(project)],
            stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        atexit.register(self.process.kill)
        self._seen = b""

    def write(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self.master, keys)

    def next_id(self, known: bytes) -> bytes:
        """Read until the id of another review than `known` is painted."""
        end = time.perf_counter() + PATIENCE
        self._seen = b""
        while time.perf_counter() < end:
            self.read(0.5)
            found: list[bytes] = [one for one in TITLE.findall(self._seen) if one != known]
            if found:
                return found[-1]
        raise SystemExit(f"No other review than {known!r} came within {PATIENCE:.0f} s: {self._seen[-300:]!r}")

    def read(self, wait: float) -> bytes:
        """What is painted within a time, in seconds."""
        ready, _, _ = select.select([self.master], [], [], wait)
        part = os.read(self.master, 1 << 16) if ready else b""
        self._seen += part
        return part

    def drain(self) -> None:
        """Let the app come to rest."""
        while self.read(0.02):
            pass

    def wait_for(self, text: bytes) -> None:
        """Read until a text is painted."""
        end = time.perf_counter() + PATIENCE * 6
        self._seen = b""
        while text not in self._seen:
            if time.perf_counter() > end:
                raise SystemExit(f"{text!r} was never painted.")
            self.read(0.5)
            self._seen = self._seen[-100_000:]

    def close(self) -> None:
        """Quit, and see to it."""
        self.write(b"q")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        os.close(self.master)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("project", type=Path)
    arguments.add_argument("--keys", type=int, default=2_000)
    arguments.add_argument("--while-training", action="store_true")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "copy.db"
        shutil.copy(wanted.project, project)
        terminal = Terminal(project, Path(folder))
        current = terminal.next_id(b"")
        opened = time.perf_counter() - terminal.began
        terminal.drain()
        if wanted.while_training:
            terminal.write(b"tt")
            terminal.wait_for(b"loss")
            terminal.write(b"\x1b")
            time.sleep(1)
            terminal.drain()
        screen = psutil.Process(terminal.process.pid)
        before = screen.memory_info().rss
        taken = []
        for number in range(wanted.keys):
            began = time.perf_counter()
            terminal.write(b"1" if number % 3 else b"2")
            current = terminal.next_id(current)
            taken.append(time.perf_counter() - began)
            terminal.drain()
        after = screen.memory_info().rss
        terminal.close()
    taken.sort()
    table = Table(title=f"{wanted.project.name}, {wanted.keys:,} keys" + (", while training" * wanted.while_training))
    for column in ("what", "measured", "goal"):
        table.add_column(column)
    goal = "≤ 50 ms" if wanted.while_training else "≤ 33 ms"
    table.add_row("start to first review", f"{opened:.2f} s", "≤ 1 s")
    table.add_row("key to next review, median", f"{taken[len(taken) // 2] * 1000:.1f} ms", "≤ 8 ms")
    table.add_row("key to next review, p99", f"{taken[int(len(taken) * 0.99)] * 1000:.1f} ms", goal)
    table.add_row("longest", f"{taken[-1] * 1000:.1f} ms", "")
    table.add_row("memory of the screen's process", f"{after / 2**20:.0f} MB", "≤ 150 MB")
    table.add_row("growth over the keys", f"{(after - before) / 2**20:.1f} MB", "none")
    Console().print(table)


if __name__ == "__main__":
    main()
