"""Bits of the sysFlag fields (``MessageSysFlag``, ``PullSysFlag``, ``TopicSysFlag``, ``PermName``)."""

from __future__ import annotations

# --- MessageSysFlag: field SYSFLAG of a record, sysFlag of a send --------------------------------
COMPRESSED_FLAG = 0x1
MULTI_TAGS_FLAG = 0x2
TRANSACTION_NOT_TYPE = 0x0
TRANSACTION_PREPARED_TYPE = 0x4
TRANSACTION_COMMIT_TYPE = 0x8
TRANSACTION_ROLLBACK_TYPE = 0xC
BORNHOST_V6_FLAG = 0x10
STOREHOSTADDRESS_V6_FLAG = 0x20
NEED_UNWRAP_FLAG = 0x40  # 5.x
INNER_BATCH_FLAG = 0x80  # 5.x
COMPRESSION_LZ4_TYPE = 0x100
COMPRESSION_ZSTD_TYPE = 0x200
COMPRESSION_ZLIB_TYPE = 0x300
COMPRESSION_TYPE_COMPARATOR = 0x700

# --- PullSysFlag ---------------------------------------------------------------------------------
PULL_COMMIT_OFFSET = 0x1
PULL_SUSPEND = 0x2
PULL_SUBSCRIPTION = 0x4
PULL_CLASS_FILTER = 0x8
PULL_LITE_PULL_MESSAGE = 0x10

# --- TopicSysFlag --------------------------------------------------------------------------------
TOPIC_UNIT = 0x1
TOPIC_UNIT_SUB = 0x2

# --- PermName ------------------------------------------------------------------------------------
PERM_INHERIT = 0x1
PERM_WRITE = 0x2
PERM_READ = 0x4
PERM_PRIORITY = 0x8


def is_in_no_queue(sys_flag: int) -> bool:
    """Return whether a record has no consume queue unit: a half message or a rollback."""
    return bool(sys_flag & TRANSACTION_PREPARED_TYPE)


def transaction_type(sys_flag: int) -> int:
    """Return the transaction bits alone (``MessageSysFlag.getTransactionValue``)."""
    return sys_flag & TRANSACTION_ROLLBACK_TYPE


def reset_transaction_type(sys_flag: int, kind: int) -> int:
    """Replace the transaction bits by ``kind`` (``MessageSysFlag.resetTransactionValue``)."""
    return (sys_flag & ~TRANSACTION_ROLLBACK_TYPE) | kind


def build_pull_sys_flag(
    *,
    commit_offset: bool,
    suspend: bool,
    subscription: bool,
    class_filter: bool,
    lite: bool = False,
) -> int:
    """Join the options of a pull (``PullSysFlag.buildSysFlag``)."""
    return (
        (PULL_COMMIT_OFFSET if commit_offset else 0)
        | (PULL_SUSPEND if suspend else 0)
        | (PULL_SUBSCRIPTION if subscription else 0)
        | (PULL_CLASS_FILTER if class_filter else 0)
        | (PULL_LITE_PULL_MESSAGE if lite else 0)
    )


def perm_to_string(perm: int) -> str:
    """Write a permission as Java's tools do, e.g. ``RW-`` (``PermName.perm2String``)."""
    return (
        ("R" if perm & PERM_READ else "-")
        + ("W" if perm & PERM_WRITE else "-")
        + ("X" if perm & PERM_INHERIT else "-")
    )
