"""From the model's outputs for one text to a reading of plain Python values, ready for `json.dumps`.

Notable: a claim that nothing supervised (no record in ``config.supervision``), or that was measured to be no better
than a constant (``config.withheld``), is withheld unless requested, and then marked; the output of a failed module is
left out and flagged; a value that is not finite never gets into a reading.
"""

import math
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..configuration.claims import CLAIMS, OUTPUTS, output_of, record_keys
from ..configuration.labels import BENTHAM, EMOTIONS, SURD, VERDICTS, VIEWS
from ..configuration.raters import rated_by
from .asserted import asserted_emotions
from .bentham import felicific_value
from .derived import RULES, is_derived
from .flags import text_flags
from .kinds import in_range
from .sentences import sentences

_RATIONALE_WORDS = 10
_NEUTRAL = EMOTIONS.index("neutral")

# The modules that make an output; when one of them failed, the output is left out. The outputs of the bridge, which
# reads all of them, are then based on rebuilt states.
_OUTPUT_MODULES: dict[str, set[str]] = {
    name: {module for claim in CLAIMS.values() if claim.output == name for module in claim.modules}
    for name in OUTPUTS
    if not any(claim.bridged for claim in CLAIMS.values() if claim.output == name)
}

# The dimensions that `felicific_value` reads.
_FELICIFIC = tuple(name for name in BENTHAM if name != "intentionality")

# Range of each part of a reading; None is an open end. Paths leave out the names of views, rated parts and words.
RANGES: dict[str, tuple[int | None, int | None]] = {
    **{path: ends for claim in CLAIMS.values() for path, ends in claim.ranges().items()},
    "bentham.felicific_value": (-1, 1),
    "confidence.confidence": (0, 1),
    "rationale.importance": (0, 1),
}

_RECORD_KEYS = record_keys()


def _members() -> dict[str, set[str]]:
    """Map every part of a record key ("nuance", "nuance.anger", ...) to the record keys in it."""
    members: dict[str, set[str]] = {}
    for key in _RECORD_KEYS:
        names = key.split(".")
        for depth in range(1, len(names) + 1):
            members.setdefault(".".join(names[:depth]), set()).add(key)
    return members


_MEMBERS = _members()


