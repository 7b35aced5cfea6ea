"""Every request that a name server answers: one row each, and nothing about a request elsewhere.

The codes that came with 5.x are answered as 4.9.7 too: its name server never answers an unknown
code, so that nobody can depend on that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import msgspec

from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.release import V5_0_0_ORDINAL as V5
from rmqwire.namesrv.admin_processor import AdminProcessor
from rmqwire.namesrv.processor import BrokerProcessor, RouteProcessor
from rmqwire.namesrv.route_query import has_unit_sub, has_unit_sub_only, is_unit
from rmqwire.remoting.request_row import RequestRow

if TYPE_CHECKING:
    from rmqwire.namesrv.state import NamesrvState
    from rmqwire.remoting.handler import Handler


class Processors(msgspec.Struct, frozen=True):
    """All request processors of one name server."""

    brokers: BrokerProcessor
    routes: RouteProcessor
    admin: AdminProcessor

    @classmethod
    def of(cls, state: NamesrvState) -> Self:
        """Make the processors of one name server."""
        return cls(BrokerProcessor(state), RouteProcessor(state), AdminProcessor(state))


# fmt: off
REQUESTS: Final[tuple[RequestRow[Processors], ...]] = (
    RequestRow(R.REGISTER_BROKER, lambda p: p.brokers.register, access="UPDATE cluster"),
    RequestRow(R.UNREGISTER_BROKER, lambda p: p.brokers.unregister, access="UPDATE cluster"),
    RequestRow(R.BROKER_HEARTBEAT, lambda p: p.brokers.heartbeat, access="UPDATE cluster", since=V5),
    RequestRow(R.QUERY_DATA_VERSION, lambda p: p.brokers.query_data_version, access="GET cluster"),
    RequestRow(R.GET_BROKER_MEMBER_GROUP, lambda p: p.brokers.member_group, access="GET cluster", since=V5),
    RequestRow(R.REGISTER_TOPIC_IN_NAMESRV, lambda p: p.brokers.register_topic, access="UPDATE cluster", since=V5),
    RequestRow(R.GET_ROUTEINFO_BY_TOPIC, lambda p: p.routes.route, access="GET cluster"),
    RequestRow(R.GET_BROKER_CLUSTER_INFO, lambda p: p.routes.cluster_info),
    RequestRow(R.WIPE_WRITE_PERM_OF_BROKER, lambda p: p.routes.wipe_write_permission, access="UPDATE cluster"),
    RequestRow(R.ADD_WRITE_PERM_OF_BROKER, lambda p: p.routes.add_write_permission, access="UPDATE cluster"),
    RequestRow(R.DELETE_TOPIC_IN_NAMESRV, lambda p: p.routes.delete_topic, access="UPDATE cluster"),
    RequestRow(R.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, lambda p: p.routes.all_topics),
    RequestRow(R.GET_TOPICS_BY_CLUSTER, lambda p: p.routes.topics_of_cluster, access="LIST topic"),
    RequestRow(R.GET_SYSTEM_TOPIC_LIST_FROM_NS, lambda p: p.routes.system_topics),
    RequestRow(R.GET_UNIT_TOPIC_LIST, lambda p: p.routes.flagged(is_unit)),
    RequestRow(R.GET_HAS_UNIT_SUB_TOPIC_LIST, lambda p: p.routes.flagged(has_unit_sub)),
    RequestRow(R.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, lambda p: p.routes.flagged(has_unit_sub_only)),
    RequestRow(R.PUT_KV_CONFIG, lambda p: p.admin.put_kv, access="UPDATE cluster"),
    RequestRow(R.GET_KV_CONFIG, lambda p: p.admin.get_kv, access="GET cluster"),
    RequestRow(R.DELETE_KV_CONFIG, lambda p: p.admin.delete_kv, access="UPDATE cluster"),
    RequestRow(R.GET_KVLIST_BY_NAMESPACE, lambda p: p.admin.kv_list, access="GET cluster"),
    RequestRow(R.UPDATE_NAMESRV_CONFIG, lambda p: p.admin.update_config),
    RequestRow(R.GET_NAMESRV_CONFIG, lambda p: p.admin.get_config),
)
# fmt: on


def handlers_of(state: NamesrvState) -> dict[int, Handler]:
    """Return the handler of each code."""
    processors = Processors.of(state)
    return {int(row.code): row.handler(processors) for row in REQUESTS}
