"""Fine-tuning against the Hugging Face `Trainer`: reviews a second of the whole training, and held-out accuracy.

    python -m tests.benchmarks.training [--data FOLDER --sets sst2:2000,imdb:500:256] [--seeds 3]
    python -m tests.benchmarks.training --device cuda --shape bert-base --batch 64 --sets sample:600:256

`FOLDER` has a folder a set, with train.csv and test.csv of the columns text and label; without it the sample reviews
are taken. Both learn from the same rows, for the same epochs, with the same batch size, longest text and base model,
each once a seed, turn by turn, after one short training of each that is not counted. The Trainer (needs accelerate)
has its defaults otherwise, on a GPU with bf16; the time is from the texts to the trained model, with loading and
tokenising. Of the accuracies on the rows held out the mean is shown, and their deviation over the seeds.

With `--shape bert-base` the weights are random numbers in the shape of BERT-base: the rate is real, the accuracy is
not. On a GPU the table has the share of the card's own bf16 matrix-product rate too, padding not counted as work.
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertModel,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from core import locations
from core.training.arguments import TrainingArguments as Arguments
from core.training.base_model import MINILM, locate
from core.training.device import Device, choose_device
from core.training.encoding import encode
from core.training.examples import TrainingSet
from core.training.loop import fine_tune
from core.training.predict import Predictor
from core.training.quiet import quiet_transformers


@dataclass(frozen=True)
class Task:
    """What both learn."""

    name: str
    train: tuple[list[str], list[int]]
    test: tuple[list[str], list[int]]
    label_names: list[str]
    max_length: int


@dataclass(frozen=True)
class Outcome:
    """One training."""

    seconds: float
    accuracy: float
    memory: int
    """Most bytes of the GPU; 0 on a CPU."""


def main() -> None:
    """Print the table."""
    options = _options()
    device = choose_device(options.device)
    device.prepare()
    with tempfile.TemporaryDirectory() as folder:
        base = options.base or _base(options.shape, Path(folder))
        table = Table("set", "rows", "who", "reviews/s", "ratio", "accuracy", "memory, MB", "share of the card")
        rate = _matrix_rate() if device.kind == "cuda" else 0.0
        for wanted in options.sets.split(","):
            task = _task(wanted, options.data, options.held_out)
            outcomes: dict[str, list[Outcome]] = {"Trainer": [], "labelloop": []}
            short = replace(
                task, train=(task.train[0][:32], task.train[1][:32]), test=(task.test[0][:2], task.test[1][:2])
            )
            _with_trainer(short, base, 0, 1, options.batch, device, folder)
            _with_labelloop(short, base, 0, 1, options.batch, device)
            for seed in range(options.seeds):
                outcomes["Trainer"].append(
                    _with_trainer(task, base, seed, options.epochs, options.batch, device, folder)
                )
                outcomes["labelloop"].append(_with_labelloop(task, base, seed, options.epochs, options.batch, device))
            _add_rows(table, task, outcomes, options.epochs, base, rate)
    Console(width=118).print(f"{device.name}, {device.precision}, torch {torch.__version__}", table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the sets; without it the sample reviews")
    parser.add_argument("--sets", default="sample:600", help="NAME:ROWS[:LONGEST], separated by commas")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--held-out", type=int, default=1_000, help="most rows that accuracy is measured on")
    parser.add_argument("--device", choices=("cpu", "cuda"))
    parser.add_argument("--base", help="base model; MiniLM if not given")
    parser.add_argument("--shape", choices=("bert-base",), help="random weights of this shape instead")
    return parser.parse_args()


def _base(shape: str | None, folder: Path) -> str:
    """The folder of the base model: MiniLM's, or one of random weights with MiniLM's tokenizer, BERT's own."""
    minilm = locate(MINILM, has_gpu=False).folder
    if shape is None:
        return str(minilm)
    made = folder / shape
    torch.manual_seed(0)
    with quiet_transformers():
        BertModel(BertConfig()).save_pretrained(made)
        AutoTokenizer.from_pretrained(minilm).save_pretrained(made)
    return str(made)


def _task(wanted: str, data: Path | None, held_out: int) -> Task:
    name, rows, longest = (*wanted.split(":"), "128")[:3]
    if data is None:
        with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
            pairs = [(row["text"], row["sentiment"]) for row in csv.DictReader(file)]
        random.Random(0).shuffle(pairs)
        train, test = pairs[: int(rows)], pairs[int(rows) :][:held_out]
    else:
        train, test = _read(data / name / "train.csv")[: int(rows)], _read(data / name / "test.csv")[:held_out]
    names = sorted({label for _, label in [*train, *test]})
    return Task(name, _numbered(train, names), _numbered(test, names), names, int(longest))


