"""What clients of lite topics ask, step by step: the same of a Java broker and of ours."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from interop.lite import LiteSide, shown
from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.batch import encode_entry
from rmqwire.codec.bodies import BatchAckMessageRequestBody, OffsetOption
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader, PopMessageRequestHeader
from rmqwire.codec.lite_topic import lmq_name
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.consumer.working.acks import batch_acks
from tests.broker.lite.support import PARENT
from tests.support import requests

if TYPE_CHECKING:
    from rmqwire.codec.message import StoredMessage
    from tests.broker.lite.support import LiteConsumer

Say = Callable[[str, object], None]


def popped(client: LiteConsumer, say: Say, label: str, **fields: object) -> list[StoredMessage]:
    """Pop, say what came, and return it."""
    answer = client.client.call(client.request(**fields))
    asked = {name: value for name, value in fields.items() if name != "born_time"}
    say(f"{label}: pop {asked}", shown(answer))
    return client.messages(answer)


def subscribing(side: LiteSide, say: Say) -> None:
    """Every action, and what can't be done."""
    one = side.client("s1")

    def control(action: str | None, *names: str, **fields: object) -> None:
        answer = one.control(action, *names, **fields)
        say(f"subscribing: {action} {names} {fields}", shown(answer))

    control("PARTIAL_ADD", "a", "b")
    control("PARTIAL_ADD", "b", "c")
    control("PARTIAL_REMOVE", "c", "never")
    control("PARTIAL_ADD")
    control(None, "a")
    control("PARTIAL_ADD", "a", offset_option=OffsetOption())
    ask_client(side, say, "s1")
    control("COMPLETE_ADD", "x", "y")
    ask_client(side, say, "s1")
    for fields in ({"group": "gp"}, {"group": "nobody"}, {"topic": "norm"}, {"topic": "nowhere"}):
        for name, value in fields.items():
            control("PARTIAL_ADD", "a", client_id=f"useless-{value}", **{name: value})
            control("COMPLETE_REMOVE", client_id=f"useless-{value}", **{name: value})
    control("PARTIAL_ADD", "a", client_id="", group="gl")
    control("PARTIAL_ADD", "a", client_id="w", group="gw")
    for body in (b"", b"{}", b'{"subscriptionSet":[]}'):
        request = RemotingCommand.request(int(R.LITE_SUBSCRIPTION_CTL))
        request.body = body
        say(f"subscribing: {body!r}", shown(one.client.call(request)))
    control("COMPLETE_REMOVE")
    ask_client(side, say, "s1")


def popping(side: LiteSide, say: Say) -> None:
    """Messages in order, acks in any, what is refused, and what comes again."""
    one = side.client("p1")
    say("popping: add", shown(one.add("a", "b")))
    side.send("a", "a1", "a2", "a3", "a4")
    side.send("b", "b1")
    first = popped(one, say, "two of the first", max_msg_num=2)
    popped(one, say, "the other lite topic")
    say("popping: the second is done with", shown(one.ack(first[1])))
    popped(one, say, "the first blocks it")
    for fields in (
        {"offset": 99},
        {"queue_id": 1},
        {"lite_topic": "unknown"},
        {"consumer_group": "gp"},
        {"extra_info": "0 1 1 0 0 broker-a 0 0"},
    ):
        say(f"popping: ack {fields}", shown(one.ack(first[0], **fields)))
        if not {"extra_info", "lite_topic"} & fields.keys():  # Java has taken that ack for good
            say(f"popping: change {fields}", shown(one.change(first[0], 1_000, **fields)))
    say("popping: the first is done with", shown(one.ack(first[0])))
    say("popping: done with once more", shown(one.ack(first[0])))
    say("popping: put off too late", shown(one.change(first[0], 1_000)))
    others = popped(one, say, "the others", invisible_time=1_500)
    time.sleep(2)
    again = popped(one, say, "time is over", invisible_time=30_000)
    assert len(others) == len(again) == 2
    say("popping: put off", shown(one.change(again[0], 1_000)))
    say("popping: the later one is done with", shown(one.ack(again[1])))
    time.sleep(2)
    last = popped(one, say, "put off, and its time is over", invisible_time=30_000)
    say("popping: suspended", shown(one.change(last[0], 1_000, suspend=True)))
    time.sleep(2)
    last = popped(one, say, "suspended, and its time is over", invisible_time=30_000)
    say("popping: the last is done with", shown(one.ack(last[0])))
    popped(one, say, "nothing more")
    popped(one, say, "waits for nothing", poll_time=500, born_time=int(time.time() * 1000))
    ask_group(side, say, "gl", "a", "b", "never")
    one.control("COMPLETE_REMOVE")


