"""Types of requests and readings, from which OpenAPI is made.

Notable: the names in a reading come from the label schema, and its ranges from `reading.RANGES`. The shape of a part
that has more than its claims is defined here; a reading with an unknown part is an error. What a model withholds is
absent from a reading, so most keys are optional. Only the label of a verdict can be null, when the model abstained.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Required, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from typing_extensions import TypedDict

from ..configuration.claims import CLAIMS, Claim
from ..configuration.inputs import (
    DEPTHS,
    check_alpha,
    check_depth,
    check_guaranteed,
    check_include_untrained,
    check_output,
    check_output_list,
    check_outputs,
    check_text,
    check_token_budget,
)
from ..configuration.labels import (
    AFFECT,
    BENTHAM,
    EMOTIONS,
    NUANCE_LEVELS,
    OUTPUTS,
    PERSPECTIVES,
    RATED,
    REGRET_TYPES,
    RISKS,
    SURD,
    VERDICTS,
    VIEWS,
)
from ..configuration.raters import DERIVED, MIXED, MODEL, PEOPLE
from ..modeling_redheart.guarantees import ERRORS, GUARANTEED
from ..modeling_redheart.outputs import PARTS
from ..modeling_redheart.reading import RANGES
from .limits import Limits

# (name, value) of each parameter of the pipeline's call that does not have its default.
Options = tuple[tuple[str, Any], ...]


Text = Annotated[str, BeforeValidator(check_text)]
Output = Annotated[str, BeforeValidator(check_output), Field(json_schema_extra={"enum": list(OUTPUTS)})]
Depth = Annotated[str, BeforeValidator(check_depth), Field(json_schema_extra={"enum": list(DEPTHS)})]


def _risk(alpha: Any) -> float | None:
    return None if alpha is None else check_alpha(alpha)


class ReadRequest(BaseModel):
    """Texts to read, as `text` or as `texts`, and how; the options are those of the pipeline."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Text | None = Field(None, description="One text.")
    texts: list[Text] | None = Field(
        None, min_length=1, description="Several texts; their readings have the same order."
    )
    outputs: Annotated[list[Output], BeforeValidator(check_output_list)] | None = Field(
        None,
        min_length=1,
        description="Give only these outputs; by default all that the depth can give, except the long embedding.",
    )
    depth: Depth = Field("full", description="full: every module; fast: the heads alone, with fewer outputs.")
    token_budget: Annotated[int | None, BeforeValidator(check_token_budget)] = Field(
        None, ge=1, description="Maximum number of tokens after the backbone; the most important ones are kept."
    )
    include_untrained: Annotated[bool, BeforeValidator(check_include_untrained)] = Field(
        False, description="Also give values that no training data supervised; `flags.untrained` names them."
    )

    guarantee: Annotated[float | None, BeforeValidator(_risk)] = Field(
        None, description="Also give the sets whose error is at most this share; a risk that was calibrated."
    )

    @model_validator(mode="after")
    def _belong_together(self) -> "ReadRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError("Give either `text` or `texts`.")
        if self.outputs is not None:
            check_outputs(self.outputs, self.depth)
        if self.guarantee is not None:
            check_guaranteed({"outputs": self.outputs, "depth": self.depth, "token_budget": self.token_budget})
        return self

    def all_texts(self) -> list[str]:
        """Return the texts, of either field."""
        return [self.text] if self.text is not None else list(self.texts or ())

    def options(self) -> Options:
        """Return parameters of the pipeline's call, which are equal for requests that can be read together."""
        given: dict[str, Any] = {"depth": self.depth, "include_untrained": self.include_untrained}
        if self.outputs is not None:
            given["outputs"] = tuple(name for name in OUTPUTS if name in self.outputs)
        if self.token_budget is not None:
            given["token_budget"] = self.token_budget
        if self.guarantee is not None:
            given["guarantee"] = self.guarantee
        return tuple(given.items())


def read_request(limits: Limits) -> type[ReadRequest]:
    """Return `ReadRequest` with the limits of a server."""
    text: Any = Annotated[str, Field(max_length=limits.characters), BeforeValidator(check_text)]
    fields: dict[str, Any] = {
        "text": (text | None, Field(None, description=_about("text"))),
        "texts": (list[text] | None, Field(None, min_length=1, max_length=limits.texts, description=_about("texts"))),
    }
    return create_model("ReadRequest", __base__=ReadRequest, __doc__=ReadRequest.__doc__, **fields)


def _about(field: str) -> str | None:
    return ReadRequest.model_fields[field].description


def _object(name: str, about: str, fields: dict[str, Any]) -> Any:
    """An object type with these fields and no others, none of them required."""
    created = TypedDict(name, fields, total=False)  # type: ignore[misc]  # the names are only known at run time
    created.__doc__ = about
    created.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
    return created


