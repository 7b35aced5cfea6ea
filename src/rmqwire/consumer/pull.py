"""Pulling by hand (Java ``DefaultMQPullConsumer``): which queue, from where, and how far is yours.

::

    async with PullConsumer("group", namesrv_addr="127.0.0.1:9876") as consumer:
        for queue in await consumer.fetch_subscribe_message_queues("topic"):
            result = await consumer.pull(queue, offset=0)
            ...
            await consumer.update_consume_offset(queue, result.next_begin_offset)

``LitePullConsumer`` keeps offsets and reads ahead by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rmqwire import clock
from rmqwire.client.client import ClientUse
from rmqwire.client.mq_admin import MQAdmin
from rmqwire.client.requests import PullOptions
from rmqwire.client.tasks import Tasks
from rmqwire.client.validators import check_own_group, check_topic
from rmqwire.codec.allocation import allocate_averagely
from rmqwire.codec.message_const import DEFAULT_CONSUMER_GROUP
from rmqwire.codec.sys_flag import build_pull_sys_flag
from rmqwire.consumer.group.balanced_queues import BalancedQueues
from rmqwire.consumer.group.division import Division
from rmqwire.consumer.group.member import GroupMember
from rmqwire.consumer.group.subscription import selected, subscription_data
from rmqwire.consumer.hooks import ConsumeHooks
from rmqwire.consumer.inner import PullConsumerInner
from rmqwire.consumer.lifetime import Lifetime
from rmqwire.consumer.offsets.choice import choose_offset_store
from rmqwire.consumer.pull_config import PullConsumerConfig
from rmqwire.consumer.reading.pull_result import PullResult, pull_result
from rmqwire.consumer.reading.pull_wrapper import PullApiWrapper
from rmqwire.consumer.state import ConsumerState
from rmqwire.consumer.stats import ConsumerStats
from rmqwire.consumer.working.pull_tasks import PullTasks
from rmqwire.consumer.working.send_back import SendBack
from rmqwire.errors import UsageError
from rmqwire.filter.subscription import SUB_ALL, is_tag_type
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random
    from types import TracebackType
    from typing import Unpack

    from rmqwire.client.client import Client
    from rmqwire.client.instance import RemotingFactory
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.clock import WallMs
    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.bodies import MessageQueue, SubscriptionData
    from rmqwire.consumer.group.member import QueueListener
    from rmqwire.consumer.hooks import ConsumeHook
    from rmqwire.consumer.offsets.table import OffsetStore
    from rmqwire.consumer.pull_config import PullConsumerOptions
    from rmqwire.consumer.selector import MessageSelector
    from rmqwire.consumer.working.pull_tasks import PullTask


class PullConsumer(MQAdmin):
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
        remoting: opens what carries the requests; None for real connections.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

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
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[PullConsumerOptions],
    ) -> None:
        check_own_group(group, DEFAULT_CONSUMER_GROUP)
        use = ClientUse(PullConsumerConfig, config, client, remoting, wall_ms, rng)
        self.group = group
        self.config = use.config
        self._instance = instance = use.instance
        self._offsets = choose_offset_store(offset_store, group, use.config, instance)
        self._state = state = ConsumerState(
            group,
            use.config,
            instance,
            self._offsets,
            ConsumerStats(instance.wall_ms),
            Tasks(),
            Wakeup(),
            ConsumeHooks(group, hooks, instance.wall_ms),
        )
        self._pulls = PullApiWrapper(group, instance)
        self._send_back = SendBack(state)
        self._balanced = BalancedQueues(self._offsets)
        self._division = Division(state, allocate)
        if not use.config.enable_rebalance:
            self._division.give(())
        self._announced: list[SubscriptionData] = []
        self._tasks = PullTasks(state.tasks, use.config.pull_thread_nums)
        listener = self._tasks.queues_changed
        self._member = GroupMember(state, self._balanced, self._division, listener=listener)
        self._lifetime = Lifetime(state, self._member, use.opening)

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self._instance.client_id

    # --- messages

    async def pull(
        self,
        queue: MessageQueue,
        selector: str | MessageSelector = SUB_ALL,
        *,
        offset: int,
        max_nums: int = 32,
        max_size: int | None = None,
        timeout_ms: int | None = None,
    ) -> PullResult:
        """Return what a queue has from an offset on, which may be nothing.

        Args:
            queue: which queue.
            selector: tags joined by ``||``, ``*`` for all, or ``MessageSelector.by_sql(...)``.
            offset: index of the first message.
            max_nums: messages at most.
            max_size: bytes at most, one message always; None for no limit. 4.9 knows none.
            timeout_ms: ms to wait for the answer; None for consumerPullTimeoutMillis.

        Raises:
            UsageError: a bad expression, or a number below its range.
            RmqError: the broker can't be reached, doesn't answer or refuses.
        """
        if timeout_ms is None:
            timeout_ms = self.config.consumer_pull_timeout_millis
        size = self.config.most_pull_bytes() if max_size is None else max_size
        return await self._pull(queue, selector, offset, max_nums, size, timeout_ms, block=False)

    async def pull_block_if_not_found(
        self,
        queue: MessageQueue,
        selector: str | MessageSelector = SUB_ALL,
        *,
        offset: int,
        max_nums: int = 32,
    ) -> PullResult:
        """Return the same; when there is nothing, wait for it up to brokerSuspendMaxTimeMillis."""
        timeout_ms = self.config.consumer_timeout_millis_when_suspend
        size = self.config.most_pull_bytes()
        return await self._pull(queue, selector, offset, max_nums, size, timeout_ms, block=True)

    async def _pull(
        self,
        queue: MessageQueue,
        selector: str | MessageSelector,
        offset: int,
        max_nums: int,
        max_size: int | None,
        timeout_ms: int,
        *,
        block: bool,
    ) -> PullResult:
        self._check_open()
        if offset < 0:
            raise UsageError("offset < 0")
        if max_nums <= 0:
            raise UsageError("maxNums <= 0")
        subscription = subscription_data(queue.topic, selected(selector), self._instance.wall_ms())
        options = PullOptions(
            queue=queue,
            queue_offset=offset,
            max_msg_nums=max_nums,
            max_msg_bytes=max_size if self.config.most_pull_bytes() else None,
            sys_flag=build_pull_sys_flag(
                commit_offset=False, suspend=block, subscription=True, class_filter=False
            ),
            commit_offset=0,
            suspend_timeout_ms=self.config.broker_suspend_max_time_millis,
            subscription=subscription,
            send_expression=True,
            sub_version=0 if is_tag_type(subscription.expression_type) else None,
        )
        answer = await self._pulls.pull(options, timeout_ms)
        result = pull_result(answer, queue, subscription, offset)
        result.messages = self._state.hooks.wanted(result.messages)
        if result.messages:
            self._state.hooks.given(result.messages, queue)
        return result

    async def send_message_back(
        self, message: MessageExt, delay_level: int = 0, *, broker_name: str | None = None
    ) -> None:
        """Have a message delivered again later, to whoever reads the group's retry topic.

        Args:
            message: what could not be consumed.
            delay_level: when; 0 leaves that to the broker, -1 is the dead letters at once.
            broker_name: which broker is to do it; None for the one that it is from.

        Raises:
            RmqError: no broker took it.
        """
        self._check_open()
        await self._send_back.give(message, delay_level, broker_name)

    # --- how far

    async def update_consume_offset(self, queue: MessageQueue, offset: int) -> None:
        """Store how far the group has consumed a queue.

        Args:
            queue: which queue.
            offset: index of the first message not consumed.

        Raises:
            RmqError: the broker didn't take it, or a file can't be written.
        """
        self._check_open()
        self._offsets.update(queue, offset)
        await self._offsets.store(queue, offset)

    async def fetch_consume_offset(self, queue: MessageQueue, *, from_store: bool = False) -> int:
        """Return how far the group has consumed a queue, -1 when that isn't known.

        Args:
            queue: which queue.
            from_store: ask the broker, or the file, even if it was said here before.

        Raises:
            RmqError: the broker didn't say.
        """
        self._check_open()
        offset = -1 if from_store else self._offsets.get(queue)
        return offset if offset >= 0 else await self._offsets.read_from_store(queue)

    # --- queues

    async def fetch_subscribe_message_queues(self, topic: str) -> set[MessageQueue]:
        """Return the queues of a topic that can be read.

        Raises:
            RouteNotFound: no name server knows the topic, or it has none.
            RemotingError: no name server answered.
        """
        self._check_open()
        return await self._instance.queues_to_read(topic)

    def register_topic(self, topic: str, listener: QueueListener | None = None) -> None:
        """Divide a topic's queues with the group's other members.

        Args:
            topic: which topic.
            listener: called with (topic, all its queues, those of this member) when the latter have
                changed (``MessageQueueListener``).

        Raises:
            UsageError: no topic can have that name.
        """
        check_topic(topic)
        if listener is not None:
            self._member.listeners[topic] = listener
        self._state.subscribe(subscription_data(topic, selected(SUB_ALL), 0))

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
        check_topic(topic)
        data = subscription_data(topic, selected(selector), self._instance.wall_ms())
        self._announced.append(data)

    @property
    def register_subscriptions(self) -> list[SubscriptionData]:
        """What brokers are told of in place of the registered topics, unless empty."""
        return list(self._announced)

    def clear_register_subscriptions(self) -> None:
        """Have brokers told of the registered topics again."""
        self._announced.clear()

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
        check_topic(topic)
        self._tasks.register(topic, callback)
        self.register_topic(topic)
        mine = self.fetch_message_queues_in_balance(topic)  # of a topic that was registered before
        self._tasks.queues_changed(topic, mine, mine)

    def fetch_message_queues_in_balance(self, topic: str) -> set[MessageQueue]:
        """Return the queues of a registered topic that are this member's now."""
        return {queue for queue in self._balanced.held if queue.topic == topic}

    # --- life

    def _check_open(self) -> None:
        if not self._lifetime.open:
            raise UsageError("The consumer is not in running status, use it inside `async with`")

    def _told(self) -> list[SubscriptionData]:
        return list(self._announced) or list(self._state.subscriptions.values())

    def _topics(self) -> Collection[str]:
        return self._state.subscriptions

    async def __aenter__(self) -> Self:
        inner = PullConsumerInner(self._state, None, self._topics, self._told)
        await self._lifetime.begin(inner)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Leave the group, close the connections."""
        return await self._lifetime.end(_nothing_to_finish, kind, error, traceback)


async def _nothing_to_finish() -> None:
    """Return: what was pulled is the caller's."""
