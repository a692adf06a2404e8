"""Whether the promise about accepted suggestions is kept, and how much can be accepted, in simulated sessions.

python -m tests.benchmarks.coverage [FOLDER] [--sets cr,sst2] [--sessions 200]

A session draws an audit set at random from reviews whose labels are all known, asks for the most suggestions of which
at most a share is wrong, and looks how many of these really are. FOLDER holds a file NAME.npz a set with the arrays
`p`, probabilities of shape [reviews, labels] of a model that was not trained on these reviews, and `g`, their labels;
with NAME.csv instead (columns text and label) a linear classifier on words (scikit-learn) is fitted on a tenth of the
reviews first. Without FOLDER it is data/reviews.csv, and reviews made up by rates of their own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core import locations
from core.evaluate.risk import SHARES, Evidence, Promise, at_least, at_most_share, whichever

AUDITS = (50, 100, 200, 400)

ASKED = (0.02, 0.05, 0.1, 0.2)

THRESHOLD = 0.9


@dataclass(frozen=True)
class Pool:
    """Reviews with their labels and what a model says of them."""

    name: str
    confidences: NDArray[np.float64]
    wrong: NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """What one session came to."""

    promise: Promise | None
    wrong: int
    """Really wrong of what is accepted."""
    accepted: float
    """Share of the reviews outside the audit set."""


def main(
    folder: Annotated[Path | None, typer.Argument(help="With NAME.npz or NAME.csv.")] = None,
    sets: Annotated[str, typer.Option(help="Names, with commas between.")] = "",
    sessions: Annotated[int, typer.Option()] = 200,
) -> None:
    """Print a table for each set; “promising” is the share of sessions in which something could be promised."""
    pools = list(_from_folder(folder, sets)) if folder is not None else [_sample(), made_up("made up", 5_000, 0)]
    for pool in pools:
        Console(width=110).print(table(pool, sessions))


def table(pool: Pool, sessions: int) -> Table:
    """For every size of the audit set and every question: promises kept, and how much was accepted."""
    found = Table(
        title=f"{pool.name}: {len(pool.wrong):,} reviews, {1 - pool.wrong.mean():.1%} right", title_justify="left"
    )
    for heading in (
        "audit labels",
        "asked",
        "promising",
        "kept",
        "accepted",
        "wrong of these",
        "promised",
    ):
        found.add_column(heading, justify="left" if heading == "asked" else "right")
    for audited in AUDITS:
        if audited * 2 > len(pool.wrong):
            continue
        for share in ASKED:
            found.add_row(
                *_row(audited, f"at most {share:.0%} wrong", list(simulate(pool, audited, sessions, share=share)))
            )
        found.add_row(
            *_row(audited, f"{THRESHOLD} or more", list(simulate(pool, audited, sessions, threshold=THRESHOLD)))
        )
        picked = list(simulate(pool, audited, sessions, picking=True))
        found.add_row(*_row(audited, "the best-looking line", picked))
        found.add_section()
    return found


def simulate(
    pool: Pool,
    audited: int,
    sessions: int,
    share: float | None = None,
    threshold: float | None = None,
    picking: bool = False,
) -> Iterator[Outcome]:
    """Sessions that ask for a share or a probability; with `picking` for every share, and take the boldest promise.

    The boldest is the smallest share that accepts anything, held to what is promised to those who compare lines.
    """
    for session in range(sessions):
        draw = np.random.default_rng([session, audited])
        audit = np.zeros(len(pool.wrong), dtype=np.bool_)
        audit[draw.permutation(len(pool.wrong))[:audited]] = True
        evidence = Evidence.of(pool.confidences[~audit], pool.confidences[audit], pool.wrong[audit])
        most: int | None = None
        if picking:
            promises = (at_most_share(evidence, one) for one in SHARES)
            promise = next((one for one in promises if one is not None), None)
            most = whichever(evidence, promise.threshold) if promise is not None else None
        elif share is not None:
            promise = at_most_share(evidence, share)
        else:
            assert threshold is not None
            promise = at_least(evidence, threshold)
        if promise is None:
            yield Outcome(None, 0, 0.0)
            continue
        if most is not None:
            promise = Promise(promise.threshold, promise.accepted, 0.0, most, promise.confidence, 0, 0)
        taken = ~audit & (pool.confidences >= promise.threshold)
        yield Outcome(promise, int(pool.wrong[taken].sum()), promise.accepted / (len(audit) - audited))


def kept(outcomes: list[Outcome]) -> float:
    """The share of sessions in which no promise was broken; one that promised nothing broke nothing."""
    return float(np.mean([one.promise is None or one.wrong <= one.promise.at_most_wrong for one in outcomes]))


def _row(audited: int, asked: str, outcomes: list[Outcome]) -> list[str]:
    promised = [(one, one.promise) for one in outcomes if one.promise is not None]
    taken = sum(promise.accepted for _, promise in promised)
    wrong, most = sum(one.wrong for one, _ in promised), sum(promise.at_most_wrong for _, promise in promised)
    return [
        str(audited),
        asked,
        f"{len(promised) / len(outcomes):.0%}",
        f"{kept(outcomes):.1%}",
        f"{np.mean([one.accepted for one in outcomes]):.0%}",
        f"{wrong / taken:.1%}" if taken else "–",
        f"{most / taken:.1%}" if taken else "–",
    ]


def made_up(name: str, reviews: int, seed: int) -> Pool:
    """Reviews that are wrong a little more often than their probabilities say."""
    draw = np.random.default_rng(seed)
    sure = 1 - 0.5 * draw.beta(0.4, 1.8, reviews)
    return Pool(name, sure, draw.random(reviews) < np.minimum(0.5, 1.2 * (1 - sure)))


def _sample() -> Pool:
    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["sentiment"]) for row in csv.DictReader(file)]
    return _fitted("data/reviews.csv", rows)


def _from_folder(folder: Path, sets: str) -> Iterator[Pool]:
    names = [one for one in sets.split(",") if one] or sorted({file.stem for file in folder.glob("*.npz")})
    for name in names:
        file = folder / f"{name}.npz"
        if file.is_file():
            with np.load(file) as arrays:
                yield _pool(name, arrays["p"], arrays["g"])
            continue
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            yield _fitted(name, [(row["text"], row["label"]) for row in csv.DictReader(stream)])


def _pool(name: str, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Pool:
    return Pool(name, probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) != labels)


def _fitted(name: str, rows: list[tuple[str, str]]) -> Pool:
    """A linear classifier on words, fitted on some of the rows; the pool is the others."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    order = np.random.default_rng(0).permutation(len(rows))
    names = sorted({label for _, label in rows})
    texts, labels = [rows[one][0] for one in order], np.array([names.index(rows[one][1]) for one in order])
    some = max(200, len(rows) // 10)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=10.0, max_iter=1_000).fit(words.fit_transform(texts[:some]), labels[:some])
    return _pool(name, model.predict_proba(words.transform(texts[some:])), labels[some:])


if __name__ == "__main__":
    typer.run(main)
