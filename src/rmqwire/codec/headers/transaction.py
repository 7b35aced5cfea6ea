"""Headers about transactions. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header, Int, Long
from rmqwire.codec.headers.rpc import RpcRequestHeader


class CheckTransactionStateRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask CHECK_TRANSACTION_STATE (39)."""

    topic: str | None = None  # 5.5.0 only
    tran_state_table_offset: Long
    commit_log_offset: Long
    msg_id: str | None = None
    transaction_id: str | None = None
    offset_msg_id: str | None = None


class CheckTransactionStateResponseHeader(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own."""

    producer_group: str
    tran_state_table_offset: Long
    commit_log_offset: Long
    commit_or_rollback: Int


class EndTransactionRequestHeader(RpcRequestHeader, kw_only=True):
    """Ask END_TRANSACTION (37)."""

    topic: str | None = None  # 5.5.0 only
    producer_group: str
    tran_state_table_offset: Long
    commit_log_offset: Long
    commit_or_rollback: Int
    from_transaction_check: bool = False
    msg_id: str
    transaction_id: str | None = None


class EndTransactionResponseHeader(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own."""


class ResumeCheckHalfMessageRequestHeader(Header, kw_only=True):
    """Ask RESUME_CHECK_HALF_MESSAGE (323)."""

    topic: str | None = None  # 5.5.0 only
    msg_id: str | None = None