def _read(file: Path) -> list[tuple[str, str]]:
    """The rows of a file, shuffled alike for everybody."""
    with file.open(encoding="utf-8", newline="") as stream:
        pairs = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
    random.Random(0).shuffle(pairs)
    return pairs


def _numbered(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> tuple[list[str], list[int]]:
    return [text for text, _ in pairs], [names.index(label) for _, label in pairs]


def _with_labelloop(task: Task, base: str, seed: int, epochs: int, batch: int, device: Device) -> Outcome:
    examples = TrainingSet(*task.train, [], [], task.label_names)
    arguments = Arguments(base_model=base, epochs=epochs, batch_size=batch, max_length=task.max_length, seed=seed)
    _start(device)
    began = time.perf_counter()
    tuned = fine_tune(examples, arguments, lambda _: None, lambda: False, device)
    seconds = time.perf_counter() - began
    return Outcome(seconds, _accuracy(tuned.model, tuned.tokenizer, task, device), _memory(device))


def _with_trainer(task: Task, base: str, seed: int, epochs: int, batch: int, device: Device, folder: str) -> Outcome:
    _start(device)
    began = time.perf_counter()
    torch.manual_seed(seed)
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForSequenceClassification.from_pretrained(
            base, num_labels=len(task.label_names), dtype=torch.float32
        )
        encoded = tokenizer(task.train[0], truncation=True, max_length=task.max_length)
        rows: Any = [
            {"input_ids": ids, "attention_mask": mask, "labels": label}
            for ids, mask, label in zip(encoded["input_ids"], encoded["attention_mask"], task.train[1], strict=True)
        ]
        trainer = Trainer(
            model,
            TrainingArguments(
                output_dir=folder,
                num_train_epochs=epochs,
                per_device_train_batch_size=batch,
                seed=seed,
                bf16=device.kind == "cuda",
                use_cpu=device.kind == "cpu",
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=rows,
            processing_class=tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    seconds = time.perf_counter() - began
    return Outcome(seconds, _accuracy(model, tokenizer, task, device), _memory(device))


def _accuracy(model: nn.Module, tokenizer: Any, task: Task, device: Device) -> float:
    """Share of the held-out rows with the right label."""
    texts, labels = task.test
    predictor = Predictor(
        model, tokenizer, task.label_names, multi_label=False, max_length=task.max_length, device=device
    )
    return float(np.mean(predictor.predict(texts).argmax(axis=1) == labels))


def _start(device: Device) -> None:
    if device.kind == "cuda":
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _memory(device: Device) -> int:
    return int(torch.cuda.max_memory_allocated()) if device.kind == "cuda" else 0


def _matrix_rate() -> float:
    """Floating-point operations a second of a bf16 matrix product of 8,192 by 8,192, the best of ten."""
    one = torch.randn(8_192, 8_192, device="cuda", dtype=torch.bfloat16)
    best = float("inf")
    for _ in range(10):
        torch.cuda.synchronize()
        began = time.perf_counter()
        one @ one
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * 8_192**3 / best


def _operations(task: Task, base: str, epochs: int) -> float:
    """Floating-point operations of a training, forward and backward, on the tokens of the texts alone.

    6 a weight and token, and 12 a layer, hidden unit and pair of tokens in attention (Chowdhery et al. 2022, "PaLM",
    appendix B), embeddings left out.
    """
    with quiet_transformers():
        model: Any = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(task.label_names))
        lengths = [
            len(ids) for ids in encode(AutoTokenizer.from_pretrained(base), task.train[0], task.max_length).ids
        ]
    weights = sum(one.numel() for one in model.bert.encoder.parameters())
    attention = 12 * model.config.num_hidden_layers * model.config.hidden_size
    return float(epochs * sum(6 * weights * length + attention * length**2 for length in lengths))


def _add_rows(
    table: Table, task: Task, outcomes: dict[str, list[Outcome]], epochs: int, base: str, rate: float
) -> None:
    seen = len(task.train[0]) * epochs
    rates = {who: seen / statistics.mean(one.seconds for one in found) for who, found in outcomes.items()}
    work = _operations(task, base, epochs) if rate else 0.0
    for who, found in outcomes.items():
        accuracies = [100 * one.accuracy for one in found]
        spread = f" ± {statistics.stdev(accuracies):.1f}" if len(found) > 1 else ""
        table.add_row(
            f"{task.name}, {task.max_length} tokens",
            f"{len(task.train[0]):,}",
            who,
            f"{rates[who]:.1f}",
            f"{rates[who] / rates['Trainer']:.2f}",
            f"{statistics.mean(accuracies):.1f}{spread}",
            f"{max(one.memory for one in found) / 1e6:,.0f}" if rate else "–",
            f"{work / seen * rates[who] / rate:.0%}" if rate else "–",
        )


if __name__ == "__main__":
    main()
