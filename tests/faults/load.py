"""Producers and consumers that write down all they do, as the checker reads it."""

from __future__ import annotations

import trio

from rmqwire import ConsumeStatus, Message, Producer, PushConsumer
from rmqwire.errors import RmqError
from rmqwire.producer.results import SendStatus
from tests.support.checker import make_body, read_body, sha_of
from tests.support.histories import queue_name

TOPIC = "Faults"
GROUP = "readers"
PRODUCERS, CONSUMERS = 8, 4
PAUSE_S = 0.005  # of a producer between two sends
RETRY_S = 0.05


async def until(condition, limit_s):
    """Wait until something in this process is so; it changes by what other processes do."""
    with trio.fail_after(limit_s):
        while not condition():  # noqa: ASYNC110 - no event tells it
            await trio.sleep(0.05)


class Load:
    """Some producers and consumers against one name server.

    Args:
        namesrv_addr: its address.
        history: a ``HistoryFile``.
    """

    def __init__(self, namesrv_addr, history, payload=b"x" * 40):
        self.namesrv_addr = namesrv_addr
        self.history = history
        self.payload = payload
        self.acked = 0
        self.refused = 0
        self.last_remark = ""
        self.consumed = set()
        self.acked_places = set()
        self.stopping = False

    async def produce(self, name):
        """Send one message after the other, each until it is acknowledged, until told to stop."""
        async with Producer(
            f"writers-{name}",
            namesrv_addr=self.namesrv_addr,
            instance_name=name,
            retry_times_when_send_failed=0,
            send_msg_timeout=3000,
        ) as producer:
            seq = 0
            while not self.stopping:
                await self._send_until_stored(producer, name, seq)
                seq += 1
                await trio.sleep(PAUSE_S)

    async def _send_until_stored(self, producer, name, seq):
        attempt = 0
        while not self.stopping:
            if await self._send(producer, f"{name}:{seq}:{attempt}"):
                return
            attempt += 1
            await trio.sleep(RETRY_S)

    async def _send(self, producer, uid):
        body = make_body(uid, self.payload)
        self.history.add("send", type="invoke", uid=uid, sha=sha_of(body))
        try:
            result = await producer.send(Message(TOPIC, body))
        except RmqError as error:
            self.refused += 1
            self.last_remark = str(error)
            self.history.add("send", type="info", uid=uid, why=str(error)[:120])
            return False
        if result.send_status != SendStatus.SEND_OK:
            self.history.add("send", type="info", uid=uid, why=result.send_status.value)
            return False
        queue, offset = result.message_queue.queue_id, result.queue_offset
        self.history.add("send", type="ok", uid=uid, queue=queue_name(TOPIC, queue), offset=offset)
        self.acked += 1
        self.acked_places.add((queue, offset))
        return True

    async def consume(self, name, *, task_status=trio.TASK_STATUS_IGNORED):
        """Read as a member of the group until cancelled."""
        async with PushConsumer(
            GROUP,
            namesrv_addr=self.namesrv_addr,
            instance_name=name,
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
            heartbeat_broker_interval=1000,
            pull_time_delay_mills_when_exception=200,
        ) as consumer:
            self.history.add("member", group=GROUP, type="join", reader=name)
            consumer.subscribe(TOPIC, "*", lambda messages: self._listen(name, messages))
            task_status.started()
            await trio.sleep_forever()

    def _listen(self, name, messages):
        first = messages[0]
        places = [(m.stored.queue_offset, *read_body(m.body)) for m in messages]
        self.history.add(
            "poll",
            reader=name,
            group=GROUP,
            queue=queue_name(TOPIC, first.queue_id),
            begin=places[0][0],
            next=places[-1][0] + 1,
            messages=places,
        )
        for offset, *_ in places:
            self.consumed.add((first.queue_id, offset))
            queue = queue_name(TOPIC, first.queue_id)
            self.history.add("ack", group=GROUP, queue=queue, offset=offset)
        return ConsumeStatus.CONSUME_SUCCESS

    async def caught_up(self, limit_s=60):
        """Wait until every acknowledged message was read."""
        with trio.move_on_after(limit_s):
            await until(lambda: self.acked_places <= self.consumed, limit_s + 1)


async def run_load(load, producers, consumers, *, task_status=trio.TASK_STATUS_IGNORED):
    """Run producers and consumers; producers end when ``load.stopping`` says so."""
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as writing:
            for number in range(producers):
                writing.start_soon(load.produce, f"p{number}")
            await until(lambda: load.acked > 0, 30)
            for number in range(consumers):
                await nursery.start(load.consume, f"c{number}")
            task_status.started()
        await load.caught_up()
        nursery.cancel_scope.cancel()
