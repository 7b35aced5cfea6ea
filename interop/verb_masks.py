"""What mqadmin prints, with the volatile parts masked: two runs on the same data print the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

MASKS = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[,.:]\d{3})?"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d#\d\d:\d\d:\d\d:\d{3}"), "TIME"),
    (re.compile(r"\b20\d{12}(?:\d{3})?\b"), "TIME"),
    (re.compile(r'("delayTime":)\d+'), r"\1N"),
    (re.compile(r"\b1[789]\d{11}\b"), "MS"),
    (re.compile(r"\b(rt=|spentTimeMills=|true +)\d+"), r"\1N"),
    (re.compile(r"\b\d+(ms +success)"), r"N\1"),
    (re.compile(r"\b0x[0-9a-f]{8,}"), "HEX"),
    (re.compile(r"\b\d+-\d+\(\d"), "N-N(N"),  # how far behind a broker's timers are
    (re.compile(r'(OneDayInNum": )\d+'), r"\1N"),
    (re.compile(r"\b[0-9A-F]{32,}\b"), "ID"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}@[\w#-]+"), "CLIENT_ID"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}:\d+\b"), "ADDR"),
    (re.compile(r"@[0-9a-f]{5,8}\b"), "@HASH"),
    (re.compile(r"\bconsumer-[0-9a-f]{8}\b"), "INSTANCE"),
    (re.compile(r"(\$\$Lambda\$)\d+"), r"\1N"),
    (re.compile(r"\b\d+\.\d+\b"), "N.N"),
    (re.compile(r"[ \t]+"), " "),
]
FIGURES = re.compile(  # of a broker's status: what a clock or a machine decides
    r"^((?:BROKER )?(?:\w+(?:Tps|TimeMax|Distribute\w*|DistributeTime|TimeMills|DiskRatio\S*|Capacity)|runtime"
    r"|bootTimestamp|earliestMessageTimeStamp|dispatchBehindBytes|pageCacheLockTimeMills|\w+AverageSize) ?:).*"
)
COUNTS = (  # sampled in time
    (re.compile(r"^(plain readers \d+ N.N N.N) \d+ \d+$"), r"\1 N N"),
    (re.compile(r"^(readers \d OFFLINE) \d+ (\d+)$"), r"\1 N \2"),
    (re.compile(r'^("sum":)\d+'), r"\1N"),
    (re.compile(r"^(TOOLS_CONSUMER) \d .+"), r"\1 N"),  # another mqadmin may be ending
)
UNORDERED = {
    "ask",
    "topicList",
    "getBrokerConfig",
    "getNamesrvConfig",
    "brokerStatus",
    "producer",
    "consumerStatus",
}
ONCE = {"producer"}  # clients that are ending may be listed with those that are the same
TOPICS = re.compile(r'^"topicList":\[(.+)\],?$')  # a hash set in one line
NOT_YET = "%RETRY%readers verbs-a 0 0 0 "  # a queue that its consumer may not have yet
ANY = "~"  # a word that was another in another run of Java's
NOISE = re.compile(
    r"^(\s+at |\s*\.\.\. \d+ more|\d\d:\d\d:\d\d,\d{3} \|-)"
)  # stacks, logback's start


def masked(text: str, names: Mapping[str, str]) -> list[str]:
    """Return the lines of ``text`` without volatile values, stack frames and the columns' widths.

    Args:
        names: what stands for a value of this run, by the value.
    """
    for value, name in sorted(names.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(value, name)
    lines = [line for line in text.splitlines() if not NOISE.match(line)]
    for pattern, name in MASKS:
        lines = [pattern.sub(name, line) for line in lines]
    lines = [one for line in lines if line.strip() for one in apart(line.strip().rstrip(","))]
    for pattern, name in COUNTS:
        lines = [pattern.sub(name, line) for line in lines]
    return [FIGURES.sub(r"\1 ~", line) for line in lines if not line.startswith(NOT_YET)]


def apart(line: str) -> list[str]:
    """Return a list of topics with each in a line of its own."""
    found = TOPICS.match(line)
    return [line] if found is None else ['"topicList":[', *found[1].split(","), "]"]


def merged(one: list[str], other: list[str]) -> list[str]:
    """Return the lines with ``ANY`` in place of each word in which two runs of Java's differ.

    Raises:
        ValueError: their lines or columns are not as many.
    """
    return [
        " ".join(a if a == b else ANY for a, b in zip(x.split(" "), y.split(" "), strict=True))
        for x, y in zip(one, other, strict=True)
    ]


def same(java: list[str], ours: list[str]) -> bool:
    """Return whether ours has Java's lines and words, but for those that change with each run."""
    try:
        return merged(java, ours) == java
    except ValueError:
        return False
