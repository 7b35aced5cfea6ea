"""The bar on the terminal: drawn in one line, ended by the last."""

from __future__ import annotations

from rmqwire.cli.recovery_bar import draw, recovery_bar
from rmqwire.store.events import RecoveryProgress

MIB = 1 << 20


def test_a_short_recovery_shows_nothing(capsys):
    draw(RecoveryProgress(MIB, 2 * MIB, 1), 999)
    assert capsys.readouterr().err == ""


def test_a_long_one_draws_a_line_and_ends_it(capsys):
    draw(RecoveryProgress(512 * MIB, 1024 * MIB, 500_000), 2000)
    draw(RecoveryProgress(1000 * MIB, 1024 * MIB, 900_000, finished=True), 4000)
    first, second = capsys.readouterr().err.split("\r")[1:]
    assert first.startswith(f"recovering [{'#' * 12}{'.' * 12}] 512 of at most 1,024 MiB")
    assert "256 MB/s" in first
    assert "\n" not in first
    assert second.endswith("\n")


def test_no_bar_where_there_is_no_terminal():
    assert recovery_bar() is None
