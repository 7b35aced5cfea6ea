"""Every request that a broker answers: one row each, and nothing about a request elsewhere.

A new request code needs its row here and its handler in a processor. A code without a row is
answered with REQUEST_CODE_NOT_SUPPORTED, and so is one that the release doesn't know.
``docs/reference/request-codes.md`` is this table, printed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.broker.processors.processors import Processors
from rmqwire.broker.processors.send_fields import V1, V2
from rmqwire.broker.slave_role import (
    FROM_MASTER,
    NO_SENDS,
    NO_TRANSACTIONS,
    READS_IF_ALLOWED,
    SERVED,
)
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.release import V5_0_0_ORDINAL as V5
from rmqwire.codec.release import V5_5_1
from rmqwire.remoting.request_row import FirstUse, RequestRow

if TYPE_CHECKING:
    from rmqwire.remoting.handler import Handler

# Java's thread pools (``BrokerController.registerProcessor``); a busy broker cleans their queues.
SEND: Final = "send"
REPLY: Final = "reply"
PULL: Final = "pull"
LITE_PULL: Final = "litePull"
QUERY: Final = "query"
CLIENT: Final = "client"
HEARTBEAT: Final = "heartbeat"
CONSUMER: Final = "consumer"
ACK: Final = "ack"
LOAD_BALANCE: Final = "loadBalance"
END_TRANSACTION: Final = "endTransaction"
ADMIN: Final = "admin"


class Row(RequestRow[Processors], frozen=True):
    """One row of a broker's table.

    Args:
        on_slave: what a slave does with it.
        queue: Java's thread pool: what waits too long in it is refused as busy.
        at_once: its handler is there when the broker starts, and not from its first request on.
    """

    on_slave: str = SERVED
    queue: str = ADMIN
    at_once: bool = False

    def handler_of(self, processors: Processors) -> Handler:
        """Return what answers it."""
        if self.at_once:
            return self.handler(processors)
        return FirstUse(partial(self.handler, processors))


# fmt: off
REQUESTS: Final = (
    Row(R.SEND_MESSAGE, lambda p: partial(p.send.send, V1), access="PUB topic", on_slave=NO_SENDS, queue=SEND, at_once=True),
    Row(R.SEND_MESSAGE_V2, lambda p: partial(p.send.send, V2), access="PUB topic", on_slave=NO_SENDS, queue=SEND, at_once=True),
    Row(R.SEND_BATCH_MESSAGE, lambda p: partial(p.send.send, V2), access="PUB topic", on_slave=NO_SENDS, queue=SEND, at_once=True),
    Row(R.RECALL_MESSAGE, lambda p: p.recall.recall, access="PUB topic", since=V5, queue=SEND),
    Row(R.CONSUMER_SEND_MSG_BACK, lambda p: p.send_back.send_back, access="SUB group topic", on_slave=NO_SENDS, queue=SEND),
    Row(R.END_TRANSACTION, lambda p: p.end_transaction.end, access="PUB topic", on_slave=NO_TRANSACTIONS, queue=END_TRANSACTION),
    Row(R.SEND_REPLY_MESSAGE, lambda p: partial(p.replies.reply, V1), on_slave=NO_SENDS, queue=REPLY),
    Row(R.SEND_REPLY_MESSAGE_V2, lambda p: partial(p.replies.reply, V2), on_slave=NO_SENDS, queue=REPLY),
    Row(R.PULL_MESSAGE, lambda p: p.pull.pull, access="SUB group topic", on_slave=READS_IF_ALLOWED, queue=PULL, at_once=True),
    Row(R.LITE_PULL_MESSAGE, lambda p: p.pull.pull, access="SUB group topic", on_slave=READS_IF_ALLOWED, since=V5, queue=LITE_PULL, at_once=True),
    Row(R.HEART_BEAT, lambda p: p.clients.heart_beat, access="PUB,SUB group", queue=HEARTBEAT, at_once=True),
    Row(R.UNREGISTER_CLIENT, lambda p: p.clients.unregister_client, access="PUB,SUB group", queue=CLIENT, at_once=True),
    Row(R.CHECK_CLIENT_CONFIG, lambda p: p.clients.check_client_config, queue=CLIENT, at_once=True),
    Row(R.GET_CONSUMER_LIST_BY_GROUP, lambda p: p.consumers.get_consumer_list_by_group, access="SUB group", queue=CONSUMER, at_once=True),
    Row(R.UPDATE_CONSUMER_OFFSET, lambda p: p.consumers.update_consumer_offset, access="SUB group topic", queue=CONSUMER, at_once=True),
    Row(R.QUERY_CONSUMER_OFFSET, lambda p: p.consumers.query_consumer_offset, access="GET group topic", queue=CONSUMER, at_once=True),
    Row(R.QUERY_ASSIGNMENT, lambda p: p.assignment.query, since=V5, queue=LOAD_BALANCE),
    Row(R.SET_MESSAGE_REQUEST_MODE, lambda p: p.assignment.set_mode, since=V5, queue=LOAD_BALANCE),
    Row(R.POP_MESSAGE, lambda p: p.pop.pop, access="SUB group topic", on_slave=NO_SENDS, since=V5, queue=PULL),
    Row(R.ACK_MESSAGE, lambda p: p.ack.ack, access="SUB group topic", on_slave=NO_SENDS, since=V5, queue=ACK),
    Row(R.BATCH_ACK_MESSAGE, lambda p: p.ack.batch_ack, on_slave=NO_SENDS, since=V5, queue=ACK),
    Row(R.CHANGE_MESSAGE_INVISIBLETIME, lambda p: p.invisible.change, access="SUB group topic", on_slave=NO_SENDS, since=V5, queue=ACK),
    Row(R.PEEK_MESSAGE, lambda p: p.peek.peek, access="SUB topic group", since=V5, queue=PULL),
    Row(R.NOTIFICATION, lambda p: p.notification.notify, access="SUB group topic", since=V5, queue=PULL),
    Row(R.POP_ROLLBACK, lambda p: p.pop.roll_back, since=V5),
    Row(R.POLLING_INFO, lambda p: p.notification.polling_info, access="GET group topic", since=V5, queue=PULL),
    Row(R.POP_LITE_MESSAGE, lambda p: p.pop_lite.pop, on_slave=NO_SENDS, since=V5, queue=PULL),
    Row(R.LITE_SUBSCRIPTION_CTL, lambda p: p.lite_subscriptions.control, since=V5, queue=CLIENT),
    Row(R.GET_BROKER_LITE_INFO, lambda p: p.lite.broker_info, since=V5),
    Row(R.GET_PARENT_TOPIC_INFO, lambda p: p.lite.parent_topic_info, since=V5),
    Row(R.GET_LITE_TOPIC_INFO, lambda p: p.lite.lite_topic_info, since=V5),
    Row(R.GET_LITE_CLIENT_INFO, lambda p: p.lite.client_info, since=V5),
    Row(R.GET_LITE_GROUP_INFO, lambda p: p.lite.group_info, since=V5),
    Row(R.TRIGGER_LITE_DISPATCH, lambda p: p.lite.trigger_dispatch, since=V5),
    Row(R.QUERY_MESSAGE, lambda p: p.query.query_message, access="SUB,GET topic", queue=QUERY),
    Row(R.VIEW_MESSAGE_BY_ID, lambda p: p.query.view_message_by_id, access="GET topic", queue=QUERY),
    Row(R.UPDATE_AND_CREATE_TOPIC, lambda p: p.topics.update_and_create, access="CREATE topic", on_slave=FROM_MASTER),
    Row(R.UPDATE_AND_CREATE_TOPIC_LIST, lambda p: p.topics.update_and_create_list, access="CREATE", since=V5),
    Row(R.DELETE_TOPIC_IN_BROKER, lambda p: p.topics.delete, access="DELETE topic", on_slave=FROM_MASTER),
    Row(R.DELETE_TOPIC_IN_BROKER_LIST, lambda p: p.topics.delete_list, access="DELETE topic", since=V5_5_1.mq_version),
    Row(R.GET_ALL_TOPIC_CONFIG, lambda p: p.topics.get_all, access="GET topic"),
    Row(R.GET_TOPIC_CONFIG, lambda p: p.topics.get, access="GET topic", since=V5),
    Row(R.GET_TOPIC_STATS_INFO, lambda p: p.topics.stats, access="GET topic"),
    Row(R.GET_SYSTEM_TOPIC_LIST_FROM_BROKER, lambda p: p.topics.system_topics),
    Row(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, lambda p: p.groups.update_and_create, on_slave=FROM_MASTER),
    Row(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, lambda p: p.groups.update_and_create_list, since=V5),
    Row(R.DELETE_SUBSCRIPTIONGROUP, lambda p: p.groups.delete, access="DELETE group", on_slave=FROM_MASTER),
    Row(R.DELETE_SUBSCRIPTION_GROUP_LIST, lambda p: p.groups.delete_list, access="DELETE group", since=V5_5_1.mq_version),
    Row(R.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, lambda p: p.groups.get_all, access="GET group"),
    Row(R.GET_SUBSCRIPTIONGROUP_CONFIG, lambda p: p.groups.get, access="GET group", since=V5),
    Row(R.UPDATE_AND_GET_GROUP_FORBIDDEN, lambda p: p.groups.forbid, access="UPDATE group topic", since=V5),
    Row(R.QUERY_TOPIC_CONSUME_BY_WHO, lambda p: p.groups.groups_of_topic, access="GET topic"),
    Row(R.QUERY_TOPICS_BY_CONSUMER, lambda p: p.groups.topics_of_group, access="GET group", since=V5),
    Row(R.QUERY_SUBSCRIPTION_BY_CONSUMER, lambda p: p.groups.subscription, access="GET group topic", since=V5),
    Row(R.SEARCH_OFFSET_BY_TIMESTAMP, lambda p: p.offsets.search, access="GET topic"),
    Row(R.GET_MAX_OFFSET, lambda p: p.offsets.max_offset, access="GET topic"),
    Row(R.GET_MIN_OFFSET, lambda p: p.offsets.min_offset, access="GET topic"),
    Row(R.GET_EARLIEST_MSG_STORETIME, lambda p: p.offsets.earliest, access="GET topic"),
    Row(R.GET_ALL_CONSUMER_OFFSET, lambda p: p.offsets.all_offsets),
    Row(R.GET_ALL_DELAY_OFFSET, lambda p: p.offsets.all_delay_offsets),
    Row(R.CLONE_GROUP_OFFSET, lambda p: p.offsets.clone, access="UPDATE group topic"),
    Row(R.QUERY_CORRECTION_OFFSET, lambda p: p.offsets.correction, access="GET group topic"),
    Row(R.INVOKE_BROKER_TO_RESET_OFFSET, lambda p: p.reset_offset.reset, access="UPDATE group topic"),
    Row(R.GET_CONSUMER_CONNECTION_LIST, lambda p: p.connections.consumers, access="GET group"),
    Row(R.GET_PRODUCER_CONNECTION_LIST, lambda p: p.connections.producers, access="GET cluster"),
    Row(R.GET_ALL_PRODUCER_INFO, lambda p: p.connections.all_producers, access="GET cluster"),
    Row(R.LOCK_BATCH_MQ, lambda p: p.connections.lock, access="SUB"),
    Row(R.UNLOCK_BATCH_MQ, lambda p: p.connections.unlock, access="SUB"),
    Row(R.QUERY_CONSUME_QUEUE, lambda p: p.consume_queue.query, access="GET topic group"),
    Row(R.GET_CONSUME_STATS, lambda p: p.consume_stats.of_group, access="GET group topic"),
    Row(R.GET_BROKER_CONSUME_STATS, lambda p: p.consume_stats.of_broker, access="GET cluster"),
    Row(R.QUERY_CONSUME_TIME_SPAN, lambda p: p.consume_stats.time_span, access="GET topic group"),
    Row(R.VIEW_BROKER_STATS_DATA, lambda p: p.consume_stats.view, access="GET cluster"),
    Row(R.GET_CONSUMER_RUNNING_INFO, lambda p: p.relay.running_info, access="GET group"),
    Row(R.CONSUME_MESSAGE_DIRECTLY, lambda p: p.relay.consume_directly, access="SUB group topic"),
    Row(R.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, lambda p: p.relay.status, access="GET topic group"),
    Row(R.GET_BROKER_RUNTIME_INFO, lambda p: p.runtime.runtime_info),
    Row(R.GET_BROKER_CONFIG, lambda p: p.settings.get),
    Row(R.UPDATE_BROKER_CONFIG, lambda p: p.settings.update),
    Row(R.UPDATE_AND_CREATE_ACL_CONFIG, lambda p: p.acl.update, until=V5),
    Row(R.DELETE_ACL_CONFIG, lambda p: p.acl.delete, until=V5),
    Row(R.GET_BROKER_CLUSTER_ACL_INFO, lambda p: p.acl.versions, until=V5),
    Row(R.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, lambda p: p.acl.set_white_addresses, until=V5),
    Row(R.GET_BROKER_CLUSTER_ACL_CONFIG, lambda p: p.acl.accounts, until=V5),
    Row(R.AUTH_CREATE_USER, lambda p: p.auth.create_user, access="UPDATE cluster", since=V5),
    Row(R.AUTH_UPDATE_USER, lambda p: p.auth.update_user, access="UPDATE cluster", since=V5),
    Row(R.AUTH_DELETE_USER, lambda p: p.auth.delete_user, access="UPDATE cluster", since=V5),
    Row(R.AUTH_GET_USER, lambda p: p.auth.get_user, access="GET cluster", since=V5),
    Row(R.AUTH_LIST_USER, lambda p: p.auth.list_users, access="GET cluster", since=V5),
    Row(R.AUTH_CREATE_ACL, lambda p: p.auth.update_acl, access="UPDATE cluster", since=V5),
    Row(R.AUTH_UPDATE_ACL, lambda p: p.auth.update_acl, access="UPDATE cluster", since=V5),
    Row(R.AUTH_DELETE_ACL, lambda p: p.auth.delete_acl, access="UPDATE cluster", since=V5),
    Row(R.AUTH_GET_ACL, lambda p: p.auth.get_acl, access="GET cluster", since=V5),
    Row(R.AUTH_LIST_ACL, lambda p: p.auth.list_acls, access="GET cluster", since=V5),
    Row(R.GET_BROKER_HA_STATUS, lambda p: p.ha.status, since=V5),
    Row(R.EXCHANGE_BROKER_HA_INFO, lambda p: p.ha.exchange, access="UPDATE cluster", since=V5),
    Row(R.RESET_MASTER_FLUSH_OFFSET, lambda p: p.ha.reset_flush_offset, access="UPDATE cluster", since=V5),
    Row(R.GET_TIMER_CHECK_POINT, lambda p: p.timers.check_point, since=V5),
    Row(R.GET_TIMER_METRICS, lambda p: p.timers.metrics, since=V5),
    Row(R.SWITCH_TIMER_ENGINE, lambda p: p.timers.switch_engine, since=V5),
    Row(R.GET_ALL_MESSAGE_REQUEST_MODE, lambda p: p.ha.request_modes, since=V5),
    Row(R.DELETE_EXPIRED_COMMITLOG, lambda p: p.cleaning.delete_expired_commit_log),
    Row(R.CLEAN_EXPIRED_CONSUMEQUEUE, lambda p: p.cleaning.clean_expired_consume_queue),
    Row(R.CLEAN_UNUSED_TOPIC, lambda p: p.cleaning.clean_unused_topic),
    Row(R.UPDATE_COLD_DATA_FLOW_CTR_CONFIG, lambda p: p.cold_data.update, since=V5),
    Row(R.REMOVE_COLD_DATA_FLOW_CTR_CONFIG, lambda p: p.cold_data.remove, since=V5),
    Row(R.GET_COLD_DATA_FLOW_CTR_INFO, lambda p: p.cold_data.info, since=V5),
    Row(R.SET_COMMITLOG_READ_MODE, lambda p: p.cold_data.set_read_mode, since=V5),
    Row(R.CHECK_ROCKSDB_CQ_WRITE_PROGRESS, lambda p: p.other_modes.check_queues_in_rocksdb, access="GET topic", since=V5),
    Row(R.EXPORT_ROCKSDB_CONFIG_TO_JSON, lambda p: p.other_modes.export_tables, access="GET cluster", since=V5),
    Row(R.NOTIFY_MIN_BROKER_ID_CHANGE, lambda p: p.other_modes.min_broker_changed, access="UPDATE cluster", since=V5),
    Row(R.GET_BROKER_EPOCH_CACHE, lambda p: p.other_modes.epochs, since=V5),
    Row(R.NOTIFY_BROKER_ROLE_CHANGED, lambda p: p.other_modes.role_changed, access="UPDATE cluster", since=V5),
    Row(R.RESUME_CHECK_HALF_MESSAGE, lambda p: p.transactions.resume, access="UPDATE topic"),
)
# fmt: on
