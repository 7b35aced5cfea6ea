"""The name server's configuration: ``namesrv.conf`` in Java's properties format.

Every key of Java's ``NamesrvConfig`` and ``NettyServerConfig`` is known. Those that describe Java's
threads and buffers are kept and shown, and mean nothing here. Two keys are ours: an allow-list
of who may register, and the guard against one broker taking another's place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from typing import Any, Final

import javaproperties

from rmqwire.codec.release import DEFAULT_RELEASE, Release, release_named
from rmqwire.errors import ConfigError
from rmqwire.settings.environment import Environment

MAX_VALUE_LENGTH: Final = 4096  # characters of one value
NAMESRV_PORT: Final = 9876


def _key(default: Any, low: int = 0, high: int = (1 << 31) - 1, **traits: bool) -> Any:  # noqa: ANN401
    """Describe a key: its default, its range when it is a number, and what is special about it."""
    return field(default=default, metadata={"low": low, "high": high, **traits})


@dataclass(slots=True)
class NamesrvConfig:
    """Every key, in Python spelling; ``settable`` tells those an admin may change by wire."""

    rocketmq_home: str = _key("", fixed=True)
    kv_config_path: str = _key("", fixed=True)
    config_store_path: str = _key("", fixed=True)
    product_env_name: str = _key("center")
    cluster_test: bool = _key(default=False, fixed=True)
    order_message_enable: bool = _key(default=False)
    return_order_topic_config_to_broker: bool = _key(default=True)
    client_request_thread_pool_nums: int = _key(8)
    default_thread_pool_nums: int = _key(16)
    client_request_thread_pool_queue_capacity: int = _key(50_000)
    default_thread_pool_queue_capacity: int = _key(10_000)
    scan_not_active_broker_interval: int = _key(5_000, low=100, high=3_600_000)  # ms
    un_register_broker_queue_capacity: int = _key(3_000)
    support_acting_master: bool = _key(default=False)
    enable_all_topic_list: bool = _key(default=True)
    enable_topic_list: bool = _key(default=True)
    notify_min_broker_id_changed: bool = _key(default=False)
    enable_controller_in_namesrv: bool = _key(default=False, fixed=True)
    need_wait_for_service: bool = _key(default=False)
    wait_seconds_for_service: int = _key(45, high=86_400)
    delete_topic_with_broker_registration: bool = _key(default=False)
    config_black_list: str = _key("configBlackList;configStorePath;kvConfigPath", fixed=True)
    listen_port: int = _key(NAMESRV_PORT, high=65_535, fixed=True)
    bind_address: str = _key("0.0.0.0", fixed=True)  # noqa: S104  Java's default
    server_worker_threads: int = _key(8)
    server_callback_executor_threads: int = _key(0)
    server_selector_threads: int = _key(3)
    server_oneway_semaphore_value: int = _key(256)
    server_async_semaphore_value: int = _key(64)
    server_channel_max_idle_time_seconds: int = _key(120, low=1, high=86_400)
    server_socket_snd_buf_size: int = _key(0)
    server_socket_rcv_buf_size: int = _key(0)
    write_buffer_high_water_mark: int = _key(0)
    write_buffer_low_water_mark: int = _key(0)
    server_socket_backlog: int = _key(1024)
    server_pooled_byte_buf_allocator_enable: bool = _key(default=True)
    use_epoll_native_selector: bool = _key(default=False)
    server_netty_worker_group_enable: bool = _key(default=True)
    enable_shutdown_gracefully: bool = _key(default=False)
    shutdown_wait_time_seconds: int = _key(30)
    rocketmq_version: str = _key(DEFAULT_RELEASE.name, fixed=True, ours=True)
    register_allow_list: str = _key("", fixed=True, ours=True)  # IPs and networks; all when empty
    protect_broker_address: bool = _key(default=True, fixed=True, ours=True)
    warnings: list[str] = field(default_factory=list)

    @property
    def release(self) -> Release:
        """The release this name server behaves as."""
        return release_named(self.rocketmq_version)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


KEYS: Final = {_camel(f.name): f for f in fields(NamesrvConfig) if f.name != "warnings"}
SETTABLE: Final = frozenset(key for key, f in KEYS.items() if not f.metadata.get("fixed"))


def load_namesrv_config(
    text: str, home: str, environment: Environment | None = None
) -> NamesrvConfig:
    """Read the text of a ``namesrv.conf``, and the environment.

    Args:
        text: Java properties; may be empty.
        home: folder under which tables are kept when the file names no path; Java takes
            ``${user.home}``.
        environment: its settings win over the file.

    Returns:
        the configuration; ``warnings`` names unknown keys.

    Raises:
        ConfigError: text that can't be read, or a value of the wrong kind.
    """
    environment = environment or Environment()
    base = f"{home.rstrip('/')}/namesrv"
    config = NamesrvConfig(
        kv_config_path=f"{base}/kvConfig.json", config_store_path=f"{base}/namesrv.properties"
    )
    for key, value in {**parse_properties(text), **environment.settings}.items():
        if key not in KEYS:
            config.warnings.append(f"unknown key {key[:80]!r} is ignored")
            continue
        setattr(config, KEYS[key].name, parse_value(key, value))
    allowed_networks(config)
    _ = config.release
    config.warnings += environment.warnings()
    return config


def parse_properties(text: str) -> dict[str, str]:
    """Read Java properties.

    Raises:
        ConfigError: an escape that is none.
    """
    try:
        return dict(javaproperties.loads(text))
    except ValueError as error:
        raise ConfigError(f"not a properties file: {error}") from None


def parse_value(key: str, text: str) -> str | int | bool:
    """Read one value as its key wants it.

    Raises:
        ConfigError: another kind of value, or one out of range.
    """
    known = KEYS[key]
    text = text.strip()
    if isinstance(known.default, bool):
        if text.lower() not in {"true", "false"}:
            raise ConfigError(f"{key}={text[:40]!r}: not true or false")
        return text.lower() == "true"
    if isinstance(known.default, int):
        low, high = known.metadata["low"], known.metadata["high"]
        if not re.fullmatch(r"-?\d{1,10}", text, re.ASCII) or not low <= int(text) <= high:
            raise ConfigError(f"{key}={text[:40]!r}: not a number from {low} to {high}")
        return int(text)
    if len(text) > MAX_VALUE_LENGTH or any(ord(char) < 0x20 or char == "\x7f" for char in text):
        raise ConfigError(f"{key}: too long, or a control character in it")
    return text


def allowed_networks(config: NamesrvConfig) -> list[Any]:
    """Return the networks of ``registerAllowList`` (separated by commas or semicolons).

    Raises:
        ConfigError: an entry that is no IP address or network.
    """
    entries = [part.strip() for part in re.split("[,;]", config.register_allow_list)]
    try:
        return [ip_network(entry, strict=False) for entry in entries if entry]
    except ValueError as error:
        raise ConfigError(f"registerAllowList: {error}") from None


def format_config(config: NamesrvConfig) -> str:
    """Return all of Java's keys, sorted, one ``key=value`` a line (GET_NAMESRV_CONFIG).

    Keys of our own follow the others only where they differ from their default.
    """
    lines = []
    for key, known in sorted(KEYS.items()):
        value = getattr(config, known.name)
        if known.metadata.get("ours") and value == known.default:
            continue
        lines.append(f"{key}={str(value).lower() if isinstance(value, bool) else value}\n")
    return "".join(lines)


def file_text(config: NamesrvConfig) -> str:
    """Return the configuration as the properties file it is kept in."""
    values = dict(line.split("=", 1) for line in format_config(config).splitlines())
    return javaproperties.dumps(values, timestamp=False)