def attempts(side: LiteSide, say: Say) -> None:
    """Who asks again with the same attempt gets the same."""
    one = side.client("r1")
    one.add("again")
    side.send("again", "r1", "r2")
    popped(one, say, "attempt", attempt_id="x")
    popped(one, say, "another attempt", attempt_id="y")
    one.control("PARTIAL_REMOVE", "again")
    one.add("again")
    came = popped(one, say, "the same attempt", attempt_id="x")
    for message in came:
        say("attempts: ack", shown(one.ack(message)))
    one.control("COMPLETE_REMOVE")


def buried(side: LiteSide, say: Say) -> None:
    """A message goes to the dead letters; Java's broker puts it into its lite topic once more."""
    one = side.client("k1")
    one.add("bad")
    side.send("bad", "k1", "k2")
    first, second = popped(one, say, "to be buried")
    header = ConsumerSendMsgBackRequestHeader(
        offset=first.physical_offset,
        group="gl",
        delay_level=-1,
        origin_msg_id="bad-k1",
        origin_topic=PARENT,
        unit_mode=False,
        max_reconsume_times=16,
    )
    request = RemotingCommand.request(int(R.CONSUMER_SEND_MSG_BACK), header)
    say("buried: sent back", shown(one.client.call(request)))
    acks = BatchAckMessageRequestBody(
        "broker-a", batch_acks("gl", [MessageExt(second, "broker-a")])
    )
    request = RemotingCommand.request(int(R.BATCH_ACK_MESSAGE))
    request.body = acks.encode(DEFAULT_RELEASE)
    say("buried: several acks", shown(one.client.call(request)))
    say("buried: ack", shown(one.ack(first)))
    consumed = {"consumerGroup": "gl", "topic": lmq_name(PARENT, "bad"), "queueId": "0"}
    say("buried: offset", shown(side.ask(R.QUERY_CONSUMER_OFFSET, consumed)))
    say("buried: ack", shown(one.ack(second)))
    one.control("COMPLETE_REMOVE")


def batched(side: LiteSide, say: Say) -> None:
    """Messages of a batch that name a lite topic."""
    properties = "UNIQ_KEY\x01batched\x02__LITE_TOPIC\x01batched\x02"
    body = b"".join(encode_entry(0, b"%d" % i, properties.encode()) for i in range(2))
    for code in (310, 320):
        request = requests.send(PARENT, body, properties="WAIT\x01true\x02", batch=True)
        request.code = code
        say(f"batched {code}", shown(side.connect().call(request)))
    time.sleep(1)
    ask_topic(side, say, "batched")


def refused(side: LiteSide, say: Say) -> None:
    """What pops are refused."""
    one = side.client("q1")
    for fields in (
        {"client_id": "unknown"},
        {"consumer_group": "gp"},
        {"consumer_group": "nobody"},
        {"topic": "norm"},
        {"topic": "nowhere"},
        {"max_msg_num": 33},
        {"max_msg_num": 0},
        {"born_time": 1},
    ):
        popped(one, say, "refused", **fields)