def _number(path: str, about: str | None = None) -> Any:
    """A number with the range of ``path``, which is described and not checked: rounding may exceed an end."""
    return _between(*RANGES[path], about)


def _between(low: int | None, high: int | None, about: str | None = None) -> Any:
    ends: dict[str, Any] = {name: end for name, end in (("minimum", low), ("maximum", high)) if end is not None}
    return Annotated[float, Field(description=about, json_schema_extra=ends or None)]


def _table(name: str, about: str, names: Iterable[str], value: Any) -> Any:
    """An object with the same kind of value under each of ``names``."""
    return _object(name, about, dict.fromkeys(names, value))


def _one_of(names: tuple[str, ...]) -> Any:
    return cast(Any, Literal)[names]


def _list(item: Any, about: str | None = None) -> Any:
    return Annotated[cast(Any, list)[item], Field(description=about)]


_Labels = _table("EmotionLabels", "Probability of each emotion.", EMOTIONS, _number("emotion.labels"))
_Levels = _table("NuanceLevels", "Probability of at least this level.", NUANCE_LEVELS, _number("emotion.nuance"))
_Views = _table("RegretViews", "Regret when compared with this course of events.", VIEWS, _number("regret"))
_Verdicts = _table(
    "VerdictProbabilities", "Who is in the wrong: probability of each verdict.", VERDICTS,
    _number("verdict.probabilities"),
)  # fmt: skip
_Span = {"start": Required[int], "end": Required[int]}

_Segment = _object(
    "EmotionSegment",
    "The emotions of a part of the text; start and end are characters.",
    {**_Span, "text": Required[str], "labels": Required[_Labels]},
)
_Emotion = _object(
    "EmotionReading",
    "28 emotions, their strength and their course.",
    {
        "labels": _Labels,
        "asserted": _list(
            _one_of(EMOTIONS), "Feelings at or above their threshold, most probable first; neutral when there is none."
        ),
        "intensity": _table(
            "EmotionIntensity", "How strong each asserted emotion is.", EMOTIONS, _number("emotion.intensity")
        ),
        "affect": _object("Affect", "", {name: _number(f"emotion.affect.{name}") for name in AFFECT}),
        "nuance": _table("EmotionNuance", "Level of each asserted emotion.", EMOTIONS, _Levels),
        "arc": _list(_Segment, "One for each sentence."),
    },
)
_Dimensions = {
    name: _object(
        f"Bentham{name.title()}",
        "",
        {"value": Required[_number(f"bentham.dimensions.{name}.value")],
         "std": Annotated[float, Field(ge=0, description="Predicted standard deviation.")]},
    )
    for name in BENTHAM
}  # fmt: skip
_Bentham = _object(
    "BenthamReading",
    "Bentham's felicific calculus.",
    {
        "dimensions": _object("BenthamDimensions", "", _Dimensions),
        "felicific_value": _number("bentham.felicific_value"),
    },
)
_Counterfactual = _object(
    "CounterfactualView",
    "",
    {
        "utility": _number("counterfactual.utility", "-1 grave harm, 0 mixed, 1 very good for all concerned."),
        "plausibility": _number("counterfactual.plausibility"),
    },
)
_Determined = _object(
    "SURDReading", "In bits; `determined` is a share.", {name: Required[_number(f"surd.{name}")] for name in SURD}
)
_NotDetermined = _object(
    "SURDNotDetermined", "It cannot be distinguished from chance.", {"not_determined": Required[Literal[True]]}
)
_Verdict = _object(
    "VerdictReading",
    "Who is in the wrong.",
    {
        "abstained": Annotated[bool, Field(description="Whether no verdict is probable enough to be named.")],
        "label": Annotated[_one_of(VERDICTS) | None, Field(description="null when the model abstained.")],
        "probabilities": _Verdicts,
        "acceptability": _number("verdict.acceptability", "How acceptable the narrator's own conduct is."),
    },
)
_Confidence = _object(
    "PartConfidence",
    "",
    {
        "expected_loss": Required[_number("confidence.expected_loss")],
        "confidence": Required[_number("confidence.confidence", "exp(-expected loss).")],
    },
)
_Word = _object(
    "RationaleWord",
    "",
    {"word": Required[str], **_Span, "importance": Required[_number("rationale.importance")]},
)
_Keys = Required[list[str]]
_Flags = _object(
    "Flags",
    "How the text was read.",
    {
        "windows": Annotated[Required[int], Field(ge=1, description="Number of pieces in which the text was read.")],
        "truncated": Required[bool],
        "tokens": Required[int],
        "unknown_tokens": Annotated[
            Required[float], Field(description="Share of the tokens that are not in the vocabulary.")
        ],
        "no_letters": Required[bool],
        "speakers": Annotated[Required[int], Field(ge=1, description="Number of speakers; 1 = one narrator.")],
        "risk": Annotated[
            Required[_list(_one_of(RISKS))],
            Field(description="Risks that the text mentions; no reading should be relied on there."),
        ],
        "recovered": Annotated[_Keys, Field(description="Failed modules, whose outputs are left out.")],
        "withheld": Annotated[_Keys, Field(description="Claims left out because no training data supervised them.")],
        "derived": Annotated[_Keys, Field(description="Claims that follow from other claims by a rule.")],
        "untrained": Annotated[_Keys, Field(description="Claims kept although no training data supervised them.")],
    },
)
_RatedBy = _table(
    "RatedBy",
    "Who rated the training data of each output.",
    OUTPUTS,
    _one_of((PEOPLE, MODEL, DERIVED, MIXED)),
)
_Share = Annotated[float, Field(ge=0, le=1)]
_Guarantee = _object(
    "Guarantee",
    "Sets whose error is at most alpha, against the ratings of the calibrated texts and for texts like those.",
    {
        "alpha": Required[_Share],
        "delta": Annotated[Required[_Share], Field(description="Probability with which each promise may fail.")],
        "emotions": _list(_one_of(EMOTIONS), f"At most alpha {ERRORS['emotions']}."),
        "verdicts": _list(_one_of(VERDICTS), f"At most alpha {ERRORS['verdicts']}."),
        "named": Annotated[_one_of(VERDICTS) | None, Field(description=f"At most alpha {ERRORS['named']}.")],
        "not_promised": Annotated[
            Required[_table("NotPromised", "", GUARANTEED, _Share | None)],
            Field(description="Parts that alpha is not promised of -> the least risk that could be."),
        ],
        "data": Required[str],
        "texts": Required[int],
        "groups": Required[int],
        "scope": Annotated[Required[str], Field(description="What the guarantee is about, in a sentence.")],
    },
)
_Ends = Annotated[list[int | None], Field(min_length=2, max_length=2)]


