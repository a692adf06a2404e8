"""Requests and events cross the pipe unchanged; anything else is a WorkerError; the state is folded from events."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WorkerError
from core.worker import events, requests
from core.worker.state import BUSY, JobState, Phase, begin, fold, stopping

TEXT = st.text(st.characters(), max_size=30)
NUMBERS = st.floats(allow_nan=False)
JSON = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | NUMBERS | TEXT, max_size=4)
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    float: NUMBERS,
    bool: st.booleans(),
    int | None: st.none() | st.integers(),
    str | None: st.none() | TEXT,
    float | None: st.none() | NUMBERS,
    dict[str, Any]: JSON,
    dict[str, float]: st.dictionaries(TEXT, NUMBERS, max_size=4),
    dict[str, float] | None: st.none() | st.dictionaries(TEXT, NUMBERS, max_size=4),
    bool | None: st.none() | st.booleans(),
    list[float]: st.lists(NUMBERS, max_size=4),
    list[int]: st.lists(st.integers(), max_size=4),
    list[str]: st.lists(TEXT, max_size=4),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Instances of each class of a union, with any content."""
    return st.one_of(
        [
            st.builds(cls, **{name: BY_TYPE[hint] for name, hint in typing.get_type_hints(cls).items()})
            for cls in typing.get_args(kind)
        ]
    )


@given(event=any_of(events.Event))
def test_events_cross_the_pipe_unchanged(event: events.Event) -> None:
    line = events.to_line(event)
    assert "\n" not in line
    assert line.isascii()
    assert events.from_line(line) == event


@given(request=any_of(requests.Request))
def test_requests_cross_the_pipe_unchanged(request: requests.Request) -> None:
    line = requests.to_line(request)
    assert "\n" not in line
    assert requests.from_line(line) == request


@given(question=st.builds(requests.FindSimilar, review_id=st.integers(), count=st.integers()))
def test_questions_cross_the_pipe_unchanged(question: requests.FindSimilar) -> None:
    line = requests.question_to_line(question)
    assert "\n" not in line
    assert requests.question_from_line(line) == question


GARBAGE = [
    "", "Loading weights: 100%", "{", "[]", "null", "5", "{}", "\x00", '{"event": "Nonsense"}', '{"job": "dance"}',
    '{"event": "Finished"}', '{"event": ["Finished"]}', '{"job": null}', '{"job": "train"}',
    '{"event": "Noticed", "message": "x", "more": 1}', '{"job": "train", "project": "p", "more": 1}',
]  # fmt: skip


@pytest.mark.parametrize("line", GARBAGE)
def test_garbage_is_a_worker_error(line: str) -> None:
    with pytest.raises(WorkerError, match="no event"):
        events.from_line(line)
    with pytest.raises(WorkerError, match="no job"):
        requests.from_line(line)


@given(line=st.text())
def test_text_that_is_no_protocol_is_a_worker_error(line: str) -> None:
    for read in (events.from_line, requests.from_line):
        with pytest.raises(WorkerError):
            read(line)


# ---------------------------------------------------------------------- what is known of a job

LOADED = events.Loaded("bert", "a folder", "cpu", "fp32", 100, 80, 20, 3, 64, 50)
STEP = events.StepDone(7, 50, 0.5, 0.25, 120.0, 12.0)


def after(*happened: events.Event, job: str = "train") -> JobState:
    folded = begin(job)
    for event in happened:
        folded = fold(folded, event)
    return folded


