from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.broker.settings.load import Machine, load_broker_config
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import ConfigError
from rmqwire.settings.held import HeldSettings
from rmqwire.settings.rows.broker_conf import KEYS
from rmqwire.settings.tls import ClientTls, ServerTls
from rmqwire.store.config import StoreConfig

MACHINE = Machine({}, "/home/mq", lambda: "host-1", lambda: ["127.0.0.1", "10.1.2.3"])


def load(tmp_path: Path, text: str, **overrides: str) -> LoadedConfig:
    path = tmp_path / "broker.conf"
    path.write_text(text)
    return load_broker_config(str(path), overrides, MACHINE)


def test_defaults_without_a_file():
    loaded = load_broker_config(None, machine=MACHINE)
    broker = loaded.broker
    assert loaded.warnings == []
    assert loaded.release is V5_5_0
    assert (broker.broker_name, broker.broker_cluster_name) == ("host-1", "DefaultCluster")
    assert broker.broker_addr == "10.1.2.3:10911"
    assert broker.ha_server_addr == "10.1.2.3:10912"
    assert broker.vip_port == 10909
    assert loaded.store.ha_listen_port == 10912
    assert loaded.store.store_path_root_dir == "/home/mq/store"
    assert broker.broker_config_path is None


def test_the_quick_start_file_of_rocketmq(tmp_path):
    text = """
# as it comes with a release
brokerClusterName = DefaultCluster
brokerName = broker-a
brokerId = 0
deleteWhen = 04
fileReservedTime = 48
brokerRole = ASYNC_MASTER
flushDiskType = ASYNC_FLUSH
"""
    loaded = load(tmp_path, text)
    assert loaded.broker.broker_name == "broker-a"
    assert loaded.store.file_reserved_time == 48
    assert loaded.warnings == []


def test_values_reach_broker_and_store(tmp_path):
    text = (
        "listenPort=20911\nmappedFileSizeCommitLog=4194304\nflushDiskType=SYNC_FLUSH\n"
        "brokerIP1=127.0.0.1\nbrokerRole=SYNC_MASTER\nenableCreateSysGroup=FALSE\n"
    )
    loaded = load(tmp_path, text)
    assert (loaded.broker.listen_port, loaded.broker.ha_port) == (20911, 20912)
    assert loaded.store.mapped_file_size_commit_log == 4194304
    assert loaded.store.flush_disk_type == "SYNC_FLUSH"
    assert (loaded.broker.broker_role, loaded.store.broker_role) == ("SYNC_MASTER",) * 2
    assert loaded.broker.enable_create_sys_group is False
    assert loaded.broker.broker_config_path == str(tmp_path / "broker.conf")


def test_the_command_line_wins_over_file_and_environment(tmp_path):
    machine = Machine({"NAMESRV_ADDR": "10.0.0.1:9876"}, "/h", lambda: "h", list)
    assert load_broker_config(None, machine=machine).broker.namesrv_addr == "10.0.0.1:9876"
    machine.environ["NAMESRV_ADDR"] = "10.0.0.1"
    with pytest.raises(ConfigError, match=r"namesrvAddr=10\.0\.0\.1: The Name Server Address"):
        load_broker_config(None, machine=machine)
    loaded = load(tmp_path, "namesrvAddr=10.0.0.2:9876\n")
    assert loaded.broker.namesrv_addresses() == ["10.0.0.2:9876"]
    loaded = load(tmp_path, "namesrvAddr=10.0.0.2:9876\n", namesrvAddr="a:1;b:2")
    assert loaded.broker.namesrv_addresses() == ["a:1", "b:2"]


def test_java_properties_syntax(tmp_path):
    text = "! a comment\nbrokerName : broker\\u002da\nbrokerClusterName = Default\\\n    Cluster\n"
    loaded = load(tmp_path, text)
    assert loaded.broker.broker_name == "broker-a"
    assert loaded.broker.broker_cluster_name == "DefaultCluster"