class Reading:
    """Builds the reading of one text.

    Args:
        outputs: The model's outputs by dotted name, each with a batch of one, and what describes the text: ``text``,
            ``attention_mask``, ``special_tokens_mask``, ``segments`` ``(1, tokens)``, ``offset_mapping``
            ``(1, tokens, 2)``, ``truncated``, ``unknown_tokens`` and ``windows`` ``(1,)``; see `windows.merge`.
        config: Config of the model.
        include_untrained: Also include claims that nothing supervised.
        selected: Names in `labels.OUTPUTS` to include; None for all that were computed.
    """

    def __init__(
        self,
        outputs: dict[str, Any],
        config: Any,
        include_untrained: bool = False,
        selected: Collection[str] | None = None,
    ) -> None:
        self.config, self.text, self.text_flags = config, str(outputs["text"]), text_flags(outputs)
        self.tensors: dict[str, Tensor] = {
            name: value[0] for name, value in outputs.items() if isinstance(value, Tensor)
        }
        recovered = self.tensors.get("recovered", torch.zeros(len(config.modules)))
        self.recovered = [config.modules[index] for index in recovered.nonzero().flatten().tolist()]
        self.failed = {output for output, modules in _OUTPUT_MODULES.items() if modules & set(self.recovered)}
        self.tensors = {name: value for name, value in self.tensors.items() if name.split(".")[0] not in self.failed}
        included = set(OUTPUTS if selected is None else selected)
        computed = [key for key in _RECORD_KEYS if self._is_computed(key) and output_of(key) in included]
        supervised = {key for key in computed if config.supervision.get(key) and key not in config.withheld}
        self.derived = [key for key in computed if is_derived(config.supervision.get(key)) and self._is_derivable(key)]
        supervised -= {key for key in computed if is_derived(config.supervision.get(key))} - set(self.derived)
        self.claimed = set(computed) if include_untrained else supervised
        # The 28 emotions are shown together; those without a record are marked.
        kept = self.claimed | (_MEMBERS["emotion"] if self._claims("emotion") else set())
        self.withheld = [key for key in computed if key not in kept]
        self.untrained = [key for key in computed if key in kept and key not in supervised]
        offsets = self.tensors["offset_mapping"]
        words = self.tensors["attention_mask"].bool() & ~self.tensors["special_tokens_mask"].bool()
        self.in_text = words & (offsets[:, 1] > offsets[:, 0])  # (tokens,), True for tokens that cover characters

    def build(self) -> dict[str, Any]:
        """Build the reading; see `EthicalAnalysisPipeline.postprocess`."""
        builders: dict[str, Callable[[], Any]] = {
            "emotion": self._emotion,
            "bentham": self._bentham,
            "regret": self._regret,
            "counterfactual": self._counterfactual,
            "surd": self._surd,
            "verdict": self._verdict,
            "confidence": self._confidence,
        }
        parts = {name: builders[name]() if name in builders else self._plain(name) for name in OUTPUTS}
        reading: dict[str, Any] = {"text": self.text, **{name: part for name, part in parts.items() if part}}
        withheld = _compact(self.withheld)
        if len(reading) > 1:
            reading["rationale"] = self._rationale()
        else:
            withheld.append("rationale")  # there is nothing left to explain
        reading["rated_by"] = self._rated_by(reading)
        reading["ranges"] = {path: list(ends) for path, ends in RANGES.items() if _has_path(reading, path.split("."))}
        reading["flags"] = {
            **self.text_flags,
            "recovered": self.recovered,
            "withheld": withheld,
            "derived": self.derived,
            "untrained": _compact(self.untrained),
        }
        return reading

    def _is_computed(self, key: str) -> bool:
        part, *rest = key.split(".")
        if part == "confidence" and output_of(rest[0]) not in self.config.outputs_at("full"):
            return False  # the model lacks what it is about
        if part == "confidence" and CLAIMS[rest[0]].output in self.failed:
            return False  # it is about an output that is left out
        return CLAIMS[part].tensor in self.tensors

    def _claims(self, part: str) -> bool:
        """Return whether any claim of ``part`` (the first word of a record key) may be shown."""
        return not self.claimed.isdisjoint(_MEMBERS[part])

    def _values(self, name: str) -> Tensor:
        """Return the tensor ``name`` in float64; raise `ValueError` when it is not finite."""
        values = self.tensors[name]
        if not bool(values.isfinite().all()):
            text = self.text if len(self.text) <= 40 else f"{self.text[:40]}…"
            raise ValueError(
                f"The model's {name!r} is not finite (NaN or infinite) for the text {text!r}: its weights are damaged, "
                f"or too large for {values.dtype}; load the checkpoint again, or with dtype=torch.float32."
            )
        return values.double()

    def _list(self, name: str) -> list[Any]:
        return self._values(name).tolist()

    def _shown_values(self, name: str) -> Any:
        """Return the values of a claim that may be shown, by the names along its axes; empty or None where none may."""
        claim = CLAIMS[name]
        if not self._claims(name):
            return {} if claim.axes else None
        values = in_range(claim.kind, self._values(claim.tensor)).tolist()
        return self._by_names(name, values, claim.axes, len(claim.key_axes))

    def _by_names(self, key: str, values: Any, axes: Sequence[Sequence[str]], keyed: int) -> Any:
        """Return the values that may be shown, by name; ``keyed`` of the axes are part of the record keys."""
        if keyed == 0:
            return _named(values, axes) if key in self.claimed else None
        found = {
            name: self._by_names(f"{key}.{name}", value, axes[1:], keyed - 1)
            for name, value in zip(axes[0], values, strict=True)
        }
        return {name: value for name, value in found.items() if value is not None and value != {}}

    def _plain(self, output: str) -> Any:
        """Return an output whose claims are shown as they are; where it makes only one claim, that claim's values."""
        names = [claim.name for claim in CLAIMS.values() if claim.output == output]
        if len(names) == 1:
            return self._shown_values(names[0])
        found = {name: self._shown_values(name) for name in names}
        return {name: value for name, value in found.items() if value is not None and value != {}}

    def _emotion(self) -> dict[str, Any]:
        part: dict[str, Any] = {}
        felt: Sequence[str] = EMOTIONS  # the feelings whose strength is shown
        if self._claims("emotion"):
            values = self._values("emotion.logits").sigmoid()
            labels = dict(zip(EMOTIONS, values.tolist(), strict=True))
            # An emotion that nothing supervised is never asserted, so it does not prevent "neutral".
            known = torch.tensor([f"emotion.{name}" in self.claimed for name in EMOTIONS])
            rule = asserted_emotions(values.where(known, -1.0)[None].numpy(), self.config.thresholds)[0] & known.numpy()
            felt = [name for name, is_there in zip(EMOTIONS, rule, strict=True) if is_there]
            part |= {"labels": labels, "asserted": sorted(felt, key=lambda name: -labels[name])}
            felt = [name for name in felt if name != EMOTIONS[_NEUTRAL]]  # neutral is not a feeling and has no strength
        strength, levels = self._shown_values("intensity"), self._shown_values("nuance")
        further: dict[str, Any] = {
            "intensity": {name: value for name, value in strength.items() if name in felt},
            "affect": self._shown_values("affect"),
            "nuance": {name: value for name, value in levels.items() if name in felt},
            "arc": self._arc() if self._claims("arc") else [],
        }
        return part | {name: values for name, values in further.items() if values}

    def _arc(self) -> list[dict[str, Any]]:
        """Return the emotions of each sentence: the mean of its segments of the arc, weighted by its tokens in each."""
        probabilities, filled = self._values("emotion.arc_logits").sigmoid(), self.tensors["emotion.arc_mask"].bool()
        offsets, segments = self.tensors["offset_mapping"], self.tensors["segments"]
        usable = self.in_text & (segments >= 0)
        usable = usable & filled[segments.clamp(min=0)]
        arc = []
        for start, end in sentences(self.text):
            inside = usable & (offsets[:, 0] < end) & (offsets[:, 1] > start)
            if not bool(inside.any()):
                continue  # none of it was read
            labels = probabilities[segments[inside]].mean(dim=0)
            named = dict(zip(EMOTIONS, labels.tolist(), strict=True))
            arc.append({"start": start, "end": end, "text": self.text[start:end], "labels": named})
        return arc

    def _bentham(self) -> dict[str, Any]:
        part: dict[str, Any] = {}
        if values := self._shown_values("bentham"):
            part["dimensions"] = {name: {"value": value} for name, value in values.items()}
            if "bentham.log_variance" in self.tensors:
                std = (self._values("bentham.log_variance") / 2).exp().tolist()
                for name, deviation in zip(BENTHAM, std, strict=True):
                    part["dimensions"].get(name, {})["std"] = deviation
        if all(f"bentham.{name}" in self.claimed for name in _FELICIFIC):
            part["felicific_value"] = float(felicific_value(self._values("bentham.mean")))
        return part

    def _is_derivable(self, key: str) -> bool:
        """Return whether everything that the derived claim ``key`` follows from was computed."""
        return key in RULES and all(self._is_computed(need) for need in RULES[key].needs)

    def _regret(self) -> dict[str, Any]:
        part = self._shown_values("regret")
        for key in self.derived:
            _, name, view = key.split(".")
            part[name][view] = RULES[key].value(self.tensors)
        return part

    def _counterfactual(self) -> dict[str, Any]:
        part: dict[str, dict[str, float]] = {view: {} for view in VIEWS}
        for name in ("utility", "plausibility"):
            for view, value in self._shown_values(name).items():
                part[view][name] = value
        return {view: values for view, values in part.items() if values}

    def _surd(self) -> dict[str, Any]:
        """Return the decomposition, where it has more information than that of unrelated states."""
        if not self._claims("surd"):
            return {}
        parts: dict[str, Any] = dict(zip(SURD, self._list("surd.parts"), strict=True))
        bits = sum(value for name, value in parts.items() if name != SURD[-1])
        return parts if bits > self.config.information_null else {"not_determined": True}

    def _rated_by(self, reading: Mapping[str, Any]) -> dict[str, str]:
        """Return who rated the data that each output was learned from, in one word."""
        sources: dict[str, list[str]] = {}
        for key in self.claimed:
            sources.setdefault(output_of(key), []).extend(self.config.supervision.get(key, []))
        return {name: rated_by(sources[name]) for name in OUTPUTS if name in reading and sources.get(name)}

    def _verdict(self) -> dict[str, Any]:
        part: dict[str, Any] = {}
        if self._claims("verdict"):
            logits = self._values("verdict.logits") / self.config.verdict_temperature
            probabilities = logits.softmax(dim=-1)
            likely = int(probabilities.argmax())
            part["abstained"] = bool(probabilities[likely] < self.config.verdict_threshold)
            part["label"] = None if part["abstained"] else VERDICTS[likely]
            part["probabilities"] = dict(zip(VERDICTS, probabilities.tolist(), strict=True))
        if (acceptability := self._shown_values("acceptability")) is not None:
            part["acceptability"] = acceptability
        return part

    def _confidence(self) -> dict[str, Any]:
        losses = self._shown_values("confidence")
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


