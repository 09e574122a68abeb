"""From the model's outputs for one text to a reading of plain Python values, ready for `json.dumps`.

Notable: a claim that nothing supervised (no record in ``config.supervision``) is withheld unless asked for, and then
marked; what a failed module made is left out and flagged; a value that is not finite never reaches a reading.
"""

import math
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ..configuration.labels import (
    AFFECT,
    BENTHAM,
    EMOTIONS,
    MODULES,
    NUANCE_LEVELS,
    PERSPECTIVES,
    RATED,
    REGRET_TYPES,
    SIGNED_BENTHAM,
    SURD,
    VERDICTS,
    VIEWS,
    record_keys,
)
from .bentham import felicific_value
from .derived import RULES, is_derived
from .emotion import segment_index

_RATIONALE_WORDS = 10

# First word of a record key -> the tensor that makes the claim; the tensor's first word is the output.
_CLAIM_TENSORS = {
    "emotion": "emotion.logits",
    "intensity": "emotion.intensity",
    "nuance": "emotion.nuance_logits",
    "affect": "emotion.affect",
    "arc": "emotion.arc_logits",
    "bentham": "bentham.mean",
    "regret": "regret.scores",
    "utility": "counterfactual.utility",
    "plausibility": "counterfactual.plausibility_logits",
    "surd": "surd.parts",
    "verdict": "verdict.logits",
    "acceptability": "verdict.acceptability_logits",
    "perspectives": "perspectives.verdict_logits",
    "confidence": "expected_loss",
    "embedding": "embedding",
}

# The modules that make an output; when one of them failed, the output is left out.
_OUTPUT_MODULES = {
    "emotion": {"emotion_head", "emotion_analyzer"},
    "bentham": {"bentham_head", "bentham_calculator"},
    "regret": {"regret_head", "regret_analyzer"},
    "counterfactual": {"counterfactual_reasoner"},
    "surd": {"surd_analyzer"},
    "perspectives": {"perspectives"},
}

# The dimensions that `felicific_value` reads.
_FELICIFIC = tuple(name for name in BENTHAM if name != "intentionality")

# Range of each part of a reading; None is an open end. Paths leave out the names of views, rated parts and words.
RANGES: dict[str, tuple[int | None, int | None]] = {
    "emotion.labels": (0, 1),
    "emotion.intensity": (0, 1),
    "emotion.affect.valence": (-1, 1),
    "emotion.affect.arousal": (0, 1),
    "emotion.affect.dominance": (0, 1),
    "emotion.nuance": (0, 1),
    "emotion.arc.labels": (0, 1),
    **{f"bentham.dimensions.{name}.value": (-1 if name in SIGNED_BENTHAM else 0, 1) for name in BENTHAM},
    "bentham.felicific_value": (-1, 1),
    "regret": (-1, 1),
    "counterfactual.utility": (-1, 1),
    "counterfactual.plausibility": (0, 1),
    **{f"surd.{name}": (0, 1 if name == "determined" else None) for name in SURD},
    "perspectives": (0, 1),
    "verdict.probabilities": (0, 1),
    "verdict.acceptability": (0, 1),
    "confidence.expected_loss": (0, None),
    "confidence.confidence": (0, 1),
    "embedding": (-1, 1),
    "rationale.importance": (0, 1),
}

_RECORD_KEYS = record_keys()


def _members() -> dict[str, set[str]]:
    """Every part of a record key ("nuance", "nuance.anger", ...) and the record keys in it."""
    members: dict[str, set[str]] = {}
    for key in _RECORD_KEYS:
        names = key.split(".")
        for depth in range(1, len(names) + 1):
            members.setdefault(".".join(names[:depth]), set()).add(key)
    return members


_MEMBERS = _members()


