"""The file in which a running server says where to reach it."""

import pytest

from rmqwire.cli.address_file import BROKER, NAMESRV, addresses_in, read_addresses
from rmqwire.cli.runner import Failure


def test_addresses_are_there_while_the_servers_run_and_reachable_from_here(tmp_path):
    path = tmp_path / "addresses"
    servers = [
        (NAMESRV, ("127.0.0.1", 9876)),
        (BROKER, ("0.0.0.0", 10911)),
        (BROKER, ("::", 10921)),
        (BROKER, ("fe80::1", 10931)),
    ]
    with addresses_in(path, servers):
        assert read_addresses(path) == [
            ("namesrv", "127.0.0.1:9876"),
            ("broker", "127.0.0.1:10911"),
            ("broker", "[::1]:10921"),
            ("broker", "[fe80::1]:10931"),
        ]
    assert not path.exists()


def test_a_server_serves_without_its_file(tmp_path, capsys):
    with addresses_in(tmp_path / "none" / "addresses", [(BROKER, ("127.0.0.1", 1))]):
        pass
    assert "can't be written: No such file or directory" in capsys.readouterr().err
    with addresses_in(None, [(BROKER, ("127.0.0.1", 1))]):
        assert list(tmp_path.iterdir()) == []


def test_without_a_file_no_server_runs(tmp_path):
    with pytest.raises(Failure, match="no server runs: there is no "):
        read_addresses(tmp_path / "addresses")


@pytest.mark.parametrize("text", [b"", b"broker\n", b"router 127.0.0.1:1\n", b"\xff"])
def test_another_file_is_not_taken_for_one(text, tmp_path):
    path = tmp_path / "addresses"
    path.write_bytes(text)
    with pytest.raises(Failure, match="no file of addresses"):
        read_addresses(path)
