"""``rmqwire admin`` against a broker in this process."""

from __future__ import annotations

import pytest
import trio
from click.testing import CliRunner

from rmqwire.broker_errors import RequestCodeNotSupported
from rmqwire.cli import main
from rmqwire.cli.admin.broker_status import show_broker_status
from rmqwire.cli.admin.ha_status import show_ha_status
from rmqwire.cli.admin.health import ask_health
from rmqwire.cli.local_cluster import LocalSettings, serve_local_cluster
from rmqwire.cli.runner import Failure, Outcome, explained
from rmqwire.errors import RemotingError


async def shown(capsys, addr, cluster, namesrv, interval):
    await show_ha_status(addr, cluster, namesrv, interval, Outcome())
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
        ("Nowhere", cluster.namesrv_addr, "knows no such broker of a cluster Nowhere"),
        ("DefaultCluster", "127.0.0.1:1", "127.0.0.1:1"),
    ):
        with pytest.raises((Failure, RemotingError)) as caught:
            await shown(capsys, None, name, namesrv, None)
        error = explained(caught.value)
        assert isinstance(error, Failure)
        assert said in str(error)


async def test_ha_status_of_a_broker_that_knows_none(nursery, tmp_path, capsys):
    conf = tmp_path / "broker.conf"
    conf.write_text("rocketmqVersion=4.9.7\nbrokerName=a\nmappedFileSizeCommitLog=1048576\n")
    settings = LocalSettings(tmp_path / "data", config_file=str(conf))
    old = await nursery.start(serve_local_cluster, settings)
    addr = old.loaded.broker.broker_addr
    said = await shown(capsys, addr, "", "", None)
    assert f"#BrokerAddr\t{addr}\n#CommitLogMaxOffset\t0\n" in said
    assert "V4_9_7 doesn't tell its slaves' progress: compare commitLogMaxOffset" in said


async def test_broker_status_of_a_broker_and_of_a_cluster(cluster, capsys):
    outcome = Outcome()
    addr = cluster.loaded.broker.broker_addr
    await show_broker_status(addr, "", "", outcome)
    one = capsys.readouterr().out.splitlines()
    assert "brokerVersionDesc               : V5_5_0" in one
    await show_broker_status(None, "DefaultCluster", cluster.namesrv_addr, outcome)
    for line, same in zip(capsys.readouterr().out.splitlines(), one, strict=True):
        assert line.startswith(f"{addr:<24} {same.partition(':')[0]}")
    assert outcome.code == 0


async def test_servers_that_answer_are_healthy_and_others_are_not(cluster, capsys, tmp_path):
    broker, namesrv = cluster.loaded.broker.broker_addr, cluster.namesrv_addr
    file = tmp_path / "addresses"
    file.write_text(f"namesrv {namesrv}\nbroker {broker}\n")
    for servers in ([("broker", broker), ("namesrv", namesrv)], []):
        await ask_health(servers, file, Outcome())
        told = sorted(capsys.readouterr().out.splitlines())
        assert told == [f"broker {broker} answers", f"namesrv {namesrv} answers"]
    for server, said in (
        (("broker", namesrv), f"not supported  BROKER: {namesrv}"),
        (("broker", "127.0.0.1:1"), "127.0.0.1:1"),
    ):
        with pytest.raises((RequestCodeNotSupported, RemotingError)) as caught:
            await ask_health([server], None, Outcome())
        assert said in str(explained(caught.value))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["haStatus"], "Which one?"),
        (["brokerStatus"], "Which one?"),
        (["health"], "Which one?"),
        (["haStatus", "-c", "x"], "-c needs a name server"),
        (["brokerStatus", "-c", "x"], "-c needs a name server"),
    ],
)
def test_wrong_calls(args, said, monkeypatch):
    for name in ("NAMESRV_ADDR", "RMQWIRE_ADDRESS_FILE"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(main, ["admin", *args])
    assert result.exit_code == 2
    assert said in result.output
