"""The programs that were recorded, on our clients: what they send comes from the recording itself."""

from __future__ import annotations

import json
from random import Random

import trio

from rmqwire.codec import headers as h
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.compression import decompress
from rmqwire.codec.message import Message
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import decode_message
from rmqwire.consumer.listener import ConsumeOrderlyStatus, ConsumeStatus
from rmqwire.consumer.lite_pull import LitePullConsumer
from rmqwire.consumer.pull import PullConsumer
from rmqwire.consumer.push import PushConsumer
from rmqwire.consumer.selector import MessageSelector
from rmqwire.errors import RmqError
from rmqwire.producer.producer import Producer
from rmqwire.producer.request_reply import reply_to
from rmqwire.producer.transaction import TransactionProducer
from rmqwire.producer.transaction_check import LocalTransactionState
from tests.client.wire.steps import SENDS

R = RequestCode
MADE_BY_CLIENTS = {
    "UNIQ_KEY", "WAIT", "TRAN_MSG", "PGROUP", "__transactionId__", "CORRELATION_ID",
    "REPLY_TO_CLIENT", "TTL", "INSTANCE_ID",
}  # fmt: skip


def plain(name):
    """Return a topic or a group without the namespace that its client puts before it."""
    return name.rpartition("%")[2]


def message_of(exchange):
    """Return the message that a program gave to its producer, or the list of them."""
    header = exchange.request.decode_header(h.SendMessageRequestHeaderV2)
    if exchange.request.code == R.SEND_BATCH_MESSAGE:
        return [
            _message(plain(header.topic), one.body, one.properties, one.flag)
            for one in decode_batch(bytes(exchange.request.body))
        ]
    body = decompress(exchange.request.body, header.sys_flag)
    return _message(plain(header.topic), body, header.properties, header.flag)


def _message(topic, body, properties, flag):
    message = Message(topic, bytes(body), flag=flag)
    told = decode_properties(properties)
    message.properties = {k: v for k, v in told.items() if k not in MADE_BY_CLIENTS}
    if told.get("WAIT") == "false":
        message.properties["WAIT"] = "false"
    return message


async def run_clients(replay, programs):
    """Run the programs of all clients of a recording side by side."""
    replay.begin()
    async with trio.open_nursery() as nursery:
        for client, program in programs.items():
            nursery.start_soon(program, replay, client)


def began_ms(recording, client):
    """Return when a client began: a little before its first request to the broker."""
    return max(recording.requests(client)[0].at_ms - 100, 0)


def ends_ms(recording, client):
    """Return when it began to stop."""
    return recording.requests(client, R.UNREGISTER_CLIENT)[0].at_ms


async def producing(replay, client):
    """Send what Java's producer sent, when it did."""
    recording = replay.recording
    await replay.until(began_ms(recording, client))
    settings = replay.settings(client) | {"rng": Random(1)}
    kind = next((k for k in ("LZ4", "ZSTD") if k.lower() in recording.name), "ZLIB")
    async with Producer(
        plain(recording.group_of(client)), compress_type=kind, **settings
    ) as producer:
        for one in recording.requests(client, *SENDS, R.RECALL_MESSAGE):
            await replay.until(one.at_ms)
            await _send(producer, one, soon="async" in recording.name)
        await replay.until(ends_ms(recording, client))


async def _send(producer, one, *, soon):
    if one.request.code == R.RECALL_MESSAGE:
        fields = one.request.ext_fields
        await producer.recall(fields["topic"], fields["recallHandle"])
        return
    message = message_of(one)
    try:
        if one.oneway:
            await producer.send_oneway(message)
        elif soon:
            producer.send_soon(message)
        else:
            await producer.send(message)
    except RmqError:
        assert one.answer.code  # Java's send was refused too


def consumer_data(recording, client):
    """Return what a client's heartbeats say of its consumer, or would have said; None: it has none."""
    for one in recording.requests(client, R.HEART_BEAT):
        groups = json.loads(bytes(one.request.body))["consumerDataSet"]
        if groups:
            return groups[0]
    if "consumerGroup" not in recording.requests(client, R.UNREGISTER_CLIENT)[0].request.ext_fields:
        return None
    asked = [
        json.loads(one.request.body) for one in recording.requests(client, R.CHECK_CLIENT_CONFIG)
    ]
    return {
        "groupName": plain(recording.group_of(client)),
        "consumeType": "CONSUME_PASSIVELY" if asked else "CONSUME_ACTIVELY",
        "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET",
        "messageModel": "CLUSTERING",
        "subscriptionDataSet": [one["subscriptionData"] for one in asked],
    }


