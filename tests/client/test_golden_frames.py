"""Our requests against those that Java's own client sent, field by field.

What may differ stands in docs/explanation/client-frames.md; the table there has to be exactly what
these comparisons find.
"""

import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from rmqwire.client.config import ClientConfig
from rmqwire.client.heartbeat import heartbeat_data
from rmqwire.client.requests import OutgoingMessage, PullOptions, RequestFactory, SendShape
from rmqwire.codec import headers as h
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.bodies import (
    CheckClientRequestBody,
    HeartbeatData,
    LockBatchRequestBody,
    MessageQueue,
    SubscriptionData,
)
from rmqwire.codec.codes import RequestCode, request_name
from rmqwire.codec.command import decode_command, encode_command
from rmqwire.codec.compression import decompress
from rmqwire.codec.message import Message
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.release import release_named
from rmqwire.consumer.pull_config import PullConsumerConfig
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.outgoing import Outbound
from tests.support.golden import frame_files, frames

R = RequestCode
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "client-frames.md"
INNER = "CLIENT_INNER_PRODUCER"


def scenarios():
    """The recordings of plain producers and of consumers."""
    wanted = re.compile(
        r"b_send_(?!namespace)|c_push_|c_sendback|c_(tag|sql)_filter|c_broadcast|c_(lite)?pull|b_request_reply"
    )
    return [path for path in frame_files() if wanted.match(path.name)]


def recorded():
    for path in scenarios():
        release = release_named(path.parts[-3])
        serialize_type = path.parts[-2].partition("-")[0]
        factories = {
            stream: RequestFactory(
                ClientConfig(
                    namesrv_addr="x:1",
                    release=release,
                    serialize_type=serialize_type,
                    enable_stream_request_type=stream,
                )
            )
            for stream in (False, True)
        }
        for entry, frame in frames(path):
            if entry["dir"] == "c2s" and entry["kind"] != "response":
                java = decode_command(frame)
                yield factories["ReqT" in (java.ext_fields or {})], java, path


def rebuilt_send(factory, java):
    header = java.decode_header(h.SendMessageRequestHeaderV2)
    shape = SendShape(
        producer_group=header.producer_group,
        topic=header.topic,
        flag=header.flag,
        sys_flag=header.sys_flag,
        batch=java.code == R.SEND_BATCH_MESSAGE,
        reply=java.code == R.SEND_REPLY_MESSAGE_V2,
    )
    outgoing = OutgoingMessage(shape, bytes(java.body), header.properties)
    queue = MessageQueue(header.topic, header.broker_name, header.queue_id)
    return factory.send(outgoing, queue, header.born_timestamp)


def rebuilt_pull(factory, java):
    header = java.decode_header(h.PullMessageRequestHeader)
    by_push = java.ext_fields["suspendTimeoutMillis"] == "15000"
    subscription = SubscriptionData(
        topic=header.topic,
        sub_string=header.subscription or "",
        sub_version=header.sub_version if by_push else 1,
        expression_type=header.expression_type,
    )
    pull = PullOptions(
        queue=MessageQueue(header.topic, header.bname, header.queue_id),
        queue_offset=header.queue_offset,
        max_msg_nums=header.max_msg_nums,
        max_msg_bytes=factory.release.client.pull_batch_size_in_bytes
        if by_push
        else PullConsumerConfig(release=factory.release).most_pull_bytes(),
        sys_flag=header.sys_flag,
        commit_offset=header.commit_offset,
        suspend_timeout_ms=header.suspend_timeout_millis,
        subscription=subscription,
        send_expression=header.subscription is not None,
        sub_version=None if by_push else header.sub_version,
    )
    return factory.pull(header.consumer_group, pull)


def queue_of(java, header_class):
    header = java.decode_header(header_class)
    return MessageQueue(header.topic, header.bname, header.queue_id)


class Group:
    """A consumer as the heartbeat asks for it."""

    def __init__(self, data):
        self.group = data.group_name
        self.consume_type = data.consume_type
        self.message_model = data.message_model
        self.consume_from_where = data.consume_from_where
        self.unit_mode = data.unit_mode
        self.subscriptions = lambda: data.subscription_data_set


def rebuilt_heartbeat(factory, java):
    data = HeartbeatData.decode(bytes(java.body))
    producers = [p.group_name for p in data.producer_data_set if p.group_name != INNER]
    body = heartbeat_data(data.client_id, producers, [Group(c) for c in data.consumer_data_set])
    return factory.heartbeat(body)


