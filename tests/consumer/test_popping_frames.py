"""What our consumer sends when it pops, beside the recordings of Java's: the brokers' answers are theirs."""

import pytest
import trio

from rmqwire.client.api import ClientApi
from rmqwire.client.config import ClientConfig
from rmqwire.client.pop_api import FOUND, PopAnswer, batch_ack_message
from rmqwire.client.requests import RequestFactory
from rmqwire.codec.bodies import (
    BatchAckMessageRequestBody,
    BrokerData,
    MessageQueue,
    QueryAssignmentRequestBody,
    QueueData,
    TopicRouteData,
)
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import decode_command
from rmqwire.codec.headers import PopMessageResponseHeader
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.namespace import Namespace
from rmqwire.codec.record import encode_message
from rmqwire.consumer.delivery import Delivery
from rmqwire.consumer.push import PushConsumer
from rmqwire.consumer.reading.pop_result import popped_messages
from rmqwire.consumer.working.acks import batch_acks
from rmqwire.errors import ProtocolError
from tests.client.fake_cluster import NAMESRV, FakeCluster
from tests.consumer.support import FIRST, LATER, OK
from tests.support.golden import frame_files, frames

BROKER = "10.0.0.97:10911"
SETTLING = (R.ACK_MESSAGE, R.CHANGE_MESSAGE_INVISIBLETIME)


class Recording:
    """One recorded pop consumer: its requests by code, and the brokers' answers."""

    def __init__(self, name, code=R.POP_MESSAGE):
        (path,) = [one for one in frame_files(name) if "ROCKETMQ" not in one.parts[-2]]
        self.requests, self.answers = [], []
        asked = {}
        for entry, frame in frames(path):
            command = decode_command(frame)
            if entry["kind"] == "request":
                self.requests.append(command)
                asked[entry["seq"]] = command.code
            elif asked.get(entry.get("reply_to")) == code:
                self.answers.append(command)

    def of(self, *codes):
        return [command for command in self.requests if command.code in codes]


class Replaying(FakeCluster):
    """Brokers that answer pops as they did in a recording, then nothing more."""

    def __init__(self, recording, topic):
        super().__init__()
        self.answers = iter([one for one in recording.answers if one.code == FOUND])
        self.recording = recording
        for name in (topic, "%RETRY%g_push"):
            self.routes[name] = TopicRouteData(
                queue_datas=[QueueData("gold-a", 4, 4, 6, 0)],
                broker_datas=[BrokerData("GoldCluster", "gold-a", {0: BROKER})],
            )
        self.now = 0

    async def invoke(self, addr, command, timeout_ms=3000):
        if command.code == R.POP_MESSAGE:
            self.requests.append((addr, command))
            answer = next(self.answers, None)
            if answer is None:
                await trio.sleep_forever()
            await trio.sleep(1)  # the messages before are settled
            self.now = int(answer.ext_fields["popTime"])
            return answer
        if command.code in (R.QUERY_ASSIGNMENT, *SETTLING, R.BATCH_ACK_MESSAGE):
            self.requests.append((addr, command))
            if command.code == R.QUERY_ASSIGNMENT:
                mine = QueryAssignmentRequestBody.decode(bytes(command.body))
                pops = not mine.topic.startswith("%RETRY%")
                body = (
                    b'{"messageQueueAssignments":[{"messageQueue":{"brokerName":"gold-a",'
                    b'"queueId":-1,"topic":"%s"},"mode":"POP"}]}' % mine.topic.encode()
                )
                return command.create_response(0, body=body if pops else b"{}")
            return command.create_response(0)
        return await super().invoke(addr, command, timeout_ms)


def fields(commands, *apart):
    """Return the extFields of requests in an order of their own."""
    found = [{k: v for k, v in c.ext_fields.items() if k not in apart} for c in commands]
    return sorted(found, key=lambda one: sorted(one.items()))


