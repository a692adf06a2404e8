"""What a number of labels buys: sets by numbers of labels by method, by rehearsal, mean and deviation over seeds.

    python -m tests.benchmarks.rehearsing run RESULTS.jsonl --data FOLDER [--sets cr,sst2] [--budgets 64,256,1024]
        [--seeds 3] [--methods labelloop,random,quick,probe,trainer,setfit] [--base MODEL] [--held-out N] [--ablation]
    python -m tests.benchmarks.rehearsing table RESULTS.jsonl [--score accuracy]

`--data` is a folder with a folder a set, `train.csv` and `test.csv` in each with the columns text and label, several
labels joined by “|”. Labels are given from train.csv; with `--held-out N` so many of its reviews are measured on
instead of test.csv, which is what anything is to be chosen by. What is measured is appended to the file of results at
once; the same command again goes on with the session that was cut off. Methods: `labelloop` (the default strategy,
both learners), `random` (the same in random order), `quick` (the quick learner alone), and on random labels `probe`
(logistic regression on the means of layers 3 to 6, needs scikit-learn), `trainer` (the Hugging Face Trainer, needs
accelerate) and `setfit` (needs setfit). `--ablation` adds labelloop with one of its ingredients left out at a time,
and to the table a second part with the difference that each makes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.evaluate.rehearsed import Row, rows, scores
from core.training.arguments import TrainingArguments
from core.training.base_model import LocatedModel, locate
from core.training.device import Device, choose_device
from core.training.quick.features import LAYERS, FeatureExtractor
from core.training.rehearsal import Measured, Plan, Reviews, Session
from core.training.targets import target_array
from core.worker.jobs.rehearsal_reviews import Material, of_files
from core.worker.requests import Rehearse

METHODS = ("labelloop", "random", "quick", "probe", "trainer", "setfit")

NEEDED = {"probe": "sklearn", "trainer": "accelerate", "setfit": "setfit"}
"""Packages that a method needs."""

PROBE_C = 0.003
"""The inverse strength of the probe's regularisation, on standardised features."""

SETFIT_PAIRS = {64: 20, 256: 5}
"""`num_iterations` up to so many labels; 1 above. Pairs grow with it, and its own default takes hours."""


@dataclass(frozen=True)
class Entry:
    """One line of the results."""

    set: str
    method: str
    seed: int
    budget: int
    labels: int
    scores: dict[str, float]
    seconds: float
    speaks: str = ""
    quick: dict[str, float] | None = None
    tuned: dict[str, float] | None = None


Change = Callable[[Plan], Plan]

ABLATION: dict[str, Change] = {
    "without the word list": lambda plan: replace(plan, word_list=False),
    "without the labels' names": lambda plan: replace(plan, name_vectors=None),
    "without the pool": lambda plan: _with(plan, pool_reviews=0),
    "first token, not the mean": lambda plan: _with(plan, pooling="first"),
    "all layers trained": lambda plan: _with(plan, freeze_layers=0, freeze_embeddings=False),
    "doubt alone, no covering": lambda plan: replace(plan, strategy="hybrid"),
    "margin, no diversity": lambda plan: replace(plan, strategy="margin"),
    "without an audit set": lambda plan: replace(plan, audit_every=0),
    "last layer's features": lambda plan: plan,
}
"""What is left out, each by itself. The features of the last layer are cut out in `_session`."""


def _with(plan: Plan, **arguments: Any) -> Plan:
    return replace(plan, arguments=replace(plan.arguments, **arguments))