def rebuilt_unregister(factory, java):
    header = java.decode_header(h.UnregisterClientRequestHeader)
    return factory.unregister(header.client_id, header.producer_group, header.consumer_group)


def rebuilt_query_offset(factory, java):
    header = java.decode_header(h.QueryConsumerOffsetRequestHeader)
    queue = MessageQueue(header.topic, header.bname, header.queue_id)
    return factory.query_consumer_offset(header.consumer_group, queue)


def rebuilt_update_offset(factory, java):
    header = java.decode_header(h.UpdateConsumerOffsetRequestHeader)
    queue = MessageQueue(header.topic, header.bname, header.queue_id)
    return factory.update_consumer_offset(header.consumer_group, queue, header.commit_offset)


def rebuilt_check(factory, java):
    body = CheckClientRequestBody.decode(bytes(java.body))
    return factory.check_client(body.client_id, body.group, body.subscription_data)


def rebuilt_lock(factory, java):
    body = LockBatchRequestBody.decode(bytes(java.body))
    make = factory.lock_batch if java.code == R.LOCK_BATCH_MQ else factory.unlock_batch
    return make(body.client_id, body.consumer_group, body.mq_set)


REBUILD = {
    R.GET_ROUTEINFO_BY_TOPIC: lambda f, j: f.route(
        j.decode_header(h.GetRouteInfoRequestHeader).topic
    ),
    R.SEND_MESSAGE_V2: rebuilt_send,
    R.SEND_BATCH_MESSAGE: rebuilt_send,
    R.SEND_REPLY_MESSAGE_V2: rebuilt_send,
    R.PULL_MESSAGE: rebuilt_pull,
    R.LITE_PULL_MESSAGE: rebuilt_pull,
    R.GET_MIN_OFFSET: lambda f, j: f.min_offset(queue_of(j, h.GetMinOffsetRequestHeader)),
    R.GET_MAX_OFFSET: lambda f, j: f.max_offset(queue_of(j, h.GetMaxOffsetRequestHeader)),
    R.GET_EARLIEST_MSG_STORETIME: lambda f, j: f.earliest_store_time(
        queue_of(j, h.GetEarliestMsgStoretimeRequestHeader)
    ),
    R.SEARCH_OFFSET_BY_TIMESTAMP: lambda f, j: f.search_offset(
        queue_of(j, h.SearchOffsetRequestHeader),
        j.decode_header(h.SearchOffsetRequestHeader).timestamp,
    ),
    R.HEART_BEAT: rebuilt_heartbeat,
    R.CHECK_CLIENT_CONFIG: rebuilt_check,
    R.LOCK_BATCH_MQ: rebuilt_lock,
    R.UNLOCK_BATCH_MQ: rebuilt_lock,
    R.UNREGISTER_CLIENT: rebuilt_unregister,
    R.QUERY_CONSUMER_OFFSET: rebuilt_query_offset,
    R.UPDATE_CONSUMER_OFFSET: rebuilt_update_offset,
    R.GET_CONSUMER_LIST_BY_GROUP: lambda f, j: f.consumer_list(
        j.decode_header(h.GetConsumerListByGroupRequestHeader).consumer_group
    ),
    R.CONSUMER_SEND_MSG_BACK: lambda f, j: f.send_back(
        j.decode_header(h.ConsumerSendMsgBackRequestHeader)
    ),
}


def body_values(command):
    """A JSON body with its sets sorted, so that only contents are compared."""
    body = json.loads(bytes(command.body))
    for group in body["consumerDataSet"]:
        group["subscriptionDataSet"].sort(key=lambda sub: sub["topic"])
        for subscription in group["subscriptionDataSet"]:
            subscription["tagsSet"].sort()
            subscription["codeSet"].sort()
    return body


def differences(ours, java):
    """Names of what differs in two requests."""
    ours = decode_command(encode_command(ours))
    if java.is_oneway:
        ours.mark_oneway()
    found = {
        name
        for name in ("code", "flag", "version", "language", "remark", "serialize_type")
        if getattr(ours, name) != getattr(java, name)
    }
    if (ours.ext_fields is None) != (java.ext_fields is None):
        found.add("ext fields at all")
    mine, theirs = ours.ext_fields or {}, java.ext_fields or {}
    found |= {
        f"ext {key}" for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)
    }
    if java.code == R.HEART_BEAT:
        mine, theirs = body_values(ours), body_values(java)
        found |= {
            f"body {key}" for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)
        }
    elif bytes(ours.body) != bytes(java.body):
        found.add("body")
    return found


