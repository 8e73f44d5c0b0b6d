"""The one kind of error that a person at a terminal is meant to read."""


class Trouble(Exception):
    """Something only a person can mend; its message is one line that says what to do."""
