"""``broker.conf``: the broker's settings, read as Java's ``BrokerStartup`` reads them.

A file in Java's properties format; Java's key names and defaults. Unlike Java, a value that can't
be used stops the start with one clear line instead of being ignored. What each key does here, and
which values it takes, stands in :mod:`rmqwire.settings.rows.broker_conf`.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.auth.credentials import initial_user, inner_credentials
from rmqwire.broker.settings.local_address import addresses_of_this_machine, choose_local_address
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.release import DEFAULT_RELEASE, release_named
from rmqwire.errors import ConfigError
from rmqwire.settings.environment import read_environment
from rmqwire.settings.held import HeldSettings
from rmqwire.settings.loading import judge, value_of
from rmqwire.settings.properties import parse, read_text
from rmqwire.settings.rows.broker_conf import KEYS
from rmqwire.settings.tls import load_tls
from rmqwire.store.config import StoreConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmqwire.codec.release import Release
    from rmqwire.settings.values import Value

_ATTRIBUTES: Final = {*BrokerConfig.__struct_fields__, *StoreConfig.__struct_fields__}


class Machine(msgspec.Struct):
    """What defaults depend on: environment, host name and addresses of this machine."""

    environ: Mapping[str, str] = msgspec.field(default_factory=lambda: os.environ)
    home: str = msgspec.field(default_factory=lambda: str(Path.home()))
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
    text, told = "" if path is None else read_text(path), overrides or {}
    try:
        properties = {**environment.defaults, **parse(text), **environment.settings, **told}
        loaded = _load(properties, path, machine)
    except ConfigError as error:
        raise environment.blamed(error, path, told) from None
    loaded.warnings += environment.warnings()
    return loaded


def _load(properties: dict[str, str], path: str | None, machine: Machine) -> LoadedConfig:
    release = release_named(properties.get("rocketmqVersion", DEFAULT_RELEASE.name).strip())
    warnings = judge(properties, KEYS, release)
    broker, store = BrokerConfig(properties=properties), StoreConfig()
    held = HeldSettings(release, properties, broker, store)
    given = {**_of_the_machine(machine), **properties}
    for key in KEYS.values():
        if key.attribute in _ATTRIBUTES:
            value = value_of(key, given, release, warnings)
            held.set(key, value if key.name in given else _expand(value, machine))
    if path is not None:
        broker.broker_config_path = str(Path(path).absolute())
    if not release.ha.ha_listen_port_settable:
        broker.ha_listen_port = 0
    store.ha_listen_port = broker.ha_port
    _apply_role(broker, warnings)
    _check_together(broker, store)
    _check_access(broker, release)
    return LoadedConfig(broker, store, release, warnings, load_tls(properties, release, warnings))


def _of_the_machine(machine: Machine) -> dict[str, str]:
    """Return settings that RocketMQ takes from variables of its own."""
    variables = {"namesrvAddr": "NAMESRV_ADDR", "rocketmqHome": "ROCKETMQ_HOME"}
    environ = machine.environ
    return {key: environ[name] for key, name in variables.items() if name in environ}


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


def _apply_role(broker: BrokerConfig, warnings: list[str]) -> None:
    """Keep Java's rule of roles: masters are broker 0, a slave isn't."""
    if broker.broker_role == "SLAVE":
        if broker.broker_id <= MASTER_ID:
            raise ConfigError(f"brokerId={broker.broker_id}: Slave's brokerId must be > 0")
        return
    if broker.broker_id != MASTER_ID:
        warnings.append(f"brokerId={broker.broker_id}: a master is always 0")
        broker.broker_id = MASTER_ID


def _check_access(broker: BrokerConfig, release: Release) -> None:
    """Check that access control is possible where it is wanted, and credentials can be read.

    Raises:
        ConfigError: the broker would run open, or could not sign.
    """
    inner_credentials(broker.inner_client_authentication_credentials)
    initial_user(broker.init_authentication_user)
    if broker.authorization_enabled and not broker.authentication_enabled:
        raise ConfigError(
            "authorizationEnabled=true: authenticationEnabled=true is needed: who isn't known could "
            "say to be anybody"
        )
    if not broker.acl_enable:
        return
    if not release.broker.plain_acl:
        raise ConfigError(
            f"aclEnable=true: refused: RocketMQ {release.name} has dropped this access control and "
            "would run open; rocketmqVersion=4.9.7 has it"
        )
    if not broker.rocketmq_home:
        raise ConfigError("aclEnable=true: rocketmqHome or $ROCKETMQ_HOME is needed")


def _check_together(broker: BrokerConfig, store: StoreConfig) -> None:
    """Check what depends on more than one key.

    Raises:
        ConfigError: they don't fit; names one of them.
    """
    if broker.listen_port and broker.vip_port < 1:
        raise ConfigError(f"listenPort={broker.listen_port}: no port is left for listenPort - 2")
    paths = (store.ha_tls_cert_path, store.ha_tls_key_path, store.ha_tls_trust_cert_path)
    if store.ha_tls_mode != "disabled" and not all(paths):
        raise ConfigError(
            f"haTlsMode={store.ha_tls_mode}: haTlsCertPath, haTlsKeyPath and haTlsTrustCertPath "
            "are needed"
        )