def test_the_release_chooses_defaults(tmp_path):
    old = load(tmp_path, "rocketmqVersion=4.9.7\nhaListenPort=7777\n")
    assert old.release is V4_9_7
    assert old.broker.register_broker_timeout_mills == 6000
    assert old.broker.ha_port == 10912  # 4.9 goes by listenPort whatever the file says
    assert not old.broker.use_server_side_reset_offset
    assert not old.broker.timer_wheel_enable
    new = load(tmp_path, "haListenPort=7777\n")
    assert new.broker.ha_port == new.store.ha_listen_port == 7777
    assert new.broker.register_broker_timeout_mills == 24000


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("listenPort=abc", "listenPort=abc: not a whole number"),
        ("listenPort=70000", "listenPort=70000: outside 0 to 65535"),
        ("listenPort=2", "listenPort=2: no port is left for listenPort - 2"),
        ("mappedFileSizeCommitLog=0", "mappedFileSizeCommitLog=0: outside 1024 to 2147483647"),
        ("mappedFileSizeCommitLog=-5", "mappedFileSizeCommitLog=-5: outside 1024"),
        ("mappedFileSizeConsumeQueue=19", "mappedFileSizeConsumeQueue=19: outside 20"),
        ("maxMessageSize=-1", "maxMessageSize=-1: outside 1"),
        ("flushConsumerOffsetInterval=0", "flushConsumerOffsetInterval=0: outside 1"),
        ("consumerOffsetUpdateVersionStep=0", "consumerOffsetUpdateVersionStep=0: outside 1"),
        ("messageDelayLevel=1s foo", "messageDelayLevel=1s foo: not a list of delays"),
        ("messageDelayLevel=", "messageDelayLevel=: not a list of delays"),
        ("brokerName=../x", "brokerName=../x: a name has 1 to 255 of the characters"),
        ("brokerName=a..b", "brokerName=a..b: a name has"),
        ("brokerClusterName=a/b", "brokerClusterName=a/b: a name has"),
        ("maxMessageSize=99999999999", "maxMessageSize=99999999999: outside"),
        ("autoCreateTopicEnable=yes", "autoCreateTopicEnable=yes: not true or false"),
        ("flushDiskType=FLUSH", "flushDiskType=FLUSH: not one of ASYNC_FLUSH, SYNC_FLUSH"),
        ("brokerRole=MASTER", "brokerRole=MASTER: not one of"),
        ("brokerRole=SLAVE", "Slave's brokerId must be > 0"),
        ("haDivergencePolicy=cut", "haDivergencePolicy=cut: not one of stop, truncate"),
        ("haTlsMode=on", "haTlsMode=on: not one of disabled, permissive, enforcing"),
        ("haTlsMode=enforcing\nhaTlsCertPath=a\nhaTlsKeyPath=b", "haTlsTrustCertPath are needed"),
        ("brokerPermission=9", "brokerPermission=9"),
        ("rocketmqVersion=4.8", "rocketmqVersion=4.8"),
        ("namesrvAddr=localhost", "The Name Server Address[localhost] illegal"),
        ("brokerName=\\u12", "not a properties file"),
        ("deleteWhen=25", "deleteWhen=25: not an hour from 00 to 23"),
        ("deleteWhen=zz", "deleteWhen=zz: not an hour"),
        ("deleteWhen=04:00", "deleteWhen=04:00: not an hour"),
        ("deleteWhen=", "deleteWhen=: not an hour"),
        ("fileReservedTime=0", "fileReservedTime=0: outside 1 to"),
        ("fileReservedTime=-5", "fileReservedTime=-5: outside 1 to"),
        ("storePathRootDir=", "storePathRootDir=: not a folder that a store can have for itself"),
        ("storePathRootDir=/", "storePathRootDir=/: not a folder"),
        ("storePathRootDir=~/store", "storePathRootDir=~/store: ~ isn't replaced by anything"),
        ("storePathRootDir=$HOME/store", "$HOME isn't replaced by anything"),
        ("storePathRootDir=${user.home}/store", "${user.home} isn't replaced by anything"),
        ("storePathCommitLog=/a,/b", "a commit log in several folders is not supported"),
        ("namesrvAddr=10.0.0.1:9876,10.0.0.2:9876", "The Name Server Address[10.0.0.1:9876,10."),
        ("brokerIP1=10.0.0.1,10.0.0.2", "brokerIP1=10.0.0.1,10.0.0.2: not one address"),
        ("listenPort=${x}", "listenPort=${x}: not a whole number"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(tmp_path, line, said):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, line + "\n")
    assert said in str(caught.value)
    assert "broker.conf" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "enableDLegerCommitLog=true",
        "enableControllerMode=true",
        "tls.test.mode.enable=true",
        "messageStorePlugIn=a.b.C",
    ],
)
def test_what_would_be_dangerous_is_refused(tmp_path, line):
    with pytest.raises(ConfigError, match="refused"):
        load(tmp_path, line + "\n")


