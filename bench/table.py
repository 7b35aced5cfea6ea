"""Results as Markdown: what had to be shown, then every case with all its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import growth
from bench.aims import AIMS, Aim
from bench.results import LOWER_IS_BETTER, Results
from bench.sides import JAVA, NATIVE, PYTHON

FREE = 0.1  # of a core that others may take before the reader is warned
DECIMALS = {"cpu_us": 1, "rss_mib": 0, "others": 2, "generator_us": 2, "seconds": 3, "exponent": 2}
TITLES = {
    "rate": "messages/s",
    "cpu_us": "CPU ms per 1,000",
    "p50_us": "p50 µs",
    "p99_us": "p99 µs",
    "p999_us": "p999 µs",
    "generator_us": "generator's CPU µs",
    "broker_us": "broker's CPU ms per 1,000",
    "rss_mib": "RSS MiB",
    "others": "others' cores",
    "idle_cpu": "idle CPU, % of a core",
    "seconds": "seconds",
    "ms": "ms",
    "mb_s": "MB/s",
    "refused": "refused",
}


@dataclass(frozen=True)
class View:
    """What a table compares.

    Args:
        subject: the head of the column of kinds.
        kinds: those beside Java's, with their heads.
        aims: what they have to reach.
    """

    subject: str
    kinds: Mapping[str, str]
    aims: Sequence[Aim]


SIDES = {JAVA: "Java 5.5.0", NATIVE: "native lane", PYTHON: "Python lane"}
PUSH_TIMES = ("p50_us", "p99_us", "p999_us")
BROKERS = View("broker", {NATIVE: "native lane (aim)", PYTHON: "Python lane (aim)"}, AIMS)

PAGE = """# Benchmarks

Java 5.5.0 and rmqwire, both lanes, in one run; [how it is measured](../how-to/measure.md), what the figures
come from in [Speed](../explanation/speed.md). This page is written by `python -m bench --page FILE`. A figure
in bold is short of its aim. RSS and CPU are those of the broker's process, of master and slave together where
there are both.

![messages per second]({pictures}/rate.png)

![CPU per message]({pictures}/cpu_us.png)

