"""Administration requests, by subject; ``AdminBrokerProcessor`` joins them."""

from rmqwire.broker.processors.admin.processor import AdminBrokerProcessor

__all__ = ["AdminBrokerProcessor"]
