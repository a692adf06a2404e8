"""What can be wrong with the rows of a file, and what to do about each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import FileError

LONGEST_TEXT = 100_000
"""Characters of a review. A longer one is usually several, or no review at all."""

SHOWN = 5
"""Examples kept of each problem."""


class Problem(StrEnum):
    """A kind of problem."""

    BAD_LINE = "bad-lines"
    """It cannot be read as a row: quotes, number of cells, bytes, JSON."""
    EMPTY = "empty"
    """The review has no text."""
    TOO_LONG = "too-long"
    """The review has more than 100,000 characters."""
    NOT_TEXT = "not-text"
    """A number or the like stands where the text should be."""
    CONTROL = "control"
    """The text holds control characters, terminal escapes or characters that turn the direction of writing."""
    SURROGATE = "surrogates"
    """The text holds halves of characters, which no encoding can write."""
    SAME_ID = "same-ids"
    """An earlier row has the same id."""
    SAME_TEXT = "same-texts"
    """An earlier row has the same text."""
    ID_TAKEN = "taken-ids"
    """The project has another text under this id."""
    UNKNOWN_LABEL = "unknown-labels"
    """The label is none of the scheme's."""
    LABEL_CASE = "label-case"
    """The label differs from another in upper and lower case only."""
    BAD_LABEL = "bad-labels"
    """It cannot be a label: too long, more than one, or with control characters."""


class Action(StrEnum):
    """What to do about the rows that have a problem."""

    KEEP = "keep"
    """Import them as they are."""
    LEAVE_OUT = "leave-out"
    """Import the others."""
    MEND = "mend"
    """Import them mended; those that cannot be are left out."""
    STOP = "stop"
    """Import nothing."""


ALLOWED: Mapping[Problem, tuple[Action, ...]] = {
    Problem.BAD_LINE: (Action.STOP, Action.LEAVE_OUT, Action.MEND),
    Problem.EMPTY: (Action.KEEP, Action.LEAVE_OUT, Action.STOP),
    Problem.TOO_LONG: (Action.KEEP, Action.LEAVE_OUT, Action.MEND, Action.STOP),
    Problem.NOT_TEXT: (Action.KEEP, Action.LEAVE_OUT, Action.STOP),
    Problem.CONTROL: (Action.KEEP, Action.LEAVE_OUT, Action.MEND, Action.STOP),
    Problem.SURROGATE: (Action.STOP, Action.LEAVE_OUT, Action.MEND),
    Problem.SAME_ID: (Action.KEEP, Action.LEAVE_OUT, Action.STOP),
    Problem.SAME_TEXT: (Action.KEEP, Action.LEAVE_OUT, Action.STOP),
    Problem.ID_TAKEN: (Action.KEEP, Action.LEAVE_OUT, Action.STOP),
    Problem.UNKNOWN_LABEL: (Action.KEEP, Action.LEAVE_OUT, Action.STOP),
    Problem.LABEL_CASE: (Action.STOP, Action.LEAVE_OUT, Action.MEND),
    Problem.BAD_LABEL: (Action.STOP, Action.LEAVE_OUT),
}
"""What can be done about each problem; the first is what is done unless a person says otherwise."""

TITLES: Mapping[Problem, str] = {
    Problem.BAD_LINE: "bad lines",
    Problem.EMPTY: "empty texts",
    Problem.TOO_LONG: "long texts",
    Problem.NOT_TEXT: "not text",
    Problem.CONTROL: "control characters",
    Problem.SURROGATE: "broken characters",
    Problem.SAME_ID: "same ids",
    Problem.SAME_TEXT: "same texts",
    Problem.ID_TAKEN: "ids taken",
    Problem.UNKNOWN_LABEL: "new labels",
    Problem.LABEL_CASE: "labels by case",
    Problem.BAD_LABEL: "bad labels",
}

MEANS: Mapping[tuple[Problem, Action], str] = {
    (
        Problem.BAD_LINE,
        Action.MEND,
    ): "missing cells empty, surplus ones joined to the text, stray bytes as Windows-1252",
    (Problem.EMPTY, Action.KEEP): "kept, never trained on",
    (Problem.TOO_LONG, Action.MEND): f"cut after {LONGEST_TEXT:,} characters",
    (Problem.NOT_TEXT, Action.KEEP): "kept, as text",
    (Problem.CONTROL, Action.KEEP): "kept, and shown visibly",
    (Problem.CONTROL, Action.MEND): "taken out of the text",
    (Problem.SURROGATE, Action.MEND): "replaced by �",
    (Problem.SAME_TEXT, Action.KEEP): "kept; one decision labels all",
    (Problem.ID_TAKEN, Action.KEEP): "kept, as reviews of their own",
    (Problem.UNKNOWN_LABEL, Action.KEEP): "added to the scheme",
    (Problem.UNKNOWN_LABEL, Action.LEAVE_OUT): "the reviews come without them",
    (Problem.LABEL_CASE, Action.MEND): "taken for the other one",
    (Problem.LABEL_CASE, Action.LEAVE_OUT): "the reviews come without them",
    (Problem.BAD_LABEL, Action.LEAVE_OUT): "the reviews come without them",
}
"""What an action comes to for a problem, where its name does not say it."""


@dataclass(frozen=True)
class Example:
    """One row with a problem."""

    line: int
    what: str
    """In a few words; review text only at its beginning."""


@dataclass
class Tally:
    """How often a problem was found, and what is done about it."""

    action: Action
    count: int = 0
    unmended: int = 0
    """Of these, rows that were to be mended, could not be, and are left out."""
    examples: list[Example] = field(default_factory=list)

    def note(self, line: int, what: str) -> None:
        """Count one more row."""
        self.count += 1
        if len(self.examples) < SHOWN:
            self.examples.append(Example(line, what))


def means(problem: Problem, action: Action) -> str:
    """What an action comes to for a problem, in a few words."""
    usual = {
        Action.KEEP: "kept",
        Action.LEAVE_OUT: "left out",
        Action.MEND: "mended",
        Action.STOP: "nothing is imported",
    }
    return MEANS.get((problem, action), usual[action])


def handling(given: Mapping[Problem, Action] | None = None) -> dict[Problem, Action]:
    """What is done about every problem. Raises FileError for an action that a problem does not have."""
    found = {problem: allowed[0] for problem, allowed in ALLOWED.items()}
    for problem, action in (given or {}).items():
        if action not in ALLOWED[problem]:
            allowed = ", ".join(ALLOWED[problem])
            raise FileError(f"“{action}” cannot be done about “{problem}”.", f"Choose one of: {allowed}.")
        found[problem] = action
    return found


def parse(words: str) -> tuple[Problem, Action]:
    """Read `bad-lines=mend`. Raises FileError naming what there is."""
    name, _, action = (part.strip() for part in words.partition("="))
    try:
        return Problem(name), Action(action)
    except ValueError as error:
        raise FileError(
            f"“{words}” is not understood.",
            f"Write PROBLEM=ACTION, with one of {', '.join(Problem)} and one of {', '.join(Action)}.",
        ) from error