def main() -> None:
    """Run, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure what is not measured yet")
    run.add_argument("results", type=Path)
    run.add_argument("--data", type=Path, required=True)
    run.add_argument("--sets", help="names separated by commas; else all")
    run.add_argument("--budgets", default="64,256,1024")
    run.add_argument("--seeds", type=int, default=3)
    run.add_argument("--methods", default="labelloop,random,quick,trainer")
    run.add_argument("--base", default="auto")
    run.add_argument("--held-out", type=int, help="measure on so many reviews of train.csv instead of test.csv")
    run.add_argument("--ablation", action="store_true")
    table = commands.add_parser("table", help="print what is measured")
    table.add_argument("results", type=Path)
    table.add_argument("--score", default="accuracy")
    wanted = parser.parse_args()
    if wanted.command == "table":
        show(_read(wanted.results), wanted.score)
    else:
        _run(wanted)


def _run(wanted: argparse.Namespace) -> None:
    methods = [name.strip() for name in wanted.methods.split(",") if name.strip()]
    if unknown := [name for name in methods if name not in METHODS]:
        raise SystemExit(f"No method is called {', '.join(unknown)}. There are {', '.join(METHODS)}.")
    for name, package in NEEDED.items():
        if name in methods and find_spec(package) is None:
            print(f"{name} is left out: {package} is not installed.")
            methods.remove(name)
    methods += [name for name in ABLATION if wanted.ablation]
    budgets = sorted(int(one) for one in wanted.budgets.split(","))
    sets = wanted.sets.split(",") if wanted.sets else sorted(at.parent.name for at in wanted.data.glob("*/train.csv"))
    device = choose_device()
    located = locate(wanted.base, device.kind != "cpu")
    print(f"{located.name}, {device.name}, {device.precision}; {', '.join(sets)}; {', '.join(methods)}")
    for name in sets:
        open_ = _open(wanted.results, name, methods, wanted.seeds, budgets)
        if not open_:
            continue
        material = _material(wanted.data / name, wanted.held_out)
        extractor = FeatureExtractor(located, device)
        found, test = _features(material, extractor)
        name_vectors = extractor.of_names(material.names)
        for method, seed in open_:
            missing = _missing(_read(wanted.results), name, method, seed, budgets)
            # From its beginning: which labels come at one budget, and the seconds, depend on the budgets before it.
            for measured in _session(method, material, found, test, name_vectors, budgets, seed, located, device):
                if measured.budget in missing:
                    _append(wanted.results, name, method, seed, measured)


def _open(results: Path, name: str, methods: list[str], seeds: int, budgets: list[int]) -> list[tuple[str, int]]:
    """Sessions of a set that have not measured at every budget yet; all methods of one seed before the next seed."""
    done = _read(results)
    each = [(method, seed) for seed in range(seeds) for method in methods]
    return [(method, seed) for method, seed in each if _missing(done, name, method, seed, budgets)]


def _missing(done: list[Entry], name: str, method: str, seed: int, budgets: list[int]) -> list[int]:
    """Budgets that are not measured yet; one beyond the data is, where the data ended before it."""
    mine = [entry for entry in done if (entry.set, entry.method, entry.seed) == (name, method, seed)]
    ended = min((entry.budget for entry in mine if entry.labels < entry.budget), default=None)
    known = {entry.budget for entry in mine}
    return [budget for budget in budgets if budget not in known and (ended is None or budget < ended)]


def _read(results: Path) -> list[Entry]:
    """The results so far; a last line that a killed run has cut off is not one."""
    if not results.exists():
        return []
    found = []
    for line in results.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Entry(**json.loads(line)))
        except ValueError:
            continue
    return found


def _append(results: Path, name: str, method: str, seed: int, found: Measured) -> None:
    quick, tuned = (asdict(one) if one is not None else None for one in (found.quick, found.tuned))
    entry = Entry(
        name,
        method,
        seed,
        found.budget,
        found.labels,
        asdict(found.scores),
        found.seconds,
        found.speaks,
        quick,
        tuned,
    )
    results.parent.mkdir(parents=True, exist_ok=True)
    before = results.read_bytes() if results.exists() else b""
    with results.open("a", encoding="utf-8") as file:
        file.write(("\n" if before and not before.endswith(b"\n") else "") + json.dumps(asdict(entry)) + "\n")
    print(f"{name} {method} seed {seed}: {found.labels} labels, {found.scores.accuracy:.3f}, {found.seconds:.0f} s")


# ---------------------------------------------------------------------- sessions


def _material(folder: Path, held_out: int | None) -> Material:
    request = Rehearse(file=str(folder / "train.csv"), text="text", label="label")
    if held_out is None:
        return of_files(replace(request, test=str(folder / "test.csv")))
    found = of_files(request)
    return replace(found, test=found.test.part(range(min(held_out, len(found.test.texts)))))


def _features(material: Material, extractor: FeatureExtractor) -> tuple[Reviews, Reviews]:
    return cast(
        tuple[Reviews, Reviews],
        tuple(
            Reviews(part.texts, material.targets(part), extractor.extract(part.texts))
            for part in (material.train, material.test)
        ),
    )


def _session(
    method: str,
    material: Material,
    found: Reviews,
    test: Reviews,
    name_vectors: NDArray[np.float16],
    budgets: list[int],
    seed: int,
    located: LocatedModel,
    device: Device,
) -> Iterator[Measured]:
    names, multi = material.names, material.multi
    if method == "trainer":
        from core.training.plain_trainer import TrainerSession

        return TrainerSession(found, test, names, multi, budgets, seed, located, device).run()
    if method == "probe":
        return _with_probe(found, test, names, multi, budgets, seed)
    if method == "setfit":
        return _with_setfit(material, found, test, budgets, seed, located)
    arguments = TrainingArguments(base_model=str(located.folder))
    plan = Plan(names, multi, budgets, seed=seed, arguments=arguments, name_vectors=name_vectors)
    if method == "random":
        plan = replace(plan, strategy="random")
    elif method == "quick":
        plan = replace(plan, train=False)
    elif method == "last layer's features":
        found, test = _last_layer(found), _last_layer(test)
    elif method in ABLATION:
        plan = ABLATION[method](plan)
    return Session(found, test, plan, device).run()


def _last_layer(reviews: Reviews) -> Reviews:
    """Only the means of the last layer, and the opinion."""
    width = (reviews.features.shape[1] - 1) // LAYERS
    return replace(reviews, features=reviews.features[:, -(width + 1) :])


def _with_probe(
    found: Reviews, test: Reviews, names: Sequence[str], multi: bool, budgets: list[int], seed: int
) -> Iterator[Measured]:
    """Logistic regression on the layers' means, without the word list's opinion, at random labels."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,import-not-found,unused-ignore]
    from sklearn.multiclass import OneVsRestClassifier  # type: ignore[import-untyped,import-not-found,unused-ignore]

    order = np.random.default_rng(seed).permutation(len(found.texts))
    targets = target_array(found.targets, len(names), multi)
    truth = target_array(test.targets, len(names), multi)
    pool = found.features[:, :-1].astype(np.float32)
    mean, deviation = pool.mean(axis=0), pool.std(axis=0) + 1e-6
    known, asked = (pool - mean) / deviation, (test.features[:, :-1].astype(np.float32) - mean) / deviation
    seconds = 0.0
    for budget in budgets:
        places = order[:budget]
        began = time.monotonic()
        model = LogisticRegression(C=PROBE_C, max_iter=1_000)
        model = (OneVsRestClassifier(model) if multi else model).fit(known[places], targets[places])
        seconds += time.monotonic() - began
        answer = model.predict_proba(asked)
        said = np.zeros((len(asked), len(names)), dtype=np.float32)
        said[:, slice(None) if multi else np.unique(targets[places])] = answer
        its = scores(said, truth)
        yield Measured(len(places), len(places), its, None, "quick", its, seconds, budget)


