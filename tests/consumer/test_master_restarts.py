"""What comes again when a master restarts while a group divides its queues (apache/rocketmq #9830)."""

import pytest
import trio

from rmqwire import ConsumeStatus, Message, Producer, PushConsumer
from rmqwire.consumer.group.member import FIRST_PERSIST_S
from rmqwire.testing import trio_cluster

COUNT = 40


class Group:
    """Members of one group, and what came to them."""

    def __init__(self, rmq, nursery):
        self.rmq = rmq
        self.nursery = nursery
        self.bodies = []

    async def join(self):
        consumer = PushConsumer(
            "readers",
            namesrv_addr=self.rmq.namesrv_addr,
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
            poll_name_server_interval=1_000,
        )
        consumer.subscribe("Divided", "*", self.listen)

        async def belong(task_status=trio.TASK_STATUS_IGNORED):
            async with consumer:
                task_status.started()
                await trio.sleep_forever()

        await self.nursery.start(belong)

    def listen(self, messages):
        self.bodies += [one.body for one in messages]
        return ConsumeStatus.CONSUME_SUCCESS

    async def send(self, word):
        """Send messages and wait until all of them have come."""
        sent = {f"{word} {n}".encode() for n in range(COUNT)}
        async with Producer("writers", namesrv_addr=self.rmq.namesrv_addr) as producer:
            for body in sorted(sent):
                await producer.send(Message("Divided", body))
        with trio.fail_after(120):
            while not sent <= set(self.bodies):  # noqa: ASYNC110  the clock jumps
                await trio.sleep(0.5)


@pytest.mark.parametrize("committed", [True, False])
async def test_what_was_committed_does_not_come_again(autojump_clock, committed):
    """Members commit 10 s after their start, then each 5 s; what a broker that is killed doesn't know comes again."""
    async with trio_cluster() as rmq, trio.open_nursery() as nursery:
        await rmq.create_topic("Divided", queues=8)
        group = Group(rmq, nursery)
        await group.join()
        await group.join()
        await trio.sleep(1)
        await group.send("before")
        assert len(group.bodies) == COUNT
        if committed:
            await trio.sleep(FIRST_PERSIST_S)
        await (rmq.stop() if committed else rmq.kill())
        await trio.sleep(2)
        await rmq.start()
        await group.join()
        await group.send("afterwards")
        before = [body for body in group.bodies if body.startswith(b"before")]
        assert set(before) == set(before[:COUNT])
        assert (len(before) == COUNT) == committed
        nursery.cancel_scope.cancel()
