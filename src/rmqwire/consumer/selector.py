"""Which messages of a topic a group wants (Java ``MessageSelector``)."""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.filter.subscription import SQL92, TAG


@dataclass(frozen=True, slots=True)
class MessageSelector:
    """An expression and what it is; made by ``by_tag`` or ``by_sql``.

    Args:
        expression: tags or a condition.
        expression_type: TAG or SQL92.
    """

    expression: str
    expression_type: str = TAG

    @classmethod
    def by_tag(cls, tags: str) -> MessageSelector:
        """Want messages with one of the tags, ``tagA || tagB``; ``*`` is all messages."""
        return cls(tags)

    @classmethod
    def by_sql(cls, condition: str) -> MessageSelector:
        """Want messages of whose properties a condition is true: ``price > 10 AND city IS NOT NULL``.

        The broker must have ``enablePropertyFilter=true``.
        """
        return cls(condition, SQL92)
