"""Files and projects of any size that read like the sample reviews, for what is measured at a million rows.

Sentences are walked word by word through the pairs of neighbouring words of the sample, so that words, lengths and
punctuation are distributed as in real reviews while no two texts are the same. Three rows in a hundred repeat an
earlier one with a small change; their column `copy_of` names it.
"""

from __future__ import annotations

import csv
import itertools
import random
import re
import struct
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from sqlmodel import Session, col, select

from core import locations
from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.report import measure
from core.storage import journal, queue, runs
from core.storage.database import Database, annotator_id, create
from core.storage.queue import Planned
from core.storage.states import AnnotationState, labelled, skipped
from core.storage.tables import QueueReason, Review, RunStatus, Subject, utc_now

COLUMNS = ("id", "date", "product", "stars", "text", "sentiment", "copy_of")

PLANTED = 0.03
"""Share of rows that repeat an earlier one with a small change."""

FEWEST_WORDS = 12
"""Words from which on a text is repeated: one changed word leaves the larger part of it."""

PORTION = 10_000
"""Rows written in one transaction."""

QUEUE_LENGTH = 2_000
"""As long as the queue that a training leaves behind."""

NUMBERS = (
    "Order {0}-{1}.",
    "Paid {2}.{3:02d} for it.",
    "Bought in 20{4}, used it {5} times.",
    "It took {5} days.",
    "Serial number {1}{0}.",
)


