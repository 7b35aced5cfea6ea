"""What is told how the messages of a batch went that somebody iterates over, of concurrent consumers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from rmqwire.consumer.delivery import Delivery

Job_contra = TypeVar("Job_contra", contravariant=True)
Job = TypeVar("Job")


class Settles(Protocol[Job_contra]):
    """What takes note of it."""

    def settle(self, job: Job_contra, delivery: Delivery, delay_level: int | None) -> None:
        """Take note that a delivery is done with, or with a ``delay_level``, to come again."""


@dataclass(slots=True)
class Settling(Generic[Job]):
    """The settler of one batch (a ``consumer.delivery.Settler``)."""

    service: Settles[Job]
    job: Job

    def taken(self) -> None:
        """Nothing waits for that."""

    def ack(self, delivery: Delivery) -> None:
        """One is done with."""
        self.service.settle(self.job, delivery, None)

    def later(self, delivery: Delivery, delay_level: int) -> None:
        """One is to come again."""
        self.service.settle(self.job, delivery, delay_level)

    def suspend(self, delivery: Delivery, ms: int) -> None:
        """Refuse it, and let the message be settled in another way."""
        delivery.handed_out(self)
        raise UsageError("only the queues of an orderly consumer are suspended")