def test_a_training_from_its_start_to_its_end() -> None:
    assert not JobState().busy
    assert (begin("train").phase, begin("train").busy, begin("train").share) == (Phase.STARTING, True, 0)
    started = after(events.Started("train", 3, "/log"))
    assert (started.phase, started.run_id, started.log) == (Phase.STARTING, 3, "/log")
    loaded = fold(started, LOADED)
    assert (loaded.phase, loaded.total, loaded.loaded) == (Phase.TRAINING, 50, LOADED)
    assert "3 longer ones are cut at 64 tokens" in loaded.message
    stepped = fold(fold(loaded, STEP), dataclasses.replace(STEP, step=8, loss=0.125))
    assert (stepped.share, stepped.loss, stepped.per_second, stepped.seconds_left) == (8 / 50, 0.125, 120.0, 12.0)
    assert stepped.losses == ((7, 0.25), (8, 0.125))
    scored = events.Evaluated(8, 1.0, 0.5, 0.9, True)
    assert fold(stepped, scored).evaluations == (scored,)
    noticed = fold(stepped, events.Noticed("Memory ran out."))
    assert (noticed.message, noticed.phase) == ("Memory ran out.", Phase.TRAINING)
    saved = fold(stepped, events.ModelSaved(3, "/models/run-3", "abc"))
    assert (saved.share, saved.seconds_left) == (0, None)
    suggesting = fold(saved, events.Progressed("suggesting", 10, 40, 5.0, 6.0))
    assert (suggesting.phase, suggesting.share, suggesting.seconds_left) == (Phase.WORKING, 0.25, 6.0)
    stored = fold(suggesting, events.SuggestionsStored(3, 40, True, "Suggestions come from run 3 now."))
    assert stored.message == "Suggestions come from run 3 now."
    finished = fold(stored, events.Finished(3, 60.0))
    assert (finished.phase, finished.busy, finished.seconds_left) == (Phase.FINISHED, False, None)
    assert finished.message == stored.message, "the last word stays to be read"


def test_a_resumed_training_and_its_cross_validation() -> None:
    resumed = after(events.Started("train", 3, "/log"), dataclasses.replace(LOADED, resumed_step=20))
    assert (resumed.step, resumed.resumed_step, resumed.checkpoint_step, resumed.share) == (20, 20, 20, 20 / 50)
    assert resumed.message.endswith("It goes on from step 20.")
    stepped = fold(resumed, dataclasses.replace(STEP, step=21, tokens_per_second=900.0, memory=2_000))
    stepped = fold(stepped, dataclasses.replace(STEP, step=22, tokens_per_second=800.0, memory=1_000))
    assert (stepped.tokens_per_second, stepped.memory) == (800.0, 2_000), "the highest memory counts"
    written = fold(stepped, events.CheckpointWritten(3, 22, "2025-01-01T00:00:00+00:00"))
    assert (written.checkpoint_step, written.checkpoint_at[:4], written.phase) == (22, "2025", Phase.TRAINING)
    parted = fold(fold(written, events.FoldDone(0, 5)), events.Progressed("cross-validating", 10, 100, 5.0, 9.0))
    assert (parted.phase, parted.fold, parted.folds, parted.share, parted.busy) == (
        Phase.CROSS_VALIDATING,
        0,
        5,
        0.1,
        True,
    )
    assert fold(parted, events.FoldDone(1, 5)).fold == 1
    assert fold(parted, events.StopHeard()).phase is Phase.STOPPING


def test_an_export() -> None:
    written = events.Exported("/out.csv", 5)
    done = after(events.Progressed("exporting", 5, 5, 1.0, 0.0), written, events.Finished(None, 1.0), job="export")
    assert (done.phase, done.exported, done.share) == (Phase.FINISHED, written, 1)


def test_a_job_asked_to_stop_stays_stopping_until_it_ends() -> None:
    asked = stopping(after(LOADED))
    for event in (STEP, LOADED, events.Progressed("suggesting", 1, 2, 1.0, 1.0), events.Noticed("x")):
        assert fold(asked, event).phase is Phase.STOPPING
        assert fold(asked, event).busy
    ended = fold(asked, events.Cancelled(3, "Stopped at step 7, as asked."))
    assert (ended.phase, ended.message, ended.busy) == (Phase.CANCELLED, "Stopped at step 7, as asked.", False)
    assert stopping(ended) == ended, "what has ended cannot be stopped"
    assert stopping(JobState()) == JobState()


def test_a_failure_keeps_its_sentence_and_a_log_to_look_at() -> None:
    failed = after(
        events.Started("train", 1, "/first.log"), events.Failed("TooFewLabels", "Too few.", "Label more.", "")
    )
    assert (failed.phase, failed.message, failed.log) == (Phase.FAILED, "Too few. Label more.", "/first.log")
    assert after(events.Failed("killed", "Gone.", "", "/its.log")).log == "/its.log"


@given(happened=st.lists(any_of(events.Event), max_size=8))
def test_whatever_happens_the_state_is_one_that_can_be_shown(happened: list[events.Event]) -> None:
    folded = after(*happened)
    assert isinstance(folded.share, float | int)
    assert folded.busy == (folded.phase in BUSY)
    if happened and isinstance(happened[-1], events.LAST):
        assert not folded.busy
    assert len(folded.losses) == sum(isinstance(event, events.StepDone) for event in happened)
