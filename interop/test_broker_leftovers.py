"""Cold data, members of broadcasting groups behind a proxy, registration in pieces: beside Java's broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interop.processes import BROKER_PORTS, free_port, wait_until
from interop.replication import Servers
from interop.wire import ask, route_known
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    CreateTopicRequestHeader,
    PullMessageRequestHeader,
    SendMessageRequestHeader,
)

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin]

SIDES = ("java", "rmqwire")
UPDATE, REMOVE, INFO, MODE = range(2001, 2005)
COLD: list[tuple[int, dict[str, str] | None, bytes]] = [
    (INFO, None, b""),
    (UPDATE, None, b"g1=100\ng2=x\n"),
    (UPDATE, None, b""),
    (UPDATE, None, b"zeta=5\nalpha=7\n"),
    (INFO, None, b""),
    (REMOVE, None, b"g1"),
    (REMOVE, None, b"nope"),
    (INFO, None, b""),
    (MODE, None, b""),
    *((MODE, {"READ_AHEAD_MODE": mode}, b"") for mode in ("1", "0", "7", "x")),
]
PROXY_FOR_BROADCAST = 1


def both(servers: Servers, tmp_path: Path, **more: str) -> dict[str, str]:
    """Start a broker of each kind at one name server; return their addresses."""
    namesrv = servers.namesrv("java", tmp_path / "n").addr
    found = {}
    for kind in SIDES:
        conf = {"brokerName": f"b-{kind}", "listenPort": str(free_port(BROKER_PORTS)), **more}
        found[kind] = servers.broker(kind, tmp_path / kind, namesrv, conf).addr
    return {"namesrv": namesrv, **found}


def said(answer: RemotingCommand) -> tuple[Any, ...]:
    return answer.code, answer.remark, bytes(answer.body or b"")


def test_the_codes_of_cold_data_are_answered_as_by_java(servers: Servers, tmp_path: Path) -> None:
    addrs = both(servers, tmp_path)
    for code, fields, body in COLD:
        java, ours = (said(ask(addrs[kind], RemotingCommand(code, fields, body))) for kind in SIDES)
        assert ours == java, (code, fields, body)


def pull(offset: int, member: str) -> RemotingCommand:
    header = PullMessageRequestHeader(
        consumer_group="cg",
        topic="told",
        queue_id=0,
        queue_offset=offset,
        max_msg_nums=32,
        sys_flag=4,
        commit_offset=0,
        suspend_timeout_millis=1_000,
        subscription="*",
        sub_version=0,
        expression_type="TAG",
        request_source=PROXY_FOR_BROADCAST,
        proxy_froward_client_id=member,
    )
    return RemotingCommand.request(RequestCode.PULL_MESSAGE, header)


def prepare(addr: str) -> None:
    create = CreateTopicRequestHeader(
        topic="told", default_topic="TBW102", read_queue_nums=1, write_queue_nums=1, perm=6,
        topic_filter_type="SINGLE_TAG", topic_sys_flag=0, order=False,
    )  # fmt: skip
    assert ask(addr, RemotingCommand.request(17, create)).code == 0
    for number in range(5):
        header = SendMessageRequestHeader(
            producer_group="p", topic="told", default_topic="TBW102", default_topic_queue_nums=4,
            queue_id=0, sys_flag=0, born_timestamp=1, flag=0, properties="", reconsume_times=0,
            unit_mode=False, batch=False,
        )  # fmt: skip
        request = RemotingCommand.request(RequestCode.SEND_MESSAGE, header, b"m%d" % number)
        assert ask(addr, request).code == 0


def test_members_behind_a_proxy_are_sent_where_java_sends_them(
    servers: Servers, tmp_path: Path
) -> None:
    addrs = both(servers, tmp_path, autoCreateSubscriptionGroup="true")
    for kind in SIDES:
        prepare(addrs[kind])
    steps = ((-1, "a"), (0, "a"), (3, "a"), (-1, "a"), (1, "a"), (-1, "a"))
    for offset, member in steps:
        java, ours = (ask(addrs[kind], pull(offset, member)) for kind in SIDES)
        told = [
            (one.code, one.remark, (one.ext_fields or {}).get("nextBeginOffset"))
            for one in (java, ours)
        ]
        assert told[0] == told[1], (offset, member)


def test_java_s_name_server_takes_a_registration_in_pieces(
    servers: Servers, tmp_path: Path
) -> None:
    namesrv = servers.namesrv("java", tmp_path / "n").addr
    conf = {
        "brokerName": "pieces",
        "listenPort": str(free_port(BROKER_PORTS)),
        "enableSplitRegistration": "true",
        "splitRegistrationSize": "2",
    }
    servers.broker("rmqwire", tmp_path / "b", namesrv, conf)
    for topic in ("TBW102", "SELF_TEST_TOPIC", "BenchmarkTest", "pieces", "rmq_sys_wheel_timer"):
        wait_until(lambda topic=topic: route_known(namesrv, topic), f"the route of {topic}")
