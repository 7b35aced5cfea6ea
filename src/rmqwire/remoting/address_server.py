"""Ask an address server for the name servers (``DefaultTopAddressing``, ``HttpTinyClient``).

It is a web server that answers one line, ``host:port;host:port``.
"""

from __future__ import annotations

from rmqwire.errors import ConfigError
from rmqwire.settings.forms import addresses

TIMEOUT_S = 3.0
FIRST_S = 10.0  # after the start
MOST_BYTES = 65_536


def address_url(domain: str, sub_group: str, unit_name: str | None = None) -> str:
    """Return what to ask (``MixAll.getWSAddr``).

    Args:
        domain: ``rocketmq.namesrv.domain``: a host, which listens on 8080 unless a port is named.
        sub_group: ``rocketmq.namesrv.domain.subgroup``.
        unit_name: of the client that asks.
    """
    host = domain if ":" in domain else f"{domain}:8080"
    unit = f"-{unit_name}?nofix=1" if unit_name and unit_name.strip() else ""
    return f"http://{host}/rocketmq/{sub_group}{unit}"


def fetch_addresses(url: str) -> str:
    """Return the addresses as an address server tells them; blocks for as long as it takes.

    Raises:
        OSError: it can't be reached, or answers with another status than 200.
        ConfigError: what it answers are no addresses.
    """
    from http.client import HTTPException  # noqa: PLC0415  both cost a start 20 ms, and few ask
    from urllib.request import ProxyHandler, build_opener  # noqa: PLC0415

    opener = build_opener(ProxyHandler({}))  # Java's asks no proxy either
    try:
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            text = answer.read(MOST_BYTES).decode("utf-8", "replace").strip()
    except HTTPException as error:
        raise OSError(f"no HTTP: {error!r}") from None
    first = text.splitlines()[0] if text else ""
    if not first:
        raise ConfigError("it names no name server")
    return addresses(first)
