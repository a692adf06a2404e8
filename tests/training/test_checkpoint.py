"""A training that was stopped, or killed, goes on as if nothing had happened; other checkpoints are refused."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, BertTokenizerFast

from core.errors import CheckpointError
from core.training import checkpoint, checkpoint_folder
from core.training.arguments import TrainingArguments
from core.training.base_model import sha256
from core.training.device import Device
from core.training.loop import fine_tune
from core.training.progress import BatchHalved, CheckpointFailed, CheckpointWritten, Loaded, Progress, StepDone
from core.training.tuned import FineTuned, Stopped

from .reviews import separable
from .test_loop import digest, ignore, limit_memory, never

EXAMPLES = separable()


@pytest.fixture(scope="module")
def dropping(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """The tiny BERT with dropout, so that a training draws random numbers at every step."""
    folder = tmp_path_factory.mktemp("dropping")
    BertTokenizerFast.from_pretrained(tiny_bert).save_pretrained(folder)
    model = BertModel.from_pretrained(tiny_bert, hidden_dropout_prob=0.2)
    assert isinstance(model.config, BertConfig)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def arguments(quick: TrainingArguments, dropping: Path) -> TrainingArguments:
    return replace(quick, base_model=str(dropping), epochs=8, patience=None)


@pytest.fixture(scope="module")
def uninterrupted(dropping: Path) -> Callable[[TrainingArguments, Device], FineTuned]:
    """The model of a training that was left alone, trained once for each set of arguments."""
    trained: dict[str, FineTuned] = {}

    def model(arguments: TrainingArguments, device: Device) -> FineTuned:
        key = arguments.to_json()
        if key not in trained:
            trained[key] = fine_tune(EXAMPLES, arguments, ignore, never, device)
        return trained[key]

    return model


Uninterrupted = Callable[[TrainingArguments, Device], FineTuned]


def stop_at(step: int, arguments: TrainingArguments, device: Device, folder: Path, resume: bool = False) -> Stopped:
    """Train into `folder` until `step` optimiser steps are taken in all."""
    done = [0]

    def report(one: Progress) -> None:
        if isinstance(one, StepDone | Loaded):
            done[0] = one.step if isinstance(one, StepDone) else one.resumed_from

    with pytest.raises(Stopped) as caught:
        fine_tune(EXAMPLES, arguments, report, lambda: done[0] >= step, device, folder, resume)
    return caught.value


def go_on(arguments: TrainingArguments, device: Device, folder: Path) -> tuple[FineTuned, list[Progress]]:
    told: list[Progress] = []
    return fine_tune(EXAMPLES, arguments, told.append, never, device, folder, resume=True), told


def same(one: FineTuned, other: FineTuned) -> bool:
    """Weights, curves and probabilities, bit for bit."""
    return (
        digest(one) == digest(other)
        and one.history == other.history
        and one.validation_probabilities.tobytes() == other.validation_probabilities.tobytes()
        and (one.best_step, one.total_steps, one.temperature)
        == (other.best_step, other.total_steps, other.temperature)
    )


@pytest.mark.parametrize("dropout", [False, True])
def test_a_resumed_training_ends_bit_for_bit_like_one_never_stopped(
    arguments: TrainingArguments, quick: TrainingArguments, cpu: Device, tmp_path: Path, dropout: bool,
    uninterrupted: Uninterrupted,
) -> None:  # fmt: skip
    chosen = arguments if dropout else replace(quick, epochs=8)
    stopped = stop_at(8, chosen, cpu, tmp_path / "c")
    assert (stopped.step, stopped.resumable) == (8, True)
    torch.manual_seed(99)
    tuned, told = go_on(chosen, cpu, tmp_path / "c")
    assert same(tuned, uninterrupted(chosen, cpu))
    assert isinstance(told[0], Loaded)
    assert told[0].resumed_from == 8
    assert [one.step for one in told if isinstance(one, StepDone)] == list(range(9, 25))


def test_dropout_is_on_in_these_tests(arguments: TrainingArguments, quick: TrainingArguments, cpu: Device,
                                      uninterrupted: Uninterrupted) -> None:  # fmt: skip
    other = replace(quick, epochs=8, patience=None)
    assert digest(uninterrupted(arguments, cpu)) != digest(uninterrupted(other, cpu))


def test_a_resume_of_a_resume(
    arguments: TrainingArguments, cpu: Device, tmp_path: Path, uninterrupted: Uninterrupted
) -> None:
    """Stopped before the first evaluation, between two, and once more without a step in between."""
    for step in (4, 13, 13, 20):
        stopped = stop_at(step, arguments, cpu, tmp_path, resume=step > 4)
        assert (stopped.step, stopped.resumable) == (step, True)
        assert len(list(tmp_path.iterdir())) == 1
    assert same(go_on(arguments, cpu, tmp_path)[0], uninterrupted(arguments, cpu))


def test_stopped_in_the_middle_of_an_evaluation(
    arguments: TrainingArguments, cpu: Device, tmp_path: Path, uninterrupted: Uninterrupted
) -> None:
    asked = iter([False] * 10 + [True])
    with pytest.raises(Stopped) as caught:
        fine_tune(EXAMPLES, arguments, ignore, asked.__next__, cpu, tmp_path)
    assert (caught.value.step, caught.value.resumable, caught.value.best) == (10, True, None)
    assert same(go_on(arguments, cpu, tmp_path)[0], uninterrupted(arguments, cpu))


def test_the_size_of_the_parts_is_kept(
    arguments: TrainingArguments, cpu: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_memory(monkeypatch, 4)
    whole = fine_tune(EXAMPLES, arguments, ignore, never, cpu)
    stop_at(8, arguments, cpu, tmp_path)
    tuned, told = go_on(arguments, cpu, tmp_path)
    assert not [one for one in told if isinstance(one, BatchHalved)]
    assert digest(tuned) == digest(whole)


KILLED = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from core.training import checkpoint
from core.training.arguments import TrainingArguments
from core.training.device import choose_device
from core.training.loop import fine_tune
from core.training.progress import CheckpointWritten, StepDone
from tests.training.reviews import separable

def report(one):
    if isinstance(one, StepDone):
        print("step", one.step, flush=True)
        if one.step == 11:
            time.sleep(60)  # long enough to be killed in
    if isinstance(one, CheckpointWritten):
        print("checkpoint", one.step, flush=True)

device = replace(choose_device("cpu"), precision="fp32", threads=1)
clock = iter(range(10**9))
time.monotonic = lambda: next(clock)  # a checkpoint every few steps, whatever the machine is busy with
checkpoint.SHARE = 1e9
fine_tune(separable(), TrainingArguments.from_json(sys.argv[1]), report, lambda: False, device, Path(sys.argv[2]),
          checkpoint_seconds=15)
"""