def test_tls_comes_from_the_file_and_the_environment(tmp_path):
    path = tmp_path / "broker.conf"
    path.write_text("tls.server.mode=enforcing\ntls.server.certPath=/c\n")
    machine = Machine({"RMQWIRE_TLS_SERVER_KEY_PATH": "/k"}, "/home/mq", lambda: "h", list)
    loaded = load_broker_config(str(path), machine=machine)
    assert loaded.tls.server == ServerTls(mode="enforcing", cert_path="/c", key_path="/k")
    assert loaded.tls.client == ClientTls()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("rocketmqHome=/h", "RocketMQ 5.5.0 has dropped this access control and would run open"),
        ("rocketmqHome=/h\nrocketmqVersion=5.5.1", "aclEnable=true: refused: RocketMQ 5.5.1"),
        ("rocketmqVersion=4.9.7", "aclEnable=true: rocketmqHome or $ROCKETMQ_HOME is needed"),
    ],
)
def test_a_broker_that_would_run_open_does_not_start(tmp_path, lines, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        load(tmp_path, f"aclEnable=true\n{lines}\n")


def test_the_home_of_access_control_is_rocketmqs():
    machine = Machine(environ={"ROCKETMQ_HOME": "/opt/rocketmq"}, home="/h", host_name=lambda: "h")
    told = {"aclEnable": "true", "rocketmqVersion": "4.9.7"}
    assert load_broker_config(None, told, machine).broker.rocketmq_home == "/opt/rocketmq"


@pytest.mark.parametrize(
    "text", ["canary", "[]", '{"accessKey":"canary"}', '{"secretKey":"canary"}']
)
def test_credentials_that_cannot_be_read_are_refused_without_a_word_of_them(text):
    told = {"innerClientAuthenticationCredentials": text}
    with pytest.raises(ConfigError, match="innerClientAuthenticationCredentials: ") as caught:
        load_broker_config(None, told)
    assert "canary" not in str(caught.value)


def test_a_secret_is_in_no_warning():
    loaded = load_broker_config(
        None, {"rmqAddressServerDomain": "x", "metricsGrpcExporterHeader": "canary"}
    )
    assert "canary" not in str(loaded.warnings)


def test_refused_keys_at_their_default_do_no_harm(tmp_path):
    lines = "aclEnable=false\nstoreType=default\ntls.server.mode=disabled\nuseTLS=false\n"
    assert load(tmp_path, lines).warnings == []


@pytest.mark.parametrize(
    "line",
    [
        "transientStorePoolEnable=true",
        "storeType=defaultRocksDB",
        "configManagerVersion=v2",
        "popConsumerKVServiceInit=true",
        "rocksdbCQDoubleWriteEnable=true",
        "timerRocksDBEnable=true",
        "readOnlyCommitLogStorePaths=/data/old",
        "enableBatchPush=true",
        "sendMessageThreadPoolNums=many",
    ],
)
def test_a_tuned_file_of_java_starts_with_one_warning(tmp_path, line):
    name = line.partition("=")[0]
    assert load(tmp_path, line).warnings == [f"keys without meaning here, ignored: {name}"]


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("diskMaxUsedSpaceRatio=99", 95),
        ("diskMaxUsedSpaceRatio=5", 10),
        ("diskSpaceWarningLevelRatio=99", 90),
        ("diskSpaceCleanForciblyRatio=1", 30),
        ("registerNameServerPeriod=1000", 10_000),
    ],
)
def test_a_number_that_rocketmq_clamps_is_clamped_with_a_warning(tmp_path, line, taken):
    loaded = load(tmp_path, line)
    name = line.partition("=")[0]
    held = HeldSettings(loaded.release, {}, loaded.broker, loaded.store).value(KEYS[name])
    assert held == taken
    assert loaded.warnings == [f"{line}: taken as {taken}, as RocketMQ does"]


def test_a_file_with_a_byte_order_mark_is_read_as_one_without(tmp_path):
    path = tmp_path / "broker.conf"
    path.write_bytes(b"\xef\xbb\xbfbrokerName=a\n")
    loaded = load_broker_config(str(path), machine=MACHINE)
    assert (loaded.broker.broker_name, loaded.warnings) == ("a", [])


def test_clients_are_told_an_ipv6_address_in_brackets(tmp_path):
    broker = load(tmp_path, "brokerIP1=::1\nbrokerIP2=fd00::2").broker
    assert (broker.broker_addr, broker.ha_server_addr) == ("[::1]:10911", "[fd00::2]:10912")


