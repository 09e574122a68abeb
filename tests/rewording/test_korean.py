"""Korean variants."""

import random

from redheart.rewording.korean import korean_frames, korean_paraphrases, korean_surface
from redheart.rewording.variants import FAMILIES, variants

TEXT = "친구가 나를 속였다는 걸 알았다. 나는 너무 화가 나서 울 수 있을 것 같았다 ㅠㅠ"


def test_surface_edits_of_spacing_laughs_and_the_final_stop() -> None:
    made = set(korean_surface(TEXT, random.Random(0)))
    assert TEXT.replace("ㅠㅠ", "ㅜㅜ") in made
    assert TEXT.replace("울 수 있", "울수 있") in made
    assert "밥을 먹었다." in set(korean_surface("밥을 먹었다", random.Random(0)))
    assert "웃겨 ㅋㅋㅋ" in set(korean_surface("웃겨 ㅋㅋㅋㅋㅋㅋ", random.Random(0)))


def test_no_blank_is_put_into_a_word() -> None:
    assert not any("실 수" in variant for variant in korean_surface("실수 있다", random.Random(0)))


def test_paraphrases_use_other_forms_of_words_and_then_frames() -> None:
    made = list(korean_paraphrases(TEXT, random.Random(0)))
    assert "날" in made[0]
    assert "난" in made[0]
    assert any(variant.startswith("글은 다음과 같다") for variant in made)


def test_the_point_of_view_is_only_a_frame() -> None:
    assert all(TEXT in variant for variant in korean_frames(TEXT, random.Random(0)))


def test_each_family_gives_five() -> None:
    for family in FAMILIES:
        made = variants(TEXT, family)
        assert len(made) == len(set(made)) == 5
        assert all("않" not in variant and "화가" in variant for variant in made)
