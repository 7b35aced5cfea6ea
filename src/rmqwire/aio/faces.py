"""The clients for asyncio. Written by ``tools/make_faces.py`` from the trio classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rmqwire.aio.consuming import Consuming
from rmqwire.aio.face import Face
from rmqwire.aio.sending import Sending, Transacting
from rmqwire.client.client import Client as TrioClient
from rmqwire.client.mq_admin import MQAdmin as TrioMQAdmin
from rmqwire.codec.allocation import allocate_averagely
from rmqwire.consumer.lite_pull import LitePullConsumer as TrioLitePullConsumer
from rmqwire.consumer.lite_push import LitePushConsumer as TrioLitePushConsumer
from rmqwire.consumer.pull import PullConsumer as TrioPullConsumer
from rmqwire.consumer.push import PushConsumer as TrioPushConsumer
from rmqwire.filter.subscription import SUB_ALL
from rmqwire.producer.producer import Producer as TrioProducer
from rmqwire.producer.transaction import TransactionProducer as TrioTransactionProducer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    from rmqwire.client.config import ClientOptions
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.client.message_queries import QueryResult
    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.bodies import MessageQueue, OffsetOption, SubscriptionData
    from rmqwire.codec.message import Message
    from rmqwire.consumer.config import PushConsumerOptions
    from rmqwire.consumer.dedupe import Dedupe
    from rmqwire.consumer.group.member import QueueListener
    from rmqwire.consumer.group.queue_watch import TopicListener
    from rmqwire.consumer.health import ConsumerHealth
    from rmqwire.consumer.hooks import ConsumeHook
    from rmqwire.consumer.listener import ConcurrentListener, Listener
    from rmqwire.consumer.lite_pull import Offsets
    from rmqwire.consumer.lite_push_config import LitePushConsumerOptions
    from rmqwire.consumer.offsets.table import OffsetStore
    from rmqwire.consumer.pull_config import LitePullConsumerOptions, PullConsumerOptions
    from rmqwire.consumer.reading.pull_result import PullResult
    from rmqwire.consumer.selector import MessageSelector
    from rmqwire.consumer.working.pull_tasks import PullTask
    from rmqwire.producer.config import ProducerOptions, TransactionProducerOptions
    from rmqwire.producer.hooks import SendHook
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.results import SendResult
    from rmqwire.producer.selector import MessageQueueSelector
    from rmqwire.producer.transaction import LocalTransaction, TransactionSendResult
    from rmqwire.producer.transaction_check import TransactionCheck

A = TypeVar("A", bound=TrioMQAdmin)


class Client(Face[TrioClient]):
    """Connections, routes and heartbeats for any number of producers and consumers.

    Use it as ``async with`` around theirs. There is one connection to each broker, and one
    heartbeat tells a broker of all groups. Settings of the connection are set here, those of a
    producer or a consumer there.

    Args:
        namesrv_addr: name servers, ``host:port`` joined by ``;``; None reads the environment
            variable NAMESRV_ADDR.
        config: settings as keywords, see ``ClientConfig``.

    Raises:
        UsageError: a bad setting, or no usable name server address.
    """

    def __init__(self, namesrv_addr: str | None = None, /, **config: Unpack[ClientOptions]) -> None:
        Face.__init__(self, lambda: TrioClient(namesrv_addr, **config))

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        inner = self._inner
        return self._now(lambda: inner.client_id)


class MQAdmin(Face[A]):
    """Questions that producers, push consumers and pull consumers answer alike.

    ``rmqwire.admin`` has all that ``mqadmin`` can. All of these raise UsageError outside of ``async with``, and
    the RmqError of a broker that doesn't answer or refuses.
    """

    async def create_topic(
        self,
        key: str,
        new_topic: str,
        queue_num: int,
        *,
        topic_sys_flag: int = 0,
        attributes: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Make a topic at all masters that have another one.

        A master that doesn't make it is logged, unless none does.

        Args:
            key: the other topic; ``TBW102`` for every broker that makes topics by itself.
            new_topic: its name.
            queue_num: its queues on each broker, to read and to write.
            topic_sys_flag: 1 for a topic of a unit, 2 where the unit's consumers subscribe.
            attributes: each with its sign, as in ``{"+message.type": "FIFO"}``; 4.9 has none.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: no topic can have that name, or that many queues.
            RouteNotFound: no broker has the topic ``key``.
            RmqError: no master has made it; of the last one.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(
            timeout,
            self._inner.create_topic,
            key,
            new_topic,
            queue_num,
            topic_sys_flag=topic_sys_flag,
            attributes=attributes,
        )

    async def search_offset(
        self, queue: MessageQueue, timestamp: int, *, timeout: float | None = None
    ) -> int:
        """Return the index of the first message stored at ``timestamp`` (ms) or later.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.search_offset, queue, timestamp)

    async def max_offset(self, queue: MessageQueue, *, timeout: float | None = None) -> int:
        """Return the index of the next message of a queue.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.max_offset, queue)

    async def min_offset(self, queue: MessageQueue, *, timeout: float | None = None) -> int:
        """Return the index of the oldest message of a queue.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.min_offset, queue)

    async def earliest_msg_store_time(
        self, queue: MessageQueue, *, timeout: float | None = None
    ) -> int:
        """Return when the oldest message of a queue was stored, ms since the epoch.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.earliest_msg_store_time, queue)

    async def query_message(
        self,
        topic: str,
        key: str,
        max_num: int,
        begin: int,
        end: int,
        *,
        timeout: float | None = None,
    ) -> QueryResult:
        """Return the messages of a topic that have a key, which may be none.

        Args:
            topic: where they are.
            key: one of their keys.
            max_num: so many of each broker at most.
            begin: stored at this time or later, ms since the epoch.
            end: stored at this time or before.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RouteNotFound: no name server knows the topic.
            RmqError: one of its brokers didn't say.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.query_message, topic, key, max_num, begin, end)

    async def view_message(
        self, topic: str, msg_id: str, *, timeout: float | None = None
    ) -> MessageExt | None:
        """Return one message, None when there is none.

        Args:
            topic: where it is.
            msg_id: a broker's id (``SendResult.offset_msg_id``) or a producer's (``msg_id``); of several
                messages with the same one the oldest.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RouteNotFound: no name server knows the topic.
            RmqError: one of its brokers didn't say.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.view_message, topic, msg_id)


class Producer(Sending, MQAdmin[TrioProducer]):
    """Send messages for a producer group; use it as ``async with``.

    Args:
        group: the producer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        hooks: look at each attempt of a send.
        config: settings as keywords, see ``ProducerConfig``; at least ``namesrv_addr``, unless the
            environment has NAMESRV_ADDR or there is a ``client``.

    Raises:
        UsageError: a bad group or setting.
    """

    def __init__(
        self,
        group: str,
        *,
        client: Client | None = None,
        hooks: Sequence[SendHook] = (),
        **config: Unpack[ProducerOptions],
    ) -> None:
        Face.__init__(
            self, lambda: TrioProducer(group, client=self._shared(client), hooks=hooks, **config)
        )

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        inner = self._inner
        return self._now(lambda: inner.client_id)

    async def send(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        key: object = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout_ms: int | None = None,
        timeout: float | None = None,
    ) -> SendResult:
        """Send a message, or a list of them as one batch, and wait until it is stored.

        Without ``queue`` and ``selector`` the topic's queues take turns, and a failed attempt is
        repeated at another broker. A message may then be stored twice: consumers must bear it. What
        is raised at last tells all ``attempts``, and by ``maybe_stored`` whether one of them may
        have been stored all the same. With auto_batch a single message waits a little for others of
        its topic and tag, and they go as one batch.

        Args:
            message: one message, or several of the same topic.
            queue: send to this queue, once.
            key: send to the queue that Java's hash of this key chooses, once: messages of one key
                stay in order (``select_by_hash``).
            selector: choose the queue, once; called with (queues, message, ``arg``).
            arg: for the selector.
            timeout_ms: for all of it, look-ups and retries included; None for sendMsgTimeout.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue.
            RouteNotFound: no name server knows the topic, and it can't be made.
            BrokerError: the last broker refused it.
            RemotingError: the last broker couldn't be reached or didn't answer in time.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._send(
            timeout,
            message,
            queue=queue,
            key=key,
            selector=selector,
            arg=arg,
            timeout_ms=timeout_ms,
        )

    async def ready(self, *, timeout: float | None = None) -> None:
        """Wait until fewer sends are under way than backPressureForAsyncSendNum and -Size say.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.ready)

    async def send_oneway(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        key: object = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout: float | None = None,
    ) -> None:
        """Send without waiting for an answer: nobody learns whether it was stored.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue.
            RouteNotFound: no name server knows the topic, and it can't be made.
            RemotingError: no connection.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(
            timeout,
            self._inner.send_oneway,
            message,
            queue=queue,
            key=key,
            selector=selector,
            arg=arg,
        )

    async def request(
        self,
        message: Message,
        *,
        queue: MessageQueue | None = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout_ms: int | None = None,
        timeout: float | None = None,
    ) -> MessageExt:
        """Send a request and wait for the answer of whoever consumes it.

        The other side sends ``reply_to(request, body)`` through any producer.

        Args:
            message: the request.
            queue: send to this queue, once.
            selector: choose the queue, once; called with (queues, message, ``arg``).
            arg: for the selector.
            timeout_ms: for all of it, the answer included; None for sendMsgTimeout.
            timeout: seconds for all of it; None for as long as it takes.

        Returns:
            the answer.

        Raises:
            RequestTimeout: the request was stored, but no answer came in time.
            RmqError: it wasn't sent; as for ``send``.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(
            timeout,
            self._inner.request,
            message,
            queue=queue,
            selector=selector,
            arg=arg,
            timeout_ms=timeout_ms,
        )

    async def recall(
        self,
        topic: str,
        recall_handle: str,
        *,
        timeout_ms: int | None = None,
        timeout: float | None = None,
    ) -> str:
        """Take a timer message back that isn't delivered yet; its broker must allow it.

        No broker looks whether the message is there: a recall of what isn't is answered alike.

        Args:
            topic: of the message.
            recall_handle: of the ``SendResult``.
            timeout_ms: for all of it; None for sendMsgTimeout.
            timeout: seconds for all of it; None for as long as it takes.

        Returns:
            The message's id.

        Raises:
            UsageError: no topic can have that name.
            BadHeader: it is no handle.
            RouteNotFound: no name server knows the topic, or the message's broker.
            BrokerError: the broker refused: recalls are forbidden there, or it's too late.
            RemotingError: the broker couldn't be reached or didn't answer in time.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(
            timeout, self._inner.recall, topic, recall_handle, timeout_ms=timeout_ms
        )

    async def fetch_publish_message_queues(
        self, topic: str, *, timeout: float | None = None
    ) -> list[MessageQueue]:
        """Return the queues of a topic that can be sent to.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: no topic can have that name.
            RouteNotFound: no name server knows the topic.
            RemotingError: no name server answered.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.fetch_publish_message_queues, topic)


class TransactionProducer(Transacting, Producer):
    """Send messages that consumers see only after a local transaction; use it as ``async with``.

    Args:
        group: the producer group; brokers ask any of its producers about any of its transactions.
        check: tells what became of the transaction of a message, plain or async; asked when a
            broker wasn't told. What it raises is "not known yet", and it is asked again.
        client: whose connections to share; None for own ones.
        hooks: look at each attempt of a send.
        config: settings as keywords, see ``TransactionProducerConfig``; at least ``namesrv_addr``,
            unless the environment has NAMESRV_ADDR or there is a ``client``.

    Raises:
        UsageError: a bad group or setting.
    """

    def __init__(
        self,
        group: str,
        *,
        check: TransactionCheck,
        client: Client | None = None,
        hooks: Sequence[SendHook] = (),
        **config: Unpack[TransactionProducerOptions],
    ) -> None:
        Face.__init__(
            self,
            lambda: TrioTransactionProducer(
                group,
                check=self._function(check),
                client=self._shared(client),
                hooks=hooks,
                **config,
            ),
        )

    async def send_in_transaction(
        self,
        message: Message,
        local: LocalTransaction,
        arg: object = None,
        *,
        timeout: float | None = None,
    ) -> TransactionSendResult:
        """Send a half message, run the local transaction, tell the broker what became of it.

        A half message that isn't as safe as the broker is set to (FLUSH_DISK_TIMEOUT and the like)
        is rolled back without running the local transaction, as Java does it.

        Args:
            message: which consumers shall see if the transaction commits.
            local: the local transaction, plain or async, called with the message and ``arg``; None
                and what it raises are UNKNOW: the broker will ask.
            arg: for ``local``.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: a message that no broker takes, or a delayed one.
            RmqError: the half message couldn't be sent, see ``Producer.send``; ``local`` wasn't run.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(
            timeout, self._transacting.send_in_transaction, message, self._function(local), arg
        )


