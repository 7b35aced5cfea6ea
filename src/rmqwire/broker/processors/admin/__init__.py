"""Administration requests, by subject (Java ``AdminBrokerProcessor``)."""