async def pushing(replay, client, listener=None, **config):
    """Consume as Java's push consumer did."""
    recording = replay.recording
    data = consumer_data(recording, client)
    orderly = bool(recording.requests(client, R.LOCK_BATCH_MQ))
    pull = recording.requests(client, R.PULL_MESSAGE)
    if pull:
        config["pull_batch_size"] = int(pull[0].request.ext_fields["maxMsgNums"])
    await replay.until(began_ms(recording, client))
    consumer = PushConsumer(
        plain(data["groupName"]),
        consume_orderly=orderly,
        consume_from_where=data["consumeFromWhere"],
        message_model=data["messageModel"],
        local_offset_store_dir=replay.folder,
        rng=Random(1),
        **config,
        **replay.settings(client),
    )
    for one in data["subscriptionDataSet"]:
        if not one["topic"].startswith("%RETRY%"):
            sql = one["expressionType"] == "SQL92"
            selector = MessageSelector.by_sql(one["subString"]) if sql else one["subString"]
            consumer.subscribe(plain(one["topic"]), selector, listener or _taken(orderly))
    try:
        async with consumer:
            await replay.until(ends_ms(recording, client))
    except RmqError:
        refused = recording.requests(client, R.CHECK_CLIENT_CONFIG)
        assert refused[0].answer.code


def _taken(orderly):
    said = ConsumeOrderlyStatus.SUCCESS if orderly else ConsumeStatus.CONSUME_SUCCESS
    return lambda _messages: said


async def failing(replay, client):
    """Consume, and hand each message back."""

    def listener(_messages, context):
        context.delay_level_when_next_consume = 1
        return ConsumeStatus.RECONSUME_LATER

    await pushing(replay, client, listener, max_reconsume_times=1)


async def popping(replay, client):
    """Pop; the listener fails for the first message alone."""
    seen = []

    def listener(messages, context):
        seen.append(messages)
        context.delay_level_when_next_consume = 1
        return ConsumeStatus.CONSUME_SUCCESS if len(seen) > 1 else ConsumeStatus.RECONSUME_LATER

    pop = replay.recording.requests(client, R.POP_MESSAGE)[0].request.ext_fields
    await pushing(
        replay,
        client,
        listener,
        client_rebalance=False,
        pop_invisible_time=int(pop["invisibleTime"]),
        pop_batch_nums=int(pop["maxMsgNums"]),
    )


async def in_transaction(replay, client):
    """Send a half message and end it as Java's program did; a check commits."""
    recording = replay.recording
    (half,) = recording.requests(client, R.SEND_MESSAGE_V2)
    end = recording.requests(client, R.END_TRANSACTION)[0].request.ext_fields
    states = {"8": "COMMIT_MESSAGE", "12": "ROLLBACK_MESSAGE", "0": "UNKNOW"}
    state = LocalTransactionState[states[end["commitOrRollback"]]]
    await replay.until(began_ms(recording, client))
    async with TransactionProducer(
        plain(recording.group_of(client)),
        check=lambda _message: LocalTransactionState.COMMIT_MESSAGE,
        rng=Random(1),
        **replay.settings(client),
    ) as producer:
        await producer.send_in_transaction(message_of(half), lambda _message, _arg: state)
        await replay.until(ends_ms(recording, client))


async def requesting(replay, client):
    """Send a request and wait for its answer."""
    recording = replay.recording
    (one,) = recording.requests(client, R.SEND_MESSAGE_V2)
    await replay.until(began_ms(recording, client))
    settings = replay.settings(client) | {"rng": Random(1)}
    async with Producer(plain(recording.group_of(client)), **settings) as producer:
        await replay.until(one.at_ms)
        ttl = decode_properties(one.request.ext_fields["i"])["TTL"]
        answer = await producer.request(message_of(one), timeout_ms=int(ttl))
        assert answer.body.startswith(b"reply:")
        await replay.until(ends_ms(recording, client))


class Replies:
    """The consumer of requests and the producer that answers them, which are two clients."""

    def __init__(self):
        self._send_request, self._requests = trio.open_memory_channel(10)

    async def consuming(self, replay, client):
        """Consume requests."""

        def listener(messages):
            for message in messages:
                self._send_request.send_nowait(message)
            return ConsumeStatus.CONSUME_SUCCESS

        await pushing(replay, client, listener)

    async def answering(self, replay, client):
        """Answer the first of them."""
        recording = replay.recording
        (one,) = recording.requests(client, R.SEND_REPLY_MESSAGE_V2)
        settings = replay.settings(client) | {"rng": Random(1)}
        await replay.until(began_ms(recording, client))
        async with Producer(plain(recording.group_of(client)), **settings) as producer:
            request = await self._requests.receive()
            await producer.send(reply_to(request, bytes(one.request.body)))
            await replay.until(ends_ms(recording, client))


