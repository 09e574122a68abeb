"""Korean variants: how the same text looks when somebody else types it, forms of one word, and frames.

Notable: only rewordings that surely mean the same. Korean drops the subject and marks respect in the verb, so the
grammatical person is not changed; the text is quoted in a frame instead.
"""

import random
import re
from collections.abc import Iterator

from .paraphrase import in_frames
from .surface import Edit, combined, other_ellipsis, straight_marks

# Forms of one word, or conjunctions that mean the same: whole words, between blanks.
_FORMS = [
    (re.compile(rf"(?<!\S){old}(?=[\s,.!?…]|$)"), new)
    for old, new in {
        "나는": "난", "저는": "전", "나를": "날", "너를": "널", "그것을": "그걸", "이것을": "이걸", "이것은": "이건",
        "그것은": "그건", "무엇을": "뭘", "근데": "그런데", "그치만": "그렇지만", "하지만": "그렇지만", "혹은": "또는",
        "만약": "만일", "만일": "만약", "매일": "날마다", "가끔": "때때로", "아마": "아마도",
    }.items()
]  # fmt: skip
_FRAMES = [
    "글은 다음과 같다: {}",
    "내용은 다음과 같습니다. {}",
    "글 전체를 옮긴다: {}",
    "다음은 글의 전문이다.\n\n{}",
    "{}\n\n글은 여기까지다.",
    "{}\n\n이상이 글의 전부입니다.",
    "적힌 그대로 옮기면 이렇다: {}",
]
_HANDED_ON = [
    "아는 사람이 이런 글을 썼다.\n\n{}",
    "누군가 이렇게 적었다: {}",
    "다음은 어떤 사람이 쓴 글이다.\n\n{}",
    "게시판에 올라온 글이다: {}",
    "친구가 이렇게 썼다: {}",
    "오늘 이런 글을 읽었다.\n\n{}",
    "한 사람이 보내온 글이다: {}",
]


def _sub(pattern: str, new: str) -> Edit:
    compiled = re.compile(pattern)
    return lambda text, chance: compiled.sub(new, text)


def _stop(text: str, chance: random.Random) -> str:
    stripped = text.rstrip()
    if re.search(r"\w\.$", stripped):
        return stripped[:-1]
    return stripped + "." if re.search(r"[가-힣]$", stripped) else text


# As in `surface`: at most one edit of a group; the second table is what a tokenizer may not see. Blanks are removed
# from pairs that are often written as one word, never added: "실수 있다" is not "실 수 있다".
_VISIBLE: list[list[Edit]] = [
    [_sub(r"(?<=[가-힣]) 수 (?=[있없])", "수 ")],
    [_sub(r"(?<=[가-힣]) 것 같", "것 같")],
    [_sub(r"(?<=[가-힣]) 때문", "때문")],
    [_sub(r"(?<=고) 싶", "싶")],
    [_sub(r"ㅋ{3,}", "ㅋㅋㅋ"), _sub(r"ㅋ{3,}", "ㅋㅋㅋㅋ"), _sub(r"ㅎ{3,}", "ㅎㅎㅎ")],
    [_sub(r"ㅠ", "ㅜ"), _sub(r"ㅜ", "ㅠ")],
    [_sub(r"이예요", "이에요"), _sub(r"되요", "돼요")],
    [lambda text, chance: other_ellipsis(text)],
    [lambda text, chance: straight_marks(text)],
    [_stop],
]
_FAINT: list[list[Edit]] = [
    [_sub(r"(?<=[.!?]) (?=\S)", "  "), _sub(r"(?<=[.!?]) (?=\S)", "\n"), _sub(r", (?=\S)", ",")],
    [_sub(r"\Z", "\n"), _sub(r"\Z", " "), _sub(r"\A", " ")],
]


def korean_surface(text: str, chance: random.Random) -> Iterator[str]:
    """Texts that differ from a Korean ``text`` in one or several edits of spacing or marks; with repeats."""
    yield from combined(text, _VISIBLE, _FAINT, chance)


def korean_paraphrases(text: str, chance: random.Random) -> Iterator[str]:
    """A Korean text with other forms of its particles, then in neutral frames."""
    found = [(match.start(), match.end(), new) for pattern, new in _FORMS for match in pattern.finditer(text)]
    yield from in_frames(text, sorted(found), _FRAMES, chance)


def korean_frames(text: str, chance: random.Random) -> Iterator[str]:
    """A Korean text in frames that quote somebody."""
    yield from (frame.format(text.strip()) for frame in chance.sample(_HANDED_ON, len(_HANDED_ON)))


__all__ = ["korean_frames", "korean_paraphrases", "korean_surface"]