{table}"""


def page(results: Results, pictures: str) -> str:
    """Return the page of the documentation; its pictures are in a folder beside it."""
    text = markdown(results).replace("\n### ", "\n## ")
    text = text.replace("\n## Growth\n", f"\n## Growth\n\n![cost by size]({pictures}/growth.png)\n")
    return PAGE.format(pictures=pictures, table=text)


def markdown(results: Results, view: View = BROKERS) -> str:
    """Return the whole page without its first heading."""
    parts = [_warnings(results), _machine(results), _aims(results, view), _growth(results)]
    parts += [_push(results), _cases(results, view.subject)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _head(cells: list[str]) -> list[str]:
    return [_line(cells), "|" + "---|" * len(cells)]


def number(metric: str, value: float | None) -> str:
    """Return a figure as the table shows it, "" for none."""
    if value is None:
        return ""
    return f"{value:,.{DECIMALS.get(metric, 1 if abs(value) < 100 else 0)}f}"


def _warnings(results: Results) -> str:
    others = [
        (value, case)
        for case in results.rounds
        for kind in results.rounds[case]
        for value in results.values(case, kind, "others")
    ]
    busy = [case for value, case in others if value > FREE]
    lines = list(results.notes)
    if busy:
        worst, case = max(others)
        lines.insert(
            0,
            f"**The machine was not free**: in {len(busy)} of {len(others)} loads others took more "
            f"than {FREE:g} of a core, at worst {worst:.2f} ({case}). Take the ratios, not the rates.",
        )
    steal = results.machine.get("steal", "")
    if steal and float(steal.rstrip(" %")) >= 1:
        lines.insert(
            0, f"**The machine is a guest that waited for its host**: {steal} of its time."
        )
    return "\n\n".join(lines)


def _machine(results: Results) -> str:
    return "; ".join(f"{name}: {value}" for name, value in results.machine.items()) + "."


def _aims(results: Results, view: View) -> str:
    rows = []
    for aim in view.aims:
        java = results.median(aim.to_case, aim.to_kind, aim.metric)
        cells = [_verdict(results, aim, kind) for kind in view.kinds]
        if any(cells):
            shown = number(aim.metric, java)
            rows.append(_line([aim.about, TITLES.get(aim.metric, aim.metric), shown, *cells]))
    if not rows:
        return ""
    head = _head(["case", "figure", "Java 5.5.0", *view.kinds.values()])
    return "\n".join(["### Beside Java, medians", "", *_summary(results, view), *head, *rows])


def _summary(results: Results, view: View) -> list[str]:
    """Say how many aims of each kind are reached, and which are not, or were not measured."""
    lines = []
    for kind, title in view.kinds.items():
        reached, short, unknown = 0, [], []
        for aim in view.aims:
            name = f"{aim.about} ({TITLES.get(aim.metric, aim.metric)})"
            kept = _is_kept(results, aim, kind)
            if kept:
                reached += 1
            elif kept is not None:
                sign = "≤" if aim.is_upper else "≥"
                short.append(
                    f"{name} {aim.ratio(results, kind):.2f} x ({sign} {aim.bounds[kind]:g})"
                )
            elif kind in aim.bounds:
                unknown.append(name)
        count = reached + len(short)
        if count:
            text = (
                f"**{title.partition(' (')[0].capitalize()}: {reached} of {count} aims reached.**"
            )
            text += f" Not reached: {'; '.join(short)}." if short else ""
            text += f" Not measured in this run: {'; '.join(unknown)}." if unknown else ""
            lines += [text, ""]
    return lines


def _is_kept(results: Results, aim: Aim, kind: str) -> bool | None:
    """Return whether an aim is reached, None without a bound or a figure."""
    ratio, bound = aim.ratio(results, kind), aim.bounds.get(kind)
    if ratio is None or bound is None:
        return None
    return ratio <= bound if aim.is_upper else ratio >= bound


def _verdict(results: Results, aim: Aim, kind: str) -> str:
    """Return a figure, its ratio, the aim and whether it is kept; "" when it was not measured."""
    ratio = aim.ratio(results, kind)
    value = results.median(aim.case(kind), kind, aim.metric)
    if ratio is None:
        return number(aim.metric, value)
    bound = aim.bounds.get(kind)
    if bound is None:
        return f"{number(aim.metric, value)}: {ratio:.2f} x"
    sign = "≤" if aim.is_upper else "≥"
    text = f"{number(aim.metric, value)}: {ratio:.2f} x ({sign} {bound:g})"
    return text if _is_kept(results, aim, kind) else f"**{text}**"


def _push(results: Results) -> str:
    """Return the times of messages that come at a fixed rate, from due to received by a consumer."""
    rows = []
    for case in results.rounds:
        if case.startswith("push/"):
            cells = []
            for kind in SIDES:
                times = [results.median(case, kind, metric) for metric in PUSH_TIMES]
                cells.append(
                    ", ".join(number("p50_us", time) for time in times if time is not None)
                )
            rows.append(_line([f"{int(case.rpartition('/')[2]):,}", *cells]))
    head = _head(["messages/s", *SIDES.values()])
    title = "### Push, end to end: p50, p99 and p999 in µs"
    return "\n".join([title, "", *head, *rows]) if rows else ""


def _growth(results: Results) -> str:
    rows = [_line(row) for row in growth.rows(results, list(SIDES))]
    if not rows:
        return ""
    said = [
        f"Worse than O(1) per message, {title}: {'; '.join(worse) or 'nothing'}."
        for kind, title in SIDES.items()
        if (worse := growth.worse_than_constant(results, kind)) is not None
    ]
    head = _head(["cost", "sizes", *SIDES.values()])
    return "\n".join(["### Growth", "", "\n\n".join(said), "", *head, *rows])


def _cases(results: Results, subject: str) -> str:
    parts = ["### All cases", "", "Medians of all rounds, the least and the greatest in brackets."]
    for case in results.rounds:
        metrics = results.metrics(case)
        kinds = list(results.rounds[case])
        parts += ["", f"#### {case}", ""]
        parts += _head([subject, *(TITLES.get(metric, metric) for metric in metrics)])
        for kind in kinds:
            parts.append(_line([kind, *(_cell(results, case, kind, metric) for metric in metrics)]))
        for kind in kinds if JAVA in kinds else ():
            if kind != JAVA:
                ratios = [_ratio(results, case, kind, metric) for metric in metrics]
                parts.append(_line([f"{kind} / Java", *ratios]))
    return "\n".join(parts)


def _cell(results: Results, case: str, kind: str, metric: str) -> str:
    median, spread = results.median(case, kind, metric), results.spread(case, kind, metric)
    if median is None or spread is None:
        return ""
    if spread[0] == spread[1]:
        return number(metric, median)
    return f"{number(metric, median)} ({number(metric, spread[0])}-{number(metric, spread[1])})"


def _ratio(results: Results, case: str, kind: str, metric: str) -> str:
    if metric not in LOWER_IS_BETTER | {"rate", "mb_s"}:
        return ""
    ratio = results.ratio(case, kind, metric)
    return "" if ratio is None else f"{ratio:.2f} x"
