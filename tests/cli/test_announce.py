"""What servers say at their start."""

import pytest

from rmqwire.broker.broker import BrokerAddresses
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.cli.announce import announce_broker, announce_namesrv, broker_warnings, is_loopback
from rmqwire.codec.native import is_native
from rmqwire.namesrv.config import load_namesrv_config


def loaded(tmp_path, **settings):
    base = {"brokerName": "b", "storePathRootDir": str(tmp_path), "brokerIP1": "127.0.0.1"}
    return load_broker_config(None, {**base, **settings})


def test_a_broker_says_where_it_is_and_where_its_data_lies(tmp_path, capsys):
    config = loaded(tmp_path, namesrvAddr="127.0.0.1:9876", listenPort="10911")
    announce_broker(
        config, BrokerAddresses(("127.0.0.1", 10911), ("127.0.0.1", 10909), ("127.0.0.1", 10912))
    )
    out, err = capsys.readouterr()
    assert "The broker[b, 127.0.0.1:10911] boot success." in out
    assert "name server is 127.0.0.1:9876" in out
    assert f"{'native' if is_native() else 'python'} lane, listens on" in out
    assert "listens on 127.0.0.1:10911, VIP port 10909, replication 127.0.0.1:10912" in out
    assert "tells clients 127.0.0.1:10911" in out
    assert f"data in {tmp_path}" in out
    assert err == ""


def test_a_name_server_open_to_others_is_warned_about_once(capsys):
    announce_namesrv(("0.0.0.0", 9876), load_namesrv_config("", "/h"))
    out, err = capsys.readouterr()
    assert "address 0.0.0.0:9876" in out
    assert err.count("warning") == 1
    announce_namesrv(("::1", 9876), load_namesrv_config("", "/h"))
    out, err = capsys.readouterr()
    assert "[::1]:9876" in out
    assert err == ""


@pytest.mark.parametrize(
    ("bound", "announced", "warnings"),
    [
        ("127.0.0.1", "127.0.0.1", []),
        ("0.0.0.0", "10.1.2.3", ["access control"]),
        ("0.0.0.0", "127.0.0.1", ["brokerIP1", "access control"]),
    ],
)
def test_warnings_of_reachability(tmp_path, bound, announced, warnings):
    config = loaded(tmp_path, namesrvAddr="127.0.0.1:9876", brokerIP1=announced)
    found = broker_warnings(config, bound)
    assert len(found) == len(warnings)
    assert all(part in text for part, text in zip(warnings, found, strict=True))


def test_a_broker_without_name_server_is_told_so(tmp_path, monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    (text,) = broker_warnings(loaded(tmp_path), "127.0.0.1")
    assert "no name server" in text


def test_loopback():
    assert is_loopback("localhost")
    assert is_loopback("[::1]")
    assert not is_loopback("broker.example")
