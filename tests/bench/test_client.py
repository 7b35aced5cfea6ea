"""The benchmark of the clients, without Java: each Python program against a broker in memory."""

import asyncio

import pytest
import trio

from bench import client as bench_client
from bench.client import CASES, QUEUES, ClientBench, Site, chosen, clients, page
from bench.client_aims import AIO, BLOCKING, CLIENTS, FACES, TRIO
from bench.clients import aio_client, blocking_client, trio_client
from bench.clients.load import BATCH, Consuming, Meter, Sending
from bench.results import Results
from bench.rounds import Bench
from bench.table import markdown
from interop.foreign.programs import Missing
from interop.wire import broker_addr, max_offset
from rmqwire.testing import cluster

SOME = ["sync/16", "async/256", "batch/4", "consume/32"]
PROGRAMS = {TRIO: trio_client, AIO: aio_client, BLOCKING: blocking_client}


@pytest.fixture(scope="module")
def site():
    with cluster() as made:
        yield Site(made.namesrv_addr, broker_addr(made.namesrv_addr, "broker-a"))


def bench_of(site):
    return ClientBench(Bench(rounds=1, seconds=0.05, quick=True), site, count=200)


def test_a_program_of_its_own_is_loaded_in_each_kind_of_case(site, tmp_path):
    notes = []
    with clients([AIO], tmp_path, notes) as running:
        bench = bench_of(site)
        bench.run(SOME, running)
    assert notes == bench.bench.results.notes == []
    for case in SOME:
        (figures,) = bench.bench.results.rounds[case][AIO]
        assert figures["rate"] > 0
        assert figures["cpu_us"] > 0
        assert ("p50_us" in figures) == (not case.startswith("consume"))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("mode", ["sync", "async", "batch"])
def test_a_load_says_how_many_messages_the_broker_has_got(site, face, mode):
    topic = site.topic("Sent")
    words = [site.namesrv, topic, mode, "4", "0.03", "16"]
    figures = ask(face, "bench-send", words)
    with_the_first = max_offsets(site, topic)
    assert figures["messages"] == with_the_first - 1
    assert 0 < figures["p50_us"] <= figures["p99_us"]
    assert figures["messages"] % (BATCH if mode == "batch" else 1) == 0


def test_a_client_that_cant_be_had_is_left_out_with_its_reason(tmp_path, monkeypatch):
    def missing(name, home):
        raise Missing("Go client: not installed: go")

    monkeypatch.setattr(bench_client.programs, "start", missing)
    notes = []
    with clients(["go"], tmp_path, notes) as running:
        assert running == []
    assert notes == ["Left out: go, Go client: not installed: go."]


def test_a_load_that_fails_is_a_note_and_the_others_figures_stay(site):
    class Failing:
        name, process = "java", type("P", (), {"pid": 0})

    bench = bench_of(site)

    def load(client, case, topics, seconds=0.0):
        raise bench_client.ClientError("flow control")

    bench.load = load
    bench.run(["sync/1"], [Failing()])
    assert bench.bench.results.notes == ["**java failed in sync/1**: flow control"]


def test_a_pattern_names_cases_and_an_unknown_one_is_refused():
    assert chosen(["sync/*"]) == ["sync/1", "sync/16", "sync/64"]
    assert chosen([]) == CASES
    with pytest.raises(SystemExit, match="no case"):
        chosen(["nothing"])


def test_the_table_says_which_aims_are_reached():
    results = Results()
    for kind, p50 in (("java", 100.0), (AIO, 149.0), (BLOCKING, 151.0)):
        results.add("sync/1", kind, {"p50_us": p50})
    text = markdown(results, CLIENTS)
    assert (
        "| one send at a time | p50 µs | 100 |  | 149: 1.49 x (≤ 1.5) | **151: 1.51 x (≤ 1.5)** |"
        in text
    )
    assert "| client | p50 µs |" in text


def test_the_page_has_what_was_found_of_threads_and_memory(tmp_path):
    tables = tmp_path / "flat.md"
    tables.write_text("| face |\n")
    with_tables = page("a\n### Beside\n", tables)
    assert "## Beside" in with_tables
    assert with_tables.endswith("| face |\n")
    assert "## Threads" not in page("a\n", None)


def test_a_meter_begins_with_the_first_message():
    meter = Meter(times=[3_000, 1_000, 2_000])
    meter.count(2)
    began = meter.began
    meter.count(1)
    meter.end()
    assert (meter.began, meter.messages) == (began, 3)
    assert meter.figures()["p50_us"] == 2.0


def ask(face, command, words):
    program = PROGRAMS[face]
    with_loop = {TRIO: trio.run, AIO: lambda run, load: asyncio.run(run(load))}
    call = with_loop.get(face, lambda run, load: run(load))
    kind, run = (Sending, program.send) if command == "bench-send" else (Consuming, program.consume)
    return call(run, kind.of(words)).figures()


def max_offsets(site, topic):
    return sum(max_offset(site.broker, topic, queue) for queue in range(QUEUES))


def test_a_case_whose_rounds_are_far_apart_has_more_of_them():
    bench = ClientBench(Bench(rounds=2), Site("", ""), count=0)
    assert [bench.rounds_of(case) for case in ("sync/64", "async/256")] == [2, 6]
    bench.bench.quick = True
    assert bench.rounds_of("async/256") == 2
