"""namesrv.conf: Java's keys, kinds and defaults."""

from __future__ import annotations

import pytest

from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.errors import ConfigError
from rmqwire.namesrv.config import (
    NamesrvConfig,
    allowed_networks,
    file_text,
    format_config,
    load_namesrv_config,
)
from rmqwire.namesrv.server import NameServer
from rmqwire.settings.environment import read_environment
from rmqwire.settings.key import HONOURED
from rmqwire.settings.rows.namesrv_conf import KEYS
from rmqwire.settings.rows.tls import TLS
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
    assert config.warnings == ["unknown keys, ignored: mystery"]
    assert config.release.name == "4.9.7"
    assert len(allowed_networks(config)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "listenPort=x", "listenPort=65536", "listenPort=-1", "orderMessageEnable=yes",
        "listenPort=1\\u0660", "scanNotActiveBrokerInterval=0", "bindAddress=a\\nb",
        "registerAllowList=nowhere", "rocketmqVersion=3.2.6", "a=\\u12", "bindAddress=" + "x" * 5000,
    ],
)  # fmt: skip
def test_nonsense_is_a_config_error(text):
    with pytest.raises(ConfigError):
        load_namesrv_config(text, "")


def test_paths_and_addresses_are_never_settable():
    forbidden = {"kvConfigPath", "configStorePath", "rocketmqHome", "configBlackList", "listenPort"}
    forbidden |= {"bindAddress", "registerAllowList", "protectBrokerAddress", "rocketmqVersion"}
    assert forbidden < set(KEYS)
    assert [name for name in forbidden if KEYS[name].live is not None] == []


def test_the_kept_file_is_read_back():
    text = "orderMessageEnable=true\nprotectBrokerAddress=false\nproductEnvName=a:b=c \\#d"
    config = load_namesrv_config(text, "/h")
    again = load_namesrv_config(file_text(config), "/elsewhere")
    assert format_config(again) == format_config(config)


def test_variables_win_over_the_file():
    variables = {"RMQWIRE_LISTEN_PORT": "1", "RMQWIRE_LISTEN_PROT": "2"}
    config = load_namesrv_config("listenPort=3", "/h", read_environment(variables, KEYS))
    assert config.listen_port == 1
    assert config.warnings == ["variables that are no settings, ignored: RMQWIRE_LISTEN_PROT"]


def test_defaults_of_the_class_are_those_of_the_table():
    config, plain = load_namesrv_config("", "/h"), NamesrvConfig()
    config.kv_config_path = config.config_store_path = ""
    assert config == plain
    assert config.release is DEFAULT_RELEASE


def test_an_honoured_key_is_an_attribute():
    of_tls = {key.attribute for key in TLS} | {"use_tls"}  # tests/settings/test_tls.py
    honoured = {key.attribute for key in KEYS.values() if key.kind == HONOURED} - of_tls
    ours = {"properties", "warnings", "tls"}
    assert honoured == set(NamesrvConfig.__struct_fields__) - ours


@pytest.mark.parametrize(
    "line",
    ["tls.server.mode=enforcing", "tls.server.certPath=/c", "tls.server.mode=on"],
)
def test_a_file_that_asks_for_tls_does_not_start_in_plain(line):
    with pytest.raises(ConfigError, match=r"tls\.|/c"):
        NameServer(load_namesrv_config(line, "/h"))


def test_a_password_stays_in_the_file_and_is_shown_to_nobody():
    text = "tls.server.keyPassword=canary\ntls.server.certPath=/c\n"
    config = load_namesrv_config(text, "/h")
    assert "canary" not in format_config(config)
    assert "tls.server.keyPassword=******\n" in format_config(config)
    assert load_namesrv_config(file_text(config), "/h").tls == config.tls


def test_keys_without_effect_are_named():
    config = load_namesrv_config("serverWorkerThreads=16\nenableControllerInNamesrv=true", "/h")
    assert config.warnings == [
        "enableControllerInNamesrv=true: no effect yet: a controller within the name server",
        "keys without meaning here, ignored: serverWorkerThreads",
    ]
