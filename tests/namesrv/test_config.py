"""namesrv.conf: Java's keys, kinds and defaults."""

from __future__ import annotations

import pytest

from rmqwire.errors import ConfigError
from rmqwire.namesrv.config import (
    KEYS,
    SETTABLE,
    allowed_networks,
    file_text,
    format_config,
    load_namesrv_config,
)
from rmqwire.settings.environment import read_environment
from tests.support.golden import protocol_table


def test_every_key_of_java_is_known_with_its_default():
    table = protocol_table("namesrv_config_keys")
    config = load_namesrv_config("", "/home/x")
    effective = {"listenPort": 9876}  # NamesrvStartup sets it over the class's default
    shown = dict(line.split("=", 1) for line in format_config(config).splitlines())
    names = set()
    for row in table["NamesrvConfig"] + table["NettyServerConfig"]:
        java = row.get("both") or row.get("5.5.0")
        default = effective.get(row["name"], java["default"])
        text = str(default).lower() if isinstance(default, bool) else str(default)
        assert shown[row["name"]] == text.replace("${user.home}", "/home/x")
        names.add(row["name"])
    assert names == set(shown)


def test_values_are_read_by_kind():
    text = (
        "listenPort = 0\norderMessageEnable:true\nkvConfigPath=/a\\ b\nregisterAllowList=10.0.0.0/8"
    )
    config = load_namesrv_config(text + "\nmystery=1\nrocketmqVersion=4.9.7", "/h")
    assert (config.listen_port, config.order_message_enable) == (0, True)
    assert config.kv_config_path == "/a b"
    assert config.warnings == ["unknown key 'mystery' is ignored"]
    assert config.release.name == "4.9.7"
    assert len(allowed_networks(config)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "listenPort=x", "listenPort=65536", "listenPort=-1", "orderMessageEnable=yes",
        "listenPort=1\\u0660", "scanNotActiveBrokerInterval=0", "bindAddress=a\\nb",
        "registerAllowList=nowhere", "rocketmqVersion=3.2.6", "a=\\u12", "rocketmqHome=" + "x" * 5000,
    ],
)  # fmt: skip
def test_nonsense_is_a_config_error(text):
    with pytest.raises(ConfigError):
        load_namesrv_config(text, "")


def test_paths_and_addresses_are_never_settable():
    forbidden = {"kvConfigPath", "configStorePath", "rocketmqHome", "configBlackList", "listenPort"}
    forbidden |= {"bindAddress", "registerAllowList", "protectBrokerAddress", "rocketmqVersion"}
    assert not forbidden & SETTABLE
    assert forbidden < set(KEYS)


def test_the_kept_file_is_read_back():
    text = "orderMessageEnable=true\nprotectBrokerAddress=false\nproductEnvName=a:b=c \\#d"
    config = load_namesrv_config(text, "/h")
    assert load_namesrv_config(file_text(config), "/elsewhere") == config


def test_variables_win_over_the_file():
    variables = {"RMQWIRE_LISTEN_PORT": "1", "RMQWIRE_LISTEN_PROT": "2"}
    config = load_namesrv_config("listenPort=3", "/h", read_environment(variables, KEYS))
    assert config.listen_port == 1
    assert config.warnings == ["variables that are no settings, ignored: RMQWIRE_LISTEN_PROT"]