def test_killed_between_two_checkpoints(
    arguments: TrainingArguments, cpu: Device, tmp_path: Path, uninterrupted: Uninterrupted
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, arguments.to_json(), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] not in ("step 11", ""):
        lines.append(process.stdout.readline().strip())
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL
    process.stdout.close()
    written = [int(line.split()[1]) for line in lines if line.startswith("checkpoint")]
    assert len(written) > 1
    assert written[-1] < 11
    tuned, told = go_on(arguments, cpu, tmp_path)
    assert isinstance(told[0], Loaded)
    assert told[0].resumed_from == written[-1]
    assert same(tuned, uninterrupted(arguments, cpu))


def test_killed_before_the_first_checkpoint_starts_anew(
    arguments: TrainingArguments, cpu: Device, tmp_path: Path, uninterrupted: Uninterrupted
) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / ".0a1b2c3d.part").mkdir()
    tuned, told = go_on(arguments, cpu, tmp_path / "half")
    assert isinstance(told[0], Loaded)
    assert told[0].resumed_from == 0
    assert same(tuned, uninterrupted(arguments, cpu))


def test_checkpoints_come_by_time_and_change_nothing(
    arguments: TrainingArguments, cpu: Device, tmp_path: Path, uninterrupted: Uninterrupted
) -> None:
    told: list[Progress] = []
    tuned = fine_tune(EXAMPLES, arguments, told.append, never, cpu, tmp_path, checkpoint_seconds=0.0)
    written = [one for one in told if isinstance(one, CheckpointWritten)]
    assert written
    assert len(list(tmp_path.iterdir())) == 1
    assert same(tuned, uninterrupted(arguments, cpu))
    checkpoint_folder.discard(tmp_path)
    assert not tmp_path.exists()


