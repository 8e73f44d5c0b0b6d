"""What stands in every name and free text of one scheme, so that a text that leaks tells where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 24


@dataclass(frozen=True, slots=True)
class Mark:
    """A word such as `EXAMPLE7`, the marker with the scheme's number; nothing in the usual demonstration."""

    text: str = ""

    def __call__(self, words: str) -> str:
        """The words with the mark behind them; nothing stays nothing."""
        return f"{words} {self.text}" if words and self.text else words
