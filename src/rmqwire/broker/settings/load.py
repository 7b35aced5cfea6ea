"""``broker.conf``: the broker's settings, read as Java's ``BrokerStartup`` reads them.

A file in Java's properties format; Java's key names and defaults. Unlike Java, a value that can't
be parsed stops the start with one clear line instead of being ignored. What each key does here
stands in :mod:`rmqwire.settings.rows.broker_conf`.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import javaproperties

from rmqwire.broker.settings.bounds import check_number, check_texts
from rmqwire.broker.settings.local_address import addresses_of_this_machine, choose_local_address
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.release import DEFAULT_RELEASE, Release, release_named
from rmqwire.errors import ConfigError
from rmqwire.settings.environment import read_environment
from rmqwire.settings.key import HONOURED, MEANINGLESS, REFUSED, ConfigKey, Value
from rmqwire.settings.rows.broker_conf import KEYS
from rmqwire.store.config import StoreConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


_ATTRIBUTES: Final = {item.name for item in (*fields(BrokerConfig), *fields(StoreConfig))}


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
    """Read ``broker.conf`` and the environment, check every key and fill in Java's defaults.

    Args:
        path: the file (``-c``); None: no file.
        overrides: settings of the command line under Java's key names; they win over all else.
        machine: its environment, and where machine-dependent defaults come from; None: this machine.

    Raises:
        ConfigError: the file can't be read, or a value can't be used; file or variable, key and
            value are in its text.
    """
    machine = machine or Machine()
    environment = read_environment(machine.environ, KEYS)
    file, told = _read_properties(path), overrides or {}
    try:
        properties = {**environment.defaults, **file, **environment.settings, **told}
        loaded = _load(properties, path, machine)
    except ConfigError as error:
        raise environment.blamed(error, path, told) from None
    loaded.warnings += environment.warnings()
    return loaded


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
    if not release.ha.ha_listen_port_settable:
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
