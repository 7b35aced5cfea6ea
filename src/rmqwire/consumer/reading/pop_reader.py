"""Popping from one queue by long polling: of tags and SQL, with a handle for each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.client.pop_api import FOUND, pop_message
from rmqwire.codec.headers import PopMessageRequestHeader
from rmqwire.consumer.config import ConsumeFromWhere
from rmqwire.consumer.reading.pop_loop import ANSWER_MS, PopLoop
from rmqwire.consumer.reading.pop_result import popped_messages
from rmqwire.consumer.reading.queue_reader import BROKER_SUSPEND_MAX_TIME_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.client.pop_api import PopAnswer
    from rmqwire.codec.bodies import MessageQueue, SubscriptionData
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.reading.popped_queues import PopProcessQueue
    from rmqwire.consumer.state import PushState

    PopSubmit = Callable[[list[MessageExt], PopProcessQueue, MessageQueue], None]

FROM_FIRST, FROM_LAST = 0, 1  # ConsumeInitMode: where a group begins that a queue doesn't know


class PopReader(PopLoop):
    """Pop for one consumer.

    Args:
        state: the consumer.
        submit: takes the messages.
        unwanted: takes those that the group doesn't want.
    """

    def __init__(
        self,
        state: PushState,
        submit: PopSubmit,
        unwanted: Callable[[list[MessageExt]], None],
    ) -> None:
        super().__init__(state, state.config.pull_interval)
        self._state = state
        self._config = state.config
        self._submit = submit
        self._unwanted = unwanted

    async def pop_once(self, queue: MessageQueue, popped: PopProcessQueue) -> int:
        """Pop once, and hand over what came; return the broker's code."""
        subscription = self._state.subscriptions[queue.topic]
        answer = await self._pop(queue, subscription)
        if answer.code == FOUND:
            self._take(answer, queue, popped, subscription)
        return answer.code

    async def _pop(self, queue: MessageQueue, subscription: SubscriptionData) -> PopAnswer:
        config = self._config
        found = await self._instance.broker_addr(queue, only_this=True)
        from_first = config.consume_from_where == ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
        header = PopMessageRequestHeader(
            consumer_group=self._state.group,
            topic=queue.topic,
            queue_id=queue.queue_id,
            max_msg_nums=config.pop_batch_nums,
            invisible_time=config.pop_invisible_time,
            poll_time=BROKER_SUSPEND_MAX_TIME_MS,
            born_time=self._instance.wall_ms(),
            init_mode=FROM_FIRST if from_first else FROM_LAST,
            exp_type=subscription.expression_type,
            exp=subscription.sub_string,
            bname=queue.broker_name,
        )
        timeout_ms = BROKER_SUSPEND_MAX_TIME_MS + ANSWER_MS
        return await pop_message(self._instance.api, found.addr, header, timeout_ms)

    def _take(
        self,
        answer: PopAnswer,
        queue: MessageQueue,
        popped: PopProcessQueue,
        subscription: SubscriptionData,
    ) -> None:
        messages = popped_messages(answer, queue, self._instance.namespace)
        took_ms = self._instance.wall_ms() - popped.last_pop_ms
        self._state.stats.pulled(queue.topic, len(messages), took_ms)
        wanted = self._wanted(messages, subscription)
        popped.waiting += len(wanted)
        if wanted:
            self._submit(wanted, popped, queue)

    def _wanted(self, messages: list[Delivery], subscription: SubscriptionData) -> list[MessageExt]:
        """Return what the listener gets; what isn't wanted is acknowledged (``processPopResult``)."""
        tags = frozenset(subscription.tags_set)
        hooks = self._state.hooks
        wanted: list[MessageExt] = []
        others: list[MessageExt] = []
        for message in messages:
            is_wanted = (not tags or message.tags in tags) and hooks.wants(message)
            (wanted if is_wanted else others).append(message)
        self._unwanted(others)
        return wanted
