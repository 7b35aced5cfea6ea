"""Clients in plain threads, against a broker in memory."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from rmqwire.blocking import (
    Client,
    ConsumeStatus,
    LitePullConsumer,
    LitePushConsumer,
    LocalTransactionState,
    Message,
    Producer,
    PullConsumer,
    PushConsumer,
    TransactionProducer,
)
from rmqwire.errors import ConnectFailed, ForkedError, UsageError
from rmqwire.testing import cluster

FIRST = "CONSUME_FROM_FIRST_OFFSET"


def test_what_is_sent_comes_to_a_listener_that_may_block(rmq):
    seen, done = [], threading.Event()

    def listener(messages):
        time.sleep(0.001)  # a worker thread of the consumer's waits, nobody else
        seen.extend((one.body, threading.current_thread().name) for one in messages)
        if len(seen) == 20:
            done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    with Client(rmq.namesrv_addr) as client, Producer("p", client=client) as producer:
        for number in range(20):
            producer.send(Message("T", b"%d" % number), timeout=20)
        consumer = PushConsumer("g", client=client, consume_from_where=FIRST)
        consumer.subscribe("T", "*", listener)
        with consumer:
            assert done.wait(20)
            assert consumer.client_id == producer.client_id
            assert "T" in {queue.topic for queue in consumer.assigned_queues()}
            assert consumer.health.heartbeats
    assert {body for body, _ in seen} == {b"%d" % number for number in range(20)}
    assert "rmqwire" not in {name for _, name in seen}


def test_messages_are_asked_for(rmq):
    with (
        Producer("p", namesrv_addr=rmq.namesrv_addr) as producer,
        PullConsumer("g", namesrv_addr=rmq.namesrv_addr) as puller,
        LitePullConsumer("lite", namesrv_addr=rmq.namesrv_addr) as lite,
    ):
        producer.send([Message("T", b"1"), Message("T", b"2")])
        (queue,) = puller.fetch_subscribe_message_queues("T")
        assert puller.max_offset(queue) == 2
        moved = threading.Event()
        lite.register_topic_message_queue_change_listener("T", lambda *_: moved.set())
        lite.assign([queue])
        lite.seek_to_begin(queue)
        found = []
        while len(found) < 2:
            found += lite.poll(1_000)
        assert [one.body for one in found] == [b"1", b"2"]


def test_pull_tasks_run_in_threads_and_ask_as_they_like(rmq):
    seen, done, told = [], threading.Event(), threading.Event()

    def task(queue, context):
        result = puller.pull_block_if_not_found(queue, offset=len(seen), timeout=20)
        seen.extend(one.body for one in result.messages)
        context.pull_next_delay_time_millis = 10
        if len(seen) == 2:
            done.set()

    with (
        Producer("p", namesrv_addr=rmq.namesrv_addr, topics=["T"]) as producer,
        PullConsumer("g", namesrv_addr=rmq.namesrv_addr) as puller,
        PushConsumer(
            "h", namesrv_addr=rmq.namesrv_addr, message_queue_listener=lambda *_: told.set()
        ) as pusher,
    ):
        pusher.subscribe("T", "*", lambda _messages: ConsumeStatus.CONSUME_SUCCESS)
        puller.register_pull_task_callback("T", task)
        first = producer.send(Message("T", b"1", keys="k"))
        producer.send(Message("T", b"2"))
        assert done.wait(20)
        assert told.wait(20)
        assert producer.view_message("T", first.offset_msg_id).body == b"1"
        assert not pusher.is_pause
    assert seen == [b"1", b"2"]


def test_lite_topics_come_to_a_listener_that_may_block():
    seen, done = [], threading.Event()

    def listener(messages):
        time.sleep(0.001)
        seen.extend((one.lite_topic, one.body) for one in messages)
        done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    with cluster(enableLmq="true", enableMultiDispatch="true") as lite:
        lite.create_topic("L", queues=1, attributes="+message.type=LITE")
        lite.create_group("g", attributes="+lite.bind.topic=L")
        with (
            Producer("p", namesrv_addr=lite.namesrv_addr) as producer,
            LitePushConsumer("g", "L", listener, namesrv_addr=lite.namesrv_addr) as consumer,
        ):
            consumer.subscribe_lite("a", timeout=20)
            producer.send(Message("L", b"1", lite_topic="a"))
            assert done.wait(20)
            assert consumer.lite_topics == {"a"}
    assert seen == [("a", b"1")]


def test_an_error_is_the_one_of_the_trio_class(rmq):
    with pytest.raises(UsageError):
        Producer("no good name!", namesrv_addr=rmq.namesrv_addr)
    with Producer("p", namesrv_addr="127.0.0.1:9") as producer, pytest.raises(ConnectFailed):
        producer.send(Message("T", b"x"), timeout=20)


def test_a_call_that_takes_too_long_raises_timeout_error(rmq):
    with PullConsumer("g", namesrv_addr=rmq.namesrv_addr) as puller:
        (queue,) = puller.fetch_subscribe_message_queues("T")
        with pytest.raises(TimeoutError, match=r"not done within 0\.05 s"):
            puller.pull_block_if_not_found(queue, offset=0, timeout=0.05)


def test_a_producer_before_its_time_says_so(rmq):
    producer = Producer("p", namesrv_addr=rmq.namesrv_addr)
    with pytest.raises(UsageError, match="use it inside"):
        producer.send(Message("T", b"x"))


def run(program, rmq, **options):
    """Run a program with the name server's address as argument."""
    command = [sys.executable, "-c", program, rmq.namesrv_addr]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