def test_without_a_folder_a_stopped_training_cannot_be_resumed(arguments: TrainingArguments, cpu: Device) -> None:
    with pytest.raises(Stopped) as caught:
        fine_tune(EXAMPLES, arguments, ignore, lambda: True, cpu)
    assert not caught.value.resumable


@pytest.fixture(scope="module")
def stopped_folder(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> tuple[Path, TrainingArguments]:
    """A folder with a checkpoint of the fifth step, and the arguments it is of; tests copy it."""
    from core.training.device import choose_device

    folder = tmp_path_factory.mktemp("stopped")
    cpu = replace(choose_device("cpu"), precision="fp32", threads=1)
    arguments = TrainingArguments(base_model=str(tiny_bert), epochs=4, freeze_embeddings=False, fewest_validation=1)
    stop_at(5, arguments, cpu, folder)
    return folder, arguments


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def refused(folder: Path, arguments: TrainingArguments, cpu: Device, **changed: object) -> CheckpointError:
    """The error of a resume, which must leave the folder as it is."""
    before = contents(folder)
    examples = replace(EXAMPLES, **changed)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError) as caught:
        fine_tune(examples, arguments, ignore, never, cpu, folder, resume=True)
    assert contents(folder) == before
    assert "resum" in caught.value.remedy
    return caught.value


def test_another_training_is_refused(
    stopped_folder: tuple[Path, TrainingArguments], cpu: Device, tiny_bert: Path, tmp_path: Path
) -> None:
    folder, arguments = stopped_folder
    other = replace(arguments, learning_rate=2e-4, steps=7)
    assert "other arguments: steps None, now 7, learning_rate None, now 0.0002" in str(refused(folder, other, cpu))
    labels = [1 - int(str(label)) for label in EXAMPLES.train_labels]
    for changed in (
        {"train_labels": labels},
        {"validation_texts": list(reversed(EXAMPLES.validation_texts))},
        {"label_names": ["good", "bad"]},
    ):
        assert "is of other reviews, labels or classes" in str(refused(folder, arguments, cpu, **changed))
    assert "computed otherwise (cpu in fp32, now cpu in bf16)" in str(
        refused(folder, arguments, replace(cpu, precision="bf16"))
    )
    weights = load_file(tiny_bert / "model.safetensors")
    original = (tiny_bert / "model.safetensors").read_bytes()
    try:
        save_file(
            {name: one + 1e-3 for name, one in weights.items()}, tiny_bert / "model.safetensors", {"format": "pt"}
        )
        assert "starts from another base model" in str(refused(folder, arguments, cpu))
    finally:
        (tiny_bert / "model.safetensors").write_bytes(original)
    tuned, _ = go_on(arguments, cpu, folder)
    assert tuned.total_steps == 12


