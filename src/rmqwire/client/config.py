"""Settings that producers and consumers share (Java ``ClientConfig``).

The names are Java's in snake_case and so are the defaults. Times are ms.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from rmqwire.auth.credentials import Credentials  # noqa: TC001  its hints are looked up
from rmqwire.client.message_ext import BodyReading
from rmqwire.client.name_servers import parse_addresses
from rmqwire.codec.names import NAME_PATTERN, has_legal_characters
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import UsageError
from rmqwire.settings.tls import ClientTls, client_tls

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_INSTANCE_NAME = "DEFAULT"
NAMESRV_ENVIRONMENT = "NAMESRV_ADDR"
_NOT_SHOWN = frozenset({"release", "tls", "credentials"})
SERIALIZE_TYPES = {"JSON": 0, "ROCKETMQ": 1}


@dataclass(slots=True, kw_only=True)
class ClientConfig:
    """What one client instance is set to.

    Args:
        namesrv_addr: name servers, ``host:port`` joined by ``;``. None reads the environment
            variable NAMESRV_ADDR, as Java does.
        address_server: ``host`` or ``host:port`` of a web server that names the name servers, asked at the
            start, after 10 s and then each 2 minutes where no address is set.
        client_ip: own address in the client id; None finds the one that leads to the network.
        instance_name: second part of the client id; DEFAULT becomes ``pid#nanoseconds``, but for a
            broadcasting consumer with a client of its own, whose offsets are kept under the id.
        unit_name: third part of the client id, None for none.
        unit_mode: whether the client belongs to a unit of a multi-site deployment.
        enable_stream_request_type: append ``@STREAM`` to the client id.
        vip_channel_enabled: send to the broker's VIP port, listenPort - 2.
        socks_proxy_config: Java's map of addresses to SOCKS proxies; must be empty: none is spoken.
        poll_name_server_interval: ms between two looks at the routes in use.
        heartbeat_broker_interval: ms between two heartbeats.
        use_heartbeat_v2: leave the subscriptions out of heartbeats to brokers of 5.x that know them.
        enable_heartbeat_channel_event_listener: as a client of 5.x, send one at once over each new
            connection to a broker, so that one that was started again knows its clients.
        persist_consumer_offset_interval: ms between two commits of consumed offsets.
        pull_time_delay_mills_when_exception: ms to wait after a failed pull.
        mq_client_api_timeout: ms for one request to a name server or a small one to a broker.
        send_latency_enable: avoid brokers that were slow (Java ``sendLatencyFaultEnable``).
        start_detector_enable: with ``send_latency_enable``: leave a broker alone that can't be connected to,
            and ask it in rounds of 3 s whether it is back.
        detect_timeout: ms that a broker may take to answer that question.
        detect_interval: ms after it in which the same broker isn't asked again.
        decode_read_body: give messages that were consumed their bodies; False: they are empty, and
            ``message.read_body()`` has them.
        decode_decompress_body: decompress the bodies; False: they come as they are stored.
        namespace: put before every topic and group, ``NAME%topic``; None for none.
        namespace_v2: said in every request instead, for proxies and brokers that know of it (5.x).
        enable_trace: trace what is sent and consumed, as messages of the trace topic. In memory it
            holds 2,048 records at most.
        trace_topic: where to; None for RMQ_SYS_TRACE_TOPIC.
        trace_msg_batch_num: records of a trace message, 20 at most.
        serialize_type: header serialisation of requests, ``JSON`` or ``ROCKETMQ``.
        credentials: what requests are signed with; None: they aren't.
        release: which Apache RocketMQ release to speak as.
        tls: True or a ``ClientTls``: speak TLS to name servers and brokers; False: speak plain. None
            asks the environment: RMQWIRE_TLS_ENABLE, as Java does its property ``tls.enable``. But for
            a ``ClientTls``, RMQWIRE_TLS_CLIENT_TRUST_CERT_PATH and the like and ``tls.properties`` say
            how.
    """

    namesrv_addr: str | None = None
    address_server: str | None = None
    client_ip: str | None = None
    instance_name: str = DEFAULT_INSTANCE_NAME
    unit_name: str | None = None
    unit_mode: bool = False
    enable_stream_request_type: bool = False
    vip_channel_enabled: bool = False
    socks_proxy_config: str = "{}"
    poll_name_server_interval: int = 30_000
    heartbeat_broker_interval: int = 30_000
    use_heartbeat_v2: bool = False
    enable_heartbeat_channel_event_listener: bool = True
    persist_consumer_offset_interval: int = 5_000
    pull_time_delay_mills_when_exception: int = 1_000
    mq_client_api_timeout: int = 3_000
    send_latency_enable: bool = False
    start_detector_enable: bool = False
    detect_timeout: int = 200
    detect_interval: int = 2_000
    decode_read_body: bool = True
    decode_decompress_body: bool = True
    namespace: str | None = None
    namespace_v2: str | None = None
    enable_trace: bool = False
    trace_topic: str | None = None
    trace_msg_batch_num: int = 10
    serialize_type: str = "JSON"
    credentials: Credentials | None = None
    release: Release = DEFAULT_RELEASE
    tls: ClientTls | bool | None = None

    def name_servers(self) -> list[str]:
        """Return the name servers' addresses; none where an address server is to name them.

        Raises:
            UsageError: none is set, or one is no ``host:port``.
        """
        text = self.namesrv_addr or os.environ.get(NAMESRV_ENVIRONMENT, "")
        addresses = parse_addresses(text)
        if not addresses and not self.address_server:
            raise UsageError("No name server address, please set it.")
        return addresses

    def client_tls(self) -> ClientTls | None:
        """Return how TLS is spoken, None where it isn't.

        Raises:
            ConfigError: what the environment or ``tls.properties`` says can't be used.
        """
        if isinstance(self.tls, ClientTls):
            return self.tls
        return client_tls(os.environ, self.release, use=self.tls)

    def check(self) -> None:
        """Refuse settings that can't work.

        Raises:
            UsageError: which one, and what it may be.
        """
        if self.namespace is not None and not has_legal_characters(self.namespace):
            raise UsageError(f"namespace {self.namespace!r}: only {NAME_PATTERN}")
        if self.socks_proxy_config.strip() != "{}":
            raise UsageError(
                "socksProxyConfig: SOCKS isn't spoken; give the proxy's tunnel to the brokers, such as "
                "`ssh -L`, as their address, or leave it empty"
            )
        if self.serialize_type not in SERIALIZE_TYPES:
            raise UsageError(f"serialize_type {self.serialize_type!r}: JSON or ROCKETMQ")
        for name in (
            "poll_name_server_interval",
            "heartbeat_broker_interval",
            "persist_consumer_offset_interval",
            "mq_client_api_timeout",
            "detect_timeout",
            "trace_msg_batch_num",
        ):
            check_range(self, name, 1, 0x7FFFFFFF)
        check_range(self, "detect_interval", 0, 0x7FFFFFFF)

    def client_id(self) -> str:
        """Return ``ip@instanceName[@unitName][@STREAM]`` (``buildMQClientId``)."""
        parts = [self.client_ip or "", self.instance_name]
        if self.unit_name and self.unit_name.strip():
            parts.append(self.unit_name)
        if self.enable_stream_request_type:
            parts.append("STREAM")
        return "@".join(parts)

    @property
    def body_reading(self) -> BodyReading:
        """How much is made of the bodies of messages that come."""
        if not self.decode_read_body:
            return BodyReading.NONE
        return BodyReading.WHOLE if self.decode_decompress_body else BodyReading.AS_STORED

    @property
    def heartbeats_on_connect(self) -> bool:
        """Whether a heartbeat goes over each new connection to a broker."""
        on = self.enable_heartbeat_channel_event_listener
        return on and self.release.client.heartbeat_on_connect

    @property
    def lasting_client_id(self) -> bool:
        """Whether the client id is to be the same after a restart."""
        return False

    def change_instance_name_to_pid(self, pid: int, nano_time: int) -> None:
        """Make a default instance name unique, unless the id has to last (``changeInstanceNameToPID``)."""
        if self.instance_name == DEFAULT_INSTANCE_NAME and not self.lasting_client_id:
            self.instance_name = f"{pid}#{nano_time}"

    def as_properties(self) -> dict[str, str]:
        """Return the settings under Java's names, as ``GET_CONSUMER_RUNNING_INFO`` reports them."""
        return {
            camel_case(field.name): _text(value)
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None and field.name not in _NOT_SHOWN
        }


