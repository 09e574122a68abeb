"""Untrusted texts on a terminal: control characters are shown as escapes instead of obeyed.

Notable: a text may contain escape sequences that clear the screen, and direction marks that disguise a line as another
one. Letters of every script, emoji and their joiners stay as they are.
"""

# C0 without tab and newline, delete, C1, the line and paragraph separators, and marks of the writing direction.
_CONTROLS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_MARKS = (0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SHOWN = {code: f"\\x{code:02x}" for code in _CONTROLS} | {code: f"\\u{code:04x}" for code in _MARKS}


def printable(text: str) -> str:
    r"""``text`` with its control characters as escapes (``\x1b``), and newlines as line ends."""
    return text.replace("\r\n", "\n").translate(_SHOWN)


__all__ = ["printable"]