def flip(name: str) -> Callable[[Path], None]:
    def change(checkpoint: Path) -> None:
        content = bytearray((checkpoint / name).read_bytes())
        content[len(content) // 2] ^= 1
        (checkpoint / name).write_bytes(content)

    return change


def signed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """A state.json that somebody else wrote, with digests that are right."""

    def write(checkpoint: Path) -> None:
        state = json.loads((checkpoint / "state.json").read_text())
        change(state)
        (checkpoint / "state.json").write_text(json.dumps(state))
        names = ("tensors.safetensors", "state.json")
        sums = [f"{sha256(checkpoint / name)}  {name}\n" for name in names]
        (checkpoint / "SHA256SUMS").write_text("".join(sums))

    return write


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (flip("tensors.safetensors"), "tensors.safetensors is not as it was written"),
        (flip("state.json"), "state.json is not as it was written"),
        (lambda one: (one / "tensors.safetensors").write_bytes(b""), "tensors.safetensors is not as it was written"),
        (lambda one: (one / "tensors.safetensors").unlink(), "is damaged: .*No such file"),
        (lambda one: (one / "SHA256SUMS").unlink(), "is damaged: .*No such file"),
        (lambda one: (one / "SHA256SUMS").write_text(""), "tensors.safetensors is not as it was written"),
        (signed(lambda state: state.pop("facts")), "is damaged: KeyError"),
        (signed(lambda state: state["facts"].update(place=99)), "is damaged: ValueError"),
        (signed(lambda state: state["identity"].update(format=2)), "another version"),
        (signed(lambda state: state.pop("identity")), "another version"),
    ],
)
def test_a_damaged_checkpoint_is_refused(
    stopped_folder: tuple[Path, TrainingArguments],
    cpu: Device,
    tmp_path: Path,
    damage: Callable[[Path], None],
    sentence: str,
) -> None:
    folder, arguments = stopped_folder
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    newest = checkpoint_folder.newest(copy)
    assert newest is not None
    damage(newest)
    with pytest.raises(CheckpointError, match=sentence):
        raise refused(copy, arguments, cpu)


def test_a_full_disk_costs_only_the_new_checkpoint(
    arguments: TrainingArguments,
    cpu: Device,
    tmp_path: Path,
    uninterrupted: Uninterrupted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the sixth step on no file can grow beyond 60 kB, as the system sees to."""
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)
    told: list[Progress] = []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def report(one: Progress) -> None:
        told.append(one)
        if isinstance(one, StepDone) and one.step == 6:
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))

    try:
        tuned = fine_tune(EXAMPLES, arguments, report, never, cpu, tmp_path, checkpoint_seconds=0.0)
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        written = [one.step for one in told if isinstance(one, CheckpointWritten)]
        failed = [one for one in told if isinstance(one, CheckpointFailed)]
        assert (written, failed) == ([1, 2, 3, 4, 5], [CheckpointFailed(6, "File too large")])
        assert same(tuned, uninterrupted(arguments, cpu))
        assert len(list(tmp_path.iterdir())) == 1
        again, more = go_on(arguments, cpu, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(more[0], Loaded)
    assert more[0].resumed_from == 5
    assert same(again, tuned)


def test_nothing_in_a_checkpoint_is_code(stopped_folder: tuple[Path, TrainingArguments]) -> None:
    newest = checkpoint_folder.newest(stopped_folder[0])
    assert newest is not None
    assert {file.name for file in newest.iterdir()} == {"tensors.safetensors", "state.json", "SHA256SUMS"}
    check = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=newest, capture_output=True, check=False)
    assert check.returncode == 0
    assert json.loads((newest / "state.json").read_text())["identity"]["arguments"] == asdict(stopped_folder[1])
    assert "exp_avg_sq.classifier.weight" in load_file(newest / "tensors.safetensors")


def test_a_folder_that_cannot_be_written_stops_nothing(
    arguments: TrainingArguments, cpu: Device, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    told: list[Progress] = []
    asked = iter([False] * 3 + [True]).__next__
    with pytest.raises(Stopped) as caught:
        fine_tune(EXAMPLES, arguments, told.append, asked, cpu, tmp_path / "file" / "c", checkpoint_seconds=0.0)
    assert (caught.value.step, caught.value.resumable) == (3, False)
    assert [one.reason for one in told if isinstance(one, CheckpointFailed)] == ["Not a directory"]


def test_a_training_that_starts_anew_leaves_the_old_checkpoint_until_it_has_one(
    stopped_folder: tuple[Path, TrainingArguments], cpu: Device, tmp_path: Path
) -> None:
    folder, arguments = stopped_folder
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    before = contents(copy)
    other = replace(arguments, seed=3)
    with pytest.raises(CheckpointError):
        go_on(other, cpu, copy)
    assert contents(copy) == before
    assert stop_at(2, other, cpu, copy).resumable
    assert [one.name for one in copy.iterdir()] == ["checkpoint-000002"]
    _, told = go_on(other, cpu, copy)
    assert isinstance(told[0], Loaded)
    assert told[0].resumed_from == 2
