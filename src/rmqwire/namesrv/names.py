"""What the name server lets in: names and addresses, checked where they enter.

A topic's name ends up as a folder of a broker, an address in other machines' connections: neither
is taken over unseen (CVE-2019-17572 was a topic called ``../x``).
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.names import has_legal_characters
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TOPIC: Final = 255  # characters; Java's TopicValidator.RETRY_OR_DLQ_TOPIC_MAX_LENGTH
MAX_NAME: Final = 255  # of a broker, a cluster, a key; a host name has at most 253
_NAME = re.compile(r"[%|a-zA-Z0-9_.:@#$-]+")  # a broker is named after its host by default
_ADDRESS = re.compile(
    r"([a-zA-Z0-9_.-]{1,253}|\[[0-9a-fA-F:.%a-zA-Z0-9]{2,64}\]|[0-9a-fA-F:.]{2,64}):([0-9]{1,5})"
)


def is_topic(name: str) -> bool:
    """Return whether a topic's name is legal (``TopicValidator``)."""
    return 0 < len(name) <= MAX_TOPIC and has_legal_characters(name)


def is_name(name: str) -> bool:
    """Return whether a broker's or cluster's name can be taken."""
    return 0 < len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None and ".." not in name


def is_address(address: str) -> bool:
    """Return whether ``address`` is ``host:port`` with a port from 1 to 65535."""
    match = _ADDRESS.fullmatch(address)
    return match is not None and 0 < int(match[2]) < 65_536


def is_registered_topic(topic: str, broker_name: str, cluster: str) -> bool:
    """Return whether a broker may register ``topic``: its own and its cluster's name may have dots."""
    return is_topic(topic) or topic in {broker_name, cluster}


def check_broker(cluster: str, broker_name: str, address: str, broker_id: int) -> None:
    """Refuse names and addresses that can't be a broker's.

    Raises:
        Reject: SYSTEM_ERROR with what is wrong.
    """
    if not is_name(cluster) or not is_name(broker_name):
        raise refused(f"illegal cluster or broker name: {shown(cluster)} {shown(broker_name)}")
    if not is_address(address):
        raise refused(f"illegal broker address: {shown(address)}")
    if broker_id < 0:
        raise refused(f"illegal broker id: {broker_id}")


def check_topic(topic: str) -> None:
    """Refuse an illegal topic name.

    Raises:
        Reject: SYSTEM_ERROR.
    """
    if not is_topic(topic):
        raise refused(f"illegal topic name: {shown(topic)}")


def check_admitted(peer: str, networks: Iterable[Any]) -> None:
    """Refuse who is not in ``registerAllowList``; an empty list admits everyone.

    Raises:
        Reject: NO_PERMISSION.
    """
    admitted = list(networks)
    if not admitted:
        return
    try:
        ip = ip_address(peer.rpartition(":")[0].strip("[]").partition("%")[0])
    except ValueError:
        ip = None
    if ip is None or not any(ip in network for network in admitted):
        raise Reject(ResponseCode.NO_PERMISSION, f"{peer} is not in registerAllowList")


def refused(remark: str) -> Reject:
    """Return the refusal Java would have made of an exception."""
    return Reject(ResponseCode.SYSTEM_ERROR, remark)


def shown(text: str) -> str:
    """Return text of a stranger for a log or a remark: escaped and short."""
    return ascii(text[:128])
