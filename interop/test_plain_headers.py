"""A Java client without smart messages: SEND_MESSAGE and SEND_REPLY_MESSAGE instead of their V2."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from interop.checks import all_of_it
from interop.client_program import ClientError
from interop.conftest import Rmqwire
from interop.peer import Peer
from interop.processes import wait_until

PLAIN = "-Dorg.apache.rocketmq.client.sendSmartMsg=false"


def answered(peer: Peer, namesrv: str, topic: str) -> bool:
    """Ask once; an answer that Java can't send, for lack of a way back, is lost."""
    try:
        return peer.call("rpc-request", namesrv, topic, "one", 5000) == [{"answer": "Java: one"}]
    except ClientError:
        return False


@pytest.mark.optin("5.5.0")  # it shows the same
def test_messages_and_replies_with_full_names(
    rmqwire: Rmqwire, version: str, tmp_path: Path
) -> None:
    namesrv, name = rmqwire.namesrv.addr, uuid.uuid4().hex[:8]
    plain = Peer(version, "JSON", tmp_path, [PLAIN])
    try:
        made = plain.produce(namesrv, f"P_{name}", 1, seed=99)
        with plain.consume(namesrv, f"P_{name}") as consumer:
            sent = plain.produce(namesrv, f"P_{name}", 20)
            all_of_it(made + sent, consumer.take(21))
        plain.call("rpc-serve", name, namesrv, f"rpc_{name}", f"P_{name}")
        wait_until(lambda: answered(plain, namesrv, f"P_{name}"), "an answer", 60)
        plain.call("rpc-stop", name)
    finally:
        plain.stop()
