"""The Hugging Face `Trainer` as its examples use it: what a rehearsal is compared with. Needs accelerate."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from core.evaluate.rehearsed import scores
from core.training.base_model import LocatedModel
from core.training.device import Device
from core.training.predict import PredictionStopped, Predictor
from core.training.quiet import quiet_transformers
from core.training.rehearsal import Measured, Reviews, Tell
from core.training.targets import target_array

LEARNING_RATE, BATCH, EPOCHS = 5e-5, 16, 10
"""Its own default rate and twice its own batch, long enough to learn from some hundred reviews."""

LONGEST = 256
"""Tokens of a review that are looked at."""


class TrainerSession:
    """The `Trainer` on the same numbers of random labels: all of them are trained on, none measures."""

    def __init__(
        self,
        found: Reviews,
        test: Reviews,
        label_names: Sequence[str],
        multi_label: bool,
        budgets: Sequence[int],
        seed: int,
        located: LocatedModel,
        device: Device,
        tell: Tell = lambda _labels, _share: None,
    ) -> None:
        """Draw the order of the labels."""
        self._found, self._test, self._names, self._multi = found, test, list(label_names), multi_label
        self._budgets, self._seed, self._located, self._device, self._tell = budgets, seed, located, device, tell
        self._order = np.random.default_rng(seed).permutation(len(found.texts))
        self._seconds = 0.0

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Measured]:
        """Train anew and measure at each number of labels; ends when there are no more, or `should_stop` says so."""
        measured_at = 0
        for budget in self._budgets:
            places = self._order[:budget].tolist()
            if should_stop() or len(places) == measured_at:
                return
            measured_at = len(places)
            self._tell(len(places), 0.0)
            began = time.monotonic()
            model, tokenizer = self._trained(places, should_stop)
            self._seconds += time.monotonic() - began
            predictor = Predictor(
                model, tokenizer, self._names, multi_label=self._multi, max_length=LONGEST, device=self._device
            )
            try:
                said = predictor.predict(self._test.texts, should_stop=should_stop)
            except PredictionStopped:
                return
            found = scores(said, target_array(self._test.targets, len(self._names), self._multi))
            yield Measured(len(places), len(places), None, found, "tuned", found, self._seconds, budget)

    def _trained(self, places: list[int], should_stop: Callable[[], bool]) -> tuple[Any, Any]:
        torch.manual_seed(self._seed)
        with tempfile.TemporaryDirectory() as folder, quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(
                self._located.folder, local_files_only=True, trust_remote_code=False
            )
            model = AutoModelForSequenceClassification.from_pretrained(
                self._located.folder,
                num_labels=len(self._names),
                problem_type="multi_label_classification" if self._multi else "single_label_classification",
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
            trainer = Trainer(
                model,
                TrainingArguments(
                    output_dir=folder,
                    num_train_epochs=EPOCHS,
                    learning_rate=LEARNING_RATE,
                    per_device_train_batch_size=BATCH,
                    seed=self._seed,
                    bf16=self._device.kind == "cuda",
                    use_cpu=self._device.kind == "cpu",
                    save_strategy="no",
                    logging_strategy="no",
                    report_to="none",
                    disable_tqdm=True,
                ),
                train_dataset=self._rows(tokenizer, places),
                processing_class=tokenizer,
                callbacks=[_Watcher(lambda share: self._tell(len(places), share), should_stop)],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        return model, tokenizer

    def _rows(self, tokenizer: Any, places: list[int]) -> list[dict[str, Any]]:
        texts = [self._found.texts[place] for place in places]
        longest = min(LONGEST, tokenizer.model_max_length)
        encoded = tokenizer(texts, truncation=True, max_length=longest)
        targets = target_array([self._found.targets[place] for place in places], len(self._names), self._multi)
        return [
            {"input_ids": ids, "attention_mask": mask, "labels": target}
            for ids, mask, target in zip(
                encoded["input_ids"], encoded["attention_mask"], targets.tolist(), strict=True
            )
        ]


class _Watcher(TrainerCallback):  # type: ignore[misc]  # transformers is not type-checked
    """Tells how far a training is, and ends it when asked to."""

    def __init__(self, tell: Callable[[float], None], should_stop: Callable[[], bool]) -> None:
        self._tell, self._should_stop = tell, should_stop

    def on_step_end(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        del args
        self._tell(state.global_step / max(state.max_steps, 1))
        control.should_training_stop = control.should_training_stop or self._should_stop()
