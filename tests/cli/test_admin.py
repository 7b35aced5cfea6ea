"""``rmqwire admin`` against a broker in this process."""

from __future__ import annotations

import pytest
import trio
from click.testing import CliRunner

from rmqwire.cli import main
from rmqwire.cli.admin import show_ha_status
from rmqwire.cli.runner import Failure, Outcome, explained
from rmqwire.errors import RemotingError


async def shown(capsys, *args):
    await show_ha_status(*args, Outcome())
    return capsys.readouterr().out


async def test_ha_status_of_a_broker_and_of_a_cluster(cluster, capsys):
    by_cluster = await shown(capsys, None, "DefaultCluster", cluster.namesrv_addr, None)
    assert "#MasterCommitLogMaxOffset\t" in by_cluster
    addr = by_cluster.split("#MasterAddr\t")[1].split()[0]
    assert await shown(capsys, addr, "", "", None) == by_cluster
    two = f"127.0.0.1:1;{cluster.namesrv_addr}"
    assert await shown(capsys, None, "DefaultCluster", two, None) == by_cluster


async def test_a_live_view_prints_again_and_again(cluster, capsys):
    with trio.move_on_after(1.5):
        await shown(capsys, None, "DefaultCluster", cluster.namesrv_addr, 0.1)
    assert capsys.readouterr().out.count("#SlaveNum\t0") > 1


async def test_what_is_not_there_is_said(cluster, capsys):
    for name, namesrv, said in (
        ("Nowhere", cluster.namesrv_addr, "knows no master of a cluster Nowhere"),
        ("DefaultCluster", "127.0.0.1:1", "127.0.0.1:1"),
    ):
        with pytest.raises((ExceptionGroup, RemotingError)) as caught:
            await shown(capsys, None, name, namesrv, None)
        error = explained(caught.value)
        assert isinstance(error, Failure)
        assert said in str(error)


@pytest.mark.parametrize(
    ("args", "said"), [([], "Which one?"), (["-c", "x"], "-c needs a name server")]
)
def test_wrong_calls(args, said, monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    result = CliRunner().invoke(main, ["admin", "haStatus", *args])
    assert result.exit_code == 2
    assert said in result.output