class Reading:
    """Builds the reading of one text.

    outputs: the model's outputs by dotted name, each with a batch of one, and what describes the text: ``text``,
    ``attention_mask``, ``special_tokens_mask`` (1, tokens), ``offset_mapping`` (1, tokens, 2), ``truncated`` and
    ``unknown_tokens`` (1,).
    """

    def __init__(self, outputs: dict[str, Any], config: Any, include_untrained: bool) -> None:
        self.config, self.text = config, str(outputs["text"])
        self.tensors: dict[str, Tensor] = {name: value[0] for name, value in outputs.items() if name != "text"}
        recovered = self.tensors.get("recovered", torch.zeros(len(MODULES)))
        self.recovered = [MODULES[index] for index in recovered.nonzero().flatten().tolist()]
        self.failed = {output for output, modules in _OUTPUT_MODULES.items() if modules & set(self.recovered)}
        self.tensors = {name: value for name, value in self.tensors.items() if name.split(".")[0] not in self.failed}
        computed = [key for key in _RECORD_KEYS if self._is_computed(key)]
        supervised = {key for key in computed if config.supervision.get(key)}
        self.derived = [key for key in computed if is_derived(config.supervision.get(key)) and self._follows(key)]
        supervised -= {key for key in computed if is_derived(config.supervision.get(key))} - set(self.derived)
        self.claimed = set(computed) if include_untrained else supervised
        # The 28 emotions are told together; those without a record are marked.
        kept = self.claimed | (_MEMBERS["emotion"] if self._claims("emotion") else set())
        self.withheld = [key for key in computed if key not in kept]
        self.untrained = [key for key in computed if key in kept and key not in supervised]
        offsets = self.tensors["offset_mapping"]
        words = self.tensors["attention_mask"].bool() & ~self.tensors["special_tokens_mask"].bool()
        self.in_text = words & (offsets[:, 1] > offsets[:, 0])  # (tokens,), which stand for characters

    def build(self) -> dict[str, Any]:
        """The reading; see `EthicalAnalysisPipeline.postprocess`."""
        parts = {
            "emotion": self._emotion(),
            "bentham": self._bentham(),
            "regret": self._regret(),
            "counterfactual": self._counterfactual(),
            "surd": dict(zip(SURD, self._list("surd.parts"), strict=True)) if self._claims("surd") else {},
            "perspectives": self._perspectives(),
            "verdict": self._verdict(),
            "confidence": self._confidence(),
            "embedding": self._list("embedding") if self._claims("embedding") else [],
        }
        reading: dict[str, Any] = {"text": self.text, **{name: part for name, part in parts.items() if part}}
        withheld = _compact(self.withheld)
        if len(reading) > 1:
            reading["rationale"] = self._rationale()
        else:
            withheld.append("rationale")  # there is nothing left that it could explain
        reading["ranges"] = {path: list(ends) for path, ends in RANGES.items() if _leads(reading, path.split("."))}
        reading["flags"] = {
            "truncated": bool(self.tensors["truncated"]),
            "tokens": int(self.tensors["attention_mask"].sum()),
            "unknown_tokens": float(self.tensors["unknown_tokens"]),
            "no_letters": not any(char.isalpha() for char in self.text),
            "recovered": self.recovered,
            "withheld": withheld,
            "derived": self.derived,
            "untrained": _compact(self.untrained),
        }
        return reading

    def _is_computed(self, key: str) -> bool:
        part, *rest = key.split(".")
        if part == "confidence" and _CLAIM_TENSORS[rest[0]].split(".")[0] in self.failed:
            return False  # of a reading that is not there
        return _CLAIM_TENSORS[part] in self.tensors

    def _claims(self, part: str) -> bool:
        """Whether anything of ``part`` (the first word of a record key) may be told."""
        return not self.claimed.isdisjoint(_MEMBERS[part])

    def _values(self, name: str) -> Tensor:
        """The tensor ``name`` in float64. Raises `ValueError` when it is not finite."""
        values = self.tensors[name]
        if not bool(values.isfinite().all()):
            text = self.text if len(self.text) <= 40 else f"{self.text[:40]}…"
            raise ValueError(
                f"The model's {name!r} is not finite (NaN or infinite) for the text {text!r}: its weights are damaged, "
                f"or too large for {values.dtype}; load the checkpoint anew, or with dtype=torch.float32."
            )
        return values.double()

    def _list(self, name: str) -> list[Any]:
        return self._values(name).tolist()

    def _named(self, part: str, tensor: str, names: Sequence[str], logits: bool = False) -> dict[str, Any]:
        """The claimed values of a part with one value per name."""
        if not self._claims(part):
            return {}
        values = self._values(tensor)
        pairs = zip(names, (values.sigmoid() if logits else values).tolist(), strict=True)
        return {name: value for name, value in pairs if f"{part}.{name}" in self.claimed}

    def _nested(
        self, part: str, tensor: str, outer: Sequence[str], inner: Sequence[str], logits: bool = False
    ) -> dict[str, Any]:
        """The claimed values of a part with one value per pair of names."""
        if not self._claims(part):
            return {}
        values = self._values(tensor)
        rows = zip(outer, (values.sigmoid() if logits else values).tolist(), strict=True)
        table = {
            name: {key: value for key, value in zip(inner, row, strict=True) if f"{part}.{name}.{key}" in self.claimed}
            for name, row in rows
        }
        return {name: row for name, row in table.items() if row}

    def _emotion(self) -> dict[str, Any]:
        part: dict[str, Any] = {}
        if self._claims("emotion"):
            labels = dict(zip(EMOTIONS, self._values("emotion.logits").sigmoid().tolist(), strict=True))
            limits = self.config.thresholds
            asserted = [n for n in EMOTIONS if f"emotion.{n}" in self.claimed and labels[n] >= limits.get(n, 0.5)]
            part |= {"labels": labels, "asserted": sorted(asserted, key=lambda name: -labels[name])}
        further = {
            "intensity": self._named("intensity", "emotion.intensity", EMOTIONS),
            "affect": self._named("affect", "emotion.affect", AFFECT),
            "nuance": self._nested("nuance", "emotion.nuance_logits", EMOTIONS, NUANCE_LEVELS, logits=True),
            "arc": self._arc() if self._claims("arc") else [],
        }
        return part | {name: values for name, values in further.items() if values}

    def _arc(self) -> list[dict[str, Any]]:
        """The segments that have text. Neighbours share a character where it is cut into two tokens."""
        probabilities, filled = self._values("emotion.arc_logits").sigmoid(), self.tensors["emotion.arc_mask"]
        segments = segment_index(self.tensors["attention_mask"].bool()[None], len(probabilities))[0]
        arc = []
        for index, labels in enumerate(probabilities.tolist()):
            offsets = self.tensors["offset_mapping"][(segments == index) & self.in_text]
            if not filled[index] or not len(offsets):
                continue
            start, end = int(offsets[:, 0].min()), int(offsets[:, 1].max())
            start += len(self.text[start:end]) - len(self.text[start:end].lstrip())
            if text := self.text[start:end].rstrip():
                named = dict(zip(EMOTIONS, labels, strict=True))
                arc.append({"start": start, "end": start + len(text), "text": text, "labels": named})
        return arc

    def _bentham(self) -> dict[str, Any]:
        part: dict[str, Any] = {}
        if values := self._named("bentham", "bentham.mean", BENTHAM):
            part["dimensions"] = {name: {"value": value} for name, value in values.items()}
            if "bentham.log_variance" in self.tensors:
                std = (self._values("bentham.log_variance") / 2).exp().tolist()
                for name, deviation in zip(BENTHAM, std, strict=True):
                    part["dimensions"].get(name, {})["std"] = deviation
        if all(f"bentham.{name}" in self.claimed for name in _FELICIFIC):
            part["felicific_value"] = float(felicific_value(self._values("bentham.mean")))
        return part

    def _follows(self, key: str) -> bool:
        """Whether what the derived claim ``key`` follows from was computed."""
        return key in RULES and all(self._is_computed(need) for need in RULES[key].needs)

    def _regret(self) -> dict[str, Any]:
        part = self._nested("regret", "regret.scores", REGRET_TYPES, VIEWS)
        for key in self.derived:
            _, name, view = key.split(".")
            part[name][view] = RULES[key].value(self.tensors)
        return part

    def _counterfactual(self) -> dict[str, Any]:
        part: dict[str, dict[str, float]] = {view: {} for view in VIEWS}
        for view, value in self._named("utility", "counterfactual.utility", VIEWS).items():
            part[view]["utility"] = value
        for view, value in self._named("plausibility", "counterfactual.plausibility_logits", VIEWS, True).items():
            part[view]["plausibility"] = value
        return {view: values for view, values in part.items() if values}

    def _perspectives(self) -> dict[str, Any]:
        if not self._claims("perspectives"):
            return {}
        rows = self._values("perspectives.verdict_logits").softmax(dim=-1).tolist()
        return {
            name: dict(zip(VERDICTS, row, strict=True))
            for name, row in zip(PERSPECTIVES, rows, strict=True)
            if f"perspectives.{name}" in self.claimed
        }

    def _verdict(self) -> dict[str, Any]:
        part: dict[str, Any] = {}
        if self._claims("verdict"):
            logits = self._values("verdict.logits") / self.config.verdict_temperature
            probabilities = logits.softmax(dim=-1)
            likely = int(probabilities.argmax())
            part["abstained"] = bool(probabilities[likely] < self.config.verdict_threshold)
            part["label"] = None if part["abstained"] else VERDICTS[likely]
            part["probabilities"] = dict(zip(VERDICTS, probabilities.tolist(), strict=True))
        if self._claims("acceptability"):
            part["acceptability"] = float(self._values("verdict.acceptability_logits").sigmoid())
        return part

    def _confidence(self) -> dict[str, Any]:
        losses = self._named("confidence", "expected_loss", RATED)
        return {name: {"expected_loss": loss, "confidence": math.exp(-loss)} for name, loss in losses.items()}

    def _rationale(self) -> list[dict[str, Any]]:
        offsets = self.tensors["offset_mapping"][self.in_text].tolist()
        importance = self._values("importance")[self.in_text].tolist()
        words, first = [], 0
        for start, end in find_words(self.text, max((stop for _, stop in offsets), default=0)):
            while first < len(offsets) and offsets[first][1] <= start:
                first += 1
            last = first
            while last < len(offsets) and offsets[last][0] < end:
                last += 1
            if last > first:
                most = max(importance[first:last])
                words.append({"word": self.text[start:end], "start": start, "end": end, "importance": most})
        return sorted(words, key=lambda word: -word["importance"])[:_RATIONALE_WORDS]


