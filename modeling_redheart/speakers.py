"""How many people speak in a text: chats and dialogues whose lines begin with who says them.

Who is `author` in such a text is a rule: whoever is called "me", "I", "나" or "저", else whoever speaks first. A model
reads a text as one person's telling unless it was taught otherwise, so that a reading of several speakers says in its
flags how many there are.
"""

import re
import unicodedata

_LINE = re.compile(
    r"""^\s*(?:[-*>]\s*)?
        (?:\[[^\]\n]{1,30}\]\s*)?                       # [21:04]
        (?:\d{1,2}[:.]\d{2}(?:\s*[ap]m)?\s*[-\u2013]?\s*)?   # 21:04 -
        (?P<name>[^\W\d_][\w .'\u2019-]{0,23}?)\s*[:\uff1a]\s+\S""",
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
# What begins a line in the same way and is no speaker.
_HEADINGS = frozenset(
    (
        "edit",
        "update",
        "note",
        "ps",
        "p.s",
        "tldr",
        "tl;dr",
        "subject",
        "re",
        "date",
        "from",
        "to",
        "cc",
        "title",
        "question",
        "answer",
        "context",
        "background",
        "summary",
        "warning",
        "reason",
        "example",
        "info",
        "제목",
        "질문",
        "답변",
        "추가",
        "수정",
        "요약",
        "참고",
        "결론",
        "배경",
        "날짜",
    )
)
_MOST_WORDS = 3


def count_speakers(text: str) -> int:
    """How many speakers the lines of ``text`` name; 1 where it is one person's telling.

    Two lines at least must begin with a name and a colon, and with two names at least.
    """
    names = [
        unicodedata.normalize("NFKC", found["name"]).casefold().strip()
        for found in _LINE.finditer(text)
        if len(found["name"].split()) <= _MOST_WORDS
    ]
    return max(1, len({name for name in names if name not in _HEADINGS}))


__all__ = ["count_speakers"]
