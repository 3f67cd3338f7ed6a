"""`python -m mbot_nb` is the command `mbot-nb`."""

from .cli import main

if __name__ == "__main__":
    main()
