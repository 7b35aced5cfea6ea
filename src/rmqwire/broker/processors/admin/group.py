"""Consumer groups: create, change, delete and list (``AdminBrokerProcessor``)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.broker.names import group_fault, queue_nums_fault
from rmqwire.broker.processors.admin.answers import answer_when_done
from rmqwire.broker.processors.admin.pages import page
from rmqwire.codec.bodies import (
    DeleteSubscriptionGroupListRequestBody,
    GroupForbidden,
    GroupList,
    QuerySubscriptionResponseBody,
    SubscriptionGroupConfig,
    SubscriptionGroupList,
    SubscriptionGroupWrapper,
    TopicList,
)
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    DeleteSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupResponseHeader,
    GetSubscriptionGroupConfigRequestHeader,
    QuerySubscriptionByConsumerRequestHeader,
    QueryTopicConsumeByWhoRequestHeader,
    QueryTopicsByConsumerRequestHeader,
    UpdateGroupForbiddenRequestHeader,
)
from rmqwire.codec.headers.base import needed
from rmqwire.errors import UsageError
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

INDEX_PERM_READ: Final = 2  # PermName: the bit of reading in a group's forbidden bits


class GroupAdmin:
    """Answers what administrators ask and order about consumer groups."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    # --- orders --------------------------------------------------------------------------------

    def update_and_create(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Create a group, or change what it may do."""
        self._update([SubscriptionGroupConfig.decode(request.body, self._release)])
        return request.create_response()

    def update_and_create_list(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Do the same for several groups, all or none."""
        body = SubscriptionGroupList.decode(request.body, self._release)
        self._update(body.group_config_list)
        return request.create_response()

    def _update(self, configs: list[SubscriptionGroupConfig]) -> None:
        for config in configs:
            fault = group_fault(config.group_name) or queue_nums_fault(
                "retryQueueNums", config.retry_queue_nums
            )
            if fault is not None:
                raise Reject(self._release.broker.invalid_parameter_code, fault)
        try:
            self._state.groups.update_list(configs)
        except UsageError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None

    def delete(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Delete a group, and its offsets when asked to."""
        header = request.decode_header(DeleteSubscriptionGroupRequestHeader)
        self._delete_all(header.clean_offset or header.remove_offset, [header.group_name])
        return request.create_response()

    def delete_list(self, peer: Peer, request: RemotingCommand) -> None:
        """Delete several groups, at most ``batchDeleteSubscriptionGroupMaxRate`` a second."""
        body = DeleteSubscriptionGroupListRequestBody.decode(bytes(request.body))
        code = self._release.broker.invalid_parameter_code
        if not body.group_name_list:
            raise Reject(code, "The specified group name list is blank.")
        if not all(name.strip() for name in body.group_name_list):
            raise Reject(code, "The specified group name is blank.")
        rate = self._state.config.batch_delete_subscription_group_max_rate
        work = partial(self._delete_all, body.clean_offset)
        done = partial(answer_when_done, peer, request)
        self._state.paced.start(dict.fromkeys(body.group_name_list), rate, work, done)

    def _delete_all(self, clean_offset: bool, groups: Iterable[str]) -> None:
        state = self._state
        with state.groups.written_together():
            for group in groups:
                state.groups.delete(group)
                if clean_offset:
                    state.offsets.clean_group(group)
                if state.config.auto_delete_unused_stats:
                    state.stats.delete_group(group)

    def forbid(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Forbid or allow a group to read a topic, and say which it is now."""
        header = request.decode_header(UpdateGroupForbiddenRequestHeader)
        groups = self._state.groups
        if header.readable is not None:
            groups.update_forbidden(
                header.group, header.topic, INDEX_PERM_READ, forbid=not header.readable
            )
        body = GroupForbidden(
            group=header.group,
            topic=header.topic,
            readable=not groups.is_forbidden(header.group, header.topic, INDEX_PERM_READ),
        )
        return request.create_response(remark="", body=body.encode(self._release))

    # --- questions -----------------------------------------------------------------------------

    def get_all(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return every group's configuration, whole or in pieces."""
        groups = self._state.groups
        if not self._release.broker.paged_tables:
            return request.create_response(body=groups.wrapper().encode(self._release))
        wrapper = groups.wrapper()
        if request.ext_fields:
            wrapper = self._page(request)
        return request.create_response(
            header=GetAllSubscriptionGroupResponseHeader(total_group_num=len(groups.table)),
            body=wrapper.encode(self._release),
        )

    def _page(self, request: RemotingCommand) -> SubscriptionGroupWrapper:
        header = request.decode_header(GetAllSubscriptionGroupRequestHeader)
        groups = self._state.groups
        table = page(
            self._state.config,
            groups.table,
            groups.data_version,
            header.data_version,
            header.group_seq,
            header.max_group_num,
        )
        forbidden = {name: topics for name, topics in groups.forbidden.items() if name in table}
        return SubscriptionGroupWrapper(
            subscription_group_table=table,
            forbidden_table=forbidden,
            data_version=groups.data_version,
        )

    def get(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return one group's configuration, creating the group where it may be (as Java does)."""
        group = request.decode_header(GetSubscriptionGroupConfigRequestHeader).group
        config = self._state.groups.find(group)
        if config is None:
            raise Reject(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, "No group in this broker")
        return request.create_response(body=config.encode(self._release))

    def groups_of_topic(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """List the groups that consume a topic now, or have offsets in it."""
        topic = request.decode_header(QueryTopicConsumeByWhoRequestHeader).topic
        groups = set(self._state.consumers.groups_of_topic(topic))
        groups |= self._state.offsets.which_group_by_topic(topic)
        body = GroupList(group_list=sorted(groups))
        return request.create_response(body=body.encode(self._release))

    def topics_of_group(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """List the topics that a group has offsets in."""
        group = request.decode_header(QueryTopicsByConsumerRequestHeader).group
        body = TopicList(
            topic_list=sorted(self._state.offsets.which_topic_by_consumer(group)),
            broker_addr=self._state.config.broker_addr,
        )
        return request.create_response(body=body.encode(self._release))

    def subscription(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return a group's subscription to a topic, empty when it has none now."""
        header = request.decode_header(QuerySubscriptionByConsumerRequestHeader)
        topic = needed(header.topic, "topic")
        body = QuerySubscriptionResponseBody(
            group=header.group,
            topic=topic,
            subscription_data=self._state.consumers.find_subscription(header.group, topic),
        )
        return request.create_response(body=body.encode(self._release))
