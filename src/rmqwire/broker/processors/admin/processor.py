"""All administration requests of one broker (Java ``AdminBrokerProcessor``), by subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.broker.processors.admin.broker_config import ConfigAdmin
from rmqwire.broker.processors.admin.cleaning import CleaningAdmin
from rmqwire.broker.processors.admin.connections import ConnectionAdmin
from rmqwire.broker.processors.admin.consume_stats import ConsumeStatsAdmin
from rmqwire.broker.processors.admin.group import GroupAdmin
from rmqwire.broker.processors.admin.ha import HaAdmin
from rmqwire.broker.processors.admin.offset import OffsetAdmin
from rmqwire.broker.processors.admin.relay import RelayAdmin
from rmqwire.broker.processors.admin.reset_offset import ResetOffsetAdmin
from rmqwire.broker.processors.admin.runtime import RuntimeAdmin
from rmqwire.broker.processors.admin.topic import TopicAdmin
from rmqwire.codec.codes import RequestCode

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.remoting.handler import Handler

# Codes that 4.9 doesn't know: it answers REQUEST_CODE_NOT_SUPPORTED to them.
_SINCE_5: Final = frozenset(
    {
        RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
        RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
        RequestCode.QUERY_TOPICS_BY_CONSUMER,
        RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER,
        RequestCode.GET_TOPIC_CONFIG,
        RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
        RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN,
        RequestCode.GET_BROKER_HA_STATUS,
        RequestCode.EXCHANGE_BROKER_HA_INFO,
        RequestCode.RESET_MASTER_FLUSH_OFFSET,
        RequestCode.GET_TIMER_CHECK_POINT,
        RequestCode.GET_TIMER_METRICS,
        RequestCode.GET_ALL_MESSAGE_REQUEST_MODE,
    }
)


class AdminBrokerProcessor:
    """Joins the subjects: topics, groups, offsets, connections, figures, settings."""

    def __init__(self, state: BrokerState) -> None:
        self._release = state.release
        self.connections = ConnectionAdmin(state)
        self._parts = (
            TopicAdmin(state),
            GroupAdmin(state),
            OffsetAdmin(state),
            ResetOffsetAdmin(state),
            self.connections,
            ConsumeStatsAdmin(state),
            RelayAdmin(state),
            RuntimeAdmin(state),
            ConfigAdmin(state),
            HaAdmin(state),
            CleaningAdmin(state),
        )

    def handlers(self) -> dict[int, Handler]:
        """Return the handler of each request code that the release knows."""
        table: dict[int, Handler] = {}
        for part in self._parts:
            table |= part.handlers()
        if not self._release.broker.admin_codes_5:
            table = {code: handler for code, handler in table.items() if code not in _SINCE_5}
        return table
