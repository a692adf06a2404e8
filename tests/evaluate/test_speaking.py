"""Which of two learners speaks: the one with the lower out-of-sample log-loss, unless a person has chosen."""

from __future__ import annotations

import pytest

from core.comparison import CLEARLY, speaks
from core.storage.quick_run import LOG_LOSS
from core.storage.tables import Run, RunKind, RunStatus
from core.storage.versions import CHOSEN


def run(number: int, kind: RunKind, log_loss: float | None, **metrics: object) -> Run:
    """A run with this measure."""
    known = {} if log_loss is None else {LOG_LOSS: log_loss}
    return Run(
        id=number, kind=kind, status=RunStatus.FINISHED, base_model="tiny", arguments={}, label_ids=[1, 2],
        metrics={**known, **metrics}, started_at="", process_id=1, process_started=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("quick", "tuned", "quick_takes_over", "tuned_takes_over"),
    [
        (0.40, 0.60, True, False),
        (0.60, 0.40, False, True),
        (0.50, 0.50, False, False),
        (0.50, 0.50 / (1 - CLEARLY) - 0.001, False, False),
        (0.50, 0.50 / (1 - CLEARLY) + 0.001, True, False),
        (0.50, None, False, True),
    ],
)
def test_the_lower_log_loss_speaks(
    quick: float, tuned: float | None, quick_takes_over: bool, tuned_takes_over: bool
) -> None:
    """The quick learner moves from label to label: it has to be clearly better, so that the two do not take turns."""
    by_quick, by_tuned = run(1, RunKind.QUICK, quick), run(2, RunKind.FINE_TUNED, tuned)
    assert speaks(by_quick, by_tuned)[0] is quick_takes_over
    assert speaks(by_tuned, by_quick)[0] is tuned_takes_over


def test_the_sentence_names_both_and_their_figures() -> None:
    quick, tuned = run(1, RunKind.QUICK, 0.4), run(2, RunKind.FINE_TUNED, 0.6)
    assert speaks(quick, tuned)[1] == (
        "Suggestions come from the quick learner now: its log-loss is 0.400, that of run 2 0.600."
    )
    assert speaks(tuned, quick)[1] == (
        "Suggestions still come from the quick learner: its log-loss is 0.400, that of run 2 0.600."
    )


def test_a_new_run_is_compared_with_the_quick_learner_on_the_reviews_that_measured_both() -> None:
    """While it was trained labelling went on, with reviews that the queue chose because they are hard."""
    quick = run(1, RunKind.QUICK, 0.5)
    taken, why = speaks(run(2, RunKind.FINE_TUNED, 0.42, quick_log_loss=0.4), quick)
    assert not taken
    assert why.endswith("its log-loss on the reviews that run 2 was measured on is 0.400, that of run 2 0.420.")
    better = run(2, RunKind.FINE_TUNED, 0.42, quick_log_loss=0.43)
    assert speaks(better, run(1, RunKind.QUICK, 0.3))[0]
    assert not speaks(run(1, RunKind.QUICK, 0.3), better)[0], "the two do not take turns"


def test_what_a_person_has_chosen_stays_until_a_better_training() -> None:
    chosen = run(2, RunKind.FINE_TUNED, 0.9, **{CHOSEN: True})
    taken, why = speaks(run(1, RunKind.QUICK, 0.1), chosen)
    assert not taken
    assert "a person has chosen" in why
    assert speaks(run(3, RunKind.FINE_TUNED, 0.1), run(1, RunKind.QUICK, 0.2, **{CHOSEN: True}))[0]
