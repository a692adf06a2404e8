"""The worker process: reads one job from its standard input, does it, and tells what happened.

Descriptor 1 is kept for events; then everything that prints, prints into the log, so that no library can
break the protocol.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from core import locations, logs
from core.errors import LabelloopError
from core.worker import events, requests

GRACE = 5.0
"""Seconds a batch may take to notice that the screen is gone, before the process ends itself."""

SAVING = 60.0
"""Seconds that writing a checkpoint may take after that."""

NICENESS = 10
"""Added to the process's niceness, so that typing goes first."""


def main() -> int:
    """Do one job; the exit code says whether it was done (0) or not (1)."""
    os.umask(0o077)
    log = _log_file()
    pipe = os.dup(1)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # Waiting threads of OpenMP spin by default: with another busy process on the same two cores a matrix product
    # then takes seven times as long (13 against 100 a second). Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.Formatter())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.captureWarnings(True)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    outlet = _Outlet(pipe)
    stop = _Stop(outlet)
    try:
        request = requests.from_line(sys.stdin.readline())
    except LabelloopError as error:
        outlet.emit(events.Failed(type(error).__name__, error.message, error.remedy, str(log)))
        return 1
    begun, inbox = threading.Event(), Inbox()
    threading.Thread(target=_listen, args=(stop, begun, outlet, inbox), daemon=True).start()
    return _work(request, outlet, stop, begun, inbox, log)


Inbox = queue.SimpleQueue[requests.Question | None]
"""As `core.worker.jobs.Inbox`, which is imported later: jobs bring the database with them."""


def _work(
    request: requests.Request, outlet: _Outlet, stop: _Stop, begun: threading.Event, inbox: Inbox, log: Path
) -> int:
    began = time.monotonic()
    last: events.Event
    try:
        from core.worker import jobs

        jobs.prepare(request)
        begun.set()
        last = jobs.run(request, outlet.emit, stop.is_heard, str(log), inbox)
    except LabelloopError as error:
        logging.exception("The job failed")
        last = events.Failed(type(error).__name__, error.message, error.remedy, str(log))
    except MemoryError:
        logging.exception("The job ran out of memory")
        last = events.Failed("OutOfMemory", "The machine ran out of memory.", "Close other programs.", str(log))
    except Exception as error:
        logging.exception("The job failed unexpectedly")
        last = events.Failed(
            type(error).__name__, f"The worker failed: {error}".rstrip(".") + ".", f"See {log}.", str(log)
        )
    if isinstance(last, events.Finished):
        last = events.Finished(last.run_id, time.monotonic() - began)
    outlet.emit(last)
    return 1 if isinstance(last, events.Failed) else 0


class _Outlet:
    """Writes events to the pipe, steps and progress at most ten times a second.

    When nobody reads any more the screen is gone: what the job tells is lost, and it is to stop.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._last: dict[type, float] = {}
        self.gone = threading.Event()

    def emit(self, event: events.Event) -> None:
        if isinstance(event, events.StepDone | events.Progressed):
            done, total = (
                (event.step, event.total_steps) if isinstance(event, events.StepDone) else (event.done, event.total)
            )
            now = time.monotonic()
            if done < total and now - self._last.get(type(event), 0.0) < 0.1:
                return
            self._last[type(event)] = now
        try:
            os.write(self._pipe, events.to_line(event).encode() + b"\n")
        except BrokenPipeError:
            self.gone.set()


class _Stop:
    """The wish that the job should stop, and whether the job has noticed it."""

    def __init__(self, outlet: _Outlet) -> None:
        self._outlet = outlet
        self._wanted = threading.Event()
        self.heard = threading.Event()

    def want(self) -> None:
        self._wanted.set()

    def is_heard(self) -> bool:
        """What the job asks between two batches."""
        wanted = self._wanted.is_set() or self._outlet.gone.is_set()
        if wanted and not self.heard.is_set():
            self.heard.set()
            self._outlet.emit(events.StopHeard())
        return wanted


def _listen(stop: _Stop, begun: threading.Event, outlet: _Outlet, inbox: Inbox) -> None:
    """Wait for “stop” or for the end of input, which means that the screen is gone.

    Before the job has begun, while libraries are being loaded, there is nothing to finish: the process ends at once.
    """
    for line in sys.stdin:
        if line.strip() != "stop":
            try:
                inbox.put(requests.question_from_line(line))
            except LabelloopError:
                logging.exception("A line was not understood")
            continue
        if not begun.is_set():
            outlet.emit(events.Cancelled(None, "Stopped before it began, as asked."))
            os._exit(0)
        stop.want()
        inbox.put(None)
    if not begun.is_set():
        os._exit(1)
    stop.want()
    inbox.put(None)
    if stop.heard.wait(GRACE):
        time.sleep(SAVING)
    os._exit(1)


def _log_file() -> Path:
    folder = locations.log_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = folder / f"worker-{stamp}-{os.getpid()}.log"
    path.touch(mode=0o600)
    for old in sorted(folder.glob("worker-*.log"))[:-KEPT_LOGS]:
        old.unlink(missing_ok=True)
    return path


KEPT_LOGS = 20
"""Logs of workers that are kept, the newest."""


if __name__ == "__main__":
    sys.exit(main())
