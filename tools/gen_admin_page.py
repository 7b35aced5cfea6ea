"""Write ``docs/reference/admin.md`` from the help of the verbs: ``python -m tools.gen_admin_page``."""

from __future__ import annotations

import inspect
from pathlib import Path

import click

from rmqwire.cli.admin import NOT_HERE, SUBJECTS, admin_group

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "admin.md"
HEAD = """\
# Verbs of rmqwire admin

mqadmin's verbs with mqadmin's options and columns, those of the release that rmqwire speaks as; the cluster
may be Java's. With `--json` each result is one JSON object on a line. A verb that changes something has
`--dry-run`; one by which data is lost asks whether to go on, unless `--yes` is given. Requests are signed when
there are [credentials](../how-to/control-access.md#sign), and go over TLS [when the environment says
so](../how-to/use-tls.md). The same from Python is [`Admin`](admin-api.md). This page is written by
`python -m tools.gen_admin_page`.
"""


def page() -> str:
    """Return the page's text."""
    return HEAD + "".join(map(_section, _verbs())) + _not_here()


def _not_here() -> str:
    rows = "".join(f"| {name} | {reason} |\n" for name, reason in NOT_HERE.items())
    return f"\n## Verbs of mqadmin that are not here\n\n| verb | why |\n|---|---|\n{rows}"


def _verbs() -> list[click.Command]:
    context = click.Context(admin_group)
    names = [verb for verbs in SUBJECTS.values() for verb in verbs.split()]
    return [found for name in names if (found := admin_group.get_command(context, name))]


def _section(verb: click.Command) -> str:
    text = inspect.cleandoc(verb.help or "")
    example = (verb.epilog or "").removeprefix("Example: ")
    rows = "".join(
        f"| {', '.join(f'`{name}`' for name in sorted(one.opts, key=len, reverse=True))} |"
        f" {_cell(one.help or '')} |\n"
        for one in verb.params
        if isinstance(one, click.Option) and not one.hidden
    )
    return (
        f"\n## rmqwire admin {verb.name}\n\n{text}\n\n```console\n$ {example}\n```\n\n"
        f"| option | what |\n|---|---|\n{rows}"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").rstrip(".")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
