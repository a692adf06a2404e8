"""What the app does beside labelling: the daily backup, an end in order when the terminal is gone, logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from core import logs
from core.errors import LabelloopError
from core.phrases import visible

if TYPE_CHECKING:
    from tui.app import LabelloopApp

AFTER = 20.0
"""Seconds after a project is opened until its backup begins: the first reviews come up undisturbed."""

HUNG_UP = 128 + 1
"""Exit code of a process that ends because its terminal is gone."""


class Upkeep:
    """All methods are called in the app's thread."""

    def __init__(self, app: LabelloopApp, let_go: Callable[[], object]) -> None:
        """`let_go` writes what is to be written and closes the project."""
        self._app, self._let_go = app, let_go
        self._closed = threading.Event()

    def opened(self, project: Path) -> None:
        """A project is open: take its backup if it is due, in a thread of its own."""
        self.closed()
        self._closed = closed = threading.Event()
        kept = self._app.desk.settings.backups
        if kept:
            threading.Thread(target=self._back_up, args=(project, kept, closed), daemon=True).start()

    def closed(self) -> None:
        """The project is closed: a backup that is under way ends."""
        self._closed.set()

    def _back_up(self, project: Path, kept: int, closed: threading.Event) -> None:
        if closed.wait(AFTER):
            return
        from core.storage import backups

        try:
            backups.daily(project, kept, lambda: not closed.is_set())
        except LabelloopError as error:
            self._tell(error)
        except Exception:
            logging.exception("The backup failed")

    def _tell(self, error: LabelloopError) -> None:
        """From the backup's thread."""
        with contextlib.suppress(RuntimeError):  # the app has ended meanwhile
            self._app.call_from_thread(
                lambda: self._app.notify(str(error), title="No backup", severity="warning", timeout=15, markup=False)
            )

    # ------------------------------------------------------------------ the end

    def listen(self) -> None:
        """End in order when the terminal is closed or the system asks for it; go on when it was stopped."""
        if self._app.is_headless:
            return
        loop = asyncio.get_running_loop()
        answers = (("SIGTERM", self._app.exit), ("SIGHUP", self._hang_up), ("SIGCONT", self._go_on))
        for name, answer in answers:
            if hasattr(signal, name):
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(getattr(signal, name), answer)

    def _go_on(self) -> None:
        """Take the terminal again, after giving it up where the process was stopped without a word (SIGSTOP).

        Textual takes it a second time then: two threads read the keys, and its end waits for one of them for ever.
        """
        driver = self._app._driver
        if driver is None:
            return
        if not getattr(driver, "_must_signal_resume", True):
            driver.suspend_application_mode()
        driver.resume_application_mode()

    def _hang_up(self) -> None:
        """There is no terminal to restore any more; a worker notices that we are gone, and saves its checkpoint."""
        try:
            self._let_go()
        finally:
            os._exit(HUNG_UP)

    def crashed(self) -> Text:
        """What to print after an error nobody thought of; the lines of code it came through go to a log."""
        error = sys.exc_info()[1]
        if error is None:
            return Text("")
        try:
            log = f"Please report it with the log {logs.write_error('screen', error)}."
        except OSError:
            log = f"No log could be written. {logs.trace(error)}"
        return Text(
            f"labelloop has ended: {type(error).__name__}. Everything that was labelled is saved. {visible(log)}\n"
        )
