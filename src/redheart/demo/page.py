"""The page as a Gradio app: its layout and what each control does.

Notable: sessions share only the pipeline, which makes one reading at a time; all else is in the state of the session.
Nothing is loaded from other servers: no analytics, no fonts, no share link, no public API.
"""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before the import of gradio, which would report itself

import logging
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from ..configuration.inputs import check_text
from ..modeling_redheart.guaranteed import valid_guarantee
from . import sections
from .charts import Facts
from .examples import EXAMPLES
from .interface import Words, language_of
from .names import LANGUAGES, Language
from .occlusion import MOST_PIECES, leave_one_out

_LANGUAGE_NAMES = (("English", "en"), ("한국어", "ko"))
_HERE = Path(str(files(__package__)))
_QUEUED = 32
# Minimum number of pieces of a text of several windows; each piece costs a reading of all windows.
_FEWEST_PIECES = 8
_LOG = logging.getLogger(__name__)

# Rough estimate for English.
_TOKENS_PER_WORD = 1.35


class Session:
    """State of one session: the last reading, its options, and the effects of its words."""

    def __init__(self) -> None:
        self.reading: dict[str, Any] | None = None
        self.options: dict[str, Any] = {}
        self.effects: Any = None


class Page:
    """Answers what a reader does; every method returns the HTML of the parts that it changes.

    Args:
        pipe: The pipeline.
        model: Name of the model on the page.
    """

    def __init__(self, pipe: Any, model: str) -> None:
        self.pipe = pipe
        config = pipe.model.config
        tokens = min(config.longest_text, pipe.tokenizer.model_max_length)
        self.facts = Facts(model, dict(config.thresholds), tokens)
        self.promised: dict[str, Any] = {}
        try:
            self.promised["guarantee"] = valid_guarantee(pipe.model).promises[0].alpha
        except ValueError as error:  # none, or void
            _LOG.info("No guarantee is shown: %s", error)

    def read(self, text: str, language: Language, untrained: bool) -> tuple[str, str, str, Session]:
        """Read a text.

        Args:
            text: What was typed.
            language: Language of the page.
            untrained: Whether to also show values that no training data supervised.

        Returns:
            Summary, effects, cards and the new session; instead of the summary a hint for an empty text, and a message
            for one that cannot be read.
        """
        words, session = Words(language), Session()
        if not text or not text.strip():
            return sections.message(words.text("empty")), "", "", session
        try:
            check_text(text)
            session.options = {"include_untrained": untrained}
            session.reading = self.pipe(text, **session.options, **self.promised)
        except ValueError as error:
            return sections.message(words.text("failed"), "error", str(error)), "", "", session
        except Exception:
            _LOG.exception("A text could not be read.")
            return sections.message(words.text("failed_inside"), "error"), "", "", session
        return *self.show(session, language), session

    def measure_effects(self, session: Session | None, language: Language) -> tuple[str, Session]:
        """Measure the effects of the words of the last text; return their HTML and the session."""
        words, session = Words(language), session or Session()
        if session.reading is None:
            return sections.message(words.text("effects_none")), session
        most = max(_FEWEST_PIECES, MOST_PIECES // session.reading["flags"]["windows"])
        try:
            session.effects = leave_one_out(self.pipe, session.reading, most, **session.options)
        except ValueError:
            return sections.message(words.text("effects_none")), session
        except Exception:
            _LOG.exception("The effects of the words of a text could not be measured.")
            return sections.message(words.text("failed_inside"), "error"), session
        return sections.effects(session.effects, words), session

    def show(self, session: Session | None, language: Language) -> tuple[str, str, str]:
        """Return summary, effects and cards of the session's reading in a language; a welcome before there is one."""
        words = Words(language)
        if session is None or session.reading is None:
            return sections.message(words.text("welcome")), "", ""
        effects = sections.effects(session.effects, words) if session.effects else ""
        reading = session.reading
        return sections.summary(reading, words), effects, sections.cards(reading, words, self.facts)


def build_page(pipe: Any, model: str, language: Language | None = None) -> gr.Blocks:
    """Build the page.

    Args:
        pipe: The pipeline that reads.
        model: Name of the model on the page.
        language: Language of the page when it opens; None takes the browser's.

    Returns:
        The page, to be launched with `launch_options`.
    """
    page = Page(pipe, model)
    with gr.Blocks(title="Red Heart", analytics_enabled=False) as blocks:
        parts = _lay_out(language or "en")
        _connect(blocks, parts, page, language)
    return blocks.queue(max_size=_QUEUED)


class _Parts(NamedTuple):
    """The components of the page, from top to bottom."""

    session: gr.State
    head: gr.HTML
    language: gr.Radio
    notice: gr.HTML
    text: gr.Textbox
    title: gr.HTML
    samples: list[gr.Button]
    read: gr.Button
    clear: gr.Button
    untrained: gr.Checkbox
    summary: gr.HTML
    effects_button: gr.Button
    effects: gr.HTML
    cards: gr.HTML
    foot: gr.HTML


def _lay_out(first: Language) -> _Parts:
    """Put the components on the page; Gradio places them in the order in which they are created."""
    words = Words(first)
    session = gr.State()
    with gr.Row(elem_classes="rh-top"):
        head = gr.HTML(scale=4)
        chosen = gr.Radio(
            _LANGUAGE_NAMES, value=first, label=words.text("language"), container=False, scale=1, elem_id="language"
        )
    notice = gr.HTML()
    text = gr.Textbox(lines=4, max_lines=14, label=words.text("text"), elem_id="text")
    with gr.Row(elem_classes="rh-examples"):
        title = gr.HTML(scale=0, min_width=80)
        samples = [gr.Button(size="sm", scale=0, elem_classes="sample") for _ in EXAMPLES[first]]
    with gr.Row(elem_classes="rh-do"):
        read = gr.Button(variant="primary", elem_id="read", scale=0, min_width=180)
        clear = gr.Button(elem_id="clear", scale=0, min_width=110)
        untrained = gr.Checkbox(label=words.text("untrained"), container=False, scale=1, elem_id="untrained")
    summary = gr.HTML(elem_id="summary")
    effects_button = gr.Button(size="sm", visible=False, elem_id="effects-button")
    effects = gr.HTML(elem_id="effects")
    cards = gr.HTML(elem_id="cards")
    foot = gr.HTML()
    shown = (summary, effects_button, effects, cards, foot)
    return _Parts(session, head, chosen, notice, text, title, samples, read, clear, untrained, *shown)


def _connect(blocks: gr.Blocks, parts: _Parts, page: Page, language: Language | None) -> None:
    """Connect the components to what they do; ``language`` is that of the page when it opens, None the browser's."""
    chosen, session, text, button = parts.language, parts.session, parts.text, parts.effects_button
    named = [parts.head, chosen, parts.notice, text, parts.read, parts.clear, parts.untrained, parts.title]
    named += [*parts.samples, button, parts.foot]
    shown = [parts.summary, parts.effects, parts.cards]

    def translate(selected: Language, kept: Session | None) -> list[Any]:
        return [*_named(page.facts, selected), *page.show(kept, selected)]

    def open_page(request: gr.Request) -> list[Any]:
        selected = language or language_of(request.headers.get("accept-language"))
        updates = translate(selected, None)
        updates[1] = gr.update(value=selected, label=Words(selected).text("language"))
        return updates

    def read_text(given: str, selected: Language, all_claims: bool) -> list[Any]:
        *found, kept = page.read(given, selected, all_claims)
        return [*found, kept, gr.update(visible=kept.reading is not None)]

    def clear_all(selected: Language) -> list[Any]:
        return ["", *page.show(None, selected), None, gr.update(visible=False)]

    quick: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    slow: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 1, "concurrency_id": "model"}
    reading: dict[str, Any] = {
        "fn": read_text,
        "inputs": [text, chosen, parts.untrained],
        "outputs": [*shown, session, button],
        "show_progress_on": parts.summary,
        **slow,
    }
    blocks.load(open_page, None, [*named, *shown], **quick)
    chosen.input(translate, [chosen, session], [*named, *shown], **quick)
    parts.read.click(**reading)
    text.submit(**reading)
    parts.untrained.input(**reading)
    parts.clear.click(clear_all, chosen, [text, *shown, session, button], **quick)
    for number, sample in enumerate(parts.samples):
        sample.click(_example(number), chosen, text, **quick).then(**reading)
    effects = [parts.effects, session]
    button.click(page.measure_effects, [session, chosen], effects, show_progress_on=parts.effects, **slow)


