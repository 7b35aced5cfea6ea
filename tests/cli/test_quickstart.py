"""The main job, small."""

import pytest
import trio

from rmqwire.cli.local_cluster import LocalSettings, serve_local_cluster
from rmqwire.cli.quickstart import Run, report, run_quickstart
from rmqwire.cli.runner import Outcome
from rmqwire.errors import BrokerError
from rmqwire.producer.producer import Producer


async def test_every_body_comes_back_twice_over_one_folder(tmp_path, capsys):
    data = tmp_path / "data"
    for run_id in ("first", "second"):
        this, outcome = Run(run_id, 300), Outcome()
        await run_quickstart(LocalSettings(data), this, 20, outcome)
        assert outcome.code == 0
        assert this.received == set(range(300))
    out, err = capsys.readouterr()
    assert out.count("every message came, every body equals what was sent") == 2
    assert "sent      300 of 300" in out
    assert str(data / "store") in out
    assert err == ""
    assert not (data / "store" / "abort").exists()


class Came:
    def __init__(self, body):
        self.body = body


def test_bodies_are_judged():
    this = Run("now", 3)
    for body in (this.body(0), this.body(0), this.body(1)[:-1], b"now 7 x", b"\xff", b"before 1 x"):
        this.arrived(Came(body))
    assert (this.received, this.again, this.wrong, this.of_earlier_runs) == ({0}, 1, 2, 2)
    assert (this.missing, this.good) == (2, False)


def test_bodies_differ():
    this = Run("now", 500)
    assert len({this.body(number) for number in range(500)}) == 500


async def test_what_is_missing_is_said(tmp_path, nursery):
    cluster = await nursery.start(serve_local_cluster, LocalSettings(tmp_path / "data"))
    this = Run("now", 5, sent=4, failed=["broker busy"], received={1, 2})
    lines = list(report(this, cluster))
    assert "result    NOT COMPLETE: 3 missing, 0 wrong, 1 failed" in lines
    assert "failed    broker busy" in lines


async def test_a_failed_send_ends_it_with_code_1(tmp_path, monkeypatch):
    async def send(self, message):
        raise BrokerError(14, "service not available now")

    monkeypatch.setattr(Producer, "send", send)
    outcome = Outcome()
    with trio.fail_after(10):
        await run_quickstart(LocalSettings(tmp_path / "data"), Run("x", 10), 5, outcome)
    assert outcome.code == 1


@pytest.mark.parametrize("total", [1])
async def test_one_message(tmp_path, total):
    outcome = Outcome()
    await run_quickstart(LocalSettings(tmp_path / "data"), Run("x", total), 10, outcome)
    assert outcome.code == 0