def test_keys_of_the_ha_link_are_read(tmp_path):
    text = (
        "haDivergencePolicy=truncate\nhaTlsMode=permissive\nhaTlsCertPath=/c\nhaTlsKeyPath=/k\n"
        "haTlsTrustCertPath=/t\nhaTlsNeedClientAuth=true\ninSyncReplicas=2\n"
    )
    loaded = load(tmp_path, text)
    store = loaded.store
    assert loaded.warnings == []
    assert (store.ha_divergence_policy, store.ha_tls_mode) == ("truncate", "permissive")
    paths = store.ha_tls_cert_path, store.ha_tls_key_path, store.ha_tls_trust_cert_path
    assert paths == ("/c", "/k", "/t")
    assert (store.ha_tls_need_client_auth, store.in_sync_replicas) == (True, 2)


def test_what_only_a_controller_looks_at_is_named(tmp_path):
    text = "minInSyncReplicas=2\nallAckInSyncStateSet=true\nenableAutoInSyncReplicas=true\n"
    (warning,) = load(tmp_path, text).warnings
    assert warning.startswith("keys without meaning here, ignored: ")


def test_unknown_and_meaningless_keys_are_named_once(tmp_path):
    text = "foo=1\nbar=2\nsendMessageThreadPoolNums=64\npullMessageThreadPoolNums=20\n"
    warnings = load(tmp_path, text).warnings
    assert warnings == [
        "unknown keys, ignored: bar, foo",
        "keys without meaning here, ignored: sendMessageThreadPoolNums",
    ]


def test_roles(tmp_path):
    loaded = load(tmp_path, "brokerId=3\n")
    assert loaded.broker.broker_id == 0
    assert loaded.warnings == ["brokerId=3: a master is always 0"]
    loaded = load(tmp_path, "brokerRole=SLAVE\nbrokerId=1\n")
    assert (loaded.broker.broker_id, loaded.store.broker_role) == (1, "SLAVE")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_broker_config(str(tmp_path / "none.conf"))


def test_defaults_of_the_classes_are_those_of_the_table():
    loaded = load_broker_config(None, machine=MACHINE)
    machine_made = {"broker_name", "broker_ip1", "broker_ip2"}
    for name in BrokerConfig.__struct_fields__:
        if name not in machine_made:
            assert getattr(loaded.broker, name) == getattr(BrokerConfig(), name), name
    for name in StoreConfig.__struct_fields__:
        if name != "store_path_root_dir":
            assert getattr(loaded.store, name) == getattr(StoreConfig(), name), name


@given(st.sampled_from(sorted(KEYS)), st.text(max_size=12))
def test_any_text_gives_a_value_or_a_config_error(name, text):
    try:
        load_broker_config(None, {name: text}, MACHINE)
    except ConfigError as error:
        assert str(error)  # noqa: PT017  either outcome is right; another exception isn't


def test_variables_win_over_the_file_and_lose_to_the_command_line(tmp_path):
    path = tmp_path / "broker.conf"
    path.write_text("brokerName=file\nbrokerId=1\nbrokerRole=SLAVE\nlistenPort=1\n")
    environ = {
        "RMQWIRE_BROKER_NAME": "variable",
        "RMQWIRE_LISTEN_PORT": "20911",
        "RMQWIRE_NAMESRV_ADDR": "n:1",
        "RMQWIRE_ADVERTISED_HOST": "10.0.0.7",
        "RMQWIRE_BORKER_ID": "2",
        "NAMESRV_ADDR": "n:2",
    }
    machine = Machine(environ, "/home/mq", lambda: "host-1", lambda: ["10.1.2.3"])
    loaded = load_broker_config(str(path), {"namesrvAddr": "n:3"}, machine)
    broker = loaded.broker
    assert (broker.broker_name, broker.broker_id, broker.listen_port) == ("variable", 1, 20911)
    assert (broker.broker_ip1, broker.broker_ip2) == ("10.0.0.7", "10.0.0.7")
    assert broker.namesrv_addr == "n:3"
    assert loaded.warnings == ["variables that are no settings, ignored: RMQWIRE_BORKER_ID"]
    assert load_broker_config(None, machine=machine).broker.namesrv_addr == "n:1"
    path.write_text("brokerIP1=10.0.0.1\nbrokerIP2=10.0.0.2\n")
    broker = load_broker_config(str(path), machine=machine).broker
    assert (broker.broker_ip1, broker.broker_ip2) == ("10.0.0.7", "10.0.0.2")


@pytest.mark.parametrize("text", ["x", "70000"])
def test_a_bad_variable_is_named(tmp_path, text):
    path = tmp_path / "broker.conf"
    path.write_text("brokerName=a\n")
    machine = Machine({"RMQWIRE_LISTEN_PORT": text}, "/home/mq", lambda: "h", lambda: ["10.1.2.3"])
    with pytest.raises(ConfigError, match=f"^RMQWIRE_LISTEN_PORT: listenPort={text}: "):
        load_broker_config(str(path), machine=machine)
