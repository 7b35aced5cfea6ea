"""Write the pages of broker.conf and namesrv.conf from their tables of keys.

Run: python -m tools.gen_conf_pages
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rmqwire.codec.release import RELEASES
from rmqwire.settings.environment import variable_of
from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, ConfigKey
from rmqwire.settings.rows import broker_conf, namesrv_conf

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
BROKER = """\
# broker.conf

The file of Apache RocketMQ's broker works unchanged: Java's properties format, Java's key names,
Java's defaults. Every key of the releases is listed here with what this broker does with it.
"""
NAMESRV = """\
# namesrv.conf

The file of Apache RocketMQ's name server works unchanged: Java's properties format, Java's key names,
Java's defaults. Every key of the releases is listed here with what this name server does with it.
"""
KINDS = """
| kind | what happens when the key is set to something other than its default |
|---|---|
| honoured | it's done |
| meaningless | nothing; one line at the start names these keys |
| not yet | one warning at the start: the feature it belongs to isn't there |
| refused | the server doesn't start: going on would be dangerous |

- A value that can't be parsed, or can't work, stops the start with one line (Java keeps the default
  instead, or fails later): a segment of 0 bytes, `deleteWhen=25`, a port above 65535, a name with a
  `/` in it. The column *values* says what is taken. Where RocketMQ takes the nearest bound for a
  number outside, so does this server, with a warning. The same check holds for the file, the
  environment, the command line and the administrator's request.
- *live*: the key can be changed while the server runs, by `mqadmin {verb}`; some within narrower
  bounds than the file's.
- Unknown keys are named once at the start. A byte order mark is skipped.
- Nothing is expanded in the file, as in Java: `${...}`, `$NAME` and `~` in a path are refused, because
  they would be folders of that name. A default written with `${...}` below is filled in.
- Every key may be set by a variable too: `{variable}` for `{key}`
  ([in a container](../how-to/run-in-docker.md)). It wins over the file.
"""
BROKER_NOTES = """\
- A folder that holds data in RocksDB, as Java's broker keeps it with `storeType=defaultRocksDB`,
  `configManagerVersion=v2` or `popConsumerKVServiceEnable=true`, is refused, because what is in it
  would be missed; the line says how to bring it over. The keys themselves stop nothing.
- `brokerIP1` may be a host name, as in Java; an IPv6 address gets its brackets.
- `namesrvAddr` falls back to the environment's `NAMESRV_ADDR`.
- The second port for administration is `listenPort` - 2.
"""
NAMESRV_NOTES = """\
- The file is also where changed settings are kept, as in Java.
"""
COLUMNS = """\
- Where the releases differ the default reads `4.9.7` / `5.5`.

This page is generated: `python -m tools.gen_conf_pages`.
"""
ORDER = (HONOURED, REFUSED, NOT_YET, MEANINGLESS)


@dataclass(frozen=True)
class Page:
    """One page: its file, its texts, its table."""

    file: Path
    intro: str
    notes: str
    verb: str
    example: str
    sections: Mapping[str, tuple[ConfigKey, ...]]

    def text(self) -> str:
        """Return the text of the page."""
        parts = [self.intro, self._kinds(), self.notes, COLUMNS]
        for name, keys in self.sections.items():
            parts.append(
                f"\n## {name}\n\n| key | type | default | values | live | kind | why |\n"
                "|---|---|---|---|---|---|---|\n"
            )
            keys_in_order = sorted(keys, key=lambda key: (ORDER.index(key.kind), key.reason))
            parts += [row(key) + "\n" for key in keys_in_order]
        return "".join(parts)

    def _kinds(self) -> str:
        text = KINDS.replace("{verb}", self.verb).replace("{key}", self.example)
        return text.replace("{variable}", variable_of(self.example))


def default(key: ConfigKey) -> str:
    """Show a key's default, both where the releases differ."""
    texts = dict.fromkeys(key.defaults.values())
    shown = ["null" if text == "-" else f"`{text}`" for text in texts]
    return " / ".join(shown)


def releases(key: ConfigKey) -> str:
    """Name the releases that have a key, ``""`` when all of them do."""
    having = [name for name in RELEASES if name in key.defaults]
    if len(having) == len(RELEASES):
        return ""
    return " (5.x)" if having == [name for name in RELEASES if name > "5"] else f" ({having[0]})"


def live(key: ConfigKey) -> str:
    """Say whether a key may change live, and within which bounds if they aren't the file's."""
    if key.live is None:
        return ""
    return "yes" if str(key.live) == str(key.values) else str(key.live)


def row(key: ConfigKey) -> str:
    """Show one key as a row of a table."""
    values = "" if key.kind != HONOURED else str(key.values)
    cells = (default(key), values, live(key), key.kind, key.reason)
    return f"| `{key.name}`{releases(key)} | {key.java_type} | {' | '.join(cells)} |"


PAGES = (
    Page(
        REFERENCE / "broker-conf.md",
        BROKER,
        BROKER_NOTES,
        "updateBrokerConfig",
        "brokerName",
        broker_conf.SECTIONS,
    ),
    Page(
        REFERENCE / "namesrv-conf.md",
        NAMESRV,
        NAMESRV_NOTES,
        "updateNamesrvConfig",
        "listenPort",
        namesrv_conf.SECTIONS,
    ),
)


if __name__ == "__main__":
    for page in PAGES:
        page.file.write_text(page.text(), "utf-8")
