"""``broker.conf``: the broker's settings, read as Java's ``BrokerStartup`` reads them.

A file in Java's properties format; Java's key names and defaults. Unlike Java, a value that can't
be parsed stops the start with one clear line instead of being ignored. What each key does here
stands in :mod:`rmqwire.broker.config_keys`.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import javaproperties

from rmqwire.broker.config_bounds import check_number, check_texts
from rmqwire.broker.config_key import HONOURED, MEANINGLESS, REFUSED, ConfigKey, Value
from rmqwire.broker.config_keys import KEYS
from rmqwire.broker.local_address import addresses_of_this_machine, choose_local_address
from rmqwire.codec.release import DEFAULT_RELEASE, Release, release_named
from rmqwire.errors import ConfigError
from rmqwire.store.config import StoreConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MASTER_ID: Final = 0
_MAX_PORT: Final = 65535
# What 4.9 does where 5.x has a key: its behaviour for keys that it doesn't know.
_UNKNOWN_TO_4: Final[Mapping[str, Value]] = {
    "enableCreateSysGroup": False,
    "useServerSideResetOffset": False,
    "clearRetryTopicWhenDeleteTopic": False,
    "timerWheelEnable": False,
}
# Set to something other than its default, yet exactly what this broker does anyway.
_HARMLESS: Final = {("tls.server.mode", "disabled")}


@dataclass(slots=True)
class BrokerConfig:
    """The settings of Java's ``BrokerConfig`` that are honoured, under snake-case names.

    Times are milliseconds, as in Java. It's mutable: UPDATE_BROKER_CONFIG changes a running
    broker's settings. ``properties`` holds what the file and the command line said, as text.
    """

    broker_name: str = ""
    broker_cluster_name: str = "DefaultCluster"
    broker_id: int = MASTER_ID
    broker_ip1: str = "127.0.0.1"
    broker_ip2: str = "127.0.0.1"
    broker_role: str = "ASYNC_MASTER"
    bind_address: str = "0.0.0.0"  # noqa: S104  Java's default; one warning when it's reachable
    listen_port: int = 10911
    ha_listen_port: int = 0  # 0: listen_port + 1
    namesrv_addr: str | None = None
    broker_config_path: str | None = None
    config_black_list: str = "configBlackList;brokerConfigPath"
    broker_permission: int = 6
    region_id: str = "DefaultRegion"

    default_topic_queue_nums: int = 8
    auto_create_topic_enable: bool = True
    cluster_topic_enable: bool = True
    broker_topic_enable: bool = True
    trace_topic_enable: bool = False
    msg_trace_topic_name: str = "RMQ_SYS_TRACE_TOPIC"
    revive_queue_num: int = 8
    timer_wheel_enable: bool = True
    validate_system_topic_when_update_topic: bool = True
    clear_retry_topic_when_delete_topic: bool = True
    auto_delete_unused_stats: bool = True
    auto_create_subscription_group: bool = True
    enable_create_sys_group: bool = True

    flush_consumer_offset_interval: int = 5_000
    consumer_offset_update_version_step: int = 500
    use_server_side_reset_offset: bool = True

    start_accept_send_request_time_stamp: int = 0
    reject_transaction_message: bool = False
    trace_on: bool = True
    slave_read_enable: bool = False
    slave_sync_interval: int = 0  # ours, ms; 0: the release's period
    reject_pull_consumer_enable: bool = False
    long_polling_enable: bool = True
    short_polling_time_mills: int = 1_000
    notify_consumer_ids_changed_enable: bool = True
    channel_expired_timeout: int = 120_000

    register_name_server_period: int = 30_000
    register_broker_timeout_mills: int = 24_000
    force_register: bool = True
    compressed_register: bool = False

    properties: dict[str, str] = field(default_factory=dict)

    @property
    def broker_addr(self) -> str:
        """The address that clients use: brokerIP1:listenPort."""
        return f"{self.broker_ip1}:{self.listen_port}"

    @property
    def vip_port(self) -> int:
        """The second port, for administration (Java's "fast" server): listenPort - 2."""
        return self.listen_port - 2 if self.listen_port else 0

    @property
    def ha_server_addr(self) -> str:
        """The address that slaves use: brokerIP2:haListenPort."""
        return f"{self.broker_ip2}:{self.ha_port}"

    @property
    def ha_port(self) -> int:
        """The port of replication: haListenPort, or listenPort + 1 where it isn't set."""
        if self.ha_listen_port > 0:
            return self.ha_listen_port
        return self.listen_port + 1 if self.listen_port else 0

    def namesrv_addresses(self) -> list[str]:
        """The name servers as ``host:port``, in the order of the file."""
        return [addr.strip() for addr in (self.namesrv_addr or "").split(";") if addr.strip()]


_ATTRIBUTES: Final = {item.name for item in (*fields(BrokerConfig), *fields(StoreConfig))}


@dataclass(slots=True)
class LoadedConfig:
    """What ``load_broker_config`` gives: everything that a broker is built from."""

    broker: BrokerConfig
    store: StoreConfig
    release: Release
    warnings: list[str]


@dataclass(slots=True)
class Machine:
    """What defaults depend on: environment, host name and addresses of this machine."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: str = field(default_factory=lambda: str(Path.home()))
    host_name: Callable[[], str] = platform.node
    addresses: Callable[[], list[str]] = addresses_of_this_machine


def load_broker_config(
    path: str | None,
    overrides: Mapping[str, str] | None = None,
    machine: Machine | None = None,
) -> LoadedConfig:
    """Read ``broker.conf``, check every key and fill in Java's defaults.

    Args:
        path: the file (``-c``); None: defaults alone.
        overrides: settings of the command line under Java's key names; they win over the file.
        machine: where machine-dependent defaults come from; None: this machine.

    Raises:
        ConfigError: the file can't be read, or a value can't be used; file, key and value are
            in its text.
    """
    properties = {**_read_properties(path), **(overrides or {})}
    try:
        return _load(properties, path, machine or Machine())
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path else str(error)) from None


def _load(properties: dict[str, str], path: str | None, machine: Machine) -> LoadedConfig:
    release = release_named(properties.get("rocketmqVersion", DEFAULT_RELEASE.name).strip())
    warnings = _judge(properties, release)
    broker, store = BrokerConfig(properties=properties), StoreConfig()
    for key in KEYS.values():
        if key.attribute in _ATTRIBUTES:
            value = _value_of(key, properties, release, machine)
            check_number(key.name, value, properties.get(key.name, str(value)))
            _assign(key, value, broker, store)
    if path is not None:
        broker.broker_config_path = str(Path(path).absolute())
    if not release.ha_listen_port_settable:
        broker.ha_listen_port = 0
    store.ha_listen_port = broker.ha_port
    _apply_role(broker, warnings)
    check_texts(broker, store)
    check_namesrv_addr(broker.namesrv_addr)
    return LoadedConfig(broker, store, release, warnings)


def _read_properties(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        with Path(path).open("rb") as file:
            return dict(javaproperties.load(file))
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, javaproperties.InvalidUEscapeError) as error:
        raise ConfigError(f"{path}: not a properties file: {error}") from None


def _judge(properties: Mapping[str, str], release: Release) -> list[str]:
    """Refuse what must be refused; give one warning line per kind of ignored key."""
    warnings, unknown, meaningless = [], [], []
    for name, text in properties.items():
        key = KEYS.get(name)
        if key is None:
            unknown.append(name)
        elif key.kind != HONOURED and _differs(key, text, release):
            if key.kind == REFUSED:
                raise ConfigError(f"{name}={text.strip()}: refused: {key.reason}")
            if key.kind == MEANINGLESS:
                meaningless.append(name)
            else:
                warnings.append(f"{name}={text.strip()}: no effect yet: {key.reason}")
    if unknown:
        warnings.append(f"unknown keys, ignored: {', '.join(sorted(unknown))}")
    if meaningless:
        warnings.append(f"keys without meaning here, ignored: {', '.join(sorted(meaningless))}")
    return warnings


def _differs(key: ConfigKey, text: str, release: Release) -> bool:
    if (key.name, text.strip()) in _HARMLESS:
        return False
    return key.parse(text) != key.default(release)


def _value_of(
    key: ConfigKey, properties: Mapping[str, str], release: Release, machine: Machine
) -> Value:
    if key.name in properties:
        return key.parse(properties[key.name])
    if key.name == "namesrvAddr":
        return machine.environ.get("NAMESRV_ADDR")
    if release.name not in key.defaults and key.name in _UNKNOWN_TO_4:
        return _UNKNOWN_TO_4[key.name]
    return _expand(key.default(release), machine)


def _expand(default: Value, machine: Machine) -> Value:
    """Fill in the defaults of the table that depend on the machine. (Files are taken literally.)"""
    if not isinstance(default, str) or not default.startswith("${"):
        return default
    if default == "${local ip}":
        return choose_local_address(machine.addresses())
    if default == "${host name}":
        return machine.host_name() or "DEFAULT_BROKER"
    if default == "${listenPort + 1}":
        return 0  # filled in by BrokerConfig.ha_port
    return default.replace("${user.home}", machine.home)


def _assign(key: ConfigKey, value: Value, broker: BrokerConfig, store: StoreConfig) -> None:
    for config in (broker, store):
        if hasattr(config, key.attribute):
            setattr(config, key.attribute, value)


def _apply_role(broker: BrokerConfig, warnings: list[str]) -> None:
    """Keep Java's rule of roles: masters are broker 0, a slave isn't."""
    if broker.broker_role == "SLAVE":
        if broker.broker_id <= MASTER_ID:
            raise ConfigError(f"brokerId={broker.broker_id}: Slave's brokerId must be > 0")
        return
    if broker.broker_id != MASTER_ID:
        warnings.append(f"brokerId={broker.broker_id}: a master is always 0")
        broker.broker_id = MASTER_ID


def check_namesrv_addr(text: str | None) -> None:
    """Check a list ``host:port;host:port``.

    Raises:
        ConfigError: an entry isn't one; the text is Java's.
    """
    if text is None or not text.strip():
        return
    for addr in text.rstrip(";").split(";"):
        host, _, port = addr.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
            raise ConfigError(
                f"The Name Server Address[{text}] illegal, please set it as follows, "
                '"127.0.0.1:9876;192.168.0.1:9876"'
            )
