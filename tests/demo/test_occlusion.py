"""Leave-one-out: the word that a claim rests on gets the whole effect, and the effects are those of real readings."""

from typing import Any

import pytest
import torch

from redheart import EthicalAnalysisPipeline
from redheart.demo.occlusion import join, leave_one_out
from redheart.modeling_redheart.reading import find_words


class Oracle:
    """A pipeline of which is known what each word does: "terrible" adds 0.6 to fear, "happy" takes 0.1."""

    def __init__(self, read: int = 10_000) -> None:
        self.read, self.texts = read, [""]

    def preprocess(self, text: str) -> list[dict[str, Any]]:
        middle, end = min(len(text), self.read) // 2, min(len(text), self.read)
        return [{"offset_mapping": torch.tensor([[[start, stop]]])} for start, stop in ((0, middle), (middle, end))]

    def __call__(self, texts: list[str], **_: Any) -> list[dict[str, Any]]:
        self.texts = texts
        return [self.reading(text) for text in texts]

    def reading(self, text: str) -> dict[str, Any]:
        fear = 0.2 + 0.6 * ("terrible" in text) - 0.1 * ("happy" in text)
        return {
            "text": text,
            "emotion": {"labels": {"joy": 0.1, "fear": fear}, "asserted": ["fear"] if fear > 0.5 else []},
            "verdict": {"label": "nobody", "probabilities": {"author": 0.3, "other": 0.4 + 0.2 * ("you" in text)}},
        }


def test_the_word_that_a_claim_rests_on_gets_its_effect() -> None:
    pipe, text = Oracle(), "I feel terrible but happy, you know"
    found = leave_one_out(pipe, pipe.reading(text))
    words = [text[start:end] for start, end in found.pieces]
    assert words == ["I", "feel", "terrible", "but", "happy", "you", "know"]
    fear, other = found.claims
    assert (fear.part, fear.name, other.part, other.name) == ("emotion", "fear", "verdict", "other")
    assert fear.changes == pytest.approx((0, 0, 0.6, 0, -0.1, 0, 0))
    assert other.changes == pytest.approx((0, 0, 0, 0, 0, 0.2, 0))
    assert (fear.value, other.value) == pytest.approx((0.7, 0.6))
    assert not found.merged


def test_the_effects_are_those_of_the_readings(pipe: EthicalAnalysisPipeline) -> None:
    text = "She took my money."
    reading = pipe(text)
    found = leave_one_out(pipe, reading)
    assert len(found.pieces) == 4
    claim = found.claims[-1]
    without = pipe("She  my money.")["verdict"]["probabilities"][claim.name]
    assert claim.value == pytest.approx(reading["verdict"]["probabilities"][claim.name], abs=1e-5)
    assert claim.changes[1] == pytest.approx(claim.value - without, abs=1e-5)


def test_a_long_text_is_cut_into_few_runs_of_words() -> None:
    text = " ".join(f"word{index}" for index in range(100)) + " terrible"
    pipe = Oracle()
    found = leave_one_out(pipe, pipe.reading(text), most=10)
    assert found.merged
    assert len(found.pieces) == 10
    assert len(pipe.texts) == 11
    assert found.claims[0].changes == pytest.approx([0] * 9 + [0.6])


def test_what_was_cut_off_is_left_out() -> None:
    text = "I feel terrible and nobody reads this"
    pipe = Oracle(read=15)
    found = leave_one_out(pipe, pipe.reading(text))
    assert found.text == "I feel terrible"
    assert len(found.pieces) == 3


@pytest.mark.parametrize(("count", "most"), [(1, 5), (5, 5), (7, 3), (100, 40)])
def test_each_word_is_in_one_piece(count: int, most: int) -> None:
    text = " ".join("word" for _ in range(count))
    words = list(find_words(text, len(text)))
    pieces = join(words, most)
    assert len(pieces) == min(count, most)
    assert [start for start, _ in pieces] == sorted({start for start, _ in pieces})
    assert all(sum(start <= a and b <= end for start, end in pieces) == 1 for a, b in words)


def test_one_word_cannot_be_left_out() -> None:
    pipe = Oracle()
    with pytest.raises(ValueError, match="two words"):
        leave_one_out(pipe, pipe.reading("terrible"))
    with pytest.raises(ValueError, match="neither emotions nor a verdict"):
        leave_one_out(pipe, {"text": "two words"})
