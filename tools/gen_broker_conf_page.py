"""Write docs/reference/broker-conf.md from the table of broker.conf keys.

Run: python -m tools.gen_broker_conf_page
"""

from __future__ import annotations

from pathlib import Path

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, ConfigKey
from rmqwire.settings.rows.broker_conf import SECTIONS

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "broker-conf.md"
INTRO = """\
# broker.conf

The file of Apache RocketMQ's broker works unchanged: Java's properties format, Java's key names,
Java's defaults. Every key of the two releases is listed here with what this broker does with it.

| kind | what happens when the key is set to something other than its default |
|---|---|
| honoured | it's done |
| meaningless | nothing; one line at the start names these keys |
| not yet | one warning at the start: the feature it belongs to isn't there |
| refused | the broker doesn't start: going on would be dangerous |

- A value that can't be parsed stops the start with one line (Java keeps the default instead), and
  so does one that can't work: a segment of 0 bytes, a port above 65535, a name with a `/` in it.
- `brokerIP1` may be a host name, as in Java.
- Unknown keys are named once at the start.
- `${...}` is not expanded in the file, as in Java; a default written so below is filled in.
- `namesrvAddr` falls back to the environment's `NAMESRV_ADDR`.
- Each key is a variable too, which wins over the file: `RMQWIRE_BROKER_NAME` is `brokerName`
  ([all about them](../how-to/run-in-docker.md)).
- The second port for administration is `listenPort` - 2.
- Where the two releases differ the default reads `4.9.7` / `5.5.0`.

This page is generated: `python -m tools.gen_broker_conf_page`.
"""
ORDER = (HONOURED, REFUSED, NOT_YET, MEANINGLESS)


def default(key: ConfigKey) -> str:
    """Show a key's default, both where the releases differ."""
    texts = dict.fromkeys(key.defaults.values())
    shown = ["null" if text == "-" else f"`{text}`" for text in texts]
    return " / ".join(shown)


def row(key: ConfigKey) -> str:
    """Show one key as a row of a table."""
    only = "" if len(key.defaults) > 1 else f" ({next(iter(key.defaults))})"
    return f"| `{key.name}`{only} | {key.java_type} | {default(key)} | {key.kind} | {key.reason} |"


def page() -> str:
    """Return the text of the page."""
    parts = [INTRO]
    for name, keys in SECTIONS.items():
        parts.append(
            f"\n## {name}\n\n| key | type | default | kind | why |\n|---|---|---|---|---|\n"
        )
        keys_in_order = sorted(keys, key=lambda key: (ORDER.index(key.kind), key.reason))
        parts += [row(key) + "\n" for key in keys_in_order]
    return "".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")