def _named(values: Any, axes: Sequence[Sequence[str]]) -> Any:
    """Turn nested lists into nested dicts, by the names along each axis."""
    if not axes:
        return values
    return {name: _named(value, axes[1:]) for name, value in zip(axes[0], values, strict=True)}


def _compact(keys: Collection[str]) -> list[str]:
    """Replace the keys of each complete part by the name of the part: 21 keys of regret become ``"regret"``."""
    given = set(keys)
    compact: dict[str, None] = {}
    for key in keys:
        names = key.split(".")
        parts = [".".join(names[:depth]) for depth in range(1, len(names) + 1)]
        compact[next(part for part in parts if _MEMBERS[part] <= given)] = None
    return list(compact)


def _has_path(node: Any, path: Sequence[str]) -> bool:
    """Return whether ``path`` is in a reading; it may leave out one level of names, or the index in a list."""
    if not path:
        return True
    if isinstance(node, list):
        return bool(node) and _has_path(node[0], path)
    if path[0] in node:
        return _has_path(node[path[0]], path[1:])
    return any(path[0] in value for value in node.values() if isinstance(value, dict))


def find_words(text: str, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each word of ``text[:end]``: letters and digits of any script, or a run of pictographs."""
    start, kind = 0, ""
    for index in range(end + 1):
        char = text[index] if index < end else " "
        category = unicodedata.category(char)
        found = "word" if category[0] in "LN" else "picture" if category in ("So", "Sk") and char > "\x7f" else ""
        if category[0] == "M" or char == "\u200d":  # combining marks and joiners belong to what they follow
            found = kind
        elif char in "'\u2019-" and kind == "word" and text[index + 1 : min(index + 2, end)].isalnum():
            found = "word"  # inside a word, as in can't
        if found != kind:
            if kind:
                yield start, index
            start, kind = index, found


__all__ = ["RANGES", "Reading", "find_words"]
