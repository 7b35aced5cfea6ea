"""What a server says of itself when it has started: a few lines for the person who started it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from rmqwire import __version__
from rmqwire.cli.output import announce, warn
from rmqwire.codec.native import is_native

if TYPE_CHECKING:
    from rmqwire.broker.broker import BrokerAddresses
    from rmqwire.broker.settings.values import LoadedConfig
    from rmqwire.namesrv.config import NamesrvConfig
    from rmqwire.settings.tls import ServerTls

Address = tuple[str, int]


def shown(address: Address) -> str:
    """Write an address as ``host:port``."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's own, out of reach for others."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def open_warning(tls: ServerTls) -> str:
    """Return what to say of a server that others can reach."""
    lacks = "no access control" if tls.active else "neither access control nor TLS"
    return (
        f"others can reach this server and it has {lacks};"
        " set bindAddress=127.0.0.1 to keep it to this machine"
    )


def announce_namesrv(address: Address, config: NamesrvConfig) -> None:
    """Say that a name server is there."""
    announce(f"The Name Server boot success. serializeType=JSON, address {shown(address)}")
    announce(f"  rmqwire {__version__}, keeps its KV table in {config.kv_config_path}")
    if config.tls.server.active:
        announce(f"  {config.tls.server}")
    if not is_loopback(address[0]):
        warn(open_warning(config.tls.server))


def announce_broker(loaded: LoadedConfig, addresses: BrokerAddresses) -> None:
    """Say that a broker is there: Java's line, then where it listens and where its data lies."""
    config = loaded.broker
    tip = f"The broker[{config.broker_name}, {config.broker_addr}] boot success. serializeType=JSON"
    if config.namesrv_addr:
        tip += f" and name server is {config.namesrv_addr}"
    announce(tip)
    ports = f"listens on {shown(addresses.listen)}"
    if addresses.vip is not None:
        ports += f", VIP port {addresses.vip[1]}"
    if addresses.ha is not None:
        ports += f", replication {shown(addresses.ha)}"
    lane = "native" if is_native() else "python"
    announce(f"  rmqwire {__version__} as RocketMQ {loaded.release.name}, {lane} lane, {ports}")
    announce(f"  tells clients {config.broker_addr} (brokerIP1)")
    if loaded.tls.server.active:
        announce(f"  {loaded.tls.server}")
    announce(f"  data in {loaded.store.store_path_root_dir}")
    for text in broker_warnings(loaded, addresses.listen[0]):
        warn(text)


def broker_warnings(loaded: LoadedConfig, bound: str) -> list[str]:
    """Return what the person who started this broker should know."""
    config = loaded.broker
    warnings = list(loaded.warnings)
    if not config.namesrv_addr:
        warnings.append("no name server is set (-n or namesrvAddr): clients won't find this broker")
    if is_loopback(bound):
        return warnings
    if is_loopback(config.broker_ip1):
        warnings.append(
            f"clients are told {config.broker_ip1}, which only this machine reaches,"
            f" although {bound} is bound; set brokerIP1 to an address they can reach"
        )
    warnings.append(open_warning(loaded.tls.server))
    return warnings