def _compact(keys: Collection[str]) -> list[str]:
    """``keys`` with each part that is there as a whole under its own name: 21 keys of regret are ``"regret"``."""
    given = set(keys)
    compact: dict[str, None] = {}
    for key in keys:
        names = key.split(".")
        parts = [".".join(names[:depth]) for depth in range(1, len(names) + 1)]
        compact[next(part for part in parts if _MEMBERS[part] <= given)] = None
    return list(compact)


def _leads(node: Any, path: Sequence[str]) -> bool:
    """Whether ``path`` leads to something in a reading; it may leave out one level of names, or the index in a list."""
    if not path:
        return True
    if isinstance(node, list):
        return bool(node) and _leads(node[0], path)
    if path[0] in node:
        return _leads(node[path[0]], path[1:])
    return any(path[0] in value for value in node.values() if isinstance(value, dict))


def find_words(text: str, end: int) -> Iterator[tuple[int, int]]:
    """Start and end of each word of ``text[:end]``: letters and digits of any script, or a run of pictographs."""
    start, kind = 0, ""
    for index in range(end + 1):
        char = text[index] if index < end else " "
        category = unicodedata.category(char)
        found = "word" if category[0] in "LN" else "picture" if category in ("So", "Sk") and char > "\x7f" else ""
        if category[0] == "M" or char == "\u200d":  # combining marks and joiners belong to what they follow
            found = kind
        elif char in "'\u2019-" and kind == "word" and text[index + 1 : min(index + 2, end)].isalnum():
            found = "word"  # inside of a word, as in can't
        if found != kind:
            if kind:
                yield start, index
            start, kind = index, found


__all__ = ["RANGES", "Reading", "find_words"]
