"""``python -m rmqwire``: the same as the command ``rmqwire``."""

from rmqwire.cli import main

if __name__ == "__main__":
    main()
