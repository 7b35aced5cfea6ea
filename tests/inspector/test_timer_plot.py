"""Pictures of timers."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from rmqwire.cli import main
from rmqwire.errors import UsageError
from rmqwire.inspector import timer_plot
from rmqwire.inspector.timer import timer_log_rows
from tests.store.timer.test_java_timers import unpack

PNG = b"\x89PNG"


@pytest.mark.parametrize("what", ["timerwheel", "timerlog"])
def test_timers_are_drawn(tmp_path, what):
    pytest.importorskip("matplotlib")
    store, picture = unpack("timer_after_run", tmp_path), tmp_path / "timers.png"
    result = CliRunner().invoke(main, ["inspect", what, str(store), "--plot", str(picture)])
    assert (result.exit_code, result.stdout) == (0, f"drawn into {picture}\n")
    assert picture.read_bytes().startswith(PNG)


@pytest.mark.parametrize("kind", [timer_plot.TimerWheelPlot, timer_plot.TimerLogPlot])
def test_nothing_to_draw_is_said(tmp_path, kind):
    pytest.importorskip("matplotlib")
    with pytest.raises(UsageError, match="there is no"):
        kind(tmp_path / "none.png").save()


def test_of_very_many_units_the_first_are_drawn(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(timer_plot, "MOST_UNITS", 5)
    plot = timer_plot.TimerLogPlot(tmp_path / "log.png")
    rows = list(timer_log_rows(unpack("timer_after_run", tmp_path)))
    assert len(list(plot.rows(rows))) == len(rows) > 5
    plot.save()
    assert len(plot._units) == 5
