"""TF-IDF with a linear model: how well single words, or pieces of words, predict a target.

Notable:

* The settings are fixed and not tuned to a set: words, one or two at a time; long texts (posts) with a stronger penalty
  and commoner words. Where the texts are mostly Hangul, one to three characters of a word at a time: Korean writes
  particles and endings onto its words, so that a word by itself is rare.
* Shares are learned as they are: a text counts once for each class, with its share of it.
* What has nothing to learn from comes out as the constant: one class only, or no word that enough texts have.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...configuration.extras import missing
from ...data.loading import Array
from ...rewording.wording import share_of_script

try:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
except ImportError as error:
    raise missing("The floor needs scikit-learn", "train") from error

WORDS: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True}
CHARACTERS: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (1, 3), "min_df": 2, "sublinear_tf": True}
POST_WORDS = 100  # words on average from which on texts are posts, not sentences
MIN_POSTS = 5  # posts that must have a word
SENTENCE_C = 4.0  # inverse penalty
POST_C = 1.0  # inverse penalty
RIDGE_ALPHA = 2.0

Model: TypeAlias = Callable[[csr_matrix], Array]  # features of texts -> (texts, width)


class Linear:
    """The features of some training texts, and the linear models on them.

    A model is fitted once, however many targets have the same labels on these texts.

    Args:
        texts: The training texts.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.posts = float(np.mean([len(text.split()) for text in texts])) >= POST_WORDS
        pieces = CHARACTERS if _mostly_hangul(texts) else WORDS
        self.vectoriser = TfidfVectorizer(**pieces | ({"min_df": MIN_POSTS} if self.posts else {}))
        self._models: dict[tuple[str, bytes], Model] = {}
        try:
            self.features = self.vectoriser.fit_transform(texts)
        except ValueError:  # no word is in so many texts: one feature, which is always 0
            self.vectoriser, self.features = None, csr_matrix((len(texts), 1))

    def read(self, texts: Sequence[str]) -> csr_matrix:
        """Return the features of other texts, ``(texts, features)``."""
        return csr_matrix((len(texts), 1)) if self.vectoriser is None else self.vectoriser.transform(texts)

    def model(self, kind: str, labels: Array) -> Model:
        """Return the model of this kind.

        Args:
            kind: Of `KINDS`.
            labels: Shape ``(texts, width)``, without gaps; as `_ranking` says for that kind.

        Returns:
            A function from features of texts to predictions ``(texts, width)``.
        """
        key = kind, labels.tobytes()
        if key not in self._models:
            self._models[key] = KINDS[kind](self.features, labels, POST_C if self.posts else SENTENCE_C)
        return self._models[key]


def _mostly_hangul(texts: Sequence[str]) -> bool:
    """Whether most letters are Hangul, in the beginnings of at most 2,000 of the texts, evenly spread."""
    sample = [text[:200] for text in texts[:: 1 + len(texts) // 2000]]
    return share_of_script(" ".join(sample), "HANGUL") > 0.5


def _classes(features: csr_matrix, shares: Array, penalty: float, **options: Any) -> Model:
    """Logistic regression on the shares of classes, ``(texts, classes)``."""
    row, label = np.nonzero(shares)
    if len(np.unique(label)) < 2:
        return _constant(shares.mean(axis=0))
    model = LogisticRegression(C=penalty, **options)
    model.fit(features[row], label, sample_weight=shares[row, label])
    return _over_all_classes(model, shares.shape[1])


def _shares(features: csr_matrix, labels: Array, penalty: float) -> Model:
    """A distribution: ``(texts, classes)``."""
    return _classes(features, labels, penalty, max_iter=200)


def _probability(features: csr_matrix, labels: Array, penalty: float) -> Model:
    """The probability that a label is present: ``(texts, 1)``."""
    both = _classes(features, np.hstack((1 - labels, labels)), penalty, solver="liblinear", random_state=0)
    return lambda inputs: both(inputs)[:, 1:]


def _balanced(features: csr_matrix, labels: Array, penalty: float) -> Model:
    """As `_shares`, on the majority's class alone, every class weighing the same."""
    majority = labels.argmax(axis=1)
    if len(np.unique(majority)) < 2:
        return _constant(np.eye(labels.shape[1])[majority[0]])
    model = LogisticRegression(C=penalty, max_iter=200, class_weight="balanced").fit(features, majority)
    return _over_all_classes(model, labels.shape[1])


def _value(features: csr_matrix, labels: Array, penalty: float) -> Model:
    """A number: ``(texts, 1)``."""
    model = Ridge(alpha=RIDGE_ALPHA).fit(features, labels[:, 0])
    return lambda inputs: model.predict(inputs)[:, None]


def _ranking(features: csr_matrix, labels: Array, penalty: float) -> Model:
    """A score that is higher for the better text of a pair.

    The first half of the texts are the better ones of the pairs, the second half the worse ones in the same order; the
    labels add nothing.

    Returns:
        A model of scores ``(texts, 1)``.
    """
    pairs = features.shape[0] // 2
    if pairs < 2:
        return _constant(np.zeros(1))
    # A classifier needs both classes: the sign of every other difference is changed.
    sign = np.where(np.arange(pairs) % 2 == 0, 1.0, -1.0)
    differences = (features[:pairs] - features[pairs:]).multiply(sign[:, None]).tocsr()
    model = LogisticRegression(C=penalty, fit_intercept=False, max_iter=1000).fit(differences, sign)
    return lambda inputs: (inputs @ model.coef_[0])[:, None]


def _constant(values: Array) -> Model:
    return lambda inputs: np.tile(values.astype(np.float64), (inputs.shape[0], 1))


def _over_all_classes(model: LogisticRegression, width: int) -> Model:
    """The probabilities over all classes; 0 for those that are not in the training texts.

    Returns:
        A model of distributions ``(texts, width)``.
    """

    def predict(inputs: csr_matrix) -> Array:
        probabilities = np.zeros((inputs.shape[0], width))
        probabilities[:, model.classes_] = model.predict_proba(inputs)
        return probabilities

    return predict


KINDS: dict[str, Callable[[csr_matrix, Array, float], Model]] = {
    "probability": _probability,
    "value": _value,
    "shares": _shares,
    "balanced": _balanced,
    "ranking": _ranking,
}

__all__ = ["CHARACTERS", "KINDS", "MIN_POSTS", "POST_C", "POST_WORDS", "RIDGE_ALPHA", "SENTENCE_C", "WORDS", "Linear"]
