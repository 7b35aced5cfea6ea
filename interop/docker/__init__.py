"""Stand-ins for the images that docker-compose.yml names, for machines that can't pull."""
