"""What ``DefaultMQAdminExt`` asks and no verb of ``rmqwire admin`` does: named as there, in snake_case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.admin.message_query import MessageQueryVerbs
from rmqwire.admin.routed import Routed
from rmqwire.codec.bodies import (
    GroupForbidden,
    QueryConsumeTimeSpanBody,
    QuerySubscriptionResponseBody,
    TopicConfigAndQueueMapping,
    TopicList,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    GetTopicConfigRequestHeader,
    GetTopicsByClusterRequestHeader,
    QueryConsumeTimeSpanRequestHeader,
    QuerySubscriptionByConsumerRequestHeader,
    QueryTopicsByConsumerRequestHeader,
    ResumeCheckHalfMessageRequestHeader,
    UpdateConsumerOffsetRequestHeader,
    UpdateGroupForbiddenRequestHeader,
)
from rmqwire.codec.host import host_text
from rmqwire.codec.message_const import retry_topic
from rmqwire.errors import RouteNotFound

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue, QueueTimeSpan, SubscriptionData


class BeyondVerbs(MessageQueryVerbs, Routed):
    """Questions about topics, groups and transactions that only programs ask."""

    async def fetch_topics_by_cluster(self, cluster: str) -> list[str]:
        """Return the topics of a cluster's brokers (``fetchTopicsByCLuster``)."""
        header = GetTopicsByClusterRequestHeader(cluster=cluster)
        answer = await self._ask_namesrv(RequestCode.GET_TOPICS_BY_CLUSTER, header)
        return sorted(TopicList.decode(answer.body, self._release).topic_list)

    async def examine_topic_config(self, addr: str, topic: str) -> TopicConfigAndQueueMapping:
        """Return a topic's settings at a broker of 5.x (``examineTopicConfig``)."""
        header = GetTopicConfigRequestHeader(topic=topic)
        answer = await self._ask(addr, RequestCode.GET_TOPIC_CONFIG, header)
        return TopicConfigAndQueueMapping.decode(answer.body, self._release)

    async def query_topics_by_consumer(self, group: str) -> list[str]:
        """Return the topics that a group has committed offsets of, at brokers of 5.x (``queryTopicsByConsumer``).

        Raises:
            RouteNotFound: no broker has the group's retry topic.
        """
        header = QueryTopicsByConsumerRequestHeader(group=group)
        found: set[str] = set()
        for addr in await self._addrs_of(retry_topic(group)):
            answer = await self._ask(addr, RequestCode.QUERY_TOPICS_BY_CONSUMER, header)
            found.update(TopicList.decode(answer.body, self._release).topic_list)
        return sorted(found)

    async def query_subscription(self, group: str, topic: str) -> SubscriptionData | None:
        """Return what a group wants of a topic, as the first of its brokers knows it (``querySubscription``, 5.x).

        Raises:
            RouteNotFound: no broker has the topic.
        """
        header = QuerySubscriptionByConsumerRequestHeader(group=group, topic=topic)
        addr = (await self._addrs_of(topic))[0]
        answer = await self._ask(addr, RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER, header)
        told = QuerySubscriptionResponseBody.decode(answer.body, self._release)
        return told.subscription_data

    async def query_consume_time_span(self, topic: str, group: str) -> list[QueueTimeSpan]:
        """Return the times of the oldest, the newest and the consumed message of each queue.

        (``queryConsumeTimeSpan``.)

        Raises:
            RouteNotFound: no broker has the topic.
        """
        header = QueryConsumeTimeSpanRequestHeader(topic=topic, group=group)
        found: list[QueueTimeSpan] = []
        for addr in await self._addrs_of(topic):
            answer = await self._ask(addr, RequestCode.QUERY_CONSUME_TIME_SPAN, header)
            found += QueryConsumeTimeSpanBody.decode(
                answer.body, self._release
            ).consume_time_span_set
        return found

    async def update_consume_offset(
        self, addr: str, group: str, queue: MessageQueue, offset: int
    ) -> None:
        """Set how far a group has consumed a queue, whoever reads it (``updateConsumeOffset``).

        Args:
            addr: the queue's broker.
            group: which group.
            queue: which queue.
            offset: index of the first message that it hasn't consumed.
        """
        header = UpdateConsumerOffsetRequestHeader(
            consumer_group=group,
            topic=queue.topic,
            queue_id=queue.queue_id,
            commit_offset=offset,
            bname=queue.broker_name,
        )
        await self._ask(addr, RequestCode.UPDATE_CONSUMER_OFFSET, header)

    async def update_and_get_group_read_forbidden(
        self, addr: str, group: str, topic: str, *, readable: bool | None = None
    ) -> GroupForbidden:
        """Forbid a group to read a topic at a broker of 5.x, or allow it (``updateAndGetGroupReadForbidden``).

        Args:
            addr: the broker.
            group: which group.
            topic: which topic.
            readable: False forbids it, True allows it, None changes nothing.

        Returns:
            What holds now.
        """
        header = UpdateGroupForbiddenRequestHeader(group=group, topic=topic, readable=readable)
        answer = await self._ask(addr, RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN, header)
        return GroupForbidden.decode(answer.body, self._release)

    async def resume_check_half_message(self, topic: str, msg_id: str) -> None:
        """Have a half message that was checked too often checked again (``resumeCheckHalfMessage``).

        Args:
            topic: ``TRANS_CHECK_MAX_TIME_TOPIC``, where brokers put such messages.
            msg_id: a broker's id, or a producer's.

        Raises:
            RouteNotFound: there is no such message.
        """
        message = await self.query_msg_by_id(topic, msg_id)
        if message is None:
            raise RouteNotFound(f"no message {msg_id} in {topic}")
        header = ResumeCheckHalfMessageRequestHeader(topic=topic, msg_id=message.offset_msg_id)
        addr = host_text(message.store_host)
        await self._ask(addr, RequestCode.RESUME_CHECK_HALF_MESSAGE, header)