CLIENT_FIELDS = dataclasses.fields(ClientConfig)


class ClientOptions(TypedDict, total=False):
    """The keywords of a ``Client``: each is told of in ``ClientConfig``."""

    namesrv_addr: str | None
    address_server: str | None
    client_ip: str | None
    instance_name: str
    unit_name: str | None
    unit_mode: bool
    enable_stream_request_type: bool
    vip_channel_enabled: bool
    socks_proxy_config: str
    poll_name_server_interval: int
    heartbeat_broker_interval: int
    use_heartbeat_v2: bool
    enable_heartbeat_channel_event_listener: bool
    persist_consumer_offset_interval: int
    pull_time_delay_mills_when_exception: int
    mq_client_api_timeout: int
    send_latency_enable: bool
    start_detector_enable: bool
    detect_timeout: int
    detect_interval: int
    decode_read_body: bool
    decode_decompress_body: bool
    namespace: str | None
    namespace_v2: str | None
    enable_trace: bool
    trace_topic: str | None
    trace_msg_batch_num: int
    serialize_type: str
    credentials: Credentials | None
    release: Release
    tls: ClientTls | bool | None


C = TypeVar("C", bound=ClientConfig)


def make_config(
    cls: type[C], settings: Mapping[str, object], shared: ClientConfig | None = None
) -> C:
    """Make a configuration from keyword arguments.

    Args:
        cls: of what.
        settings: the keywords.
        shared: the configuration of a client that others use too; its settings hold then.

    Raises:
        UsageError: a name that isn't a setting here, or a value that can't work.
    """
    known = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise UsageError(f"no such setting: {', '.join(unknown)}")
    values = dict(settings)
    if shared is not None:
        common = {field.name: getattr(shared, field.name) for field in CLIENT_FIELDS}
        misplaced = sorted(settings.keys() & common)
        if misplaced:
            raise UsageError(f"to be set at the Client, as others share it: {', '.join(misplaced)}")
        values |= common
    config = cls(**cast("dict[str, Any]", values))
    config.check()
    return config


def check_range(config: ClientConfig, name: str, low: int, high: int) -> None:
    """Refuse a number out of range, in Java's words.

    Raises:
        UsageError: it is.
    """
    if not low <= getattr(config, name) <= high:
        raise UsageError(f"{camel_case(name)} Out of range [{low}, {high}]")


def camel_case(name: str) -> str:
    """Return Java's spelling of a setting."""
    head, *tail = name.split("_")
    return head + "".join({"ip": "IP", "ok": "OK"}.get(word, word.capitalize()) for word in tail)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
