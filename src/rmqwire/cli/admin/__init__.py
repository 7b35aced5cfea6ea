"""``rmqwire admin``: mqadmin's verbs with mqadmin's options, one file per verb."""

import click

from rmqwire.cli.group import LazyGroup

VERBS = {
    "brokerStatus": "rmqwire.cli.admin.broker_status:broker_status",
    "haStatus": "rmqwire.cli.admin.ha_status:ha_status",
    "health": "rmqwire.cli.admin.health:health",
}


@click.group("admin", cls=LazyGroup, lazy=VERBS)
def admin_group() -> None:
    """Ask a running cluster, Java's or ours, as mqadmin does."""