@cache
def compared():
    """All comparisons: {request name: {differing field}}, and how many there were of each."""
    found, counts = defaultdict(set), defaultdict(int)
    for factory, java, path in recorded():
        rebuild = REBUILD.get(java.code)
        ours = rebuild(factory, java) if rebuild else None
        if ours is None:
            continue
        counts[request_name(java.code), path.parts[-3]] += 1
        found[request_name(java.code)] |= differences(ours, java)
    return found, counts


def documented():
    """The rows of the page's table: {request name: {field}}."""
    table = defaultdict(set)
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 5 and cells[0] not in {"request", "---"}:
            table[cells[0]].add(cells[1])
    return table


def test_every_request_was_compared():
    _, counts = compared()
    for code in REBUILD:
        for release in ("4.9.7", "5.5.0") if code != R.LITE_PULL_MESSAGE else ("5.5.0",):
            assert counts[request_name(code), release], (request_name(code), release)


def test_page_says_exactly_what_differs():
    found, _ = compared()
    everywhere = set.intersection(*found.values())
    actual = {name: fields - everywhere for name, fields in found.items() if fields - everywhere}
    actual["every request"] = everywhere
    table = documented()
    not_in_frames = table.pop("not in a frame", set())
    assert dict(table) == actual
    assert not_in_frames


def sends():
    for path in scenarios():
        if "b_send_" in path.name and "too_large" not in path.name:
            for entry, frame in frames(path):
                java = decode_command(frame)
                if entry["dir"] == "c2s" and java.code in {R.SEND_MESSAGE_V2, R.SEND_BATCH_MESSAGE}:
                    yield path, java


@pytest.mark.parametrize("release", ["4.9.7", "5.5.0"])
def test_producer_makes_the_same_message(release):
    """From the user's message on: properties, flags, compression; not only the header."""
    compared_single = compared_batch = 0
    for path, java in sends():
        if path.parts[-3] != release:
            continue
        header = java.decode_header(h.SendMessageRequestHeaderV2)
        properties = decode_properties(header.properties)
        kind = next((k for k in ("LZ4", "ZSTD") if k.lower() in path.name), "ZLIB")
        config = ProducerConfig(release=release_named(release), compress_type=kind)
        outbound = Outbound(header.producer_group, config, Ids(properties.get("UNIQ_KEY", "0000")))
        if java.code == R.SEND_BATCH_MESSAGE:
            compared_batch += 1
            outgoing = outbound_batch(outbound, header, java)
        else:
            compared_single += 1
            outgoing = outbound_single(outbound, header, java, properties)
        assert decode_properties(outgoing.properties) == properties
        assert outgoing.properties.endswith("\x02") == header.properties.endswith("\x02")
        assert outgoing.shape.sys_flag == header.sys_flag
        assert outgoing.shape.flag == header.flag
    assert compared_single > 20
    assert compared_batch


class Ids:
    """Makes one id, and the ones after it."""

    def __init__(self, first):
        self.head, self.count = first[:-4], int(first[-4:], 16)

    def turn(self):
        return 0

    def take(self, count):
        self.count += count

    def next(self):
        self.take(1)
        return f"{self.head}{self.count - 1:04X}"


def outbound_single(outbound, header, java, properties):
    message = Message(header.topic, decompress(java.body, header.sys_flag), flag=header.flag)
    message.properties = {k: v for k, v in properties.items() if k != "UNIQ_KEY"}
    _, outgoing, msg_id = outbound.single(message)
    assert msg_id == properties["UNIQ_KEY"]
    assert decompress(outgoing.body, outgoing.shape.sys_flag) == message.body
    return outgoing


def outbound_batch(outbound, header, java):
    messages = []
    for entry in decode_batch(bytes(java.body)):
        message = Message(header.topic, entry.body, flag=entry.flag)
        message.properties = decode_properties(entry.properties)
        messages.append(message)
    _, outgoing, ids = outbound.batch(messages)
    assert ids == ",".join(message.unique_key for message in messages)
    assert outgoing.body == bytes(java.body)  # the properties' order was Java's
    return outgoing
