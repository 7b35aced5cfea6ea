"""Producers (Java ``DefaultMQProducer``): queue selection, retries, batches."""
