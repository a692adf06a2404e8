"""Reviews that a single word sorts into good and bad."""

from __future__ import annotations

import random

from core.training.examples import TrainingSet

GOOD = ["love", "great", "perfect", "happy", "excellent", "recommend"]
BAD = ["broken", "awful", "refund", "terrible", "useless", "disappointed"]
FILLER = ["the", "phone", "case", "battery", "arrived", "and", "is", "was", "it", "very", "today", "really"]


def sentences(kind: list[str], count: int, seed: int) -> list[str]:
    """Short reviews that hold one or two words of `kind`."""
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        words = draw.sample(FILLER, draw.randint(2, 9)) + draw.sample(kind, draw.randint(1, 2))
        draw.shuffle(words)
        texts.append(" ".join(words))
    return texts


def separable(train: int = 40, validation: int = 20, seed: int = 0) -> TrainingSet:
    """Reviews of two classes that one word tells apart; label 0 is 'bad', 1 is 'good'."""

    def part(count: int, offset: int) -> tuple[list[str], list[int]]:
        bad = sentences(BAD, count // 2, seed + offset)
        good = sentences(GOOD, count - count // 2, seed + offset + 1)
        pairs = [(text, 0) for text in bad] + [(text, 1) for text in good]
        random.Random(seed).shuffle(pairs)
        return [text for text, _ in pairs], [label for _, label in pairs]

    return TrainingSet(*part(train, 10), *part(validation, 20), ["bad", "good"])
