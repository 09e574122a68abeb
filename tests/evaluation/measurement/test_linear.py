"""The linear models behind the floor: which pieces of a text they read, and what they make of labels."""

import numpy as np
import pytest

from redheart.evaluation.measurement.linear import Linear

GLAD, SAD = (
    [f"lovely day number{number}" for number in range(12)],
    [f"awful day number{number}" for number in range(12)],
)


def test_a_probability_is_learned_as_one() -> None:
    fitted = Linear(GLAD + SAD)
    labels = np.array([[0.75]] * len(GLAD) + [[0.0]] * len(SAD))
    glad, sad = fitted.model("probability", labels)(fitted.read([GLAD[0], SAD[0]]))[:, 0]
    assert sad < 0.2 < 0.6 < glad < 0.76


def test_balanced_classes_find_the_rare_one() -> None:
    fitted = Linear(["a day"] * 20 + ["a sad day"] * 2 + ["sad"])
    labels = np.eye(3)[[2] * 20 + [0, 2, 0]]
    plain, balanced = (fitted.model(kind, labels)(fitted.read(["sad day"]))[0] for kind in ("shares", "balanced"))
    assert plain.argmax() == 2
    assert balanced.argmax() == 0
    assert plain[1] == balanced[1] == 0  # the class has no votes
    np.testing.assert_allclose([plain.sum(), balanced.sum()], 1)


def test_one_pair_ranks_nothing() -> None:
    fitted = Linear(["good", "bad"])
    assert (fitted.model("ranking", np.zeros((2, 1)))(fitted.read(["good", "bad", "new"])) == 0).all()


def test_korean_is_read_in_characters() -> None:
    def written(particles: str) -> list[str]:
        return [f"오늘 {word}{particle} 왔다" for particle in particles for word in ("선물", "벌금")]

    texts, held = written("이은을과"), written("도만")  # no word that matters is in both
    fitted = Linear(texts)
    assert fitted.vectoriser.analyzer == "char_wb"
    gifts, fines = fitted.model("value", np.array([[1.0], [0.0]] * 4))(fitted.read(held)).reshape(2, 2).T
    assert gifts.min() > fines.max()


@pytest.mark.parametrize(("text", "pieces"), [("나는 ok 말했다", "char_wb"), ("I told my sister, 언니, that", "word")])
def test_most_of_the_letters_decide(text: str, pieces: str) -> None:
    assert Linear([text, text]).vectoriser.analyzer == pieces


def test_posts_need_commoner_words() -> None:
    sentences, posts = ([f"{'word ' * count}rare", *["word " * (count + 1)] * 5] * 2 for count in (98, 99))
    assert "rare" in Linear(sentences).vectoriser.vocabulary_
    assert set(Linear(posts).vectoriser.vocabulary_) == {"word", "word word"}
    assert (Linear(sentences).posts, Linear(posts).posts) == (False, True)


def test_without_a_word_in_common_there_is_only_the_constant() -> None:
    fitted = Linear(["one", "two", "three"])
    labels = np.array([[0.0], [0.5], [1.0]])
    np.testing.assert_allclose(fitted.model("value", labels)(fitted.read(["one", "four"])), 0.5)
    shares = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_allclose(fitted.model("shares", shares)(fitted.read(["one"])), [[1 / 3, 2 / 3]], rtol=1e-4)
