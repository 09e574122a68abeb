"""The page around the charts: headline and summary of a reading, its cards, what is withheld, and messages."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ..configuration.labels import record_keys
from ..modeling_redheart.headline import Headline
from ..modeling_redheart.headline import headline as headline_of
from . import charts
from .charts import Facts, Reading, mark, note
from .drawing import element
from .interface import Words
from .occlusion import Effects
from .plain_chart import plain_charts

_SHOWN_CHARACTERS = 4000
_MOST_NAMED = 3

# What changes a probability by less than this, or by less than this share of the largest change, is not marked.
_LEAST_EFFECT = 0.01
_LEAST_SHARE = 0.25

_HEART = (
    '<svg viewBox="0 0 32 30" class="heart" aria-hidden="true"><path d="M16 28C6 20 1 15 1 9a8 8 0 0 1 15-4 8 8 0 0 1 '
    '15 4c0 6-5 11-15 19z"/></svg>'
)


def header(words: Words) -> str:
    """Return the name of the project and what it does."""
    title = element("h1", _HEART, "Red Heart")
    return element("div", title, element("p", escape(words.text("tagline"))), class_="rh head")


def notice(words: Words) -> str:
    """Return the notice on what a reading is not."""
    return element(
        "div",
        element("strong", escape(words.text("notice"))),
        " ",
        escape(words.text("notice_more")),
        class_="rh notice",
        role="note",
    )


def footer(words: Words, facts: Facts) -> str:
    """Return the limits, and the name of the model."""
    items = (element("li", escape(sentence)) for sentence in words.limits())
    limits = element("h3", escape(words.text("limits"))) + element("ul", *items)
    model = element("p", escape(words.text("footer", model=facts.model)), class_="unit")
    return element("div", limits, model, class_="rh foot")


def label(content: str) -> str:
    """Return a label beside controls; ``content`` is plain text."""
    return element("div", escape(content), class_="rh unit")


def message(content: str, kind: str = "hint", detail: str = "") -> str:
    """Return a message in the place of a reading.

    Args:
        content: Plain text.
        kind: "hint" or "error".
        detail: Plain text below it; empty for none.

    Returns:
        Markup.
    """
    body = element("p", escape(content)) + (element("p", escape(detail), class_="note") if detail else "")
    return element("div", body, class_=f"rh message {kind}", role="alert" if kind == "error" else "status")


def summary(reading: Reading, words: Words) -> str:
    """Return the headline, cautions, three answers with their confidence, and the text with its marked words."""
    found = headline_of(reading)
    cautions = list(_cautions(reading["flags"], words))
    parts = [headline(found, words)]
    if cautions:
        items = (element("li", escape(line)) for line in cautions)
        title = element("strong", escape(words.text("care")))
        parts.append(element("div", title, element("ul", *items), class_="care", role="note"))
    parts.append(element("div", *_tiles(reading, found, words), class_="tiles"))
    title = element("h3", escape(words.text("words")))
    parts.append(element("div", title, _highlighted(reading, words), class_="words"))
    return element("div", *parts, class_="rh", lang=words.language)


def headline(found: Headline, words: Words) -> str:
    """Return what the model is sure of, in sentences; empty when it is sure of nothing."""
    risk = ""
    if found.risk:
        names = words.name("risk", found.risk[0])
        for kind in found.risk[1:]:
            names = words.text("head_join", first=names, second=words.name("risk", kind))
        risk = element("p", escape(words.text("head_risk", names=names)), class_="risk")
    lines = (element("p", escape(line)) for line in _sentences(found, words))
    body = risk + "".join(lines)
    return element("div", body, class_="headline") if body else ""


def _sentences(found: Headline, words: Words) -> Iterator[str]:
    if found.verdict is not None:
        yield words.text(f"head_{found.verdict}{'_probable' if found.standing == 'probable' else ''}")
    elif found.standing != "absent":
        yield words.text(f"head_{found.standing}")
    if found.acceptability is not None:
        yield words.text("head_acceptability", value=words.share(found.acceptability))
    if found.feelings == ("neutral",):
        yield words.text("head_neutral")
    elif found.feelings:
        yield words.text("head_feelings", names=", ".join(words.name("emotion", name) for name in found.feelings))
    elif found.feelings is not None:
        yield words.text("head_no_feelings")


def cards(reading: Reading, words: Words, facts: Facts) -> str:
    """Return all charts of a reading, in two columns of cards."""
    emotion = reading.get("emotion", {})
    left = (
        ("emotions", charts.emotions, "labels" in emotion or "affect" in emotion),
        ("nuances", charts.nuances, "nuance" in emotion),
        ("arc", charts.arc, "arc" in emotion),
        ("bentham", charts.bentham, "bentham" in reading),
        ("surd", charts.surd, "surd" in reading),
    )
    right = (
        ("verdict", charts.verdict, "verdict" in reading or "perspectives" in reading),
        ("views", charts.views, "counterfactual" in reading),
        ("regret", charts.regret, True),
        ("confidence", charts.confidence, "confidence" in reading),
        ("guarantee", charts.guarantee, "guarantee" in reading),
        ("raters", charts.raters, bool(reading["rated_by"])),
        ("withheld_title", _withheld, True),
    )
    further = [_card(title, body) for title, body in plain_charts(reading, words)]
    columns = (
        element(
            "div",
            *(_card(words.text(title), draw(reading, words, facts)) for title, draw, there in column if there),
            *more,
            class_="column",
        )
        for column, more in ((left, further), (right, []))
    )
    return element("div", *columns, class_="rh grid", lang=words.language)


def effects(found: Effects, words: Words) -> str:
    """Return the text once for each claim, with what each piece adds to its probability or takes from it."""
    merged = words.text("effects_merged", most=found.most) if found.merged else ""
    parts = [
        element("h3", escape(words.text("effects"))),
        note(words.text("effects_note", count=len(found.pieces), merged=merged)),
    ]
    for part, name, value, changes in found.claims:
        title = words.text(f"effects_{part}", name=words.name(part, name), value=words.share(value))
        largest = max(_LEAST_EFFECT, *(abs(change) for change in changes))
        marked, done = [], 0
        for (start, end), change in zip(found.pieces, changes, strict=True):
            marked.append(escape(found.text[done:start]))
            shown, done = escape(found.text[start:end]), end
            if abs(change) < max(_LEAST_EFFECT, _LEAST_SHARE * largest):
                marked.append(shown)
                continue
            figure = element("sub", f"{100 * change:+.0f}".replace("-", "&minus;"))
            kind, shade = ("for" if change > 0 else "against"), f"--shade:{round(55 * abs(change) / largest)}%"
            marked.append(element("mark", shown, figure, class_=kind, style=shade))
        text = element("p", *marked, escape(found.text[done:]), class_="reading-text")
        parts.append(element("div", element("h4", escape(title)), text))
    return element("div", *parts, class_="rh effects", lang=words.language)


def _cautions(flags: Mapping[str, Any], words: Words) -> Iterator[str]:
    if flags["truncated"]:
        yield words.text("truncated", tokens=flags["tokens"])
    if flags["windows"] > 1:
        yield words.text("windows", count=flags["windows"])
    if flags["speakers"] > 1:
        yield words.text("speakers", count=flags["speakers"])
    if flags["no_letters"]:
        yield words.text("no_letters")
    if flags["unknown_tokens"] > 0:
        yield words.text("unknown_tokens", share=words.share(flags["unknown_tokens"]))
    if flags["recovered"]:
        yield words.text("recovered", names=", ".join(words.name("module", name) for name in flags["recovered"]))
    if flags["untrained"]:
        names = ", ".join(dict.fromkeys(words.name("part", key.split(".")[0]) for key in flags["untrained"]))
        yield words.text("untrained_shown", names=names)


def _highlighted(reading: Reading, words: Words) -> str:
    whole = reading["text"]
    shown = whole[:_SHOWN_CHARACTERS]
    found = sorted(reading.get("rationale", []), key=lambda word: word["start"])
    largest = max((word["importance"] for word in found), default=1.0) or 1.0
    parts, done = [], 0
    for word in found:
        if word["end"] > len(shown):
            break
        shade = f"--shade:{round(10 + 50 * word['importance'] / largest)}%"
        parts.append(escape(shown[done : word["start"]]))
        tip = f"{word['importance']:.2f}"
        parts.append(element("mark", escape(shown[word["start"] : word["end"]]), style=shade, title=tip))
        done = word["end"]
    parts.append(escape(shown[done:]))
    if len(whole) > len(shown):
        parts.append(
            element("span", escape(f" ... {words.text('rest_cut', count=len(whole) - len(shown))}"), class_="unit")
        )
    return element("p", *parts, class_="reading-text") + note(words.text("words_note"))


def _tiles(reading: Reading, found: Headline, words: Words) -> Iterator[str]:
    emotion = reading.get("emotion", {})
    if "labels" in emotion:
        asserted = emotion["asserted"]
        values = [f"{words.name('emotion', name)} {words.share(emotion['labels'][name])}" for name in asserted]
        more = words.text("glance_more", count=len(asserted) - _MOST_NAMED) if len(asserted) > _MOST_NAMED else ""
        if not asserted:
            more = words.text("glance_none_more")
        value = ", ".join(values[:_MOST_NAMED]) or words.text("glance_none")
        yield _tile(reading, words, "glance_emotion", "emotion", value, more)
    # No verdict is shown that the headline holds back, or that means nothing in a text that mentions harm.
    hidden = found.standing == "held_back" or (found.risk and found.standing == "absent")
    if "label" in reading.get("verdict", {}) and not hidden:
        label, probabilities = reading["verdict"]["label"], reading["verdict"]["probabilities"]
        first = max(probabilities, key=probabilities.__getitem__)
        likely = {"name": words.name("verdict", first), "value": words.share(probabilities[first])}
        value = words.text("head_unsure") if label is None else f"{likely['name']} {likely['value']}"
        more = words.text("glance_abstained", **likely) if label is None and not found.risk else ""
        yield _tile(reading, words, "glance_verdict", "verdict", value, more)
    if "valence" in (affect := emotion.get("affect", {})):
        valence = affect["valence"]
        value = words.text("mixed" if abs(valence) < 0.1 else "pleasant" if valence > 0 else "unpleasant")
        more = words.text("of_valence", value=words.signed(valence))
        yield _tile(reading, words, "glance_affect", "affect", value, more)


def _tile(reading: Reading, words: Words, title: str, part: str, value: str, more: str) -> str:
    rated = reading.get("confidence", {}).get(part)
    confidence = words.text("confidence_of", value=f"{rated['confidence']:.2f}") if rated else ""
    return element(
        "div",
        element("p", escape(words.text(title)), class_="unit"),
        element("p", escape(value), mark(reading, part, words), class_="figure"),
        element("p", escape(more), class_="note") if more else "",
        element("a", escape(confidence), href="#how-sure", class_="unit") if confidence else "",
        class_="tile",
    )


def _card(title: str, body: str) -> str:
    return element("section", element("h3", escape(title)), body, class_="card")


def _withheld(reading: Reading, words: Words, _: Facts) -> str:
    """List the withheld claims by part, with their names, and how many of the claims of the part they are."""
    keys: Sequence[str] = reading["flags"]["withheld"]
    if not keys:
        return note(words.text("withheld_none"))
    every = record_keys()
    parts: dict[str, list[str]] = {}
    for key in keys:
        parts.setdefault(key.split(".")[0], []).append(key)
    items = []
    for part, members in parts.items():
        title = escape(words.name("part", part))
        total = sum(key.split(".")[0] == part for key in every)
        if part in members:
            items.append(element("li", title, ": ", escape(words.text("withheld_whole"))))
            continue
        count = sum(any(key == member or key.startswith(f"{member}.") for member in members) for key in every)
        summary_ = element("summary", title, ": ", escape(words.text("withheld_count", count=count, total=total)))
        names = element("p", escape("; ".join(words.claim(member) for member in members)), class_="note")
        items.append(element("li", element("details", summary_, names)))
    return note(words.text("withheld_note")) + element("ul", *items, class_="withheld")


__all__ = ["cards", "effects", "footer", "header", "headline", "label", "message", "notice", "summary"]