class PushConsumer(Consuming, MQAdmin[TrioPushConsumer]):
    """Consume messages for a group; use it as ``async with``.

    Args:
        group: the consumer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        allocate: how the group divides the queues of a topic; all its members need the same.
        hooks: look at what is consumed.
        dedupe: leaves out what was consumed before, see ``MemoryDedupe`` and ``SqliteDedupe``.
        message_queue_listener: called with (topic, all its queues, those of this member) when the
            latter have changed; of the group's retry topic too.
        offset_store: keeps how far the group has come; None for the brokers, or a file of a broadcasting
            consumer.
        config: settings as keywords, see ``PushConsumerConfig``; at least ``namesrv_addr``, unless
            the environment has NAMESRV_ADDR or there is a ``client``.

    Raises:
        UsageError: a bad group or setting, or brokers are to divide the queues in a way that they
            don't know.
    """

    def __init__(
        self,
        group: str,
        *,
        client: Client | None = None,
        allocate: AllocateStrategy = allocate_averagely,
        hooks: Sequence[ConsumeHook] = (),
        offset_store: OffsetStore | None = None,
        dedupe: Dedupe | None = None,
        message_queue_listener: QueueListener | None = None,
        **config: Unpack[PushConsumerOptions],
    ) -> None:
        Face.__init__(
            self,
            lambda: TrioPushConsumer(
                group,
                client=self._shared(client),
                allocate=allocate,
                hooks=hooks,
                offset_store=offset_store,
                dedupe=dedupe,
                message_queue_listener=self._callback(message_queue_listener),
                **config,
            ),
        )

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        inner = self._inner
        return self._now(lambda: inner.client_id)

    def subscribe(
        self,
        topic: str,
        selector: str | MessageSelector = SUB_ALL,
        listener: Listener | None = None,
    ) -> None:
        """Consume a topic's messages; may be called before and inside ``async with``.

        Entering ``async with`` asks a broker of each topic whether the conditions can be used
        there. One that comes later isn't asked about: ``health`` says what brokers refuse.

        Args:
            topic: which topic.
            selector: tags joined by ``||``, ``*`` for all, or ``MessageSelector.by_sql(...)``.
            listener: called with a list of messages, and with a ConsumeConcurrentlyContext if it
                takes two arguments; returns a ConsumeStatus, or is an async function that does.
                Raising means RECONSUME_LATER. Where consume_orderly is set it is a
                ConsumeOrderlyContext and a ConsumeOrderlyStatus, and raising means
                SUSPEND_CURRENT_QUEUE_A_MOMENT. A plain function must not block, unless
                consume_in_threads is set. None leaves the messages to ``async for``.

        Raises:
            UsageError: a bad topic or expression.
        """
        self._now(self._inner.subscribe, topic, selector, self._listener(listener))

    def unsubscribe(self, topic: str) -> None:
        """Consume a topic no longer."""
        self._now(self._inner.unsubscribe, topic)

    def suspend(self) -> None:
        """Stop pulling and popping; what is here is still consumed."""
        self._now(self._inner.suspend)

    def resume(self) -> None:
        """Pull and pop again."""
        self._now(self._inner.resume)

    @property
    def is_pause(self) -> bool:
        """Whether it is suspended."""
        inner = self._inner
        return self._now(lambda: inner.is_pause)

    @property
    def health(self) -> ConsumerHealth:
        """How it is: last heartbeats, last pulls, the last refusal, why nothing of a topic comes."""
        inner = self._inner
        return self._now(lambda: inner.health)

    async def fetch_subscribe_message_queues(
        self, topic: str, *, timeout: float | None = None
    ) -> set[MessageQueue]:
        """Return the queues of a topic that can be read, whoever reads them.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RouteNotFound: no name server knows the topic, or it has none.
            RemotingError: no name server answered.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.fetch_subscribe_message_queues, topic)

    async def send_message_back(
        self,
        message: MessageExt,
        delay_level: int = 0,
        *,
        broker_name: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Have a message delivered again later, whatever its listener says of it now.

        Args:
            message: what is to come again.
            delay_level: when; 0 leaves that to the broker, -1 is the dead letters at once.
            broker_name: which broker is to do it; None for the one that it is from.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: no broker took it.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(
            timeout, self._inner.send_message_back, message, delay_level, broker_name=broker_name
        )

    def assigned_queues(self) -> set[MessageQueue]:
        """Return the queues this member reads now; number -1 is all of a broker, popped from."""
        return self._now(self._inner.assigned_queues)


class LitePullConsumer(Face[TrioLitePullConsumer]):
    """Ask for the messages of a group; use it as ``async with``.

    Args:
        group: the consumer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        allocate: how the group divides the queues of a topic; all its members need the same.
        hooks: look at what is consumed.
        offset_store: keeps how far the group has come; None for the brokers, or a file of a broadcasting
            consumer.
        config: settings as keywords, see ``LitePullConsumerConfig``; at least ``namesrv_addr``,
            unless the environment has NAMESRV_ADDR or there is a ``client``.

    Raises:
        UsageError: a bad group or setting.
    """

    def __init__(
        self,
        group: str,
        *,
        client: Client | None = None,
        allocate: AllocateStrategy = allocate_averagely,
        hooks: Sequence[ConsumeHook] = (),
        offset_store: OffsetStore | None = None,
        **config: Unpack[LitePullConsumerOptions],
    ) -> None:
        Face.__init__(
            self,
            lambda: TrioLitePullConsumer(
                group,
                client=self._shared(client),
                allocate=allocate,
                hooks=hooks,
                offset_store=offset_store,
                **config,
            ),
        )

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        inner = self._inner
        return self._now(lambda: inner.client_id)

    def subscribe(
        self,
        topic: str,
        selector: str | MessageSelector = SUB_ALL,
        *,
        queue_listener: QueueListener | None = None,
    ) -> None:
        """Read this member's share of a topic; may be called before and inside ``async with``.

        Args:
            topic: which topic.
            selector: tags joined by ``||``, ``*`` for all, or ``MessageSelector.by_sql(...)``.
            queue_listener: called with (topic, all its queues, those of this member) when the
                latter have changed.

        Raises:
            UsageError: a bad topic or expression, or queues were assigned before.
        """
        self._now(
            self._inner.subscribe, topic, selector, queue_listener=self._callback(queue_listener)
        )

    def unsubscribe(self, topic: str) -> None:
        """Read a topic no longer."""
        self._now(self._inner.unsubscribe, topic)

    def assign(self, queues: Iterable[MessageQueue]) -> None:
        """Read exactly these queues, whatever other members of the group read.

        Raises:
            UsageError: no queues, or a topic was subscribed to before.
        """
        self._now(self._inner.assign, queues)

    def set_sub_expression_for_assign(self, topic: str, selector: str | MessageSelector) -> None:
        """Want only some messages of a topic whose queues are assigned.

        Raises:
            UsageError: a bad topic or expression, or a topic was subscribed to before.
        """
        self._now(self._inner.set_sub_expression_for_assign, topic, selector)

    def build_subscriptions_for_heartbeat(
        self, selectors: Mapping[str, str | MessageSelector]
    ) -> None:
        """Have brokers told what the group wants of topics whose queues are assigned.

        They don't know otherwise; nothing is read because of it.

        Args:
            selectors: what is wanted of each topic, in place of what was said before.

        Raises:
            UsageError: a bad expression.
        """
        self._now(self._inner.build_subscriptions_for_heartbeat, selectors)

    @property
    def subscriptions_for_heartbeat(self) -> list[SubscriptionData]:
        """What brokers are told besides what is subscribed to."""
        inner = self._inner
        return self._now(lambda: inner.subscriptions_for_heartbeat)

    def assignment(self) -> set[MessageQueue]:
        """Return the queues that this member reads now."""
        return self._now(self._inner.assignment)

    def pause(self, queues: Iterable[MessageQueue]) -> None:
        """Read no more of these queues; what is here of them is still given out."""
        self._now(self._inner.pause, queues)

    def resume(self, queues: Iterable[MessageQueue]) -> None:
        """Read them again."""
        self._now(self._inner.resume, queues)

    async def poll(
        self, timeout_ms: int | None = None, *, timeout: float | None = None
    ) -> list[MessageExt]:
        """Return the messages of one pull, none if none came in time.

        Where auto_commit is set, the messages of the polls before count as consumed now.

        Args:
            timeout_ms: how long to wait; None for pollTimeoutMillis.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: outside of ``async with``, or a negative time.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.poll, timeout_ms)

    def commit(self, offsets: Offsets | None = None) -> None:
        """Take messages for consumed; brokers hear of it within persistConsumerOffsetInterval.

        Args:
            offsets: offset of the first message not consumed, by queue; queues alone for what ``poll`` has
                given of them; None for that of all queues. Queues that this member doesn't read are left
                out.
        """
        self._now(self._inner.commit, offsets)

    async def commit_sync(
        self, offsets: Offsets | None = None, *, timeout: float | None = None
    ) -> None:
        """Take messages for consumed, and wait until it is stored.

        Args:
            offsets: as for ``commit``.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: a broker didn't take it, or a file can't be written.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.commit_sync, offsets)

    async def committed(self, queue: MessageQueue, *, timeout: float | None = None) -> int:
        """Return the committed offset of a queue, -1 without one.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: the broker didn't say.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.committed, queue)

    async def seek(self, queue: MessageQueue, offset: int, *, timeout: float | None = None) -> None:
        """Go on from another offset of a queue that this member reads.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: it doesn't read it (yet), or the offset is out of the queue's range.
            RmqError: the broker didn't tell the range.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.seek, queue, offset)

    async def seek_to_begin(self, queue: MessageQueue, *, timeout: float | None = None) -> None:
        """Go on from the oldest message of a queue; raises as ``seek`` does.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.seek_to_begin, queue)

    async def seek_to_end(self, queue: MessageQueue, *, timeout: float | None = None) -> None:
        """Go on behind the newest message of a queue; raises as ``seek`` does.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.seek_to_end, queue)

    async def offset_for_timestamp(
        self, queue: MessageQueue, timestamp: int, *, timeout: float | None = None
    ) -> int:
        """Return the index of the first message stored at ``timestamp`` (ms) or later.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: the broker didn't say.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.offset_for_timestamp, queue, timestamp)

    def update_name_server_address(self, namesrv_addr: str) -> None:
        """Ask other name servers from now on; who shares the client does so too.

        Args:
            namesrv_addr: ``host:port`` of each, joined by ``;``.

        Raises:
            UsageError: there is none, or one is no ``host:port``.
        """
        self._now(self._inner.update_name_server_address, namesrv_addr)

    async def fetch_message_queues(
        self, topic: str, *, timeout: float | None = None
    ) -> set[MessageQueue]:
        """Return the queues of a topic that can be read.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RouteNotFound: no name server knows the topic, or it has none.
            RemotingError: no name server answered.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.fetch_message_queues, topic)

    async def register_topic_message_queue_change_listener(
        self, topic: str, listener: TopicListener, *, timeout: float | None = None
    ) -> None:
        """Have ``listener`` called with (topic, its queues) when they have changed.

        They are looked at every topicMetadataCheckIntervalMillis.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: no name server tells the topic's queues now.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(
            timeout,
            self._inner.register_topic_message_queue_change_listener,
            topic,
            self._callback(listener),
        )

    @property
    def health(self) -> ConsumerHealth:
        """How it is: last heartbeats, last pulls, the last refusal, why nothing of a topic comes."""
        inner = self._inner
        return self._now(lambda: inner.health)