def _queue(one):
    fields = one.request.ext_fields
    return MessageQueue(fields["topic"], fields["bname"], int(fields["queueId"]))


async def pulling(replay, client):
    """Do what Java's pull consumer was told to, call by call."""
    recording = replay.recording
    await replay.until(began_ms(recording, client))
    settings = replay.settings(client)
    async with PullConsumer(
        plain(recording.group_of(client)), broker_suspend_max_time_millis=3_000, **settings
    ) as consumer:
        first = recording.requests(client, R.GET_MIN_OFFSET)[0]
        await consumer.fetch_subscribe_message_queues(first.request.ext_fields["topic"])
        for one in recording.requests(client):
            call = PULL_CALLS.get(one.request.code)
            if call is not None and not one.oneway:
                await replay.until(one.at_ms)
                await call(consumer, _queue(one), one.request.ext_fields)
        await replay.until(ends_ms(recording, client))


async def _pull(consumer, queue, fields):
    call = consumer.pull_block_if_not_found if int(fields["sysFlag"]) & 2 else consumer.pull
    await call(
        queue,
        fields["subscription"],
        offset=int(fields["queueOffset"]),
        max_nums=int(fields["maxMsgNums"]),
    )


async def querying(replay, client):
    """Ask for messages by key and by id, as Java's pull consumer did."""
    recording = replay.recording
    await replay.until(began_ms(recording, client))
    settings = replay.settings(client)
    async with PullConsumer(plain(recording.group_of(client)), **settings) as consumer:
        topic = recording.requests(client, R.QUERY_MESSAGE)[0].request.ext_fields["topic"]
        for one in recording.requests(client, R.QUERY_MESSAGE, R.VIEW_MESSAGE_BY_ID):
            fields = one.request.ext_fields
            await replay.until(one.at_ms)
            if one.request.code == R.VIEW_MESSAGE_BY_ID:
                found = await consumer.view_message(topic, _record(one).message_id)
                assert found.offset_msg_id == _record(one).message_id
            elif fields["_UNIQUE_KEY_QUERY"] == "true":
                assert (await consumer.view_message(topic, fields["key"])).msg_id == fields["key"]
            else:
                begin, end = int(fields["beginTimestamp"]), int(fields["endTimestamp"])
                most = int(fields["maxNum"])
                found = await consumer.query_message(topic, fields["key"], most, begin, end)
                assert bool(found.message_list) is (one.answer.code == 0)
        await replay.until(ends_ms(recording, client))


def _record(one):
    return decode_message(bytes(one.answer.body))


PULL_CALLS = {
    R.GET_MIN_OFFSET: lambda c, queue, _: c.min_offset(queue),
    R.GET_MAX_OFFSET: lambda c, queue, _: c.max_offset(queue),
    R.GET_EARLIEST_MSG_STORETIME: lambda c, queue, _: c.earliest_msg_store_time(queue),
    R.PULL_MESSAGE: _pull,
    R.QUERY_CONSUMER_OFFSET: lambda c, queue, _: c.fetch_consume_offset(queue, from_store=True),
    R.UPDATE_CONSUMER_OFFSET: lambda c, queue, fields: c.update_consume_offset(
        queue, int(fields["commitOffset"])
    ),
    R.SEARCH_OFFSET_BY_TIMESTAMP: lambda c, queue, fields: c.search_offset(
        queue, int(fields["timestamp"])
    ),
}


async def lite_pulling(replay, client):
    """Poll a subscription, or seek and poll what is assigned: two clients of one recording."""
    recording = replay.recording
    data = consumer_data(recording, client)
    group = data["groupName"]
    first = recording.requests(client, R.LITE_PULL_MESSAGE, R.PULL_MESSAGE)[0]
    topic = first.request.ext_fields["topic"]
    await replay.until(began_ms(recording, client))
    consumer = LitePullConsumer(
        group,
        consume_from_where=data["consumeFromWhere"],
        pull_batch_size=int(first.request.ext_fields["maxMsgNums"]),
        rng=Random(1),
        **replay.settings(client),
    )
    if group.endswith("lite"):
        consumer.subscribe(topic)
        async with consumer:
            await _poll_until(replay, consumer, ends_ms(recording, client))
    else:
        async with consumer:
            queues = sorted(await consumer.fetch_message_queues(topic), key=lambda q: q.queue_id)
            consumer.assign(queues)
            for queue in queues:
                await consumer.seek_to_begin(queue)
            await _poll_until(replay, consumer, ends_ms(recording, client))


async def _poll_until(replay, consumer, at_ms):
    with trio.move_on_at(replay.moment(at_ms)):
        while True:
            await consumer.poll()
