"""A group of members in processes of their own, of all faces and of Java, that come and go."""