class LitePushConsumer(Face[TrioLitePushConsumer]):
    """Consume lite topics for a group; use it as ``async with``.

    It has a client of its own: brokers keep by client what is subscribed.

    Args:
        group: the consumer group, whose attribute ``lite.bind.topic`` is the topic.
        topic: the parent topic, of the type LITE.
        listener: called with a list of messages of one lite topic, in order, and with a
            ConsumeConcurrentlyContext if it takes two arguments; returns a ConsumeStatus, or is an
            async function that does. Raising means RECONSUME_LATER: the lite topic stands still for
            suspendLiteTopicTimeMillis, then they come again with those behind them. A plain function
            must not block, unless consume_in_threads is set.
        hooks: look at what is consumed.
        dedupe: leaves out what was consumed before, see ``MemoryDedupe`` and ``SqliteDedupe``.
        config: settings as keywords, see ``LitePushConsumerConfig``; at least ``namesrv_addr``, unless
            the environment has NAMESRV_ADDR.

    Raises:
        UsageError: a bad group, topic, listener or setting.
    """

    def __init__(
        self,
        group: str,
        topic: str,
        listener: ConcurrentListener,
        *,
        hooks: Sequence[ConsumeHook] = (),
        dedupe: Dedupe | None = None,
        **config: Unpack[LitePushConsumerOptions],
    ) -> None:
        Face.__init__(
            self,
            lambda: TrioLitePushConsumer(
                group, topic, self._first_listener(listener), hooks=hooks, dedupe=dedupe, **config
            ),
        )

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        inner = self._inner
        return self._now(lambda: inner.client_id)

    @property
    def lite_topics(self) -> set[str]:
        """The lite topics that are subscribed; without those that another client has taken since.

        Empty in a group that has all of them (``lite.sub.wildcard``).
        """
        inner = self._inner
        return self._now(lambda: inner.lite_topics)

    async def subscribe_lite(
        self, lite_topic: str, at: OffsetOption | None = None, *, timeout: float | None = None
    ) -> None:
        """Consume a lite topic's messages.

        Of an exclusive group (``lite.sub.model=Exclusive``) it takes the lite topic from the client
        that has it, whose ``lite_topics`` loses it. A group with ``lite.sub.wildcard=true`` has all of
        them, and subscribes none.

        Args:
            lite_topic: its name.
            at: where the group goes on in it, ``OffsetOption.min_offset()`` or the like; None: where it
                is, or at the first message.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: no lite topic can have that name, or the consumer isn't open.
            LiteSubscriptionQuotaExceeded: a broker has as many subscriptions as it allows.
            RmqError: a broker refused for another reason, or can't be reached: it isn't subscribed.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.subscribe_lite, lite_topic, at)

    async def unsubscribe_lite(self, lite_topic: str, *, timeout: float | None = None) -> None:
        """Consume a lite topic no longer; what is here of it is still consumed.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: the consumer isn't open.
            RmqError: a broker can't be reached: it is told with the next round.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.unsubscribe_lite, lite_topic)

    def suspend(self) -> None:
        """Stop popping; what is here is still consumed."""
        self._now(self._inner.suspend)

    def resume(self) -> None:
        """Pop again."""
        self._now(self._inner.resume)

    @property
    def health(self) -> ConsumerHealth:
        """How it is: last heartbeats, last pops, the last refusal, why nothing comes."""
        inner = self._inner
        return self._now(lambda: inner.health)