def _plain(output: str) -> Any:
    """The type of an output whose reading has the shape of its claims (`reading.Reading`)."""
    claims = [claim for claim in CLAIMS.values() if claim.output == output]
    about = (PARTS[output].__doc__ or "").strip().partition("\n")[0]
    if len(claims) == 1:
        return _by_names(output, about, claims[0], claims[0].axes)
    parts = {claim.name: _by_names(f"{output}_{claim.name}", "", claim, claim.axes) for claim in claims}
    return _object(_type_name(output), about, parts)


def _by_names(name: str, about: str, claim: Claim, axes: tuple[tuple[str, ...], ...], label: str = "") -> Any:
    """The type of a claim: an object for each of its axes."""
    if not axes:
        return _between(*claim.span(label), about or None)
    inner = {word: _by_names(f"{name}_{word}", "", claim, axes[1:], word) for word in axes[0]}
    return _object(_type_name(name), about, inner)


def _type_name(name: str) -> str:
    return f"{''.join(word.title() for word in name.split('_'))}Reading"


_PARTS: dict[str, Any] = {
    "emotion": _Emotion,
    "bentham": _Bentham,
    "regret": _table("RegretReading", "Seven types of regret.", REGRET_TYPES, _Views),
    "counterfactual": _table("CounterfactualReading", "What could have been.", VIEWS, _Counterfactual),
    "surd": Annotated[_Determined | _NotDetermined, Field(description="Information about the verdict.")],
    "perspectives": _table("PerspectivesReading", "How each side would vote.", PERSPECTIVES, _Verdicts),
    "verdict": _Verdict,
    "confidence": _table("ConfidenceReading", "How far to trust each part.", RATED, _Confidence),
    "embedding": _list(_number("embedding")),
}
Reading = _object(
    "Reading",
    "The reading of one text; each part only where it was computed and supervised.",
    {
        "text": Required[str],
        **{name: _PARTS[name] if name in _PARTS else _plain(name) for name in OUTPUTS},
        "rationale": _list(_Word, "The words that mattered most."),
        "guarantee": _Guarantee,
        "rated_by": Required[_RatedBy],
        "ranges": Annotated[
            Required[dict[str, _Ends]], Field(description="Lowest and highest value of each part; null = no limit.")
        ],
        "flags": Required[_Flags],
    },
)
ReadResponse = _object(
    "ReadResponse", "", {"readings": Required[_list(Reading, "One per text, in the order of the request.")]}
)


class Health(BaseModel):
    """The answer of /health and /ready."""

    status: Literal["alive", "ready"]


__all__ = [
    "Health",
    "Options",
    "Output",
    "ReadRequest",
    "ReadResponse",
    "Reading",
    "Text",
    "read_request",
]
