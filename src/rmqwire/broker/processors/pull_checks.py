"""What a pull must pass before a queue is read, in Java's order (``PullMessageProcessor``)."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from rmqwire.broker.clients.client_table import BROADCASTING, CLUSTERING, CONSUME_PASSIVELY
from rmqwire.broker.processors.pull_filter import group_filter, own_filter
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers.base import needed
from rmqwire.codec.sys_flag import PERM_READ, PULL_SUBSCRIPTION
from rmqwire.errors import UsageError
from rmqwire.filter.subscription import build_subscription
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import SubscriptionData, SubscriptionGroupConfig, TopicConfig
    from rmqwire.codec.headers import PullMessageRequestHeader
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)

_LITE_PULL = int(RequestCode.LITE_PULL_MESSAGE)
# ForbiddenType
BROKER_FORBIDDEN, GROUP_FORBIDDEN, TOPIC_FORBIDDEN = 1, 2, 3
BROADCASTING_DISABLE_FORBIDDEN, SUBSCRIPTION_FORBIDDEN = 4, 5
_INDEX_PERM_READ = 2  # PermName.INDEX_PERM_READ
_own_subscription = lru_cache(1024)(
    build_subscription
)  # pulls repeat them; nothing here changes one


class PullChecks:
    """The checks of one broker's pulls.

    Args:
        state: the broker's tables.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def check(
        self, connection: Peer, header: PullMessageRequestHeader, code: int
    ) -> tuple[TopicConfig, SubscriptionGroupConfig]:
        """Return the topic and the group of a pull.

        Raises:
            Reject: it is refused.
        """
        topic, group = self.check_access(header, code)
        if not 0 <= header.queue_id < topic.read_queue_nums:
            raise Reject(
                self._state.release.broker.invalid_parameter_code,
                f"queueId[{header.queue_id}] is illegal, topic:[{header.topic}] "
                f"topicConfig.readQueueNums:[{topic.read_queue_nums}] consumer:[/{connection.peer}]",
            )
        return topic, group

    def check_access(
        self, header: PullMessageRequestHeader, code: int
    ) -> tuple[TopicConfig, SubscriptionGroupConfig]:
        """Do all of that which doesn't depend on the queue."""
        state = self._state
        if not state.config.broker_permission & PERM_READ:
            raise self._forbidden(
                BROKER_FORBIDDEN,
                f"the broker[{state.config.broker_ip1}] pulling message is forbidden",
            )
        if code == _LITE_PULL and not state.config.lite_pull_message_enable:
            raise self._forbidden(
                BROKER_FORBIDDEN,
                f"the broker[{state.config.broker_ip1}] for lite pull consumer is forbidden",
            )
        group = state.groups.find(header.consumer_group)
        if group is None:
            raise Reject(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group [{header.consumer_group}] does not exist, "
                f"{state.release.wire.faq_suggestion}",
            )
        if not group.consume_enable:
            raise self._forbidden(
                GROUP_FORBIDDEN, f"subscription group no permission, {header.consumer_group}"
            )
        topic = state.topics.select(header.topic)
        if topic is None:
            raise Reject(
                ResponseCode.TOPIC_NOT_EXIST,
                f"topic[{header.topic}] not exist, apply first please! "
                f"{state.release.wire.faq_suggestion}",
            )
        if not topic.perm & PERM_READ:
            raise self._forbidden(
                TOPIC_FORBIDDEN, f"the topic[{header.topic}] pulling message is forbidden"
            )
        return topic, group

    def wanted(
        self, header: PullMessageRequestHeader, group: SubscriptionGroupConfig
    ) -> Filter | None:
        """Return what the pull asks for: as it says, or as its group told by heartbeat.

        Raises:
            Reject: it is refused.
            ProtocolError: it doesn't say of which version.
        """
        state = self._state
        if not header.sys_flag & PULL_SUBSCRIPTION:
            told = self._told_subscription(header, group)
            version = needed(header.sub_version, "subVersion")
            return group_filter(state, header.consumer_group, told, version)
        try:
            own = _own_subscription(header.topic, header.subscription, header.expression_type)
        except UsageError as error:
            raise _no_subscription(header, error) from None
        if state.release.broker.pull_subscribes:
            state.consumers.compensate(header.consumer_group, CONSUME_PASSIVELY, CLUSTERING, own)
        return own_filter(state, header.consumer_group, own)

    def _told_subscription(
        self, header: PullMessageRequestHeader, group: SubscriptionGroupConfig
    ) -> SubscriptionData:
        state = self._state
        info = state.consumers.find(header.consumer_group)
        if info is None:
            raise Reject(
                ResponseCode.SUBSCRIPTION_NOT_EXIST,
                f"the consumer's group info not exist{state.release.wire.faq_suggestion}",
            )
        if not group.consume_broadcast_enable and info.message_model == BROADCASTING:
            raise self._forbidden(
                BROADCASTING_DISABLE_FORBIDDEN,
                f"the consumer group[{header.consumer_group}] can not consume by broadcast way",
            )
        if state.release.broker.group_forbidden and state.groups.is_forbidden(
            header.consumer_group, header.topic, _INDEX_PERM_READ
        ):
            raise self._forbidden(
                SUBSCRIPTION_FORBIDDEN,
                f"the consumer group[{header.consumer_group}] is forbidden for "
                f"topic[{header.topic}]",
            )
        subscription_data = info.subscriptions.get(header.topic)
        if subscription_data is None:
            raise Reject(
                ResponseCode.SUBSCRIPTION_NOT_EXIST,
                f"the consumer's subscription not exist{state.release.wire.faq_suggestion}",
            )
        if subscription_data.sub_version < needed(header.sub_version, "subVersion"):
            raise Reject(
                ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest"
            )
        return subscription_data

    def _forbidden(self, kind: int, remark: str) -> Reject:
        """Refuse for lack of permission; 5.x says of which kind in the answer's header."""
        told = (
            {"forbiddenType": str(kind)} if self._state.release.broker.pull_forbidden_type else None
        )
        return Reject(ResponseCode.NO_PERMISSION, remark, told)


def _no_subscription(header: PullMessageRequestHeader, error: UsageError) -> Reject:
    logger.warning("subscription of %s to %s: %s", header.consumer_group, header.topic, error)
    return Reject(
        ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed"
    )
