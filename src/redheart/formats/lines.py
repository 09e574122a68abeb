"""The lines of a text file in UTF-8, each whole, with what is wrong with it, and none too large to be a row.

Notable: a file of any size takes little memory, also one that is a single line. A line ends in LF, CR LF or CR.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..configuration.errors import DataError

# Most bytes of a row, and of a text: a larger one is a file of another kind, or has a quote that is never closed.
LONGEST_ROW = 2**24
BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_BYTES = 1000  # of what is too long


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file, or what is wrong with it.

    Attributes:
        where: The file and the place in it.
        row: The value there; a mapping if the row is correct (`check_row`).
        problem: Continues a sentence that begins with ``where``; empty if the row could be read.
        raw: The line itself, of a file that has lines.
    """

    where: str
    row: Any = None
    problem: str = ""
    raw: str = ""


def decode(data: bytes, longest: int | None = None) -> tuple[str, str]:
    """Decode UTF-8.

    Args:
        data: The bytes, with or without a mark of their order.
        longest: Most bytes; None for `LONGEST_ROW`.

    Returns:
        The text, and what is wrong with it, to continue after its place; empty if nothing is. Of more than ``longest``
        bytes the text is only the beginning.
    """
    data = data.removeprefix(BOM)
    longest = LONGEST_ROW if longest is None else longest
    if len(data) > longest:
        return data[:_SHOWN_BYTES].decode("utf-8", errors="replace"), f"has more than {longest:,} bytes; shorten it."
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        at = f"byte 0x{data[error.start]:02x} at position {error.start}"
        return data.decode("utf-8", errors="replace"), f"is not UTF-8 ({at}); convert it to UTF-8."


def byte_lines(stream: IO[bytes], source: str) -> Iterator[tuple[int, bytes]]:
    """Read the lines of a stream.

    Args:
        stream: The stream.
        source: Its name, for messages.

    Yields:
        Each line with its number, from 1, and with its end. Of one that is too long for `decode` the end is missing.

    Raises:
        DataError: For UTF-16.
    """
    number, rest = 0, b""
    while chunk := stream.readline(LONGEST_ROW + 1):
        if number == 0 and chunk.startswith(_UTF16) and b"\0" in chunk:
            raise DataError(f"{source} is UTF-16, which is not UTF-8; save it as UTF-8.")
        whole = (rest + chunk).splitlines(keepends=True)
        # Without LF at its end the chunk may go on, and so may CR LF.
        rest = b"" if chunk.endswith(b"\n") else whole.pop()[: LONGEST_ROW + len(BOM) + 1]
        for line in whole:
            number += 1
            yield number, line
    if rest:
        yield number + 1, rest


def text_lines(path: Path) -> Iterator[Line]:
    """The lines of a text file that are not blank, without their ends; `DataError` for UTF-16."""
    with path.open("rb") as stream:
        for number, data in byte_lines(stream, str(path)):
            text, problem = decode(data.rstrip(b"\r\n"))
            if problem or text.strip():
                yield Line(f"{path}, line {number}", text, problem, text)


__all__ = ["BOM", "LONGEST_ROW", "Line", "byte_lines", "decode", "text_lines"]
