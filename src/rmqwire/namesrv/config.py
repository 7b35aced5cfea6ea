"""The name server's configuration: ``namesrv.conf`` in Java's properties format.

What each key does here stands in :mod:`rmqwire.settings.rows.namesrv_conf`. Two keys are ours: an
allow-list of who may register, and the guard against one broker taking another's place.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.codec.release import DEFAULT_RELEASE, Release, release_named
from rmqwire.settings.environment import Environment
from rmqwire.settings.held import HeldSettings
from rmqwire.settings.key import java_text
from rmqwire.settings.loading import judge, value_of
from rmqwire.settings.properties import dump, parse
from rmqwire.settings.rows.namesrv_conf import JAVA_SECTIONS, KEYS, SECTIONS
from rmqwire.settings.secret import shown
from rmqwire.settings.tls import NO_TLS, TlsSettings, load_tls

if TYPE_CHECKING:
    from rmqwire.settings.values import Value

NAMESRV_PORT: Final = 9876


class NamesrvConfig(msgspec.Struct):
    """The settings that code reads, under snake-case names.

    Mutable: UPDATE_NAMESRV_CONFIG changes a running server's. ``properties`` holds what the file and
    the command line said, as text; ``warnings`` what the person who starts the server should know.
    """

    listen_port: int = NAMESRV_PORT
    bind_address: str = "0.0.0.0"  # noqa: S104  Java's default
    kv_config_path: str = ""
    config_store_path: str = ""
    config_black_list: str = "configBlackList;configStorePath;kvConfigPath"
    order_message_enable: bool = False
    return_order_topic_config_to_broker: bool = True
    scan_not_active_broker_interval: int = 5_000  # ms
    support_acting_master: bool = False
    enable_all_topic_list: bool = True
    enable_topic_list: bool = True
    notify_min_broker_id_changed: bool = False
    need_wait_for_service: bool = False
    wait_seconds_for_service: int = 45
    delete_topic_with_broker_registration: bool = False
    server_channel_max_idle_time_seconds: int = 120
    enable_shutdown_gracefully: bool = False
    shutdown_wait_time_seconds: int = 30
    rocketmq_version: str = DEFAULT_RELEASE.name
    register_allow_list: str = ""  # IPs and networks; all when empty
    protect_broker_address: bool = True
    tls: TlsSettings = NO_TLS
    properties: dict[str, str] = msgspec.field(default_factory=dict)
    warnings: list[str] = msgspec.field(default_factory=list)

    @property
    def release(self) -> Release:
        """The release this name server behaves as."""
        return release_named(self.rocketmq_version)


_ATTRIBUTES: Final = frozenset(NamesrvConfig.__struct_fields__)


def load_namesrv_config(
    text: str, home: str, environment: Environment | None = None
) -> NamesrvConfig:
    """Read the text of a ``namesrv.conf``, and the environment.

    Args:
        text: Java properties; may be empty.
        home: folder under which tables are kept when the file names no path; Java takes
            ``${user.home}``.
        environment: its settings win over the file.

    Raises:
        ConfigError: text that can't be read, or a value that can't be used.
    """
    environment = environment or Environment()
    properties = {**parse(text), **environment.settings}
    release = release_named(properties.get("rocketmqVersion", DEFAULT_RELEASE.name).strip())
    config = NamesrvConfig(properties=properties, warnings=judge(properties, KEYS, release))
    held = held_by(config)
    for key in KEYS.values():
        if key.attribute in _ATTRIBUTES:
            value = value_of(key, properties, release, config.warnings)
            held.set(key, _expand(value, home) if key.name not in properties else value)
    config.tls = load_tls(properties, release, config.warnings)
    config.warnings += environment.warnings()
    return config


def _expand(default: Value, home: str) -> Value:
    """Fill in a default of the table that depends on the machine."""
    if not isinstance(default, str):
        return default
    return default.replace("${user.home}", home.rstrip("/"))


def held_by(config: NamesrvConfig) -> HeldSettings:
    """Return what finds and sets any key's value."""
    return HeldSettings(config.release, config.properties, config)


def allowed_networks(config: NamesrvConfig) -> list[IPv4Network | IPv6Network]:
    """Return the networks of ``registerAllowList`` (separated by commas or semicolons)."""
    entries = [part.strip() for part in re.split("[,;]", config.register_allow_list)]
    return [ip_network(entry, strict=False) for entry in entries if entry]


def format_config(config: NamesrvConfig) -> str:
    """Return all of Java's keys, sorted, one ``key=value`` a line (GET_NAMESRV_CONFIG).

    Keys of our own follow the others only where they differ from their default; secrets are struck out.
    """
    return "".join(f"{name}={shown(name, text)}\n" for name, text in _texts(config).items())


def _texts(config: NamesrvConfig) -> dict[str, str]:
    java = {key.name for name in JAVA_SECTIONS for key in SECTIONS[name]}
    return {
        name: java_text(value)
        for name, value in sorted(held_by(config).shown(KEYS).items())
        if name in java or value != KEYS[name].default(config.release)
    }


def file_text(config: NamesrvConfig) -> str:
    """Return the configuration as the properties file it is kept in."""
    return dump(_texts(config))
