from __future__ import annotations

import pytest

from rmqwire.broker.clients.client_table import ClientChannelInfo
from rmqwire.codec import java_json
from rmqwire.codec.bodies import GetConsumerStatusBody, MessageQueue
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.headers import (
    ConsumeMessageDirectlyResultRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumerStatusRequestHeader,
    Header,
)
from rmqwire.codec.message_id import encode_offset_id
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from tests.broker.admin_support import AdminBroker

SHAPE = ("CONSUME_PASSIVELY", "CLUSTERING", "CONSUME_FROM_LAST_OFFSET")


class Consumer:
    """A client of the broker's: shows what it's asked, answers what it's told to."""

    def __init__(self, broker: AdminBroker, client_id: str, version: int = 513) -> None:
        self.clock = 0
        self.connection = Connection(
            HandlerTable(), peer="127.0.0.1:50000", mono_ms=lambda: self.clock
        )
        client = ClientChannelInfo(self.connection, client_id, 0, version, broker.now_ms)
        broker.state.consumers.register("g", client, SHAPE, [], notify=False)

    def asked(self) -> RemotingCommand:
        return decode_command(self.connection.data_to_send())

    def answer(self, request: RemotingCommand, **fields: object) -> None:
        self.connection.receive_data(encode_command(request.create_response(**fields)))


def put_off(broker: AdminBroker, code: int, header: Header) -> None:
    """Send a request that isn't answered at once."""
    request = RemotingCommand(code, header.encode())
    broker.connection.receive_data(encode_command(request))
    assert broker.connection.data_to_send() == b""


def answer_of(broker: AdminBroker) -> RemotingCommand:
    return decode_command(broker.connection.data_to_send())


RUNNING = GetConsumerRunningInfoRequestHeader(consumer_group="g", client_id="c1")


def test_the_clients_answer_becomes_the_administrators(admin_broker):
    broker = admin_broker()
    consumer = Consumer(broker, "c1")
    put_off(broker, R.GET_CONSUMER_RUNNING_INFO, RUNNING)
    question = consumer.asked()
    assert question.code == R.GET_CONSUMER_RUNNING_INFO
    assert question.ext_fields["clientId"] == "c1"
    consumer.answer(question, remark="not set any response code", body=b'{"mqTable":{}}')
    answer = answer_of(broker)
    assert (answer.code, answer.remark) == (0, "not set any response code")
    assert bytes(answer.body) == b'{"mqTable":{}}'


def test_a_client_that_is_not_there_or_too_old(admin_broker):
    broker = admin_broker()
    answer = broker.ask(R.GET_CONSUMER_RUNNING_INFO, RUNNING)
    assert (answer.code, answer.remark) == (1, "The Consumer <g> <c1> not online")
    Consumer(broker, "c1", version=61)
    answer = broker.ask(R.GET_CONSUMER_RUNNING_INFO, RUNNING)
    assert answer.code == 1
    assert "too low to finish, please upgrade it to V3_1_8_SNAPSHOT" in answer.remark


def test_a_client_that_does_not_answer(admin_broker):
    broker = admin_broker()
    consumer = Consumer(broker, "c1")
    put_off(broker, R.GET_CONSUMER_RUNNING_INFO, RUNNING)
    consumer.clock = 10_001
    consumer.connection.expire(consumer.clock)
    answer = answer_of(broker)
    assert answer.code == 207
    assert answer.remark.startswith("consumer <g> <c1> Timeout: ")


def test_a_client_that_leaves(admin_broker):
    broker = admin_broker()
    consumer = Consumer(broker, "c1")
    put_off(broker, R.GET_CONSUMER_RUNNING_INFO, RUNNING)
    consumer.connection.connection_lost()
    answer = answer_of(broker)
    assert answer.code == 1
    assert answer.remark.startswith("invoke consumer <g> <c1> Exception: ")


def test_a_stored_message_is_handed_to_a_client(admin_broker):
    broker = admin_broker()
    consumer = Consumer(broker, "c1")
    broker.put("orders", 0, 2)
    second = broker.state.store.physical_offset("orders", 0, 1)
    header = ConsumeMessageDirectlyResultRequestHeader(
        consumer_group="g", client_id="c1", msg_id=encode_offset_id("127.0.0.1", 10911, second)
    )
    put_off(broker, R.CONSUME_MESSAGE_DIRECTLY, header)
    question = consumer.asked()
    assert bytes(question.body) == broker.state.store.look_message(second)
    assert question.ext_fields["brokerName"] == "gold-a"
    assert question.ext_fields["groupSysFlag"] == "0"
    consumer.answer(question, body=b'{"consumeResult":"CR_SUCCESS"}')
    assert bytes(answer_of(broker).body) == b'{"consumeResult":"CR_SUCCESS"}'


@pytest.mark.parametrize("message_id", [None, "", "zz", "7F00000100002A9F0000000000009999"])
def test_a_message_that_is_not_there(admin_broker, message_id):
    broker = admin_broker()
    Consumer(broker, "c1")
    header = ConsumeMessageDirectlyResultRequestHeader(
        consumer_group="g", client_id="c1", msg_id=message_id
    )
    answer = broker.ask(R.CONSUME_MESSAGE_DIRECTLY, header)
    assert answer.code == 1
    assert answer.remark


STATUS = GetConsumerStatusRequestHeader(topic="t", group="g")


def test_offsets_of_every_client_are_collected(admin_broker):
    broker = admin_broker()
    first, second = Consumer(broker, "c1"), Consumer(broker, "c2")
    put_off(broker, R.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, STATUS)
    offsets = GetConsumerStatusBody(message_queue_table={MessageQueue("t", "a", 0): 3})
    first.answer(first.asked(), body=offsets.encode())
    assert broker.connection.data_to_send() == b""
    second.answer(second.asked(), code=1)
    answer = answer_of(broker)
    assert (answer.code, answer.remark) == (0, "not set any response code")
    table = GetConsumerStatusBody.decode(bytes(answer.body)).consumer_table
    assert table == {"c1": {MessageQueue("t", "a", 0): 3}}


def test_offsets_of_one_client(admin_broker):
    broker = admin_broker()
    first, second = Consumer(broker, "c1"), Consumer(broker, "c2")
    header = GetConsumerStatusRequestHeader(topic="t", group="g", client_addr="c2")
    put_off(broker, R.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, header)
    assert first.connection.data_to_send() == b""
    second.answer(second.asked(), body=b"garbage")
    body = java_json.loads(bytes(answer_of(broker).body))
    assert body["consumerTable"] == {"c2": {}}


def test_nobody_to_ask(admin_broker):
    broker = admin_broker()
    answer = broker.ask(R.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, STATUS)
    assert answer.remark == "No Any Consumer online in the consumer group: [g]"
    Consumer(broker, "c1")
    header = GetConsumerStatusRequestHeader(topic="t", group="g", client_addr="else")
    answer = broker.ask(R.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, header)
    assert answer.code == 0
