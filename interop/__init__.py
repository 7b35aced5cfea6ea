"""rmqwire beside the real Apache RocketMQ: `pytest interop/` (needs a JDK and Maven, or Docker)."""
