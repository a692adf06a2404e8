"""Work done in a thread, a little ahead of who needs it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

DEPTH = 1
"""Results that wait; one more is being made."""

POLL = 0.05
"""Seconds between looks at whether the results are still wanted, while one waits to be taken."""


@contextmanager
def ahead(source: Iterable[In], work: Callable[[In], Out], depth: int = DEPTH) -> Iterator[Iterator[Out]]:
    """Results of `work` over `source`, in order, made in one thread that is ahead by `depth` + 1 of them at most.

    What `source` or `work` raise is raised where the result is taken. When the context is left, the thread ends
    after the piece it is at, and is waited for.
    """
    made: queue.Queue[tuple[Out | None, BaseException | None] | None] = queue.Queue(depth)
    left = threading.Event()

    def put(result: tuple[Out | None, BaseException | None] | None) -> None:
        while not left.is_set():
            try:
                made.put(result, timeout=POLL)
                return
            except queue.Full:
                continue

    def run() -> None:
        try:
            for piece in source:
                put((work(piece), None))
                if left.is_set():
                    return
        except BaseException as error:
            put((None, error))
        else:
            put(None)

    def results() -> Iterator[Out]:
        while (result := made.get()) is not None:
            piece, error = result
            if error is not None:
                raise error
            yield piece  # type: ignore[misc]  # None only beside an error

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        yield results()
    finally:
        left.set()
        thread.join()