def write_corpus(path: Path, rows: int, seed: int = 0) -> None:
    """Write a CSV file of `rows` reviews, no two of which have the same text; the same seed gives the same file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(rows, random.Random(seed)))


def make_project(path: Path, rows: int, annotations: int, suggestions: bool) -> None:
    """Make a project of `rows` reviews, of which `annotations` are decided, one to three in a batch.

    With `suggestions`, a finished run has suggestions for every review, they are shown, and a queue is made of them.
    """
    draw = random.Random(1)
    source = path.with_suffix(".csv")
    write_corpus(source, rows)
    database = create(path, SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    try:
        import_file(database, Choice(source, text_column="text", id_column="id"), "bench")
        _annotate(database, draw, draw.sample(range(1, rows + 1), annotations))
        if suggestions:
            _suggest(database, draw, rows)
    finally:
        database.close()
        source.unlink()


def _rows(rows: int, draw: random.Random) -> Iterator[tuple[object, ...]]:
    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        sample = list(csv.DictReader(file))
    walks = {
        sentiment: _neighbours([row["text"] for row in sample if row["sentiment"] == sentiment])
        for sentiment in ("positive", "negative")
    }
    written: set[int] = set()
    recent: deque[tuple[str, str, str]] = deque(maxlen=5_000)
    for number in range(1, rows + 1):
        like = draw.choice(sample)
        name, sentiment, copied = f"R{number:07d}", like["sentiment"], ""
        if recent and draw.random() < PLANTED:
            copied, text, sentiment = draw.choice(recent)
            text = _changed(text, draw)
        else:
            text = _walk(walks[sentiment], like["text"].count(" ") + 1, draw)
        while hash(text) in written:
            text = f"{text} {draw.choice(NUMBERS).format(*_numbers(draw))}"
        written.add(hash(text))
        if not copied and text.count(" ") >= FEWEST_WORDS:
            recent.append((name, text, sentiment))
        yield name, like["date"], like["product"], like["stars"], text, sentiment, copied


def _neighbours(texts: list[str]) -> dict[str, list[str]]:
    """The words that follow a word; the empty word stands before and after a text."""
    following: dict[str, list[str]] = {}
    for text in texts:
        words = ["", *text.split(), ""]
        for word, after in itertools.pairwise(words):
            following.setdefault(word, []).append(after)
    return following


def _walk(following: dict[str, list[str]], length: int, draw: random.Random) -> str:
    """A text of about `length` words: goes on to the end of a sentence, and is never cut inside one."""
    words: list[str] = []
    word = ""
    while True:
        choices = following[word]
        word = choices[int(draw.random() * len(choices))]
        if word:
            words.append(re.sub(r"\d", lambda _: str(draw.randrange(1, 10)), word) if word.isdigit() else word)
        if (len(words) >= length and (not word or word[-1] in ".!?")) or len(words) > length + 40:
            break
    if draw.random() < 0.2:
        words.append(draw.choice(NUMBERS).format(*_numbers(draw)))
    return " ".join(words)


def _numbers(draw: random.Random) -> list[int]:
    return [
        draw.randrange(10, 999),
        draw.randrange(10_000, 99_999),
        draw.randrange(5, 400),
        draw.randrange(100),
        draw.randrange(18, 26),
        draw.randrange(2, 60),
    ]


def _changed(text: str, draw: random.Random) -> str:
    """The text as somebody sends it a second time."""
    words = text.split()
    at = draw.randrange(len(words))
    kind = draw.randrange(6)
    if kind == 0:
        return text.upper() if draw.random() < 0.3 else text.lower()
    if kind == 1:
        return text.rstrip(".!") + draw.choice([" !!", "...", "!!!", " :)", " 👍"])
    if kind == 2:
        del words[at]
    elif kind == 3:
        words[at] = draw.choice(["really", "very", "quite", "the", "again"])
    elif kind == 4:
        words.insert(at, draw.choice(["really", "very", "quite", "honestly", "again"]))
    else:
        words.append(draw.choice(["Thanks.", "Recommended.", "Sorry.", "EDIT: still so.", "Sent from my phone"]))
    return " ".join(words)


def _annotate(database: Database, draw: random.Random, review_ids: list[int]) -> None:
    at = 0
    while at < len(review_ids):
        with database.writing() as session:
            person = annotator_id(session, "bench")
            for _ in range(PORTION):
                if at >= len(review_ids):
                    break
                several = draw.choice([1, 1, 1, 1, 1, 1, 1, 2, 3])
                label_id = draw.choice([1, 2])
                skip = draw.random() < 0.03
                state = skipped(person) if skip else labelled(person, [label_id])
                title = "skip" if skip else ["positive", "negative"][label_id - 1]
                _decide(session, person, title, state, review_ids[at : at + several])
                at += several


def _decide(session: Session, person: int, title: str, state: AnnotationState, review_ids: list[int]) -> None:
    entries = [journal.Entry(Subject.ANNOTATION, review_id, None, state.to_json()) for review_id in review_ids]
    journal.record(session, person, title, entries)


def _suggest(database: Database, draw: random.Random, rows: int) -> None:
    """Suggestions as a fair model makes them: sure more often than not, and a queue of the least sure."""
    unsure: list[tuple[float, int]] = []
    with database.writing() as session:
        run_id = runs.start(session, "bench", {}, [1, 2])
    for start in range(1, rows + 1, PORTION):
        made = []
        for review_id in range(start, min(start + PORTION, rows + 1)):
            share = draw.betavariate(0.5, 0.5)
            made.append(
                {
                    "run_id": run_id,
                    "review_id": review_id,
                    "label_id": 1 if share >= 0.5 else 2,
                    "probability": max(share, 1 - share),
                    "scores": struct.pack("<2f", share, 1 - share),
                }
            )
            unsure.append((abs(2 * share - 1), review_id))
        with database.writing() as session:
            runs.add_suggestions(session, made)
    unsure.sort()
    with database.writing() as session:
        planned = unsure[: 2 * QUEUE_LENGTH]
        ids = [review_id for _, review_id in planned]
        query = select(Review.id).where(
            col(Review.id).in_(ids), queue.undecided(), col(Review.group_id) == col(Review.id)
        )
        found = set(session.exec(query))
        queue.replace(
            session,
            [Planned(review_id, QueueReason.MARGIN, gap) for gap, review_id in planned if review_id in found][
                :QUEUE_LENGTH
            ],
        )
        runs.change(session, run_id, status=RunStatus.FINISHED, finished_at=utc_now())
        runs.publish(session, run_id, rows)
    with database.writing() as session:
        run = runs.existing(session, run_id)
        run.metrics = {"audit": measure(session, run).to_json()}  # as the worker does
        session.add(run)
