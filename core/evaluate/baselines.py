"""What a model has to beat: the keyword rule and the majority class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.labels import WORD


class KeywordRule:
    """Gives each review the label whose words occur in it most often.

    A label without words of its own stands for the words of its name. Where no word occurs, or labels tie,
    the majority label is given, or in a multi-label scheme none.
    """

    def __init__(self, label_names: Sequence[str], keywords: Sequence[Sequence[str]], multi: bool) -> None:
        self._multi = multi
        self._labels = len(label_names)
        self._words: dict[str, list[int]] = {}
        for position, (name, words) in enumerate(zip(label_names, keywords, strict=True)):
            for word in set(words) or set(split_words(name)):
                self._words.setdefault(word.casefold().replace("’", "'"), []).append(position)

    def predict(self, texts: Sequence[str], majority: int) -> NDArray[np.bool_]:
        """Which labels each text gets, shape [texts, labels]; `majority` is the position of that label."""
        table = np.zeros((len(texts), self._labels), dtype=np.bool_)
        for row, text in enumerate(texts):
            counts = self.counts(text)
            if self._multi:
                table[row] = counts > 0
                continue
            best = np.flatnonzero(counts == counts.max())
            table[row, best[0] if len(best) == 1 else majority] = True
        return table

    def counts(self, text: str) -> NDArray[np.int64]:
        """How many words of each label occur in the text, shape [labels]."""
        found = np.zeros(self._labels, dtype=np.int64)
        for word in split_words(text):
            for position in self._words.get(word, ()):
                found[position] += 1
        return found


def split_words(text: str) -> list[str]:
    """The words of a text in lower case, apostrophes inside words kept."""
    return [word.casefold().replace("’", "'") for word in WORD.findall(text)]


@dataclass(frozen=True)
class Frequencies:
    """How often labels were given."""

    reviews: int
    by_label: NDArray[np.int64]
    """Reviews that have each label, shape [labels]."""

    @classmethod
    def of(cls, true: NDArray[np.bool_]) -> Frequencies:
        """From which labels reviews have, shape [reviews, labels]."""
        return cls(len(true), true.sum(axis=0))

    @property
    def majority(self) -> int:
        """Position of the most frequent label; the first of equals."""
        return int(self.by_label.argmax())


def majority_class(seen: Frequencies, rows: int, multi: bool) -> NDArray[np.bool_]:
    """The most frequent label for every row, shape [rows, labels]; multi-label: every label most reviews have."""
    table = np.zeros((rows, len(seen.by_label)), dtype=np.bool_)
    if multi:
        table[:, seen.by_label * 2 > seen.reviews] = True
    else:
        table[:, seen.majority] = True
    return table
