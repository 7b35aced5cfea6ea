"""``rmqwire admin``: what a cluster is set to and does, written to files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmqwire.cli.admin.cluster import first_rate
from rmqwire.cli.admin.printing import jsonable
from rmqwire.cli.admin.verb import broker_option, cluster_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.clock import wall_ms
from rmqwire.codec import java_json
from rmqwire.codec.mq_version import version_name
from rmqwire.codec.release import DEFAULT_RELEASE

if TYPE_CHECKING:
    from rmqwire.admin.export import BrokerMetrics
    from rmqwire.cli.admin.verb import Call

FOLDER = "/tmp/rocketmq/export"  # noqa: S108  ExportMetadataCommand.DEFAULT_FILE_PATH
needed_cluster_option = click.option(
    "-c",
    "--clusterName",
    "cluster",
    type=TEXT,
    required=True,
    metavar="NAME",
    help="Which cluster.",
)
folder_option = click.option(
    "-f",
    "--filePath",
    "folder",
    type=click.Path(),
    default=FOLDER,
    help=f"The folder to write to: {FOLDER}.",
)


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written."""

    path: str


def _write(call: Call, folder: str, name: str, content: object) -> None:
    """Write a file as Java's ``JSON.toJSONString(…, true)`` lays it out, and say so."""
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    (where / name).write_bytes(java_json.dumps(content, pretty=True))
    path = f"{folder}/{name}"
    call.done(Exported(path), f"export {path} success")


@verb("exportConfigs", example="exportConfigs -n 127.0.0.1:9876 -c DefaultCluster -f ./export")
@needed_cluster_option
@folder_option
async def export_configs(call: Call, cluster: str, folder: str) -> None:
    """Write configs.json: what a cluster's masters are set to, and how many servers there are."""
    await call.addresses(None, cluster)
    found = await call.admin.export_configs(cluster)
    _write(call, folder, "configs.json", jsonable(found))


@verb(
    "exportMetadata",
    example="exportMetadata -n 127.0.0.1:9876 -c DefaultCluster -f ./export",
    namesrv="optional",
)
@broker_option
@cluster_option
@folder_option
@click.option("-t", "--topic", "topics", is_flag=True, help="topic.json: topics alone.")
@click.option("-g", "--subscriptionGroup", "groups", is_flag=True, help="Groups alone, in a file.")
@click.option(
    "-s", "--specialTopic", "special", is_flag=True, help="Topics of retries and DLQs too."
)
async def export_metadata(
    call: Call,
    /,
    broker_addr: str | None,
    cluster: str | None,
    folder: str,
    **wanted: bool,
) -> None:
    """Write metadata.json: the topics and groups of a cluster's masters.

    Of one broker it is topic.json (-t) or subscriptionGroup.json (-g).
    """
    topics, groups, special = wanted["topics"], wanted["groups"], wanted["special"]
    if broker_addr is not None and topics:
        table = await call.admin.user_topics(broker_addr, special=special)
        _write(call, folder, "topic.json", table)
        return
    if broker_addr is not None:
        if not groups:
            raise click.UsageError("of one broker: -t for its topics, or -g for its groups")
        _write(call, folder, "subscriptionGroup.json", await call.admin.user_groups(broker_addr))
        return
    await call.addresses(None, cluster)
    found = await call.admin.export_metadata(cluster or "", special=special)
    content: dict[str, object] = {}
    if topics or not groups:
        content["topicConfigTable"] = found.topics
    if not topics:
        content["subscriptionGroupTable"] = found.groups
    content["exportTime"] = wall_ms()
    name = "topic" if topics else "subscriptionGroup" if groups else "metadata"
    _write(call, folder, f"{name}.json", content)


