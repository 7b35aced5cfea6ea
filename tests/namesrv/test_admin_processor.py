"""KV tables and configuration by wire."""

from __future__ import annotations

import pytest

from rmqwire.codec import headers as h
from rmqwire.codec.codes import RequestCode as Code
from rmqwire.namesrv.config import format_config, load_namesrv_config
from tests.namesrv.support import Server


def test_kv_values_come_and_go(tmp_path):
    server = Server(home=str(tmp_path))
    put = h.PutKVConfigRequestHeader(namespace="NS", key="k", value="v")
    get = h.GetKVConfigRequestHeader(namespace="NS", key="k")
    assert server.ask(Code.GET_KV_CONFIG, get).remark == "No config item, Namespace: NS Key: k"
    assert server.ask(Code.PUT_KV_CONFIG, put).code == 0
    assert server.ask(Code.GET_KV_CONFIG, get).ext_fields == {"value": "v"}
    listed = server.ask(
        Code.GET_KVLIST_BY_NAMESPACE, h.GetKVListByNamespaceRequestHeader(namespace="NS")
    )
    assert listed.body == b'{"table":{"k":"v"}}'
    assert (tmp_path / "namesrv/kvConfig.json").exists()
    delete = h.DeleteKVConfigRequestHeader(namespace="NS", key="k")
    assert server.ask(Code.DELETE_KV_CONFIG, delete).code == 0
    assert server.ask(Code.GET_KV_CONFIG, get).code == 22
    none = server.ask(
        Code.GET_KVLIST_BY_NAMESPACE, h.GetKVListByNamespaceRequestHeader(namespace="X")
    )
    assert (none.code, none.remark) == (22, "No config item, Namespace: X")


def test_a_disk_that_refuses_is_told(tmp_path):
    (tmp_path / "namesrv").write_text("a file where the folder must be")
    server = Server(home=str(tmp_path))
    put = h.PutKVConfigRequestHeader(namespace="NS", key="k", value="v")
    assert server.ask(Code.PUT_KV_CONFIG, put).code == 1
    assert server.kv.table == {}


def test_keys_of_the_allow_list_are_set_and_kept():
    server = Server()
    answer = server.ask(
        Code.UPDATE_NAMESRV_CONFIG, body=b"orderMessageEnable=true\nwaitSecondsForService=7\n"
    )
    assert answer.code == 0
    assert (server.config.order_message_enable, server.config.wait_seconds_for_service) == (True, 7)
    (text,) = server.saved
    assert load_namesrv_config(text, "/elsewhere").order_message_enable
    assert b"orderMessageEnable=true\n" in server.ask(Code.GET_NAMESRV_CONFIG).body
    assert server.ask(Code.UPDATE_NAMESRV_CONFIG).code == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"kvConfigPath=/etc/cron.d/x", 16), (b"configStorePath=/x", 16), (b"rocketmqHome=/x", 16),
        (b"configBlackList=", 16), (b"bindAddress=0.0.0.0", 16), (b"listenPort=1", 16),
        (b"registerAllowList=", 16), (b"nobodyKnows=1", 16), (b"orderMessageEnable=perhaps", 16),
        (b"waitSecondsForService=-1", 16), (b"a=\\u12", 1), (b"\xff", 1),
        (b"productEnvName=a\\nkvConfigPath=/x", 16), (b"config\\u0053torePath=/x", 16),
    ],
)  # fmt: skip
def test_a_batch_with_anything_else_changes_nothing(body, code):
    server = Server()
    before = format_config(server.config)
    answer = server.ask(Code.UPDATE_NAMESRV_CONFIG, body=b"orderMessageEnable=true\n" + body)
    assert answer.code == code
    assert format_config(server.config) == before
    assert not server.saved


def test_what_cannot_be_kept_is_undone():
    server = Server()

    def refuse(text):
        raise OSError(28, "No space left on device")

    server.state.save_config = refuse
    assert server.ask(Code.UPDATE_NAMESRV_CONFIG, body=b"orderMessageEnable=true").code == 1
    assert server.config.order_message_enable is False