FORKS = """
import os, sys
from rmqwire.blocking import *
from rmqwire.errors import ForkedError
with Client(sys.argv[1]) as client, Producer("p", client=client) as producer:
    consumer = PushConsumer("g", namesrv_addr=sys.argv[1])
    with consumer:
        producer.send(Message("T", b"parent"))
        if (child := os.fork()) == 0:
            producer.send(Message("T", b"child"))
            try:
                consumer.suspend()
            except ForkedError as error:
                producer.send(Message("T", str(error).encode()))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        producer.send(Message("T", b"parent again"))
"""


def test_a_forked_child_sends_anew_and_consumes_not_at_all(rmq):
    done = run(FORKS, rmq)
    assert done.wait(40) == 0, done.stderr.read()
    done.communicate()
    bodies = [one.body for one in rmq.messages("T")]
    assert bodies[:2] == [b"parent", b"child"]
    assert b"this PushConsumer was opened by process" in bodies[2]
    assert bodies[3] == b"parent again"
    assert issubclass(ForkedError, UsageError)


LEFT_OPEN = """
import sys
from rmqwire.blocking import *
consumer = PushConsumer("g", namesrv_addr=sys.argv[1])
consumer.subscribe("T", "*", lambda messages: ConsumeStatus.CONSUME_SUCCESS)
consumer.__enter__()
producer = Producer("p", namesrv_addr=sys.argv[1])
producer.__enter__()
print(producer.send(Message("T", b"x")).send_status.name)
"""


def test_a_process_ends_though_clients_are_open(rmq):
    done = run(LEFT_OPEN, rmq)
    out, err = done.communicate(timeout=40)
    assert (done.returncode, out, err) == (0, "SEND_OK\n", "")


