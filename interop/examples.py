"""The programs of rocketmq-example, run as they are against either kind of cluster.

They look for the name server at 127.0.0.1:9876, and some for a broker ``broker-a`` at 127.0.0.1:10911. Those
of one run go together in one JVM: consumers first, then producers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interop.client_program import ClientProgram
from interop.jars import example_class_path
from interop.peer import JVM, Peer, make_home

NAMESRV = "127.0.0.1:9876"
SETTINGS = {
    "brokerName": "broker-a",
    "listenPort": "10911",
    "enablePropertyFilter": "true",
    "enableLmq": "true",
    "enableMultiDispatch": "true",
    "transactionTimeOut": "1000",
    "transactionCheckInterval": "2000",
}
TOPICS = (
    "TopicTest", "TopicTest1", "TopicTestjjj", "TopicTest1234", "Jodie_topic_1023", "BatchTest", "SqlFilterTest",
    "TagFilterTest", "TopicLMQParent", "NAMESPACE_TOPIC", "InstanceTest%NAMESPACE_TOPIC", "OMS_HELLO_TOPIC",
    "RequestTopic", "TestTopic", "TimerTopic",
)  # fmt: skip
SENT = r"sendStatus=SEND_OK"
CAME = r"Receive New Messages"
EVERY = ("4.9.7", "5.5.0")
FAULT = re.compile(
    r"^(?!.*\|-).*?([\w.]*(?:Exception|Error)\b.*)$", re.MULTILINE
)  # not logback's start


@dataclass(frozen=True)
class Program:
    """One program, and what it must print how often at least.

    Args:
        name: its class below ``org.apache.rocketmq.example``.
        shows: a pattern.
        count: how often.
        words: its arguments.
        releases: that have it.
        faults: a pattern of exceptions that are the client's own.
        apart: the name of a run of its own: another program of its folder has the same group.
    """

    name: str
    shows: str
    count: int = 1
    words: str = ""
    releases: Sequence[str] = EVERY
    faults: str = ""
    apart: str = ""

    @property
    def run(self) -> str:
        """Which programs it runs together with."""
        return self.apart or self.name.partition(".")[0]

    @property
    def says(self) -> str:
        """What it must show, in words."""
        return f"{self.count} x `{self.shows}`" if self.shows else "nothing"

    @property
    def sends(self) -> bool:
        """Whether it is started when those that wait for messages are there."""
        return "Producer" in self.name


FOUR, FIVE = ("4.9.7",), ("5.5.0",)
PROGRAMS = (
    Program("quickstart.Consumer", CAME, 1000),
    Program("quickstart.Producer", SENT, 1000),
    Program("ordermessage.Consumer", CAME, 100),
    Program("ordermessage.Producer", SENT, 100),
    Program("batch.SimpleBatchProducer", SENT),
    Program("batch.SplitBatchProducer", SENT, 2),
    Program("broadcast.PushConsumer", CAME, 100),
    Program("filter.SqlFilterConsumer", CAME, 3),
    Program("filter.SqlFilterProducer", SENT, 10),
    Program("filter.TagFilterConsumer", CAME, 40, apart="filter-tag"),
    Program("filter.TagFilterProducer", SENT, 60, apart="filter-tag"),
    Program("transaction.TransactionProducer", SENT, 10),
    Program("operation.Consumer", r"^\d+ +\[MessageExt", 20, "-g operators -t TopicTest1 -s * -f true"),
    Program("operation.Producer", SENT, 20, "-g operators_p -t TopicTest1 -a Tag -k key -c 20"),
    Program("schedule.ScheduledMessageConsumer", r"Receive message\[msgId=\w+ \d+ +ms later\]", 100),
    Program("schedule.ScheduledMessageProducer", r"main\(\) has returned"),
    Program("schedule.TimerMessageConsumer", r"Receive message\[msgId=\w+ \d+ +ms later\]", 10, releases=FIVE),
    Program("schedule.TimerMessageProducer", SENT, 10, releases=FIVE),
    Program("rpc.ResponseConsumer", r"reply to .*SEND_OK", 2),
    Program("rpc.RequestProducer", r"cost: \d+ replyMessage: Message"),
    Program("rpc.AsyncRequestProducer", r"cost: \d+ replyMessage: Message"),
    Program("tracemessage.TracePushConsumer", CAME, 128),
    Program("tracemessage.TraceProducer", SENT, 128),
    Program("tracemessage.OpenTracingPushConsumer", CAME, 128, faults="UnsupportedOperation|SenderException|Could not send .* spans"),
    Program("tracemessage.OpenTracingProducer", SENT),
    Program("tracemessage.OpenTracingTransactionProducer", SENT),
    Program("simple.PushConsumer", CAME, 50),
    Program("simple.PullConsumer", ""),
    Program("simple.PullConsumerTest", "", releases=FOUR, faults="broker.*not exist"),
    Program("simple.PullScheduleService", r"pullStatus=FOUND", 8),
    Program("simple.PopConsumer", CAME, 50, releases=FIVE),  # PushConsumer has its share
    Program("simple.LitePullConsumerSubscribe", r"MessageExt \[", 1),
    Program("simple.LitePullConsumerAssign", r"MessageExt \[", 1),
    Program("simple.LitePullConsumerAssignWithSubExpression", r"MessageExt \[", 1),
    Program("simple.AclClient", CAME, 128, apart="simple-acl"),
    Program("simple.AsyncProducer", r"OK \w{32}", 100),
    Program("simple.OnewayProducer", r"main\(\) has returned"),
    Program("simple.TestProducer", SENT, releases=FOUR),
    Program("simple.Producer", SENT, 128),
    Program("namespace.PushConsumerWithNamespace", r"MsgId is:\w{32}", 100),
    Program("namespace.ProducerWithNamespace", r"send success", 100),
    Program("namespace.PullConsumerWithNamespace", r"msgId is:\w{32}", 20, apart="namespace-pull"),
    Program("openmessaging.SimplePushConsumer", ""),  # at Java it was seen to get 0 to 3 of 3
    Program("openmessaging.SimplePullConsumer", r"Received one message"),
    Program("openmessaging.SimpleProducer", r"Send (async|oneway) message OK", 3),
    Program("lmq.LMQPushConsumer", CAME, 128, releases=FIVE),
    Program("lmq.LMQPullConsumer", r"Pull New Messages", 1, releases=FIVE),
    Program("lmq.LMQPushPopConsumer", CAME, 128, releases=FIVE),
    Program("lmq.LMQProducer", SENT, 128, releases=FIVE),
    Program("benchmark.Consumer", r"TPS: [1-9]", 1, "-t BenchmarkTest -g bench_c"),
    Program("benchmark.Producer", r"Send TPS: [1-9]", 1, "-t BenchmarkTest -w 1"),
    Program("benchmark.BatchProducer", r"Send TPS: [1-9]", 1, "-t BenchmarkTest -w 1"),
    Program("benchmark.TransactionProducer", r"Send TPS: *[1-9]", 1, "-t BenchmarkTest -w 1"),
)  # fmt: skip
RUNS = tuple(dict.fromkeys(program.run for program in PROGRAMS))


@dataclass(frozen=True)
class Outcome:
    """What one program showed: how often, and the exceptions it printed."""

    program: str
    times: int
    faults: list[str]


class Examples(ClientProgram):
    """A JVM that runs programs, by java/Examples.java."""

    def __init__(self, version: str, home: Path) -> None:
        make_home(home)
        path = example_class_path(version)
        assert path, "no programs of that release"
        command = [
            "java", *JVM, f"-Duser.home={home}", f"-Drocketmq.client.logRoot={home}/logs",
            "-Drocketmq.client.logLevel=WARN", "-cp", path, "Examples",
        ]  # fmt: skip
        found = {"NAMESRV_ADDR": NAMESRV, "OMS_RMQ_DIRECT_NAME_SRV": "true"}
        super().__init__(f"examples-{version}", command, home, found)

    def start(self, program: Program) -> None:
        self.call("start", program.name, *program.words.split())

    def printed(self, program: Program) -> str:
        return str(self.call("print", program.name)[0]["output"])


def make_topics(peer: Peer, broker: str) -> None:
    """Make what the programs send to, so that no consumer waits for a route."""
    for topic in TOPICS:
        peer.mqadmin("updateTopic", "-n", NAMESRV, "-b", broker, "-t", topic, "-r", "4", "-w", "4")


def outcome(program: Program, text: str) -> Outcome:
    """Return what the program's output says."""
    times = len(re.findall(program.shows, text, re.MULTILINE)) if program.shows else 1
    return Outcome(program.name, times, FAULT.findall(text))


def as_it_must(seen: Outcome) -> bool:
    """Return whether a program showed what it must, and no exception."""
    (program,) = (one for one in PROGRAMS if one.name == seen.program)
    known = program.faults
    return seen.times >= program.count and all(
        known and re.search(known, one) for one in seen.faults
    )


def run_together(version: str, run: str, home: Path, seconds: float = 25) -> list[Outcome]:
    """Run the programs of a run together, until each has shown what it must or time is over."""
    mine = [one for one in PROGRAMS if one.run == run and version in one.releases]
    jvm = Examples(version, home)
    try:
        for program in mine:
            if not program.sends:
                jvm.start(program)
        time.sleep(2)  # the consumers take their queues
        for program in mine:
            if program.sends:
                jvm.start(program)
        deadline = time.monotonic() + seconds
        while True:
            seen = [outcome(one, jvm.printed(one)) for one in mine]
            done = all(one.times >= want.count for one, want in zip(seen, mine, strict=True))
            if done or time.monotonic() > deadline:
                return seen
            time.sleep(0.5)
    finally:
        jvm.stop()
