"""What producers and consumers share (``MQClientInstance``): routes, typed calls, heartbeats."""
