"""How long browse takes to its first page and to the middle, for every filter and order, on a large project.

    python -m tests.benchmarks.browsing PROJECT.db [--times N]

A page is 200 reviews with their texts, labels and suggestions, as the table reads them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from sqlmodel import Session

from core.storage import browse, cards
from core.storage.browse import Filter, Order, State
from core.storage.database import open_project
from tui.widgets.review_table import PAGE

FIRST, SEARCH, MIDDLE = 300, 100, 100
"""Goals in milliseconds."""


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("project", type=Path)
    arguments.add_argument("--times", type=int, default=5)
    arguments.add_argument("--frequent", default="the")
    arguments.add_argument("--rare", default="brulee")
    wanted = arguments.parse_args()
    database = open_project(wanted.project)
    with database.reading() as session:
        reviews = browse.counts(session).reviews
        table = Table(
            title=f"{reviews:,} reviews, median of {wanted.times}; {psutil.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}"
        )
        for column in ("filter", "hits", "first page, ms", "goal", "middle, ms", "goal", "count, ms"):
            table.add_column(column)
        for name, one in _filters(wanted.frequent, wanted.rare).items():
            goal = SEARCH if one.words and one.order is Order.FILE else FIRST
            count, hits = _timed(lambda one=one: browse.total(session, one), 1)
            first, _ = _timed(lambda one=one: _page(session, one, 0), wanted.times)
            at = hits // 2
            middle, _ = _timed(lambda one=one, at=at: _page(session, one, at), wanted.times)
            marks = [f"{first:.0f}{' !' if first > goal else ''}", str(goal)]
            marks += [f"{middle:.0f}{' !' if middle > MIDDLE else ''}", str(MIDDLE), f"{count:.0f}"]
            table.add_row(name, f"{hits:,}", *marks)
    Console(width=110).print(table)
    database.close()


def _filters(frequent: str, rare: str) -> dict[str, Filter]:
    made = {f"order {order.value}": Filter(order=order) for order in Order}
    for state in State:
        if state is not State.ALL:
            made[f"{state.value}"] = Filter(state)
            made[f"{state.value}, sure first"] = Filter(state, order=Order.SURE)
    made["label 1"] = Filter(label_id=1)
    made["suggested 1, unsure first"] = Filter(suggested_id=1, order=Order.UNSURE)
    made["suggested 1, p ≥ 0.9"] = Filter(suggested_id=1, at_least=0.9)
    made["audit"] = Filter(audit=True)
    made["source 1"] = Filter(source_id=1)
    for word in (frequent, rare):
        made[f"“{word}”"] = Filter(words=word)
        made[f"“{word}”, open, sure first"] = Filter(State.OPEN, words=word, order=Order.SURE)
        made[f"“{word}”, labelled"] = Filter(State.LABELLED, words=word)
    return made


def _page(session: Session, wanted: Filter, offset: int) -> object:
    return cards.cards(session, browse.page(session, wanted, offset, PAGE), multi=False)


def _timed(work: object, times: int) -> tuple[float, Any]:
    assert callable(work)
    taken: list[float] = []
    result: Any = None
    for _ in range(times):
        before = time.perf_counter()
        result = work()
        taken.append(1000 * (time.perf_counter() - before))
    return statistics.median(taken), result


if __name__ == "__main__":
    main()