WAITS = """
import sys
from rmqwire.blocking import *
with PullConsumer("g", namesrv_addr=sys.argv[1]) as puller:
    (queue,) = puller.fetch_subscribe_message_queues("T")
    try:
        print("waits", flush=True)
        puller.pull_block_if_not_found(queue, offset=0)
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_ends_a_wait(rmq):
    done = run(
        WAITS, rmq, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    )
    assert done.stdout.readline() == "waits\n"
    os.kill(done.pid, signal.SIGINT)
    out, err = done.communicate(timeout=40)
    assert (done.returncode, out, err) == (0, "interrupted\n", "")


def test_messages_are_iterated_over_and_settled_in_this_thread(rmq):
    with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        for number in range(40):
            producer.send(Message("T", b"%d" % number))
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST)
    consumer.subscribe("T")
    bodies = []
    with consumer:
        for delivery in consumer:
            with delivery:
                bodies.append(delivery.body)
                if len(bodies) == 40:
                    break
    assert sorted(bodies) == sorted(b"%d" % number for number in range(40))
    assert rmq.lag("g", "T") == 0


def test_what_fails_in_its_block_comes_again_and_batches_end_with_the_consumer(rmq, caplog):
    with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        producer.send(Message("T", b"x"))
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST)
    consumer.subscribe("T")
    with pytest.raises(UsageError):
        consumer.batches(0)
    times = []
    with consumer:
        batches = consumer.batches(8, 10)
        for batch in batches:
            with batch:
                times.append(batch[0].reconsume_times)
                if len(times) == 1:
                    threading.Thread(target=rmq.advance, kwargs={"seconds": 15}).start()
                    raise RuntimeError("the first time")
            if len(times) == 2:
                break
    assert times == [0, 1]
    assert list(batches) == []
    assert "come again later" in caplog.text


def test_a_decorated_function_is_a_listener(rmq):
    consumer = PushConsumer("g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST)
    done = threading.Event()

    @consumer.on("T", "a")
    def listener(messages):
        done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    with consumer, Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        producer.send(Message("T", b"x", tags="a"))
        assert done.wait(20)


def test_messages_in_order_cross_one_by_one(rmq):
    with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        for number in range(5):
            producer.send(Message("T", b"%d" % number))
    consumer = PushConsumer(
        "g", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST, consume_orderly=True
    )
    consumer.subscribe("T")
    bodies = []
    with consumer:
        for delivery in consumer:
            if not bodies and not delivery.reconsume_times:
                bodies.append(b"again")
                delivery.suspend(10)
                continue
            bodies.append(delivery.body)
            delivery.ack()
            if len(bodies) == 6:
                break
    assert bodies == [b"again", b"0", b"1", b"2", b"3", b"4"]


def test_sends_that_nobody_waits_for_give_futures(rmq):
    with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        producer.ready(timeout=20)
        futures = [producer.send_soon(Message("T", b"%d" % n)) for n in range(50)]
        assert sorted(one.result(20).queue_offset for one in futures) == list(range(50))
        assert isinstance(producer.send_soon(Message("", b"x")).exception(20), UsageError)
        many = producer.send_many((Message("T", b"m") for _ in range(20)), in_flight=4)
        assert len([one.result() for one in many]) == 20
        rmq.create_topic("Keyed", queues=4)
        keyed = producer.send_many(
            (Message("Keyed", b"%d" % (n % 2)) for n in range(20)), key=lambda m: m.body
        )
        assert len({(one.result().message_queue, n % 2) for n, one in enumerate(keyed)}) == 2
        with pytest.raises(UsageError):
            list(producer.send_many([], in_flight=0))


def test_a_transaction_commits_or_rolls_back_with_its_block(rmq):
    threads = []

    def check(message):
        threads.append(threading.current_thread().name)
        return LocalTransactionState.COMMIT_MESSAGE

    def local(message, arg):
        threads.append(threading.current_thread().name)
        return LocalTransactionState.COMMIT_MESSAGE if arg else LocalTransactionState.UNKNOW

    with TransactionProducer("tp", check=check, namesrv_addr=rmq.namesrv_addr) as producer:
        with producer.transaction(Message("T", b"kept")):
            assert rmq.messages("T") == []
        with pytest.raises(ZeroDivisionError), producer.transaction(Message("T", b"no")):
            raise ZeroDivisionError
        with producer.transaction(Message("T", b"nor this")) as transaction:
            transaction.rollback()
        with pytest.raises(KeyboardInterrupt), producer.transaction(Message("T", b"given up")):
            raise KeyboardInterrupt
        producer.send_in_transaction(Message("T", b"local"), local, 1)
        producer.send_in_transaction(Message("T", b"checked"), local)
        assert [one.body for one in rmq.messages("T")] == [b"kept", b"local"]
        deadline = time.monotonic() + 30
        while len(rmq.messages("T")) < 3 and time.monotonic() < deadline:
            rmq.advance(seconds=60)
        assert [one.body for one in rmq.messages("T")] == [b"kept", b"local", b"checked"]
        producer.send(Message("T", b"plain"))
    assert "rmqwire" not in threads