@verb("exportMetrics", example="exportMetrics -n 127.0.0.1:9876 -c DefaultCluster -f ./export")
@needed_cluster_option
@folder_option
async def export_metrics(call: Call, cluster: str, folder: str) -> None:
    """Write metrics.json: versions, disks, rates and totals of a cluster's masters."""
    await call.addresses(None, cluster)
    found = await call.admin.export_metrics(cluster)
    tps, day = [_tps(one) for one in found], [_one_day(one) for one in found]
    content = {
        "evaluateReport": {one.broker_name: _report(one) for one in found},
        "totalData": {
            "totalTps": {
                f"total{key[0].upper()}{key[1:]}": sum(one[key] for one in tps)
                for key in ("normalInTps", "normalOutTps", "transInTps", "scheduleInTps")
            },
            "totalOneDayNum": {
                key: sum(one[key] for one in day)
                for key in (
                    "normalOneDayInNum",
                    "normalOneDayOutNum",
                    "transOneDayInNum",
                    "scheduleOneDayInNum",
                )
            },
        },
    }
    _write(call, folder, "metrics.json", content)


def _report(one: BrokerMetrics) -> dict[str, Any]:
    figures = one.figures
    return {
        "runtimeEnv": {
            "cpuNum": one.settings.get("clientCallbackExecutorThreads"),
            "totalMemKBytes": figures.get("totalMemKBytes"),
        },
        "runtimeQuota": {
            "diskRatio": {
                "commitLogDiskRatio": figures.get("commitLogDiskRatio"),
                "consumeQueueDiskRatio": figures.get("consumeQueueDiskRatio"),
            },
            "tps": _tps(one),
            "oneDayNum": _one_day(one),
            "messageAverageSize": figures.get("putMessageAverageSize"),
            "topicSize": one.topic_size,
            "groupSize": one.group_size,
        },
        "runtimeVersion": {
            "rocketmqVersion": version_name(DEFAULT_RELEASE.mq_version),
            "clientInfo": one.clients,
        },
    }


def _tps(one: BrokerMetrics) -> dict[str, float]:
    """Return messages a second: of all the last ten seconds, of two topics the last minute."""
    return {
        "normalInTps": first_rate(one.figures.get("putTps")),
        "normalOutTps": first_rate(one.figures.get("getTransferredTps")),
        "transInTps": one.trans.tps,
        "scheduleInTps": one.schedule.tps,
    }


def _one_day(one: BrokerMetrics) -> dict[str, int]:
    """Return messages of yesterday; of two topics those of the last 24 hours."""

    def yesterday(kind: str) -> int:
        figures = one.figures
        late, early = (f"{kind}Total{day}Morning" for day in ("Today", "Yesterday"))
        return int(figures.get(late, 0)) - int(figures.get(early, 0))

    return {
        "normalOneDayInNum": yesterday("msgPut"),
        "normalOneDayOutNum": yesterday("msgGet"),
        "transOneDayInNum": one.trans.in_24_hours,
        "scheduleOneDayInNum": one.schedule.in_24_hours,
    }


@dataclass(frozen=True, slots=True)
class PopRecord:
    """A broker that has written its records of popped messages, or would."""

    broker_name: str
    broker_addr: str
    dry_run: bool


@verb(
    "exportPopRecord",
    example="exportPopRecord -b 127.0.0.1:10911",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@click.option(
    "-d", "--dryRun", "java_dry_run", type=bool, default=False, help="true: as --dry-run."
)
async def export_pop_record(
    call: Call, broker_addr: str | None, cluster: str | None, java_dry_run: bool
) -> None:
    """Let 5.x brokers take their records of popped messages out of RocksDB, into the log again.

    rmqwire's brokers have them in the log always.
    """
    dry_run = call.dry_run or java_dry_run
    for name, addr in await _named(call, broker_addr, cluster):
        what = f"brokerName={name}, brokerAddr={addr}, dryRun={str(dry_run).lower()}"
        with call.tolerated(f"Export broker records error, {what}"):
            if not dry_run:
                await call.admin.export_pop_record(addr)
            call.done(PopRecord(name, addr, dry_run), f"Export broker records, {what}")


async def _named(call: Call, broker_addr: str | None, cluster: str | None) -> list[tuple[str, str]]:
    await call.addresses(broker_addr, cluster, slaves=True)
    if broker_addr is not None:
        settings = await call.admin.get_broker_config(broker_addr)
        return [(settings.get("brokerName", ""), broker_addr)]
    return [
        (broker.broker_name, addr)
        for broker in await call.admin.broker_datas(cluster)
        for _, addr in sorted(broker.broker_addrs.items())
    ]
