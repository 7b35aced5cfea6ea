"""The pages of the command line name every command and every option, and none that isn't there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from rmqwire.cli import main
from tools import gen_admin_page

PAGES = [Path(__file__).parents[2] / "docs" / "reference" / "cli.md", gen_admin_page.PAGE]
_HEADING = re.compile(r"^##+ (rmqwire[^\n]*)$", re.MULTILINE)
_ROW = re.compile(r"^\| (`-[^|]*) \|", re.MULTILINE)


def commands(command=main, name="rmqwire"):
    """Return (full name, command) of all commands, the groups' own included."""
    found = [(name, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found += commands(command.get_command(context, child), f"{name} {child}")
    return found


def sections():
    found = {}
    for page in PAGES:
        parts = _HEADING.split(page.read_text("utf-8"))
        found |= zip(parts[1::2], parts[2::2], strict=True)
    return found


def option_names(command):
    names = {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in parameter.opts + parameter.secondary_opts
    }
    return names | ({"--help", "-h"} if command is main else set())


COMMANDS = commands()


def test_the_page_has_a_section_for_each_command_in_the_help_s_words():
    assert set(sections()) == {name for name, _ in COMMANDS}


def test_the_page_of_the_verbs_is_their_help():
    text = gen_admin_page.PAGE.read_text("utf-8")
    assert text == gen_admin_page.page(), "run python -m tools.gen_admin_page"


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_a_section_names_the_options_that_its_command_has(name, command):
    rows = _ROW.findall(sections()[name])
    told = [option for row in rows for option in re.findall(r"`(-[\w-]+)`", row)]
    assert sorted(told) == sorted(option_names(command))
