"""Where releases differ in what stands in commands, bodies, records and names."""

from __future__ import annotations

import msgspec


class WireRelease(msgspec.Struct, frozen=True):
    """The column of texts and bytes.

    Args:
        trailing_property_separator: the property string ends in 0x02 (5.x) or not (4.9).
        property_map_capacity: table size of the HashMap that orders a message's properties.
        ext_fields_capacity: the same of an answer's fields when the server adds some of its own
            (Java ``RemotingCommand.addExtField``).
        escape_line_separators: JSON text writes U+007F, U+2028 and U+2029 as ``\\uXXXX``
            (fastjson 1, 4.9) or as they are (fastjson2, 5.x).
        new_body_fields: JSON bodies carry the properties that 5.x added.
        fastjson: 1 (4.9) or 2 (5.x), whose reading rules hold for JSON; see ``json_fields``.
        json_references: an object met twice in one body is written as ``$ref`` (fastjson 1).
        topic_max_length: longest topic name in characters (Java ``TopicValidator``).
        retry_topic_max_length: the same for ``%RETRY%`` and ``%DLQ%`` topics.
        faq_suggestion: tail of many remarks (Java ``FAQUrl.suggestTodo``).
    """

    trailing_property_separator: bool
    property_map_capacity: int
    ext_fields_capacity: int
    escape_line_separators: bool
    new_body_fields: bool
    fastjson: int
    json_references: bool
    topic_max_length: int
    retry_topic_max_length: int
    faq_suggestion: str


WIRE_4_9 = WireRelease(
    trailing_property_separator=False,
    property_map_capacity=16,
    ext_fields_capacity=16,
    escape_line_separators=True,
    new_body_fields=False,
    fastjson=1,
    json_references=True,
    topic_max_length=127,
    retry_topic_max_length=127,
    faq_suggestion="\nSee http://rocketmq.apache.org/docs/faq/ for further details.",
)
WIRE_5 = WireRelease(
    trailing_property_separator=True,
    property_map_capacity=128,
    ext_fields_capacity=256,
    escape_line_separators=False,
    new_body_fields=True,
    fastjson=2,
    json_references=False,
    topic_max_length=127,
    retry_topic_max_length=255,
    faq_suggestion=(
        "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."
    ),
)
