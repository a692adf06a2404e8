"""Reviews a second from text to label and probability, against the pipeline of transformers as people call it.

python -m tests.benchmarks.suggesting MODEL FILE.csv … [--rows 2000] [--max-length 256] [--threads 2]

MODEL is the folder of a fine-tuned model. All ways are timed in the same process on the same texts, one after the
other, after a warm-up. The share of the peak is what the products of the layers need for the tokens of the texts,
without padding, per second, over the rate of a square matrix product of 2,048 in the same precision, measured here.
"""

from __future__ import annotations

import csv
import random
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from transformers import pipeline

from core.training.device import choose_device
from core.training.encoding import encode
from core.training.predict import Predictor
from core.training.quiet import quiet_transformers
from core.training.saved import load

Labels = list[str]


def main(
    model: Path,
    files: list[Path],
    rows: Annotated[int, typer.Option()] = 2_000,
    max_length: Annotated[int, typer.Option()] = 256,
    threads: Annotated[int, typer.Option(help="0: as many as labelloop takes.")] = 0,
    one_at_a_time: Annotated[int, typer.Option(help="Rows of the slowest way.")] = 300,
) -> None:
    """Print a table for each file."""
    warnings.filterwarnings("ignore")
    device = choose_device()
    if threads:
        device = replace(device, threads=threads)
    with quiet_transformers():
        predictor = load(model, device)
    predictor.max_length = max_length
    for file in files:
        with file.open(encoding="utf-8", newline="") as stream:
            texts = [row["text"] for row in csv.DictReader(stream)]
        random.Random(0).shuffle(texts)
        Console().print(compare(model, predictor, file.name, texts[:rows], one_at_a_time))


def compare(model: Path, predictor: Predictor, name: str, texts: list[str], few: int) -> Table:
    """The ways side by side; rates are relative to the pipeline in batches of 32."""
    lengths = [len(ids) for ids in encode(predictor.tokenizer, texts, predictor.max_length).ids]
    device, work = predictor.device, _operations(predictor.model, lengths)
    usual = _pipeline(model, predictor.max_length)
    by_length = sorted(range(len(texts)), key=lambda one: len(texts[one]))

    def sorted_by_hand() -> Labels:
        found = usual([texts[one] for one in by_length], 32)
        return [label for _, label in sorted(zip(by_length, found, strict=True))]

    def ours(precision: str) -> Callable[[], Labels]:
        def answer() -> Labels:
            predictor.device = device.with_precision(precision)
            return [predictor.label_names[one] for one in predictor.predict(texts).argmax(axis=1)]

        return answer

    ways: list[tuple[str, str, int, Callable[[], Labels]]] = [
        ("pipeline, one at a time", "fp32", min(few, len(texts)), lambda: usual(texts[:few], 1)),
        ("pipeline, batches of 32", "fp32", len(texts), lambda: usual(texts, 32)),
        ("the same, sorted by hand", "fp32", len(texts), sorted_by_hand),
        ("pipeline in int8, batches of 32, sorted", "int8", len(texts), list),
        ("labelloop, fp32", "fp32", len(texts), ours("fp32")),
        (f"labelloop, {device.precision}", device.precision, len(texts), ours(device.precision)),
    ]
    table = Table(title=f"{name}: {len(texts):,} texts of {np.mean(lengths):.1f} tokens, {device.name}")
    for heading in ("", "reviews/s", "times", "same labels", "of the peak"):
        table.add_column(heading, justify="left" if not heading else "right")
    peaks = {one: _peak(one) for one in {"fp32", device.precision}}
    base, reference = 0.0, []
    timed: list[tuple[str, str, float, Labels]] = []
    for title, precision, many, answer in ways:
        if precision == "int8":
            quantised = _pipeline(model, predictor.max_length, int8=True)
            answer = _sorted(quantised, texts, by_length)  # noqa: PLW2901
        began = time.perf_counter()
        found = answer()
        rate = many / (time.perf_counter() - began)
        timed.append((title, precision, rate, found))
        if title == "pipeline, batches of 32":
            base, reference = rate, found
    for title, precision, rate, found in timed:
        same = np.mean([one == other for one, other in zip(found, reference, strict=False)])
        share = f"{rate * work / len(texts) / peaks[precision]:.0%}" if precision in peaks else "–"
        table.add_row(title, f"{rate:,.0f}", f"{rate / base:.1f}", f"{same:.2%}", share)
    return table


def _pipeline(model: Path, max_length: int, int8: bool = False) -> Callable[[list[str], int], Labels]:
    with quiet_transformers():
        classify: Any = pipeline("text-classification", model=str(model), device="cpu")
    if int8:
        quantise: Any = torch.ao.quantization.quantize_dynamic
        classify.model = quantise(classify.model, {torch.nn.Linear}, dtype=torch.qint8)

    def answer(texts: list[str], batch: int) -> Labels:
        found = classify(texts, batch_size=batch, truncation=True, max_length=max_length)
        return [one["label"] for one in found]

    answer(["warm up", "the phone is great"] * 4, 8)
    return answer


def _sorted(answer: Callable[[list[str], int], Labels], texts: list[str], order: list[int]) -> Callable[[], Labels]:
    def answered() -> Labels:
        found = answer([texts[one] for one in order], 32)
        return [label for _, label in sorted(zip(order, found, strict=True))]

    return answered


def _operations(model: Any, lengths: list[int]) -> float:
    """Floating-point operations of the layers: 2 a weight and token, and 4 a layer, unit and pair of tokens."""
    weights = sum(one.numel() for name, one in model.named_parameters() if ".layer." in name and one.dim() == 2)
    attention = 4 * model.config.num_hidden_layers * model.config.hidden_size
    return float(sum(2 * weights * length + attention * length**2 for length in lengths))


def _peak(precision: str) -> float:
    """Floating-point operations a second of a square matrix product of 2,048, the best of five."""
    one = torch.randn(2_048, 2_048, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        one @ one
        best = min(best, time.perf_counter() - began)
    return 2 * 2_048**3 / best


if __name__ == "__main__":
    typer.run(main)
