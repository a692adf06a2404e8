"""What a rehearsal is done on: labelled reviews to give labels from, and others to measure on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from core.errors import FileError, TooFewLabels
from core.files.labelled import LabelledTexts, read
from core.labels import SchemeKind
from core.phrases import count
from core.report import FEWEST_AUDIT
from core.storage import learning, scheme
from core.storage.database import Database, project_of
from core.storage.learning import Example
from core.training.examples import Target
from core.worker.requests import Rehearse

HELD_OUT = 0.2
"""Share of the reviews that is measured on where nothing else is named."""

MOST_HELD_OUT = 2_000
"""Reviews held out at most: they tell an accuracy to within 2 points."""

MOST_LABELLED = 10_000
"""Reviews that labels are given from at most: a session looks at 5,000 of them, and all need features."""

FEWEST = 5
"""Labelled reviews of either kind below which nothing can be rehearsed."""


@dataclass(frozen=True)
class Material:
    """Labelled reviews in two parts that share no text."""

    train: LabelledTexts
    test: LabelledTexts
    names: list[str]
    """The labels of both."""
    multi: bool
    notes: list[str] = field(default_factory=list)
    """What a person should know of them, in sentences."""

    def targets(self, part: LabelledTexts) -> list[Target]:
        """The labels of a part as places among the names."""
        place = {name: at for at, name in enumerate(self.names)}
        if self.multi:
            return [tuple(sorted(place[name] for name in several)) for several in part.labels]
        return [place[several[0]] for several in part.labels]


def of_files(request: Rehearse) -> Material:
    """From a file, and a second one to measure on or a share of the first held out.

    Raises FileError for what cannot be read, TooFewLabels where there is nothing to tell apart.
    """
    found, multi = read(request.file, request.text, request.label, request.encoding, request.multi)
    notes = list(found.notes)
    if not request.test:
        return _settled(*_held_out(found), multi, [*notes, _told_held_out(found)])
    test, _ = read(request.test, request.text, request.label, request.encoding, multi)
    notes += [f"{Path(test.name).name}: {note}" for note in test.notes]
    both = set(test.texts)
    kept = [at for at, text in enumerate(found.texts) if text not in both]
    if len(kept) < len(found.texts):
        notes.append(f"Left out {count(len(found.texts) - len(kept), 'review')} that {test.name} has as well.")
    _compare_labels(found, test, notes)
    return _settled(found.part(kept), test, multi, notes)


def of_project(database: Database) -> Material:
    """From a project's own labelled reviews, measured on its audit set where that is large enough.

    Raises TooFewLabels.
    """
    with database.reading() as session:
        project = project_of(session)
        names = {label.id: label.name for label in scheme.labels(session, archived=True)}
        multi = project.kind is SchemeKind.MULTI
        chosen, audit = (
            _texts(project.name, learning.examples(session, audit=one), names, multi) for one in (False, True)
        )
    if len(audit.texts) >= FEWEST_AUDIT:
        note = f"Measured on {count(len(audit.texts), 'labelled review')} of the audit set."
        return _settled(chosen, audit, multi, [note])
    everything = replace(chosen, texts=[*chosen.texts, *audit.texts], labels=[*chosen.labels, *audit.labels])
    note = f"The audit set has {len(audit.texts):,} labelled reviews, too few to measure on."
    return _settled(*_held_out(everything), multi, [note, _told_held_out(everything)])


def _texts(name: str, examples: Sequence[Example], names: dict[int | None, str], multi: bool) -> LabelledTexts:
    given = [(one.text, tuple(names[each] for each in one.label_ids)) for one in examples]
    given = [one for one in given if multi or one[1]]
    return LabelledTexts(name, [text for text, _ in given], [labels for _, labels in given])


def _held_out(found: LabelledTexts) -> tuple[LabelledTexts, LabelledTexts]:
    """The same parts every time: what is measured on does not depend on a session's seed."""
    order = np.random.default_rng(0).permutation(len(found.texts)).tolist()
    size = _held_out_size(found)
    return found.part(sorted(order[size:])), found.part(sorted(order[:size]))


def _held_out_size(found: LabelledTexts) -> int:
    return min(round(len(found.texts) * HELD_OUT), MOST_HELD_OUT)


def _told_held_out(found: LabelledTexts) -> str:
    return f"Measured on {count(_held_out_size(found), 'review')} held out at random."


def _compare_labels(found: LabelledTexts, test: LabelledTexts, notes: list[str]) -> None:
    unknown = [name for name in test.names if name not in set(found.names)]
    if len(unknown) == len(test.names):
        raise FileError(
            f"No label of {test.name} is one of {found.name}.", "Give a test file with the same labels as the first."
        )
    if unknown:
        reviews = sum(any(name in unknown for name in several) for several in test.labels)
        which = ", ".join(f"“{name}”" for name in unknown[:5]) + (" …" if len(unknown) > 5 else "")
        stand = f"{count(reviews, 'review')} of {test.name} {'has' if reviews == 1 else 'have'} labels"
        notes.append(f"{stand} that {found.name} has not ({which}): nobody can learn those, they count as wrong.")


def _settled(train: LabelledTexts, test: LabelledTexts, multi: bool, notes: list[str]) -> Material:
    if len(train.texts) < FEWEST or len(test.texts) < FEWEST:
        raise TooFewLabels(
            f"{train.name} leaves {count(len(train.texts), 'labelled review')} to give labels from "
            f"and {len(test.texts):,} to measure on.",
            f"A rehearsal needs {FEWEST} of either, better some hundreds.",
        )
    if len(train.texts) > MOST_LABELLED:
        drawn = np.random.default_rng(0).choice(len(train.texts), MOST_LABELLED, replace=False)
        notes = [*notes, f"Labels are given from {MOST_LABELLED:,} of {len(train.texts):,} reviews, drawn at random."]
        train = replace(train.part(np.sort(drawn).tolist()))
    if len(set(train.labels)) < 2:
        raise TooFewLabels(
            f"All labelled reviews of {train.name} have the same label: {', '.join(train.names)}.",
            "A rehearsal needs at least two.",
        )
    return Material(train, test, sorted({*train.names, *test.names}), multi, notes)
