"""Popping the lite topics that this client subscribes, from one broker (``popLiteMessageAsync``)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from rmqwire.client.lite_api import pop_lite_message
from rmqwire.client.pop_api import FOUND
from rmqwire.codec.headers import PopLiteMessageRequestHeader
from rmqwire.consumer.reading.lite_result import popped_lite_messages
from rmqwire.consumer.reading.pop_loop import ANSWER_MS, PopLoop
from rmqwire.consumer.reading.queue_reader import BROKER_SUSPEND_MAX_TIME_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.reading.popped_queues import PopProcessQueue
    from rmqwire.consumer.state import LitePushState

    LiteSubmit = Callable[[list[Delivery], PopProcessQueue, MessageQueue], None]


class LitePopReader(PopLoop):
    """Pop for one consumer.

    Args:
        state: the consumer.
        submit: takes the messages.
    """

    def __init__(self, state: LitePushState, submit: LiteSubmit) -> None:
        super().__init__(state)
        self._state = state
        self._submit = submit
        self._attempts: dict[str, str] = {}  # broker -> the attempt that isn't answered yet

    async def pop_once(self, queue: MessageQueue, popped: PopProcessQueue) -> int:
        """Pop once, and hand over what came; return the broker's code.

        What is lost with an answer comes at once when the same attempt is made again.
        """
        config, instance = self._state.config, self._state.instance
        attempt = self._attempts.setdefault(queue.broker_name, str(uuid.uuid4()))
        found = await instance.broker_addr(queue, only_this=True)
        header = PopLiteMessageRequestHeader(
            client_id=instance.client_id,
            consumer_group=self._state.group,
            topic=queue.topic,
            max_msg_num=config.pop_batch_nums,
            invisible_time=config.pop_invisible_time,
            poll_time=BROKER_SUSPEND_MAX_TIME_MS,
            born_time=instance.wall_ms(),
            attempt_id=attempt,
        )
        header.bname = queue.broker_name
        timeout_ms = BROKER_SUSPEND_MAX_TIME_MS + ANSWER_MS
        answer = await pop_lite_message(instance.api, found.addr, header, timeout_ms)
        del self._attempts[queue.broker_name]
        if answer.code != FOUND:
            return answer.code
        messages = popped_lite_messages(answer, queue, instance.namespace)
        took_ms = instance.wall_ms() - popped.last_pop_ms
        self._state.stats.pulled(queue.topic, len(messages), took_ms)
        popped.waiting += len(messages)
        self._submit(messages, popped, queue)
        return FOUND
