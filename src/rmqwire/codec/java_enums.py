"""Java's enums in headers and bodies: text here, with the names in the order of their ordinals."""

from typing import Annotated, TypeAlias

from msgspec import Meta

ENUM_NAMES = "enum"  # key of the names in a type's Meta


def names(text: str) -> Meta:
    """Return what marks a text as one of these names, which stand in ``text`` with blanks between."""
    found = tuple(text.split())
    return Meta(pattern=f"^(?:{'|'.join(found)})$", extra={ENUM_NAMES: found})


CMResult: TypeAlias = Annotated[
    str,
    names("CR_SUCCESS CR_LATER CR_ROLLBACK CR_COMMIT CR_THROW_EXCEPTION CR_RETURN_NULL"),
]
ConsumeFromWhere: TypeAlias = Annotated[
    str,
    names(
        "CONSUME_FROM_LAST_OFFSET CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"
        " CONSUME_FROM_MIN_OFFSET CONSUME_FROM_MAX_OFFSET CONSUME_FROM_FIRST_OFFSET"
        " CONSUME_FROM_TIMESTAMP"
    ),
]
ConsumeType: TypeAlias = Annotated[str, names("CONSUME_ACTIVELY CONSUME_PASSIVELY CONSUME_POP")]
GroupRetryPolicyType: TypeAlias = Annotated[str, names("EXPONENTIAL CUSTOMIZED")]
Language: TypeAlias = Annotated[
    str,
    names("JAVA CPP DOTNET PYTHON DELPHI ERLANG RUBY OTHER HTTP GO PHP OMS RUST NODE_JS"),
]
LiteSubscriptionAction: TypeAlias = Annotated[
    str, names("PARTIAL_ADD PARTIAL_REMOVE COMPLETE_ADD COMPLETE_REMOVE")
]
MessageModel: TypeAlias = Annotated[str, names("BROADCASTING CLUSTERING LITE_SELECTIVE")]
MessageRequestMode: TypeAlias = Annotated[str, names("PULL POP")]
OffsetOptionType: TypeAlias = Annotated[str, names("POLICY OFFSET TAIL_N TIMESTAMP")]
SerializeType: TypeAlias = Annotated[str, names("JSON ROCKETMQ")]
TopicFilterType: TypeAlias = Annotated[str, names("SINGLE_TAG MULTI_TAG")]
