"""Bodies, headers and commands in every shape: what Java's own jars read, we read; no cluster needed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from interop.header_cases import header_cases, java_fields, judge, our_fields
from interop.jars import missing_tools
from interop.json_verdicts import DIFFERENCES, Comparison, Verdict, counts

pytestmark = [
    pytest.mark.skipif(missing_tools() is not None, reason=str(missing_tools())),
    pytest.mark.timeout(1200),
]
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def readings(version: str) -> tuple[Comparison, list[Verdict]]:
    comparison = Comparison(version)
    return comparison, comparison.singles()


def shown(verdicts: list[Verdict]) -> str:
    """Print the counts per class and return what differs."""
    for name, kinds in sorted(counts(verdicts).items()):
        print(f"{name:45}", ", ".join(f"{kind} {n}" for kind, n in kinds.most_common()))
    print(f"{'all':45}", Counter(verdict.kind for verdict in verdicts).most_common())
    different = [verdict for verdict in verdicts if verdict.kind == "different"]
    return "\n".join(
        f"{v.case.name}: {'; '.join(map(str, v.case.oddities))}\n  Java {v.java}\n  ours {v.ours}"
        for v in different[:20]
    )


def test_every_field_of_every_body_in_every_shape(
    readings: tuple[Comparison, list[Verdict]], version: str
) -> None:
    _, singles = readings
    print(f"\n{version}: one oddity each")
    assert shown(singles) == ""
    assert len(singles) > 50_000


def test_bodies_with_several_oddities(
    readings: tuple[Comparison, list[Verdict]], version: str
) -> None:
    comparison, singles = readings
    print(f"\n{version}: two to five oddities each")
    assert shown(comparison.mixed(singles)) == ""


def test_every_field_of_every_header_with_every_text(version: str) -> None:
    cases = list(header_cases(version))
    kinds: Counter[str] = Counter()
    for case, java in zip(cases, java_fields(version, cases), strict=True):
        kind = judge(case, java, our_fields(case, version))
        kinds[kind] += 1
        assert kind != "different", (case, java, our_fields(case, version))
    print(f"\n{version}: {len(cases)} headers", kinds.most_common())


def test_every_difference_on_purpose_shows_and_is_told(
    readings: tuple[Comparison, list[Verdict]], version: str
) -> None:
    _, singles = readings
    shown_here = {verdict.kind for verdict in singles}
    told = (ROOT / "docs/reference/json.md").read_text()
    for difference in DIFFERENCES:
        if version in difference.versions:
            assert f"on purpose: {difference.why}" in shown_here
        assert difference.why in told
