"""A walk through certain reviews: in their order, decided or not, and none is passed over by an undo."""

from __future__ import annotations

from core.labelling.ahead import FETCHED
from core.labelling.session import LabellingSession
from tests.conftest import MakeProject

from .looking import step


def test_a_long_walk_is_fetched_in_portions_and_an_undo_passes_over_none(project: MakeProject) -> None:
    texts = [" ".join(f"w{number}{letter}" for letter in "abcdefgh") for number in range(3 * FETCHED)]
    session = LabellingSession(project(reviews=texts), "ann")
    wanted = list(range(3 * FETCHED, 0, -1))
    session.walk_through(wanted, "backwards")
    seen = []
    for number in range(len(wanted)):
        assert session.current is not None
        seen.append(session.current.review_id)
        session.give([1])
        if number == FETCHED + 3:
            step(session, session.undo)
            assert session.current is not None
            assert session.current.review_id == seen[-1]
            session.give([2])
    assert seen == wanted
    assert session.walk is None
    session.close()
