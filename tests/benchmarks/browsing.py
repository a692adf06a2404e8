"""How long browse takes to its first page, to gather a whole list, and then to its middle, by filter and order.

    python -m tests.benchmarks.browsing PROJECT.db [--times N]

A page is 100 reviews with their texts, labels and suggestions, as the table reads them. “First page” is what a person
waits for after a key or a letter. “Gathered” goes on in the background: after it the number of hits is shown, and any
page is a look-up. “Middle” is the page in the middle from then on. Times are milliseconds that passed, in brackets
those the process was busy. The frequent word is in most reviews; the rare one, in 2 to 99, is looked up in the
vocabulary of the full-text index. Flipped are the suggestions of the newest run against those of the oldest.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from sqlmodel import Session

from core.storage import browse, filter_text
from core.storage.browse import Filter, Order, State
from core.storage.database import Database, open_project
from core.storage.opened import Opened
from tui.widgets.review_table import PAGE

FIRST, SEARCH, MIDDLE = 300, 100, 100
"""Goals in milliseconds."""


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("project", type=Path)
    arguments.add_argument("--times", type=int, default=5)
    arguments.add_argument("--frequent", default="the")
    arguments.add_argument("--rare", default="")
    wanted = arguments.parse_args()
    database = open_project(wanted.project)
    with database.reading() as session:
        reviews = browse.counts(session).reviews
        rare = wanted.rare or _rare_word(session)
        runs = filter_text.names_of(session).runs
        table = Table(
            title=f"{reviews:,} reviews, median of {wanted.times}; {psutil.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}"
        )
        for column in ("filter", "hits", "first page", "goal", "gathered", "middle", "goal"):
            table.add_column(column)
        for name, one in _filters(wanted.frequent, rare, list(runs)).items():
            table.add_row(name, *_measured(database, one, wanted.times))
    Console(width=118).print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"Most memory of this process, which has no screen: {peak:.0f} MB.")
    database.close()


def _measured(database: Database, one: Filter, times: int) -> list[str]:
    """The cells of a row: one list is opened, gathered and scrolled as often as asked."""
    first: list[Taken] = []
    gathered: list[Taken] = []
    middle: list[Taken] = []
    hits = 0
    for _ in range(times):
        opened = Opened(database, one, multi=False)
        first.append(_timed(partial(opened.first, PAGE)))
        gathered.append(_timed(opened.gather))
        hits = len(opened.ids or ())
        middle.append(_timed(partial(opened.page, hits // 2, PAGE)))
    goal = SEARCH if one == Filter(words=one.words) and one.words else FIRST
    return [
        f"{hits:,}",
        _cell(first, goal),
        str(goal),
        _cell(gathered, None),
        _cell(middle, MIDDLE),
        str(MIDDLE),
    ]


def _filters(frequent: str, rare: str, runs: list[int]) -> dict[str, Filter]:
    made = {
        f"{state.value}, order {order.value}": Filter(state, order=order)
        for state in State
        for order in Order
        if state is State.ALL or order is not Order.UNSURE
    }
    made["label 1"] = Filter(label_id=1)
    made["label 1, sure first"] = Filter(label_id=1, order=Order.SURE)
    made["suggested 1, unsure first"] = Filter(suggested_id=1, order=Order.UNSURE)
    made["suggested 1, p ≥ 0.9"] = Filter(suggested_id=1, at_least=0.9)
    made["audit"] = Filter(audit=True)
    made["audit, sure first"] = Filter(audit=True, order=Order.SURE)
    made["source 1"] = Filter(source_id=1)
    if len(runs) > 1:
        made[f"flipped {runs[0]}-{runs[-1]}"] = Filter(flipped=(runs[0], runs[-1]))
    for word in (frequent, rare, f"-{frequent}", f"{rare[:3]}*"):
        made[f"“{word}”"] = Filter(words=word)
        made[f"“{word}”, open, sure first"] = Filter(State.OPEN, words=word, order=Order.SURE)
        made[f"“{word}”, labelled"] = Filter(State.LABELLED, words=word)
        made[f"“{word}”, skipped, as queued"] = Filter(State.SKIPPED, words=word, order=Order.QUEUE)
    return made


def _rare_word(session: Session) -> str:
    """A word of letters that the index has in fewer than a hundred reviews, but in as many as there is one for."""
    connection = session.connection()
    connection.exec_driver_sql("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, review_search, row)")
    query = "SELECT term, doc FROM temp.vocabulary WHERE doc BETWEEN 2 AND 99 ORDER BY doc DESC, term"
    for term, _ in connection.exec_driver_sql(query):
        if str(term).isalpha():
            return str(term)
    raise SystemExit("No word occurs in 2 to 99 reviews: name one with --rare.")


Taken = tuple[float, float]
"""Milliseconds that passed, and that the process was busy."""


def _timed(work: Callable[[], object]) -> Taken:
    passed, busy = time.perf_counter(), time.process_time()
    work()
    return 1000 * (time.perf_counter() - passed), 1000 * (time.process_time() - busy)


def _cell(taken: list[Taken], goal: float | None) -> str:
    passed, busy = (statistics.median(values) for values in zip(*taken, strict=True))
    return f"{passed:.0f} ({busy:.0f}){' !' if goal is not None and passed > goal else ''}"


if __name__ == "__main__":
    main()