def beginnings(side: LiteSide, say: Say) -> None:
    """Where a subscription begins."""
    side.send("begin", *"12345")
    one = side.client("o1")
    for option in (
        OffsetOption(type="OFFSET", value=3),
        OffsetOption(type="POLICY", value=1),
        OffsetOption(type="POLICY", value=2),
        OffsetOption(type="OFFSET", value=2),
        OffsetOption(type="TAIL_N", value=1),
        OffsetOption(type="POLICY", value=0),
        OffsetOption(type="TIMESTAMP", value=1),
    ):
        label = f"beginning at {option.type} {option.value}"
        say(label, shown(one.add("begin", offset_option=option)))
        popped(one, say, label, max_msg_num=1, invisible_time=30_000)
        ask_group(side, say, "gl", "begin")
        say(label, shown(one.control("PARTIAL_REMOVE", "begin")))
    one.control("COMPLETE_REMOVE")


def exclusive(side: LiteSide, say: Say) -> None:
    """A lite topic goes to who subscribed it last."""
    one, two = side.client("x1", "glx"), side.client("x2", "glx")
    one.add("e", "f")
    say("exclusive: taken", shown(two.add("e")))
    notices = [(notice.code, notice.ext_fields) for notice in one.client.listen(5)]
    say("exclusive: told", [one for one in notices if one[0] == R.NOTIFY_UNSUBSCRIBE_LITE])
    side.send("e", "e1")
    side.send("f", "f1")
    popped(one, say, "exclusive, the one before")
    popped(two, say, "exclusive, the one now")
    ask_topic(side, say, "e")
    for client in (one, two):
        client.control("COMPLETE_REMOVE")


def wildcard(side: LiteSide, say: Say) -> None:
    """A wildcard group has all lite topics."""
    one = side.client("w1", "gw")
    say("wildcard: one of them", shown(one.add("a")))
    say("wildcard: all", shown(one.control("COMPLETE_ADD")))
    side.send("wild", "w1")
    came = popped(one, say, "wildcard")
    for message in came:
        say("wildcard: ack", shown(one.ack(message)))
    ask_topic(side, say, "wild")
    ask_topic(side, say, "nothing-here")
    ask_client(side, say, "w1", "gw")
    one.control("COMPLETE_REMOVE")


def quota(side: LiteSide, say: Say) -> None:
    """The broker's quota is looked at before what is asked for."""
    one = side.client("l1")
    for number in range(4):
        names = [f"l{number}-{i}" for i in range(5)]
        say(f"quota: {number}", shown(one.add(*names)))
    say("quota: all anew", shown(one.control("COMPLETE_ADD", *(f"n{i}" for i in range(20)))))
    say("quota: info", shown(side.ask(R.GET_BROKER_LITE_INFO)))
    one.control("COMPLETE_REMOVE")


def leaving(side: LiteSide, say: Say) -> None:
    """Who leaves is forgotten."""
    one = side.client("v1")
    one.add("v")
    fields = {"clientID": "v1", "consumerGroup": "gl"}
    say("leaving", shown(one.client.call(RemotingCommand(R.UNREGISTER_CLIENT, fields))))
    ask_client(side, say, "v1")
    side.send("v", "v1")
    popped(one, say, "who has left")


def administrators(side: LiteSide, say: Say) -> None:
    """What administrators ask, of what is there and of what isn't."""
    one = side.client("d1")
    one.add("d")
    side.send("d", "d1", "d2")
    for code, every in (
        (R.GET_BROKER_LITE_INFO, [{}]),
        (R.GET_PARENT_TOPIC_INFO, [{"topic": t} for t in ("norm", "nowhere")]),
        (R.GET_LITE_TOPIC_INFO, [{"parentTopic": t, "liteTopic": "d"} for t in (PARENT, "norm")]),
        (R.GET_LITE_GROUP_INFO, [{"group": g, "topK": "3"} for g in ("gp", "nobody")]),
        (R.TRIGGER_LITE_DISPATCH, [{"group": g} for g in ("gl", "gp", "nobody")]),
        (R.TRIGGER_LITE_DISPATCH, [{"group": "gl", "clientId": c} for c in ("d1", "nobody")]),
    ):
        for fields in every:
            say(f"administrators: {code.name} {fields}", shown(side.ask(code, fields)))
    ask_topic(side, say, "d")
    ask_client(side, say, "d1")
    ask_client(side, say, "d1", "gp")
    ask_group(side, say, "gl", "d")
    popped(one, say, "administrators", invisible_time=30_000)
    one.control("COMPLETE_REMOVE")


