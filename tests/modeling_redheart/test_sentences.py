"""Sentences and speakers of a text."""

from itertools import pairwise

import pytest

from redheart.modeling_redheart.sentences import sentences
from redheart.modeling_redheart.speakers import count_speakers


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("I lied. She knew!  Why?", ["I lied.", "She knew!", "Why?"]),
        ("Dr. Kim paid 3.50 to J. Park. He left", ["Dr. Kim paid 3.50 to J. Park.", "He left"]),
        ("We met at 5 p.m. She cried.", ["We met at 5 p.m.", "She cried."]),
        ("It was at 5 p.m. on Monday.", ["It was at 5 p.m. on Monday."]),
        ("It was you and I. Nobody else.", ["It was you and I.", "Nobody else."]),
        ('"Go away." He did (at last).', ['"Go away."', "He did (at last)."]),
        ("one line\nanother line\n\n- a third", ["one line", "another line", "- a third"]),
        ("well... maybe?! ok", ["well...", "maybe?!", "ok"]),
        ("너무 후회돼요. 잠이 안 와요ㅠㅠ 어떡하죠?", ["너무 후회돼요.", "잠이 안 와요ㅠㅠ 어떡하죠?"]),
        ("안 했어요!! ㅋㅋㅋ 진짜예요.", ["안 했어요!! ㅋㅋㅋ", "진짜예요."]),
        ("그랬다。 끝", ["그랬다。", "끝"]),
        ("Sorry. 😂", ["Sorry.", "😂"]),
        ("Sorry. -- !", ["Sorry. -- !"]),
        ("  ", []),
        ("...", ["..."]),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_sentences_lose_no_word_and_do_not_overlap() -> None:
    text = "He said: 'No.' I left!\n\nThen (later) e.g. at home... 그리고 나는 울었다. END"
    spans = list(sentences(text))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I told my sister: leave him.", 1),
        ("Ana: you never told me\nBen: I did\nAna: no", 2),
        ("[21:04] Minji: 왜 안 왔어?\n[21:05] 나: 미안해\n[21:09] Jun: 둘 다 그만", 3),
        ("10:12 - Mum: call me\n10:13 - Me: later", 2),
        ("Me: I did it\nMe: I am sorry", 1),
        ("I broke it.\nEdit: he knows now.\nUpdate: we are fine.", 1),
        ("The thing that hurt me most of all: he laughed.\nWhat I did then: nothing.", 1),
        ("Note: I lied", 1),
    ],
)
def test_speakers(text: str, count: int) -> None:
    assert count_speakers(text) == count