def _with_setfit(
    material: Material, found: Reviews, test: Reviews, budgets: list[int], seed: int, located: LocatedModel
) -> Iterator[Measured]:
    """SetFit at the same random labels, with its defaults but for the number of pairs."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments  # type: ignore[import-not-found,unused-ignore]

    order = np.random.default_rng(seed).permutation(len(found.texts))
    targets = target_array(found.targets, len(material.names), material.multi)
    truth, seconds = target_array(test.targets, len(material.names), material.multi), 0.0
    for budget in budgets:
        places = order[:budget]
        began = time.monotonic()
        model = SetFitModel.from_pretrained(
            str(located.folder), multi_target_strategy="one-vs-rest" if material.multi else None
        )
        pairs = next((pairs for labels, pairs in SETFIT_PAIRS.items() if budget <= labels), 1)
        data = Dataset.from_dict(
            {"text": [found.texts[at] for at in places], "label": targets[places].astype(int).tolist()}
        )
        with tempfile.TemporaryDirectory() as scratch:  # else it leaves a folder where the command was given
            wanted = TrainingArguments(output_dir=scratch, num_iterations=pairs, seed=seed)
            Trainer(model, wanted, train_dataset=data).train()
        seconds += time.monotonic() - began
        answer = np.asarray(model.predict_proba(list(test.texts), as_numpy=True), dtype=np.float32)
        said = answer
        if not material.multi:  # it knows the classes it has seen alone
            said = np.zeros((len(answer), len(material.names)), dtype=np.float32)
            said[:, np.unique(targets[places])] = answer
        its = scores(said, truth)
        yield Measured(len(places), len(places), None, its, "tuned", its, seconds, budget)


# ---------------------------------------------------------------------- the table


def show(entries: list[Entry], score: str) -> None:
    """Print sets by budgets by method; then, where some were left out, what each ingredient brings."""
    console = Console(width=max(118, Console().width))
    budgets = sorted({entry.budget for entry in entries})
    table = Table("set", "method", *(f"{budget:,} labels" for budget in budgets), "seeds", "seconds of training")
    measured: dict[tuple[str, str, int], Row] = {}
    for name in dict.fromkeys(entry.set for entry in entries):
        found = rows([entry for entry in entries if entry.set == name])
        measured |= {(name, row.method, row.budget): row for row in found}
        for method in dict.fromkeys(row.method for row in found):
            its = {row.budget: row for row in found if row.method == method}
            cells = [_told(its.get(budget), score) for budget in budgets]
            spent = ", ".join(f"{its[budget].seconds.mean:,.0f}" for budget in budgets if budget in its)
            seeds = ", ".join(str(its[budget].seeds) for budget in budgets if budget in its)
            table.add_row(name, method, *cells, seeds, spent)
        table.add_section()
    console.print(score, table)
    left_out = [name for name in ABLATION if any(entry.method == name for entry in entries)]
    if left_out:
        _show_ablation(console, measured, left_out, budgets, score)


def _told(row: Row | None, score: str) -> str:
    if row is None:
        return ""
    one = row.scores[score]
    scale = 1 if score == "log_loss" else 100
    off = "" if one.deviation is None else f" ±{scale * one.deviation:.1f}"
    return f"{scale * one.mean:.{3 if scale == 1 else 1}f}{off}"


def _show_ablation(
    console: Console, measured: dict[tuple[str, str, int], Row], left_out: list[str], budgets: list[int], score: str
) -> None:
    """Points lost without each ingredient, mean over the sets where both are measured."""
    table = Table("labelloop", *(f"{budget:,} labels" for budget in budgets), "sets")
    for method in left_out:
        cells, sets = [], set()
        for budget in budgets:
            lost = []
            for (name, whose, at), row in measured.items():
                whole = measured.get((name, "labelloop", budget))
                if whose == method and at == budget and whole is not None:
                    lost.append(row.scores[score].mean - whole.scores[score].mean)
                    sets.add(name)
            scale = 1 if score == "log_loss" else 100
            cells.append(f"{scale * sum(lost) / len(lost):+.2f}" if lost else "")
        table.add_row(method, *cells, str(len(sets)))
    console.print("\nDifference that leaving it out makes", table)


if __name__ == "__main__":
    main()