def pulling(side: LiteSide, say: Say) -> None:
    """The lite topic as a field of a pull and of a search."""
    side.send("pulled", "l1", "l2", "l3")
    for topic, lite_topic in (
        (PARENT, "pulled"),
        (PARENT, "never"),
        ("norm", "pulled"),
        (PARENT, ""),
    ):
        for queue_id in (0, 1):
            pull = {
                "consumerGroup": "gl", "topic": topic, "queueId": str(queue_id), "queueOffset": "1",
                "maxMsgNums": "8", "sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0",
                "subscription": "*", "subVersion": "0", "expressionType": "TAG", "liteTopic": lite_topic,
            }  # fmt: skip
            search = {
                "topic": topic,
                "queueId": str(queue_id),
                "timestamp": "1",
                "liteTopic": lite_topic,
            }
            for code, fields in (
                (R.PULL_MESSAGE, pull),
                (R.LITE_PULL_MESSAGE, pull),
                (R.SEARCH_OFFSET_BY_TIMESTAMP, search),
                (R.SEARCH_OFFSET_BY_TIMESTAMP, search | {"timestamp": "4000000000000"}),
            ):
                answer = shown(side.ask(code, fields))
                say(f"pulling: {code.name} {topic} {lite_topic!r} {queue_id}", answer)


def light(side: LiteSide, say: Say) -> None:
    """A light queue is popped like the queue of a topic, by a group that has nothing to do with lite topics."""
    for number in range(2):
        named = f"UNIQ_KEY\x01light-{number}\x02INNER_MULTI_DISPATCH\x01%LMQ%light,%LMQ%other\x02"
        sent = side.connect().call(requests.send("norm", b"l%d" % number, properties=named))
        say(f"light: sent {number}", sent.code)
    time.sleep(1)
    for queue_id in (-1, 0, 1):
        header = PopMessageRequestHeader(
            consumer_group="gp",
            topic="%LMQ%light",
            queue_id=queue_id,
            max_msg_nums=1,
            invisible_time=60_000,
            poll_time=0,
            born_time=int(time.time() * 1000),
            init_mode=0,
            exp_type="TAG",
            exp="*",
        )
        answer = side.connect().call(RemotingCommand.request(int(R.POP_MESSAGE), header))
        seen = shown(answer)
        seen["fields"] = {
            name: text for name, text in (seen["fields"] or {}).items() if name != "reviveQid"
        }
        seen["remark"] = re.sub(r"/[\d.:]+|\[\d+\.[\d.]+\]", "ADDR", seen["remark"] or "")
        say(f"light: popped from {queue_id}", seen)


def ask_client(side: LiteSide, say: Say, client_id: str, group: str = "gl") -> None:
    fields = {"parentTopic": PARENT, "group": group, "clientId": client_id, "maxCount": "50"}
    say(f"client {client_id} of {group}", shown(side.ask(R.GET_LITE_CLIENT_INFO, fields)))


def ask_topic(side: LiteSide, say: Say, lite_topic: str) -> None:
    fields = {"parentTopic": PARENT, "liteTopic": lite_topic}
    say(f"lite topic {lite_topic}", shown(side.ask(R.GET_LITE_TOPIC_INFO, fields)))


def ask_group(side: LiteSide, say: Say, group: str, *lite_topics: str) -> None:
    for lite_topic in lite_topics:
        fields = {"group": group, "liteTopic": lite_topic, "topK": "0"}
        say(f"{group} in {lite_topic}", shown(side.ask(R.GET_LITE_GROUP_INFO, fields)))
        consumed = {"consumerGroup": group, "topic": lmq_name(PARENT, lite_topic), "queueId": "0"}
        say(f"{group} in {lite_topic}", shown(side.ask(R.QUERY_CONSUMER_OFFSET, consumed)))


SCRIPTS = (
    subscribing,
    popping,
    attempts,
    batched,
    refused,
    beginnings,
    exclusive,
    wildcard,
    quota,
    leaving,
    administrators,
    pulling,
    buried,
    light,
)
