"""The page at /docs: everything in the schema, nothing from elsewhere, and what a browser makes of it."""

import re
import socket
import threading
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

from redheart import EthicalAnalysisPipeline
from redheart.configuration.labels import EMOTIONS
from redheart.serving.app import create_app
from redheart.serving.docs_page import docs_page
from redheart.serving.keys import Key

KEY = "a-key-of-this-test"


class Page(HTMLParser):
    """Tags, ids and links of a page; every tag must be closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "link"):
            self.open.append(tag)
        for name, value in attrs:
            assert name not in ("style", "src")  # what the policy would not allow
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def client(reader: EthicalAnalysisPipeline) -> TestClient:
    return TestClient(create_app("tiny", lambda: reader, keys=[Key("web", KEY)]))


def test_the_page_has_what_the_schema_has(client: TestClient) -> None:
    api, answer = client.get("/openapi.json").json(), client.get("/docs")
    page = Page(answer.text)
    for path in api["paths"]:
        assert path.strip("/") in page.ids
    for name, schema in api["components"]["schemas"].items():
        assert name in page.ids
        for field in schema.get("properties", ()):
            assert f"<code>{field}</code>" in answer.text
    assert all(emotion in answer.text for emotion in EMOTIONS)
    assert "at most 20,000 characters" in answer.text
    assert "Authorization: Bearer" in answer.text


def test_its_links_lead_somewhere_and_nothing_comes_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/docs")
    page = Page(answer.text)
    assert len(set(page.ids)) == len(page.ids)
    for link in page.links:
        assert link.removeprefix("#") in page.ids if link.startswith("#") else client.get(link).status_code == 200
    assert "script" not in page.tags
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    style = client.get("/docs.css")
    assert style.headers["content-type"].startswith("text/css")
    assert not re.search(r"url\(|@import", style.text)


def test_what_is_written_on_it_is_text() -> None:
    wrong = "<script>alert(1)</script>"
    schema = {"type": "object", "properties": {wrong: {"enum": [wrong], "description": wrong}}, "description": wrong}
    operation = {"description": wrong, "responses": {"200": {"description": wrong, "content": {wrong: {}}}}}
    api = {
        "info": {"title": wrong, "version": wrong, "description": wrong},
        "components": {"schemas": {wrong: schema}},
        "paths": {f"/{wrong}": {"get": operation}},
    }
    assert "script" not in Page(docs_page(api, f"http://{wrong}")).tags


@pytest.mark.slow
def test_a_browser_shows_it(reader: EthicalAnalysisPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("websocket", reason="needs websocket-client")
    from ..demo.browser import CHROMIUM, Browser, Tab

    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(create_app("tiny", lambda: reader), log_config=None))
    monkeypatch.setattr(Tab, "go", go)
    with socket.create_server(("127.0.0.1", 0)) as listening, Browser() as browser:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        tab = browser.open(f"{address}/docs")
        assert tab.text("h1").startswith("Red Heart")
        assert tab.run("getComputedStyle(document.querySelector('pre')).backgroundColor") != "rgba(0, 0, 0, 0)"
        assert tab.errors == []
        asked = {request.removeprefix(address) for request in tab.requests if not request.endswith("favicon.ico")}
        assert asked <= {"/docs", "/docs.css", "about:blank"}
        tab.resize(360, 800)
        assert tab.run("document.documentElement.scrollWidth") <= 360
        tab.close()
        server.should_exit = True
        thread.join()


def go(tab: Any, address: str) -> None:
    """Open a page and wait until it is there."""
    tab.send("Page.navigate", url=address)
    tab.wait("document.readyState === 'complete' && document.querySelector('main')")
