"""The page in a real browser: it loads, reads, says what is missing, keeps sessions apart, and stays on the machine."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from redheart import EthicalAnalysisPipeline
from redheart.demo.interface import Words

pytestmark = pytest.mark.slow

TEXT = "I told my sister's secret to her fiancé, and now the wedding is off. I feel terrible about it."
KOREAN = "언니의 비밀을 말해 버렸고, 결혼은 취소됐어요. 마음이 너무 무거워요."

Open = Callable[..., Any]


@pytest.fixture
def open_page(app: Any, browser: Any) -> Iterator[Open]:
    tabs = []

    def open_tab(**options: Any) -> Any:
        tabs.append(browser.open(app.address, **options))
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.close()


def read(tab: Any, text: str) -> None:
    tab.type(text)
    tab.click("#read")
    tab.wait(f"document.querySelector('#summary .reading-text')?.innerText.includes({json.dumps(text[:30])})")


def test_it_loads_with_a_welcome_and_no_result(open_page: Open) -> None:
    tab = open_page()
    assert tab.text("h1") == "Red Heart"
    assert "not a verdict about a person" in tab.text(".rh.notice")
    assert tab.text("#summary .message") == Words("en").text("welcome")
    assert not tab.run("document.querySelectorAll('.card').length")
    assert tab.errors == []


def test_a_text_gives_the_reading_of_the_pipeline(open_page: Open, pipe: EthicalAnalysisPipeline) -> None:
    tab, words = open_page(), Words("en")
    read(tab, TEXT)
    reading = pipe(TEXT)
    shown = tab.text("#cards")
    assert reading["emotion"]["asserted"]
    for name in reading["emotion"]["asserted"][:3]:
        assert words.name("emotion", name) in shown
        assert words.share(reading["emotion"]["labels"][name]) in shown
    for value in reading["verdict"]["probabilities"].values():
        assert words.share(value) in shown
    titles = tab.run("[...document.querySelectorAll('.card h3')].map(title => title.innerText)")
    nuances = "nuances " if "nuance" in reading["emotion"] else ""  # of asserted emotions
    parts = f"emotions {nuances}arc bentham surd verdict views regret confidence raters withheld_title"
    assert titles == [words.text(key) for key in parts.split()]
    assert tab.text("#summary .headline")
    drawn = 2 if len(reading["emotion"]["arc"]) > 1 else 1
    assert tab.run("document.querySelectorAll('#cards svg[role=img]').length") == drawn
    assert "withheld" in tab.text(".heat-map")
    assert "21 of 21" not in shown
    assert tab.errors == []


def test_an_empty_text_gives_a_hint(open_page: Open) -> None:
    tab = open_page()
    for nothing in ("", "  \n "):
        tab.type(nothing)
        tab.click("#read")
        tab.wait(f"document.querySelector('#summary').innerText.includes({json.dumps(Words('en').text('empty'))})")
        assert not tab.run("document.querySelectorAll('.card').length")


def test_a_long_text_says_that_it_was_read_in_pieces(open_page: Open) -> None:
    tab = open_page()
    read(tab, "I lied to my friend about the money. " * 400)
    assert "overlapping pieces" in tab.text("#summary .care")


def test_a_text_that_mentions_harm_is_flagged_first(open_page: Open) -> None:
    tab = open_page()
    read(tab, "My husband hits me when he drinks.")
    assert "No model should be relied on there" in tab.text("#summary .headline > p:first-child")


def test_the_text_is_shown_as_it_was_typed(open_page: Open) -> None:
    tab = open_page()
    hostile = (
        "<img src=x onerror='window.broken=1'> ${7*7} {{7*7}} <b>I lied</b> \"to\" 'her' & <script>broken</script>"
    )
    read(tab, hostile)
    assert tab.text("#summary .reading-text").strip() == hostile
    assert tab.run("window.broken") is None
    assert tab.run("document.querySelectorAll('#summary img, #summary b').length") == 0
    tab.click("#effects-button")
    tab.wait("document.querySelector('#effects .effects')")
    assert tab.run("document.querySelectorAll('#effects img, #effects b').length") == 0


def test_two_tabs_at_once_keep_their_own_readings(open_page: Open) -> None:
    first, second = open_page(), open_page()
    first.type("I stole from my boss.")
    second.type("My neighbour helped my mother.")
    for tab in (first, second):
        tab.click("#read")
    first.wait("document.querySelector('#summary .reading-text')?.innerText.includes('stole from my boss')")
    second.wait("document.querySelector('#summary .reading-text')?.innerText.includes('helped my mother')")
    for tab in (first, second):
        tab.click("#effects-button")
        tab.wait("document.querySelector('#effects .effects')")
    assert "stole" in first.text("#effects")
    assert "stole" not in second.text("#effects")
    assert "neighbour" in second.text("#effects")


def test_the_language_changes_every_word_and_keeps_the_reading(open_page: Open) -> None:
    tab, korean = open_page(), Words("ko")
    read(tab, TEXT)
    numbers = tab.run("[...document.querySelectorAll('#cards .row .value')].map(cell => parseFloat(cell.innerText))")
    tab.click("#language input[value=ko]")
    tab.wait(f"document.querySelector('#cards').innerText.includes({json.dumps(korean.text('withheld_title'))})")
    assert tab.text("#read") == korean.text("read")
    assert tab.run("document.querySelector('#text textarea').placeholder") == korean.text("placeholder")
    assert tab.run("document.querySelector('#text textarea').value") == TEXT
    places = ("#cards", ".rh.notice", ".rh.foot", "#summary .tiles", "#summary .headline")
    shown = "".join(tab.text(place) for place in places)
    assert {word for word in ("withheld", "fear", "author", "Limits", "confidence") if word in shown} == set()
    after = tab.run("[...document.querySelectorAll('#cards .row .value')].map(cell => parseFloat(cell.innerText))")
    assert after == numbers


def test_a_korean_browser_gets_a_korean_page(open_page: Open) -> None:
    tab = open_page(language="ko-KR,ko;q=0.9,en;q=0.8")
    assert tab.text("#read") == Words("ko").text("read")
    tab.click("button.sample")
    tab.wait("document.querySelectorAll('.card').length")
    assert Words("ko").text("regret") in tab.text("#cards")


def test_it_fits_a_phone_and_follows_dark_mode(open_page: Open) -> None:
    tab = open_page(width=400, height=800, dark=True)
    read(tab, KOREAN)
    assert tab.run("document.documentElement.scrollWidth") <= 400
    color = "getComputedStyle(document.querySelector('.card')).backgroundColor.match(/\\d+/g).map(Number)"
    assert max(tab.run(color)) < 80


def test_nothing_leaves_the_machine(open_page: Open, app: Any) -> None:
    tab = open_page()
    read(tab, TEXT)
    tab.listen(1)
    outside = [url for url in tab.requests if not url.startswith((f"{app.address}/", "data:", "blob:"))]
    assert outside == []
    assert app.connections() == []
    assert f"{app.address}/" in app.printed()
    assert "Traceback" not in app.printed()
