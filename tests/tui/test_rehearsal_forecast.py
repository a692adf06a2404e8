"""The forecast as a person meets it: beside the review, among the runs, and in `status`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from core.storage.database import Database
from tests.conftest import MakeProject, learnable
from tests.storage.test_forecasting import rising
from tests.tui.conftest import screen_text, settle
from tui.app import LabelloopApp


@pytest.fixture
def database(project: MakeProject) -> Database:
    """A project whose quick learner has been measured at five numbers of labels."""
    made = project(reviews=[text for text, _ in learnable(250)])
    rising(made)
    made.close()
    return made


async def test_the_forecast_stands_beside_the_review_and_is_drawn_among_the_runs(database: Database) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot, app)
        await settle(pilot, app)
        shown = screen_text(app)
        assert "Time to target" in shown
        assert "more labels for" in shown
        await pilot.press("R")
        await settle(pilot, app)
        await settle(pilot, app)
        shown = screen_text(app)
        assert "80 % interval" in shown
        assert "● measured, audit set" in shown


def test_status_tells_it(database: Database) -> None:
    from tui.cli.main import app

    told = CliRunner().invoke(app, ["status", str(database.path)])
    assert told.exit_code == 0, told.output
    assert "Time to target: About" in told.stdout
    found = json.loads(CliRunner().invoke(app, ["status", str(database.path), "--json"]).stdout)["forecast"]
    assert found["outlook"] == "more labels help"
    assert [point["labels"] for point in found["points"]] == [20, 40, 80, 160, 320]
    assert found["gain"]["low"] <= found["gain"]["middle"] <= found["gain"]["high"]