def _example(number: int) -> Callable[[Language], str]:
    return lambda language: EXAMPLES[language][number][1]


def _named(facts: Facts, language: Language) -> list[Any]:
    """The texts of the components, in the order of ``named`` in `_connect`."""
    words = Words(language)
    info = words.text("text_info", tokens=facts.tokens, words=10 * round(facts.tokens / _TOKENS_PER_WORD / 10))
    return [
        sections.header(words),
        gr.update(label=words.text("language")),
        sections.notice(words),
        gr.update(label=words.text("text"), placeholder=words.text("placeholder"), info=info),
        gr.update(value=words.text("read")),
        gr.update(value=words.text("clear")),
        gr.update(label=words.text("untrained")),
        sections.label(words.text("examples")),
        *(gr.update(value=title) for title, _ in EXAMPLES[language]),
        gr.update(value=words.text("effects_button")),
        sections.footer(words, facts),
    ]


def launch_options() -> dict[str, Any]:
    """Return options of `gr.Blocks.launch`: the style of the page, and nothing that loads from other servers."""
    family = ["system-ui", "-apple-system", "Segoe UI", "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans CJK KR"]
    theme = gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=[*family, "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    return {
        "css": style,
        "favicon_path": _HERE / "heart.svg",
        "theme": theme,
        "share": False,
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
        "footer_links": [],
        "quiet": True,
    }


__all__ = ["LANGUAGES", "Page", "Session", "build_page", "launch_options"]