class PullConsumer(MQAdmin[TrioPullConsumer]):
    """Pull messages; use it as ``async with``.

    Args:
        group: the consumer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        allocate: how the group divides the queues of registered topics.
        hooks: look at what is consumed.
        offset_store: keeps how far the group has come; None for the brokers, or a file of a broadcasting
            consumer.
        config: settings as keywords, see ``PullConsumerConfig``; at least ``namesrv_addr``, unless
            the environment has NAMESRV_ADDR or there is a ``client``.

    Raises:
        UsageError: a bad group or setting.
    """

    def __init__(
        self,
        group: str,
        *,
        client: Client | None = None,
        allocate: AllocateStrategy = allocate_averagely,
        hooks: Sequence[ConsumeHook] = (),
        offset_store: OffsetStore | None = None,
        **config: Unpack[PullConsumerOptions],
    ) -> None:
        Face.__init__(
            self,
            lambda: TrioPullConsumer(
                group,
                client=self._shared(client),
                allocate=allocate,
                hooks=hooks,
                offset_store=offset_store,
                **config,
            ),
        )

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        inner = self._inner
        return self._now(lambda: inner.client_id)

    async def pull(
        self,
        queue: MessageQueue,
        selector: str | MessageSelector = SUB_ALL,
        *,
        offset: int,
        max_nums: int = 32,
        max_size: int | None = None,
        timeout_ms: int | None = None,
        timeout: float | None = None,
    ) -> PullResult:
        """Return what a queue has from an offset on, which may be nothing.

        Args:
            queue: which queue.
            selector: tags joined by ``||``, ``*`` for all, or ``MessageSelector.by_sql(...)``.
            offset: index of the first message.
            max_nums: messages at most.
            max_size: bytes at most, one message always; None for no limit. 4.9 knows none.
            timeout_ms: ms to wait for the answer; None for consumerPullTimeoutMillis.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            UsageError: a bad expression, or a number below its range.
            RmqError: the broker can't be reached, doesn't answer or refuses.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(
            timeout,
            self._inner.pull,
            queue,
            selector,
            offset=offset,
            max_nums=max_nums,
            max_size=max_size,
            timeout_ms=timeout_ms,
        )

    async def pull_block_if_not_found(
        self,
        queue: MessageQueue,
        selector: str | MessageSelector = SUB_ALL,
        *,
        offset: int,
        max_nums: int = 32,
        timeout: float | None = None,
    ) -> PullResult:
        """Return the same; when there is nothing, wait for it up to brokerSuspendMaxTimeMillis.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(
            timeout,
            self._inner.pull_block_if_not_found,
            queue,
            selector,
            offset=offset,
            max_nums=max_nums,
        )

    async def send_message_back(
        self,
        message: MessageExt,
        delay_level: int = 0,
        *,
        broker_name: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Have a message delivered again later, to whoever reads the group's retry topic.

        Args:
            message: what could not be consumed.
            delay_level: when; 0 leaves that to the broker, -1 is the dead letters at once.
            broker_name: which broker is to do it; None for the one that it is from.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: no broker took it.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(
            timeout, self._inner.send_message_back, message, delay_level, broker_name=broker_name
        )

    async def update_consume_offset(
        self, queue: MessageQueue, offset: int, *, timeout: float | None = None
    ) -> None:
        """Store how far the group has consumed a queue.

        Args:
            queue: which queue.
            offset: index of the first message not consumed.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: the broker didn't take it, or a file can't be written.
            TimeoutError: it took longer than ``timeout``.
        """
        await self._wait(timeout, self._inner.update_consume_offset, queue, offset)

    async def fetch_consume_offset(
        self, queue: MessageQueue, *, from_store: bool = False, timeout: float | None = None
    ) -> int:
        """Return how far the group has consumed a queue, -1 when that isn't known.

        Args:
            queue: which queue.
            from_store: ask the broker, or the file, even if it was said here before.
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RmqError: the broker didn't say.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(
            timeout, self._inner.fetch_consume_offset, queue, from_store=from_store
        )

    async def fetch_subscribe_message_queues(
        self, topic: str, *, timeout: float | None = None
    ) -> set[MessageQueue]:
        """Return the queues of a topic that can be read.

        Args:
            timeout: seconds for all of it; None for as long as it takes.

        Raises:
            RouteNotFound: no name server knows the topic, or it has none.
            RemotingError: no name server answered.
            TimeoutError: it took longer than ``timeout``.
        """
        return await self._wait(timeout, self._inner.fetch_subscribe_message_queues, topic)

    def register_topic(self, topic: str, listener: QueueListener | None = None) -> None:
        """Divide a topic's queues with the group's other members.

        Args:
            topic: which topic.
            listener: called with (topic, all its queues, those of this member) when the latter have
                changed (``MessageQueueListener``).

        Raises:
            UsageError: no topic can have that name.
        """
        self._now(self._inner.register_topic, topic, self._callback(listener))

    def add_register_subscriptions(
        self, topic: str, selector: str | MessageSelector = SUB_ALL
    ) -> None:
        """Have brokers told of a subscription, in place of the registered topics'.

        Nothing is divided or filtered because of it: what a group wants of a topic stands in its heartbeats
        then, so that ``mqadmin`` shows it and brokers can count what it lags behind of that alone.

        Args:
            topic: which topic.
            selector: tags joined by ``||``, ``*`` for all, or ``MessageSelector.by_sql(...)``.

        Raises:
            UsageError: a bad topic or expression.
        """
        self._now(self._inner.add_register_subscriptions, topic, selector)

    @property
    def register_subscriptions(self) -> list[SubscriptionData]:
        """What brokers are told of in place of the registered topics, unless empty."""
        inner = self._inner
        return self._now(lambda: inner.register_subscriptions)

    def clear_register_subscriptions(self) -> None:
        """Have brokers told of the registered topics again."""
        self._now(self._inner.clear_register_subscriptions)

    def register_pull_task_callback(self, topic: str, callback: PullTask) -> None:
        """Have a function called again and again for each queue of a topic that is this member's.

        The topic is registered. Up to pullThreadNums calls run at the same time, one of each queue. After one
        the queue is called for again 200 ms later, or when the context says; after an exception 1 s later.
        (``MQPullConsumerScheduleService``.)

        Args:
            topic: which topic.
            callback: called with a queue and a ``PullTaskContext``, plain or async; it pulls, and says how
                far it has come.

        Raises:
            UsageError: no topic can have that name.
        """
        self._now(self._inner.register_pull_task_callback, topic, self._task(callback))

    def fetch_message_queues_in_balance(self, topic: str) -> set[MessageQueue]:
        """Return the queues of a registered topic that are this member's now."""
        return self._now(self._inner.fetch_message_queues_in_balance, topic)
