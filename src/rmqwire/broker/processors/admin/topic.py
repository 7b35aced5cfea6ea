"""Topics: create, change, delete, list and count (``AdminBrokerProcessor``)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.lite.metadata import is_lite_topic
from rmqwire.broker.names import queue_nums_fault, topic_fault
from rmqwire.broker.processors.admin.answers import answer_when_done
from rmqwire.broker.processors.admin.pages import page
from rmqwire.broker.stats.names import TOPIC_PUT_NUMS
from rmqwire.broker.tables.attributes import parse_attributes
from rmqwire.broker.tables.versions import first_version
from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import (
    CreateTopicListRequestBody,
    DeleteTopicListRequestBody,
    MessageQueue,
    TopicConfig,
    TopicConfigAndMappingSerializeWrapper,
    TopicList,
    TopicOffset,
    TopicStatsTable,
)
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    CreateTopicRequestHeader,
    DeleteTopicRequestHeader,
    GetAllTopicConfigRequestHeader,
    GetAllTopicConfigResponseHeader,
    GetTopicConfigRequestHeader,
    GetTopicStatsInfoRequestHeader,
)
from rmqwire.errors import UsageError
from rmqwire.remoting.handler import NOT_SET, Reject
from rmqwire.store.deleted_topics import DELETIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

FILTER_TYPES = ("SINGLE_TAG", "MULTI_TAG")
MIXED = ("+message.type", "MIXED")
# Attributes whose feature isn't there: such a topic would keep its messages otherwise than asked.
NOT_THERE = {"+cleanup.policy": "COMPACTION"}


class TopicAdmin:
    """Answers what administrators ask and order about topics."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release
        self._mapping_version = first_version(state.start_time_ms)  # static topics: there are none

    # --- creation ------------------------------------------------------------------------------

    def update_and_create(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Create a topic, or give an existing one other queues, permission or attributes."""
        header = request.decode_header(CreateTopicRequestHeader)
        self._check_name(header.topic)
        if header.topic_filter_type not in FILTER_TYPES:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"No enum constant {header.topic_filter_type}")
        config = TopicConfig(
            topic_name=header.topic,
            read_queue_nums=header.read_queue_nums,
            write_queue_nums=header.write_queue_nums,
            topic_filter_type=header.topic_filter_type,
            perm=header.perm,
            topic_sys_flag=header.topic_sys_flag or 0,
        )
        if self._release.broker.topic_attributes:
            config.order = header.order
            config.attributes = self._attributes(header.attributes)
        self._update([config])
        return request.create_response(ResponseCode.SUCCESS, NOT_SET)

    def _attributes(self, text: str | None) -> dict[str, str]:
        try:
            return parse_attributes(text)
        except UsageError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None

    def update_and_create_list(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Do the same for several topics, all or none."""
        body = CreateTopicListRequestBody.decode(request.body, self._release)
        for config in body.topic_config_list:
            self._check_name(config.topic_name)
        self._update(body.topic_config_list)
        return request.create_response(ResponseCode.SUCCESS, NOT_SET)

    def _check_name(self, topic: str) -> None:
        fault = topic_fault(topic, self._release)
        if fault is not None:
            raise Reject(self._release.broker.invalid_parameter_code, fault)
        self._check_not_system(topic)

    def _check_not_system(self, topic: str) -> None:
        guarded = self._state.config.validate_system_topic_when_update_topic
        if guarded and self._state.topics.is_system_topic(topic):
            raise Reject(
                self._release.broker.invalid_parameter_code,
                f"The topic[{topic}] is conflict with system topic.",
            )

    def _update(self, configs: list[TopicConfig]) -> None:
        for config in configs:
            self._check_queues(config)
            mixed = self._state.config.enable_mixed_message_type
            if not mixed and config.attributes.get(MIXED[0]) == MIXED[1]:
                raise Reject(ResponseCode.INVALID_PARAMETER, "MIXED message type is not supported.")
            for key, value in NOT_THERE.items():
                if config.attributes.get(key) == value:
                    remark = f"{key[1:]}={value} is not supported."
                    raise Reject(ResponseCode.INVALID_PARAMETER, remark)
        # Idempotent as in 5.x: nothing new is no new version of the table.
        table = self._state.topics.table
        changed = [config for config in configs if config != table.get(config.topic_name)]
        if not changed:
            return
        try:
            self._state.topics.update_list(changed)
        except UsageError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None

    def _check_queues(self, config: TopicConfig) -> None:
        for field, number in (
            ("readQueueNums", config.read_queue_nums),
            ("writeQueueNums", config.write_queue_nums),
        ):
            fault = queue_nums_fault(field, number)
            if fault is not None:
                raise Reject(self._release.broker.invalid_parameter_code, fault)

    # --- deletion ------------------------------------------------------------------------------

    def delete(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Delete a topic with its messages' queues and every group's offsets in it."""
        topic = request.decode_header(DeleteTopicRequestHeader).topic
        self._check_name(topic)
        self._delete_all((topic, *self._pop_retry_topics(topic)))
        return request.create_response()

    def delete_list(self, peer: Peer, request: RemotingCommand) -> None:
        """Do the same for several topics, all or none, at most ``batchDeleteTopicMaxRate`` a second."""
        topics = DeleteTopicListRequestBody.decode(bytes(request.body)).topic_list
        if not topics:
            code = self._release.broker.invalid_parameter_code
            raise Reject(code, "The specified topic list is blank.")
        for topic in topics:
            self._check_name(topic)
        names = [name for topic in topics for name in (topic, *self._pop_retry_topics(topic))]
        rate = self._state.config.batch_delete_topic_max_rate
        done = partial(answer_when_done, peer, request)
        self._state.paced.start(dict.fromkeys(names), rate, self._delete_all, done)

    def _delete_all(self, topics: Iterable[str]) -> None:
        with self._state.topics.written_together():
            for topic in topics:
                self._delete(topic)

    def _pop_retry_topics(self, topic: str) -> list[str]:
        """List the retry topics that POP made for the topic's groups."""
        if not self._state.config.clear_retry_topic_when_delete_topic:
            return []
        groups = sorted(self._state.offsets.which_group_by_topic(topic))
        names = (
            f"{const.RETRY_GROUP_TOPIC_PREFIX}{group}{separator}{topic}"
            for group in groups
            for separator in ("+", "_")  # version 2 of the names, version 1
        )
        return [name for name in names if name in self._state.topics.table]

    def _delete(self, topic: str) -> None:
        state = self._state
        if is_lite_topic(state.topics.table.get(topic)):
            state.lite.lifecycle.delete_of(topic)
        state.topics.delete(topic)
        if self._release.broker.deletion_cleans_offsets:
            state.offsets.clean_topic(topic)
        state.store.delete_topics([topic])
        if state.config.auto_delete_unused_stats:
            state.stats.delete_topic(topic)

    # --- questions -----------------------------------------------------------------------------

    def get_all(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return every topic's configuration, whole or in pieces."""
        if (request.ext_fields or {}).get(DELETIONS):
            return self._deletions(request)
        topics = self._state.topics
        if not self._release.broker.paged_tables:
            body = topics.wrapper().encode(self._release)
            return request.create_response(header=GetAllTopicConfigResponseHeader(), body=body)
        table: dict[str, TopicConfig] = topics.table
        if request.ext_fields:
            header = request.decode_header(GetAllTopicConfigRequestHeader)
            table = page(
                self._state.config,
                table,
                topics.data_version,
                header.data_version,
                header.topic_seq,
                header.max_topic_num,
            )
        wrapper = TopicConfigAndMappingSerializeWrapper(
            topic_config_table=table,
            data_version=topics.data_version,
            mapping_data_version=self._mapping_version,
        )
        return request.create_response(
            header=GetAllTopicConfigResponseHeader(total_topic_num=len(topics.table)),
            body=wrapper.encode(self._release),
        )

    def _deletions(self, request: RemotingCommand) -> RemotingCommand:
        """Tell a slave of ours which topics were deleted, and when."""
        answer = request.create_response()
        answer.ext_fields = {DELETIONS: self._state.store.deleted.encode().decode()}
        return answer

    def get(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return one topic's configuration."""
        topic = request.decode_header(GetTopicConfigRequestHeader).topic
        config = self._state.topics.select(topic)
        if config is None:
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, f"No topic in this broker. topic: {topic}")
        return request.create_response(body=config.encode(self._release))

    def stats(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the ends of each queue of a topic, and when its last message came."""
        topic = request.decode_header(GetTopicStatsInfoRequestHeader).topic
        config = self._state.topics.select(topic)
        if config is None:
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, f"topic[{topic}] not exist")
        item = self._state.stats.find(TOPIC_PUT_NUMS, topic)
        body = TopicStatsTable(
            topic_put_tps=0.0 if item is None else item.minute.snapshot().tps,
            offset_table={
                MessageQueue(topic, self._state.config.broker_name, queue_id): self._ends(
                    topic, queue_id
                )
                for queue_id in range(max(config.write_queue_nums, config.read_queue_nums))
            },
        )
        return request.create_response(body=body.encode(self._release))

    def _ends(self, topic: str, queue_id: int) -> TopicOffset:
        store = self._state.store
        highest = max(0, store.max_offset(topic, queue_id))
        last = store.store_timestamp(topic, queue_id, highest - 1) if highest else 0
        return TopicOffset(
            min_offset=max(0, store.min_offset(topic, queue_id)),
            max_offset=highest,
            last_update_timestamp=last,
        )

    def system_topics(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """List the system's own topics."""
        names = sorted(self._state.topics.all_system_topics())
        return request.create_response(body=TopicList(topic_list=names).encode(self._release))
