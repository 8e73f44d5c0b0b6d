"""How a file is refused."""


class Refused(Exception):
    """A file is not taken. Its words follow the file's name in a sentence: "is empty. Choose another file"."""