async def test_a_pop_consumer_sends_what_java_s_sends(autojump_clock):
    recording = Recording("pop_push_pop")
    cluster = Replaying(recording, "ppush")
    consumer = PushConsumer(
        "g_push",
        namesrv_addr=NAMESRV,
        remoting=cluster.remoting,
        wall_ms=lambda: cluster.now,
        client_rebalance=False,
        consume_from_where=FIRST,
        pop_invisible_time=10_000,
        pop_batch_nums=4,
        client_ip="127.0.0.1",
        instance_name="pc1",
    )
    async with consumer:
        consumer.subscribe("ppush", "*", lambda ms: OK if ms[0].reconsume_times else LATER)
        await trio.sleep(30)
    asked = cluster.codes(R.QUERY_ASSIGNMENT)
    theirs = {bytes(command.body) for command in recording.of(R.QUERY_ASSIGNMENT)}
    assert {bytes(command.body) for command in asked} == theirs
    assert cluster.codes(R.POP_MESSAGE)
    pops = recording.of(R.POP_MESSAGE)
    assert {tuple(one.items()) for one in fields(cluster.codes(R.POP_MESSAGE), "bornTime")} == {
        tuple(one.items()) for one in fields(pops, "bornTime")
    }
    for code in SETTLING:
        theirs = fields(recording.of(code))
        handles = {one["extraInfo"] for one in theirs}  # the recording ends before the last ones
        assert [one for one in fields(cluster.codes(code)) if one["extraInfo"] in handles] == theirs
        assert theirs


async def test_acks_of_several_messages_are_java_s(autojump_clock):
    (java,) = Recording("c_pop_api").of(R.BATCH_ACK_MESSAGE)
    body = BatchAckMessageRequestBody.decode(bytes(java.body))
    messages = []
    for entry in body.acks:
        bits = int.from_bytes(entry.bit_set, "little")
        for offset in (n for n in range(64) if bits >> n & 1):
            at = entry.start_offset + offset
            stored = StoredMessage(entry.topic, b"x", {}, entry.queue_id, queue_offset=at)
            stored.properties["POP_CK"] = (
                f"{entry.start_offset} {entry.pop_time} {entry.invisible_time} "
                f"{entry.revive_queue_id} {entry.retry} {body.broker_name} {entry.queue_id} {at}"
            )
            messages.append(Delivery.of(stored, body.broker_name))
    group = body.acks[0].consumer_group
    sent = []

    class Wire:
        async def invoke(self, addr, command, timeout_ms=3000):
            sent.append(command)
            return command.create_response(0)

    config = ClientConfig(namesrv_addr=NAMESRV)
    api = ClientApi(Wire(), RequestFactory(config), config)
    ours = BatchAckMessageRequestBody(body.broker_name, batch_acks(group, messages))
    await batch_ack_message(api, BROKER, ours)
    assert (sent[0].code, bytes(sent[0].body)) == (java.code, bytes(java.body))


def test_requests_of_popping_are_json_where_their_codes_do_not_fit():
    """Java's client sends 3442 for 200050 then, and its broker knows no such code."""
    factory = RequestFactory(ClientConfig(namesrv_addr=NAMESRV, serialize_type="ROCKETMQ"))
    assert factory.make(R.POP_MESSAGE).serialize_type == 0
    assert factory.make(R.QUERY_ASSIGNMENT).serialize_type == 1


def answer(start_offset_info, *stored):
    header = PopMessageResponseHeader(
        pop_time=1, invisible_time=60_000, revive_qid=3, start_offset_info=start_offset_info
    )
    return PopAnswer(FOUND, header, b"".join(encode_message(one) for one in stored))


def stored(offset, queue_id=0, topic="T", **properties):
    return StoredMessage(topic, b"x", properties, queue_id, queue_offset=offset)


@pytest.mark.parametrize(
    ("info", "handles"),
    [
        ("0 0 5;0 1 7", ["5 1 60000 3 0 a 0 5", "5 1 60000 3 0 a 0 6", "7 1 60000 3 0 a 1 9"]),
        (None, ["5 1 60000 3 0 a 0 5", "5 1 60000 3 0 a 0 6", "9 1 60000 3 0 a 1 9"]),
    ],
)
def test_handles_begin_where_the_pop_of_their_queue_began(info, handles):
    came = answer(info, stored(5), stored(6), stored(9, 1))
    messages = popped_messages(came, MessageQueue("T", "a", -1), Namespace())
    assert [message.properties["POP_CK"] for message in messages] == handles
    assert {message.properties["1ST_POP_TIME"] for message in messages} == {"1"}


def test_a_message_without_a_beginning_is_refused():
    with pytest.raises(ProtocolError, match="no start of 0@1"):
        popped_messages(answer("0 0 5", stored(9, 1)), MessageQueue("T", "a", -1), Namespace())


def test_names_lose_their_namespace_and_handles_of_the_broker_stay():
    handle = "1 2 3 4 1 a 0 1"
    came = answer("1 0 5", stored(5, topic="%RETRY%ns%g_ns%T", POP_CK=handle))
    (message,) = popped_messages(came, MessageQueue("T", "a", -1), Namespace("ns"))
    assert (message.topic, message.properties["POP_CK"]) == ("T", handle)
