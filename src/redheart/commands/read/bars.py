"""Bars of a fixed width, for a terminal or a plain file."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

BAR = 24


class Bars:
    """Bars in line-drawing characters, or in ASCII where the console's encoding is not Unicode.

    Args:
        console: Where the bars are printed.
    """

    def __init__(self, console: Console) -> None:
        self.unicode = console.encoding.lower().replace("-", "").startswith("utf")
        self.full, self.empty, self.middle = ("━", "─", "┃") if self.unicode else ("#", "-", "|")
        self.asserted = "●" if self.unicode else "*"
        self.stack = ("█", "▓", "░") if self.unicode else ("#", "=", "-")

    def share(self, value: float, style: str = "cyan", width: int = BAR) -> Text:
        """Return a bar that is filled from the left.

        Args:
            value: In 0..1; anything beyond is cut to that range.
            style: Style of the filled part.
            width: Characters.

        Returns:
            The bar.
        """
        filled = round(min(max(value, 0.0), 1.0) * width)
        return Text.assemble((self.full * filled, style), (self.empty * (width - filled), "dim"))

    def signed(self, value: float, width: int = BAR) -> Text:
        """Return a bar that is filled from the middle, to the left in red or to the right in green.

        Args:
            value: In -1..1; anything beyond is cut to that range.
            width: Characters.

        Returns:
            The bar.
        """
        half = (width - 1) // 2
        filled = round(min(abs(value), 1.0) * half)
        rest = self.empty * (half - filled)
        if value < 0:
            parts = [(rest, "dim"), (self.full * filled, "red"), (self.middle, ""), (self.empty * half, "dim")]
        else:
            parts = [(self.empty * half, "dim"), (self.middle, ""), (self.full * filled, "green"), (rest, "dim")]
        return Text.assemble(*parts)

    def stacked(self, values: Sequence[float], styles: Sequence[str], width: int) -> Text:
        """Return a bar of several parts, one beside the other.

        Args:
            values: At least 0 each; their sum fills the bar, unless it is below 0.0005.
            styles: One for each value.
            width: Characters.

        Returns:
            The bar.
        """
        total = sum(values)
        ends, done = [], 0.0
        for value in values:
            done += value
            ends.append(round(done / total * width) if total >= 0.0005 else 0)
        starts = [0, *ends[:-1]]
        pieces = zip(self.stack, starts, ends, styles, strict=True)
        bar = Text.assemble(*((char * (end - start), style) for char, start, end, style in pieces))
        return bar or Text(self.empty * width, style="dim")


__all__ = ["BAR", "Bars"]
