"""Environment variables as settings."""

import pytest

from rmqwire.errors import ConfigError
from rmqwire.settings.environment import read_environment, variable_of
from rmqwire.settings.rows.broker_conf import KEYS
from rmqwire.settings.rows.namesrv_conf import KEYS as NAMESRV_KEYS


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("brokerName", "RMQWIRE_BROKER_NAME"),
        ("brokerIP1", "RMQWIRE_BROKER_IP1"),
        ("namesrvAddr", "RMQWIRE_NAMESRV_ADDR"),
        ("tls.server.mode", "RMQWIRE_TLS_SERVER_MODE"),
        ("kvConfigPath", "RMQWIRE_KV_CONFIG_PATH"),
    ],
)
def test_the_variable_of_a_key(key, variable):
    assert variable_of(key) == variable


@pytest.mark.parametrize("keys", [KEYS, NAMESRV_KEYS], ids=["broker", "namesrv"])
def test_no_two_keys_share_a_variable(keys):
    assert len({variable_of(key) for key in keys}) == len(keys)


def test_what_is_no_setting_is_named_and_empty_variables_are_unset():
    environ = {
        "PATH": "/bin",
        "RMQWIRE_BROKER_NAME": "a",
        "RMQWIRE_BROKER_ID": "",
        "RMQWIRE_BORKER_NAME": "b",
        "RMQWIRE_ADDRESS_FILE": "/tmp/addresses",
        "RMQWIRE_CACHE": "/tmp/cache",
    }
    found = read_environment(environ, KEYS)
    assert found.settings == {"brokerName": "a"}
    assert found.warnings() == ["variables that are no settings, ignored: RMQWIRE_BORKER_NAME"]
    assert read_environment({}, KEYS).warnings() == []


def test_the_advertised_host_is_told_to_clients_and_to_slaves_where_nothing_else_is():
    host = {"RMQWIRE_ADVERTISED_HOST": "mq.example.org"}
    found = read_environment(host, KEYS)
    assert found.settings == {"brokerIP1": "mq.example.org"}
    assert found.defaults == {"brokerIP2": "mq.example.org"}
    found = read_environment(host | {"RMQWIRE_BROKER_IP2": "10.0.0.1"}, KEYS)
    assert found.settings == {"brokerIP1": "mq.example.org", "brokerIP2": "10.0.0.1"}
    found = read_environment(host, NAMESRV_KEYS)  # of a broker with the same environment
    assert (found.settings, found.warnings()) == ({}, [])


def test_an_error_says_where_its_value_came_from():
    environment = read_environment({"RMQWIRE_LISTEN_PORT": "x"}, KEYS)
    error = ConfigError("listenPort=x: not a whole number")
    for path, told, said in (
        ("b.conf", (), "RMQWIRE_LISTEN_PORT: listenPort=x: not a whole number"),
        ("b.conf", {"listenPort"}, "b.conf: listenPort=x: not a whole number"),
        (None, {"listenPort"}, "listenPort=x: not a whole number"),
    ):
        assert str(environment.blamed(error, path, told)) == said
    other = ConfigError("registerAllowList: no network")
    assert str(environment.blamed(other, "n.conf")) == "n.conf: registerAllowList: no network"


def test_the_lane_s_switch_is_no_setting_of_a_file_and_no_mistake():
    found = read_environment({"RMQWIRE_LANE": "python"}, KEYS)
    assert (found.settings, found.unknown) == ({}, [])
