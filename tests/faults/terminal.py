"""The real app in a pseudo-terminal, driven by keys, to be stopped, resized, hung up and killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0
"""Seconds after which what is waited for is taken not to come."""

_SEQUENCES = re.compile(rb"\x1b(\[[0-9;?=<>]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>78])")


def _take_terminal() -> None:
    """In the child: the terminal is the one that its signals come from."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class App:
    """`labelloop open PROJECT` as a person has it; a context manager."""

    def __init__(self, project: Path, home: Path, size: tuple[int, int] = (40, 120), **environment: str) -> None:
        self.master, slave = pty.openpty()
        self.resize(*size)
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")
        }
        usual = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "LABELLOOP_HOME": str(home), "HF_HUB_OFFLINE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.cli.main", "open", str(project)],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=inherited | usual | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
            preexec_fn=_take_terminal,  # noqa: PLW1509
        )  # fmt: skip
        os.close(slave)
        # A write that waits for the app, while the app waits for us to read, would wait for ever.
        os.set_blocking(self.master, False)
        self.painted = b""

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()

    def press(self, keys: str) -> None:
        """Type."""
        data = keys.encode()
        while data:
            self.read(0)
            _, ready, _ = select.select([], [self.master], [], 1)
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self.master, data[:1024]) :] if ready else data

    def resize(self, rows: int, columns: int) -> None:
        """Make the terminal as large as this; the app is told by the system."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def read(self, wait: float) -> bool:
        """Take what is painted within a time, in seconds; false when nothing came."""
        ready, _, _ = select.select([self.master], [], [], wait)
        with contextlib.suppress(OSError):
            if ready and (part := os.read(self.master, 1 << 16)):
                self.painted += part
                return True
        return False

    @property
    def text(self) -> str:
        """What was painted since the last `forget`, without colours and moves of the cursor."""
        return _SEQUENCES.sub(b"", self.painted).decode("utf-8", "replace")

    def forget(self) -> None:
        """Look only at what is painted from now on."""
        self.painted = b""

    def wait_for(self, *texts: str) -> None:
        """Read until all of these are painted."""
        self.until(lambda: all(text in self.text for text in texts), f"{texts} painted")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Read until something holds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            alive = self.process.poll() is None
            assert time.monotonic() < end, f"never {what}: {self.text[-600:]!r}"
            if not self.read(0.1) and not alive:
                assert holds(), f"the app ended before {what}: {self.text[-1_500:]}"

    def leave(self) -> int:
        """Quit, and give the exit code."""
        self.press("q")
        self.until(lambda: self.process.poll() is not None, "ended")
        return self.process.returncode
