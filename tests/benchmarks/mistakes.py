"""How many planted label mistakes are among the first suspects.

`python -m tests.benchmarks.mistakes FOLDER [--sets cr,sst2] [--most 3000] [--share 0.05] [--seeds 3]`

FOLDER holds one folder a set, each with `train.csv` of the columns `text` and `label`. Of the reviews, at most so
many drawn at random, a share gets another label; the quick learner answers for each without having seen it, on
features of the base model that `auto` finds. The goal: of the planted mistakes at least 60 % among twice as many
suspects.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.evaluate.mistakes import find_mistakes
from core.training.base_model import locate
from core.training.device import choose_device
from core.training.quick.features import FeatureExtractor
from core.training.quick.learner import fit

FIRST = 50
"""Suspects whose precision is told: what a person looks through in a few minutes."""


def read(file: Path, most: int) -> tuple[list[str], NDArray[np.int64], int]:
    """Texts, their labels as numbers, and how many labels there are."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
    if len(rows) > most:
        drawn = np.sort(np.random.default_rng(0).choice(len(rows), most, replace=False))
        rows = [rows[int(place)] for place in drawn]
    names = sorted({label for _, label in rows})
    return [text for text, _ in rows], np.array([names.index(label) for _, label in rows]), len(names)


def planted(
    labels: NDArray[np.int64], classes: int, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The labels with a share of them changed to any other, and which ones these are."""
    draw = np.random.default_rng(seed)
    wrong = np.zeros(len(labels), dtype=np.bool_)
    wrong[draw.choice(len(labels), round(share * len(labels)), replace=False)] = True
    return np.where(wrong, (labels + draw.integers(1, classes, len(labels))) % classes, labels), wrong


def main() -> None:
    """Print a line for each set and seed."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--sets", default="cr,sst2")
    arguments.add_argument("--most", type=int, default=3_000)
    arguments.add_argument("--share", type=float, default=0.05)
    arguments.add_argument("--seeds", type=int, default=3)
    wanted = arguments.parse_args()
    device = choose_device()
    extractor = FeatureExtractor(locate("auto", device.kind != "cpu"), device)
    print(
        "| set | reviews | planted | precision, first 50 | precision, as many | recall, twice as many "
        "| expected wrong |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in wanted.sets.split(","):
        texts, labels, classes = read(wanted.folder / name / "train.csv", wanted.most)
        began = time.monotonic()
        features = extractor.extract(texts)
        seconds = time.monotonic() - began
        for seed in range(wanted.seeds):
            given, wrong = planted(labels, classes, wanted.share, seed)
            model = fit(features, given, classes, False, features)
            found = find_mistakes(model.out_of_fold, np.eye(classes, dtype=np.bool_)[given], multi=False)
            many, first = int(wrong.sum()), wrong[found.suspects]
            share = found.wrong
            print(
                f"| {name} | {len(texts):,} | {many} | {first[:FIRST].mean():.0%} | {first[:many].mean():.0%} | "
                f"{first[: 2 * many].sum() / many:.0%} | {share.expected:.1%} ({share.low:.1%} – {share.high:.1%}) |",
                flush=True,
            )
        print(f"Features of {name}: {len(texts) / seconds:.0f} reviews a second.")


if __name__ == "__main__":
    main()
