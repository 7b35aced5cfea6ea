"""The load generator, against a server that reads its frames with our codec."""

import shutil
import socketserver
import threading
from collections import Counter
from contextlib import contextmanager

import pytest

from bench.generator import tape
from bench.generator.run import Report, Shape, play, quantile
from rmqwire.codec import decode_command, encode_command
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import append_record, pack_host

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
HOST = pack_host("127.0.0.1", 10911)


class Server(socketserver.ThreadingTCPServer):
    """Keeps the requests of one load and answers them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests = []
        self.connections = 0


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        server = self.server
        assert isinstance(server, Server)
        server.connections += 1
        try:
            while head := self.rfile.read(4):
                request = decode_command(head + self.rfile.read(int.from_bytes(head, "big")))
                server.requests.append(request)
                self.wfile.write(encode_command(server.answer(request)))
        except ConnectionError:
            pass  # the generator's time was over


@contextmanager
def serving(answer):
    with Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def record(body: bytes) -> bytes:
    buffer = bytearray()
    append_record(
        buffer, topic=b"T", body=body, properties=b"", queue_id=0, flag=0, queue_offset=0,
        physical_offset=0, sys_flag=0, born_timestamp=1, born_host=HOST, store_timestamp=1,
        store_host=HOST, reconsume_times=0, prepared_transaction_offset=0,
    )  # fmt: skip
    return bytes(buffer)


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_each_send_has_an_opaque_and_a_key_of_its_own_and_the_queues_take_turns(serialize_type):
    frames = [tape.send("T", queue, b"body", serialize_type) for queue in range(4)]
    with serving(lambda request: request.create_response()) as server:
        report = play(server.server_address[1], frames, Shape(2, 8), seconds=5, warm=0, limit=400)
    fields = [request.ext_fields for request in server.requests]
    keys = {decode_properties(f["i"].encode())["UNIQ_KEY"] for f in fields}
    assert server.connections == 2
    assert report.all_answers == report.taken.total() == len(fields) == len(keys) == 400
    assert len({request.opaque for request in server.requests}) == 400
    assert Counter(f["e"] for f in fields) == dict.fromkeys("0123", 100)
    assert {bytes(request.body) for request in server.requests} == {b"body"}


def test_a_refusal_is_counted_by_its_code_and_is_no_message():
    frames = [tape.send("T", 0, b"", 0)]
    with serving(lambda request: request.create_response(2, "busy")) as server:
        report = play(server.server_address[1], frames, Shape(1, 4), seconds=5, warm=0, limit=40)
    assert (report.answers, report.refused, report.messages) == (40, 40, 0)
    assert report.codes == {"2": 40}


def test_the_messages_of_a_pull_are_those_of_its_answer():
    def answer(request):
        found = request.create_response()
        found.body = record(b"one") + record(b"two") * 2
        return found

    frames = tape.pulls_of("T", [64, 96], 1)
    with serving(answer) as server:
        report = play(server.server_address[1], frames, Shape(1, 1), seconds=5, warm=0, limit=10)
    asked = [(r.ext_fields["queueOffset"], r.ext_fields["queueId"]) for r in server.requests]
    assert report.messages == 30
    assert asked[:5] == [("0", "0"), ("0", "1"), ("32", "0"), ("32", "1"), ("64", "1")]
    assert asked[5:] == asked[:5]


def test_a_message_is_timed_from_when_it_was_due_to_its_consumer():
    bodies, lock = [], threading.Lock()

    def answer(request):
        with lock:
            if request.code == RequestCode.PULL_MESSAGE:
                is_there = len(bodies) > offset_of(request)
                return pulled(request) if is_there else nothing_yet(request)
            bodies.append(bytes(request.body))
            return request.create_response()

    def offset_of(request):
        return int(request.ext_fields["queueOffset"])

    def nothing_yet(request):
        found = request.create_response(19, "nothing yet")
        found.ext_fields = {"nextBeginOffset": str(offset_of(request))}
        return found

    def pulled(request):
        new = bodies[offset_of(request) :]
        found = request.create_response()
        found.body = b"".join(map(record, new))
        found.ext_fields = {"nextBeginOffset": str(len(bodies))}
        return found

    frames, pulls = [tape.send("T", 0, tape.COUNT.encode(), 0)], [tape.follow("T", 0, 0)]
    with serving(answer) as server:
        report = play(
            server.server_address[1],
            frames,
            Shape(1, 1, rate=500),
            seconds=0.4,
            warm=0,
            pulls=pulls,
        )
    assert len(bodies) == len(set(bodies))
    assert 0 < report.reached.total() <= len(bodies)
    assert report.answers <= 0.4 * 500 + 1


def test_idle_connections_are_there_beside_the_active_ones():
    frames = [tape.send("T", 0, b"", 0)]
    with serving(lambda request: request.create_response()) as server:
        play(server.server_address[1], frames, Shape(1, 1, idle=20), seconds=5, warm=0, limit=200)
    assert server.connections == 21


def test_a_quantile_is_the_bound_of_its_bucket():
    buckets = Counter({1_000: 50, 2_000: 49, 9_000: 1})
    assert [quantile(buckets, share) for share in (0.5, 0.99, 0.999)] == [1.0, 2.0, 9.0]
    assert quantile(Counter(), 0.5) == 0.0


def test_a_report_says_rates_without_its_warming():
    text = (
        '{"seconds": 2.0, "answers": 4, "messages": 128, "bytes": 9, "refused": 0, "all_answers": 6,'
        '"all_messages": 192, "reads": 4, "cpu_s": 0.1, "all_cpu_s": 0.2, "codes": {},'
        '"taken_ns": [[1000, 4]], "taken_ns_worst": 990}'
    )
    report = Report.decode(text)
    assert report.rate == 64
    assert report.taken == {1000: 4}
