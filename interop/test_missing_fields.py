"""Every request without each field of its header in turn: served by rmqwire where Java serves it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from interop.missing_fields import NOT_NEEDED, NOTHING_DONE, Case, cases
from interop.replication import Servers
from interop.wire import ask

NO_ANSWER = -1
NOT_ENABLED = "access control is not enabled"
SETTINGS = {"brokerName": "missing"}


def code_of(addr: str, case: Case) -> tuple[int, str]:
    try:
        answer = ask(addr, case.command(), 2)
    except TimeoutError:
        return NO_ANSWER, "no answer"
    return answer.code, answer.remark or ""


def judge(case: Case, java: tuple[int, str], ours: tuple[int, str]) -> str:
    """Return how the two treat a request; what begins with "different" may not be."""
    if java[0] == ours[0]:
        return "alike"
    if (case.code, case.missing) in NOT_NEEDED and ours[0] == 0:
        return "refused by Java, which doesn't need the field"
    if ours[1].startswith(NOT_ENABLED) and java[0] != 0:
        return "refused by both, by rmqwire because its access control is off"
    if ours[1].endswith(f"the custom field <{case.missing}> is null"):
        if java[0] not in {0, 22}:
            return "refused by both, by rmqwire as a missing field"
        if (case.code, case.missing) in NOTHING_DONE:
            return "answered by Java, which does nothing or harm; refused by rmqwire"
    return f"different: {case}: Java {java}, rmqwire {ours}"


def test_what_java_serves_without_a_field_is_served(
    servers: Servers, version: str, tmp_path: Path
) -> None:
    addrs: dict[str, dict[str, str]] = {}
    for kind in ("java", "rmqwire"):
        namesrv = servers.namesrv(kind, tmp_path / f"{kind}-namesrv").addr
        broker = servers.broker(kind, tmp_path / f"{kind}-broker", namesrv, SETTINGS)
        addrs[kind] = {"namesrv": namesrv, "broker": broker.addr}
    verdicts: Counter[str] = Counter()
    served = 0
    for case in cases(version):
        java = code_of(addrs["java"][case.server], case)
        ours = code_of(addrs["rmqwire"][case.server], case)
        verdicts[judge(case, java, ours)] += 1
        served += java[0] == ours[0] == 0 and bool(case.missing)
    print(f"{version}: {served} served without a field; {dict(verdicts)}")
    assert not [words for words in verdicts if words.startswith("different")]
    assert served > 60
