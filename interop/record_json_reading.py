"""Record what Java reads into ``tests/data/json_reading``: ``python -m interop.record_json_reading``.

Of the cases of ``test_json_reading`` one is kept for each oddity in each type of field, the shortest,
and all of the heartbeat: the tests hold our reader to them without Java.
"""

from __future__ import annotations

import gzip
import json

from interop.json_verdicts import VERSIONS, Comparison, Verdict, type_at, type_name
from tests.support.json_reading import RECORDED

WHOLE = {"HeartbeatData"}


def chosen(verdicts: list[Verdict]) -> list[Verdict]:
    """Return the recorded ones, without those that differ on purpose."""
    best: dict[tuple[str, ...], Verdict] = {}
    for verdict in verdicts:
        case = verdict.case
        if verdict.kind not in {"same", "union"}:
            continue
        (oddity,) = case.oddities or (None,)
        kind = type_name(type_at(case.name, oddity.path)) if oddity else case.name
        key = (kind, oddity.what, oddity.text) if oddity else (kind,)
        if case.name in WHOLE:
            key = (case.name, case.text)
        if key not in best or len(case.text) < len(best[key].case.text):
            best[key] = verdict
    return sorted(best.values(), key=lambda verdict: (verdict.case.name, verdict.case.text))


def main() -> None:
    """Write one file per release: [class, text, the value or null] in each line."""
    RECORDED.mkdir(exist_ok=True)
    for version in VERSIONS:
        lines = [
            json.dumps([v.case.name, v.case.text, v.ours], ensure_ascii=False)
            for v in chosen(Comparison(version).singles())
        ]
        data = "\n".join([*lines, ""]).encode()
        (RECORDED / f"{version}.jsonl.gz").write_bytes(gzip.compress(data, 9, mtime=0))
        print(version, len(lines), "readings")


if __name__ == "__main__":
    main()
