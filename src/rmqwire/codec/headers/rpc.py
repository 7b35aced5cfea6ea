"""Headers about fields that requests inherit. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header


class RpcRequestHeader(Header, kw_only=True):
    """Fields that request headers inherit."""

    ns: str | None = None  # 5.5.0 only
    nsd: bool | None = None  # 5.5.0 only
    bname: str | None = None
    oway: bool | None = None  # 5.5.0 only


class TopicRequestHeader(RpcRequestHeader, kw_only=True):
    """Fields that request headers inherit. Only 5.5.0."""

    lo: bool | None = None


class TopicQueueRequestHeader(TopicRequestHeader, kw_only=True):
    """Fields that request headers inherit. Only 5.5.0."""
