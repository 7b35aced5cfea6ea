"""Medians, ratios, aims, fits and the table of the benchmark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.__main__ import chosen, kinds_here
from bench.aims import AIMS
from bench.cases import GROUPS
from bench.cases.producers import reports_in
from bench.growth import FAMILIES, exponent, rows, verdict, worse_than_constant
from bench.machine import Machine, cpu_seconds, rss_mib
from bench.results import Results
from bench.sides import KINDS
from bench.table import markdown, page

CASE = "send/128B/1x64/ROCKETMQ/async"


def results() -> Results:
    found = Results({"cores": "2"})
    for java, native in ((100.0, 250.0), (120.0, 240.0), (90.0, 230.0)):
        found.add(CASE, "java", {"rate": java, "cpu_us": 20.0, "others": 0.0})
        found.add(CASE, "native", {"rate": native, "cpu_us": 10.0, "others": 0.0})
    return found


def test_a_ratio_is_of_medians():
    assert results().median(CASE, "java", "rate") == 100
    assert results().spread(CASE, "java", "rate") == (90, 120)
    assert results().ratio(CASE, "native", "rate") == 2.4
    assert results().ratio(CASE, "python", "rate") is None


def test_results_come_back_from_their_file(tmp_path):
    results().save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results()


def test_the_table_says_what_is_reached_and_marks_what_is_not():
    page = markdown(results())
    assert "| send 128 B, 1x64 | messages/s | 100 | 240: 2.40 x (≥ 2) |  |" in page
    assert "**10.0: 0.50 x (≤ 0.3)**" in page
    assert "| java | 100 (90.0-120) | 20.0 | 0.00 |" in page
    assert "not free" not in page


def test_the_table_counts_what_is_reached_and_names_what_is_not():
    page = markdown(results())
    assert (
        "**Native lane: 1 of 2 aims reached.** Not reached: send 128 B, 1x64 (CPU ms per 1,000) 0.50 x"
        " (≤ 0.3). Not measured in this run: send 128 B, 64x1 (messages/s);" in page
    )
    assert "Python lane:" not in page


def test_reports_of_both_of_javas_programs_are_read(tmp_path):
    log = tmp_path / "log"
    log.write_text(
        "Current Time: 2026-11-29 17:00:00,000 | Send TPS: 21052 | Max RT(ms): 31 | Average RT(ms):"
        "   3.012 | Send Failed: 0 | Response Failed: 0\n"
        "Current Time: 2026-11-29 17:00:01,000 | Send TPS:  1340 | Max RT(ms):   431 | AVG RT(ms): 4.7"
        " | Send Failed: 0 | Check: 0 | UnexpectedCheck: 0 | DuplicatedCheck: 0\n"
    )
    assert reports_in(log) == [(21052, 3.012), (1340, 4.7)]


def test_the_table_warns_when_others_worked_beside_it():
    found = results()
    found.add(CASE, "java", {"others": 0.5})
    found.machine["steal"] = "3.0 %"
    page = markdown(found)
    assert "**The machine was not free**: in 1 of 7 loads" in page
    assert "waited for its host" in page


@given(st.floats(-1, 2), st.floats(0.1, 100))
def test_the_exponent_of_a_power_law_is_found(power, factor):
    sizes = [1, 10, 100, 1000]
    costs = [factor * size**power for size in sizes]
    assert exponent(sizes, costs) == pytest.approx(power, abs=1e-9)


def test_no_power_law_goes_through_one_size():
    with pytest.raises(ValueError, match="no power law"):
        exponent([5, 5], [1, 2])


def test_what_an_exponent_means():
    assert [verdict(value) for value in (-0.2, 0.05, 0.2, 1.0)] == [
        "flat", "flat", "grows slowly", "**grows**",
    ]  # fmt: skip


def test_a_familys_costs_are_fitted_for_each_broker():
    found = Results()
    for count, java, native in ((1, 5.0, 10.0), (100, 5.0, 11.0), (10_000, 5.0, 1000.0)):
        found.add(f"topics/{count}", "java", {"cpu_us": java})
        found.add(f"topics/{count}", "native", {"cpu_us": native})
    (row,) = rows(found, ["java", "native", "python"])
    assert row[1:3] == ["1, 100, 10,000", "5, 5, 5: n^0.00, flat"]
    assert row[3].endswith("n^0.50, **grows**")
    assert row[4] == ""
    text = markdown(found)
    assert "### Growth" in text
    assert "Worse than O(1) per message, Java 5.5.0: nothing." in text
    assert (
        "Worse than O(1) per message, native lane: CPU of a send, by the topics there are (n^0.50)."
        in text
    )
    assert "per message, Python lane" not in text


def test_a_start_may_take_longer_with_a_longer_log():
    found = Results()
    for mib, seconds in ((16, 1.0), (512, 32.0)):
        found.add(f"growth/recovery/{mib}", "native", {"seconds": seconds})
        found.add(f"growth/queues/{mib // 4}", "native", {"cpu_us": 3.0})
    assert worse_than_constant(found, "native") is None
    found.add("growth/queues/64", "native", {"cpu_us": 3.0})
    assert worse_than_constant(found, "native") == []
    assert "n^1.00, **grows**" in markdown(found)


def test_the_times_of_pushed_messages_have_a_table():
    found = Results()
    for kind in ("java", "native"):
        found.add("push/5000", kind, {"p50_us": 50.5, "p99_us": 1_200.0, "p999_us": 2_345.0})
    text = markdown(found)
    assert "### Push, end to end" in text
    assert "| 5,000 | 50.5, 1,200, 2,345 | 50.5, 1,200, 2,345 |  |" in text


def test_a_family_names_cases_that_there_are():
    every = {case for group in GROUPS.values() for case in group.names}
    assert {case for family in FAMILIES for case in family.cases.values()} <= every


def test_every_aim_is_measured_by_default():
    default = {case for group in GROUPS.values() for case in group.default}
    for aim in AIMS:
        assert {aim.case(kind) for kind in KINDS} | ({aim.other} - {""}) <= default, aim.about


def test_patterns_choose_cases():
    assert chosen(["start", "pull/*"]) == {
        "pulls": [*GROUPS["pulls"].names],
        "cold": ["pull/cold/1KiB"],
        "starts": ["start"],
    }
    assert set(chosen([])) <= set(GROUPS)
    with pytest.raises(SystemExit, match="no case is called 'stat'"):
        chosen(["stat"])


def test_what_can_not_run_here_is_left_out_and_named(monkeypatch):
    monkeypatch.setattr("bench.__main__.missing_tools", lambda: "not installed: java")
    notes: list[str] = []
    assert kinds_here(["java", "python"], notes) == ["python"]
    assert notes == ["Left out: java, not installed: java."]


def test_the_page_of_the_docs_has_the_table_and_the_pictures():
    text = page(results(), "benchmarks")
    assert text.startswith("# Benchmarks\n")
    assert "](benchmarks/rate.png)" in text
    assert "\n## Beside Java" in text
    assert "growth.png" not in text
    found = results()
    for count in (4, 64):
        found.add(f"growth/queues/{count}", "native", {"cpu_us": 3.0})
    assert "\n## Growth\n\n![cost by size](benchmarks/growth.png)\n" in page(found, "benchmarks")


def test_a_process_and_the_machine_are_read():
    pid, machine = __import__("os").getpid(), Machine()
    before = cpu_seconds(pid)
    while cpu_seconds(pid) - before < 0.03:
        pass
    assert rss_mib(pid) > 1
    assert 0 < machine.since().busy <= 1
