"""One door for input: what one refuses no other accepts, and all of them say it in the same words.

Each table of awkward inputs goes through every door that can carry it. A new door belongs into `DOORS`, a new kind of
input into the tables; that texts, rows and options are checked in one place each (`configuration.inputs`, `tables`,
`strict_json`) is what makes this pass.
"""

import asyncio
import csv
import html
import json
import re
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from redheart import EthicalAnalysisPipeline, RedHeartModel
from redheart.batch import Reader
from redheart.cli import main
from redheart.client import Client, Limits
from redheart.configuration.inputs import check_options, check_text
from redheart.data.check import check
from redheart.data.rows import read_rows
from redheart.evaluation.measurement.rows import own_rows
from redheart.formats.lines import decode
from redheart.formats.strict_json import parse_json
from redheart.formats.tables import check_row
from redheart.hub_upload.handler import EndpointHandler

GOOD = "I lied to my mother."
SURROGATE = re.compile("[\ud800-\udfff]")  # which a file in UTF-8 cannot hold

# What is to be read, of any type: the first ones are refused, the others read.
REFUSED: list[Any] = [
    "", " ", "\t\n", "\r\n", "\u3000", "\xa0", "\u200b", "\u200b\u200d\ufeff", "\x00", "\x1b", "\x85", "\u2028",
    "\ue000", "\u2066\u2069", "\ud800", "I lied \ud83d", "\udc80 lied", "\ude02\ud83d",
    None, 5, 1.5, True, 10**30, [], ["I lied."], {}, {"text": "I lied."}, b"I lied.", bytearray(b"I lied."),
]  # fmt: skip
READ: list[Any] = [
    "k", "?", "😂", "👩‍👩‍👧‍👦", "e\u0301", "그만", "\u202b\u05d0\u05d1", "\U0001f600" * 200, "NaN", "null", "1e999",
    "-", "--json", '{"text": "x"}', "=1+1", '"', "a,b", "a\tb", "'; DROP TABLE x; --", "a\r\nb", "a\rb", "a\u2028b",
    "I\x00lied", "\x1b[2J I lied", "\x9b1m I lied", "\u202eI lied", "\ufeffI lied.", "<b>I lied</b>",
    "%s {0} \\x41", "I lied. " * 400,
]  # fmt: skip

# Lines of a file, or a body: what is not the JSON of one row, and what is.
BAD_LINES: list[bytes] = [
    b'{"text": "a", "x": NaN}', b'{"text": "a", "x": Infinity}', b'{"text": "a", "x": -Infinity}',
    b'{"text": "a", "x": 1e999}', b'{"text": "a", "x": -1e400}', b'{"text": "a", "x": ' + b"9" * 5000 + b"}",
    b'{"text": "a", "text": "b"}', b"[" * 100_000, b'{"text": "a"', b'{"text": "a"} x', b"{'text': 'a'}",
    b'{"text": "a",}', b"I lied.", b"\x00", b'{"text": "\xff"}', '{"text": "그만"}'.encode("cp949"),
    '{"text": "é"}'.encode("latin-1"),
]  # fmt: skip
NO_ROWS: list[bytes] = [b"[1]", b'"a"', b"5", b"null", b"true", b"[]"]

OPTIONS: list[dict[str, Any]] = [
    {"outputs": ["verdct"]}, {"outputs": ["emotion", "xyzzy"]}, {"outputs": []}, {"outputs": "emotion"}, {"outputs": 5},
    {"outputs": [5]}, {"depth": "fats"}, {"depth": ""}, {"depth": 1}, {"depth": "fast", "outputs": ["perspectives"]},
    {"token_budget": 0}, {"token_budget": -1}, {"token_budget": True}, {"token_budget": 1.5}, {"token_budget": "5"},
    {"include_untrained": "yes"}, {"include_untrained": 1}, {"outputs": ["verdict"]}, {"depth": "fast"},
    {"token_budget": 3}, {"token_budget": 10**18}, {"include_untrained": True}, {"outputs": ["surd", "surd"]},
]  # fmt: skip

Door = Callable[[Any], str | None]


def error_of(call: Callable[..., Any], *arguments: Any, **options: Any) -> str | None:
    """What ``call`` refuses its arguments with; None where it does not."""
    try:
        call(*arguments, **options)
    except ValueError as error:
        return str(error)
    return None


def in_other_words(message: str | None) -> str | None:
    """A message without its subject, which is another one at each door."""
    return None if message is None else message.removeprefix("The text ")


@pytest.fixture(scope="module")
def pipe(checkpoint: Path, tokenizer: Any) -> EthicalAnalysisPipeline:
    return EthicalAnalysisPipeline(model=RedHeartModel.from_pretrained(checkpoint), tokenizer=tokenizer, depth="fast")


def analyzed(checkpoint: Path, path: Path, *more: str) -> list[dict[str, Any]]:
    """The answers of `redheart analyze` for the rows of a file."""
    command = ["analyze", "--model", str(checkpoint), "--json", "--depth", "fast", *more]
    result = CliRunner().invoke(main, [*command, "--file", str(path)])
    assert result.exit_code in (0, 1), result.stderr
    return [json.loads(line) for line in result.stdout_bytes.decode("utf-8").split("\n")[:-1]]


def errors_of(answers: list[dict[str, Any]], count: int) -> list[str | None]:
    assert len(answers) == count  # nothing is lost
    assert [answer["row"] for answer in answers] == list(range(count))
    return [answer["error"]["message"] if "error" in answer else None for answer in answers]


def is_json(value: Any) -> bool:
    return not isinstance(value, (bytes, bytearray))


# The doors, each with the values that can come through it: door -> (values -> what it says of each).


@pytest.fixture(scope="module")
def messages_by_door(
    pipe: EthicalAnalysisPipeline, checkpoint: Path, tmp_path_factory: Any
) -> dict[str, dict[int, str | None]]:
    """Door -> number of the value -> what it says."""
    values = [*REFUSED, *READ]
    folder = tmp_path_factory.mktemp("doors")
    numbers = range(len(values))
    found: dict[str, dict[int, str | None]] = {
        "pipeline": {
            n: error_of(pipe, values[n]) for n in numbers if not isinstance(values[n], list)
        },  # which holds texts
        "pipeline, in a list": {n: error_of(pipe, [GOOD, values[n]]) for n in numbers},
        "pipeline, in a stream": {n: error_of(lambda value: list(pipe(iter([value]))), values[n]) for n in numbers},
        "batch reader": dict(enumerate(Reader(str(checkpoint), ["verdict"], depth="fast").read(values)["error"])),
        "training rows": {n: error_of(check, [{"text": values[n], "affect.valence": 0.5}]) for n in numbers},
    }
    pandas = pytest.importorskip("pandas")
    found["training rows, of a table"] = {
        n: error_of(check, pandas.DataFrame({"text": [values[n]], "affect.valence": [0.5]}, dtype=object))
        for n in numbers
        if not isinstance(values[n], (bytearray, dict))  # which become others in a table
    }
    jsons = [n for n in numbers if is_json(values[n])]
    path = folder / "values.jsonl"
    path.write_text("".join(json.dumps({"text": values[n], "row": k}) + "\n" for k, n in enumerate(jsons)))
    found["analyze, .jsonl"] = dict(zip(jsons, errors_of(analyzed(checkpoint, path), len(jsons)), strict=True))
    for n in jsons:
        (folder / f"{n}.jsonl").write_text(json.dumps({"text": values[n], "affect.valence": 0.5}) + "\n")
    found["evaluate"] = {n: error_of(own_rows, str(folder / f"{n}.jsonl")) for n in jsons}
    texts = [n for n in numbers if isinstance(values[n], str) and not SURROGATE.search(values[n])]
    path = folder / "values.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([("row", "text"), *((k, values[n]) for k, n in enumerate(texts))])
    answers = [{**answer, "row": int(answer["row"])} for answer in analyzed(checkpoint, path)]
    assert [answer["text"] for answer in answers] == [values[n] for n in texts]
    found["analyze, .csv"] = dict(zip(texts, errors_of(answers, len(texts)), strict=True))
    handler = EndpointHandler.__new__(EndpointHandler)
    handler.pipeline = pipe
    found["handler"] = {n: error_of(handler, {"inputs": [values[n]]}) for n in jsons}
    client = Client("http://127.0.0.1:1")
    client._limits = Limits()
    found["client"] = {n: error_of(lambda value: list(client._bodies([value], {})), values[n]) for n in numbers}
    found["server"] = dict(zip(jsons, posted(pipe, [{"texts": [values[n]]} for n in jsons]), strict=True))
    return found


def posted(pipe: EthicalAnalysisPipeline, bodies: list[Any]) -> list[str | None]:
    """What the server says of each body, bytes or what is to be JSON."""
    pytest.importorskip("fastapi", reason="needs FastAPI: pip install 'redheart[serve]'")
    import httpx2

    from redheart.serving.app import create_app
    from redheart.serving.limits import Limits

    @asynccontextmanager
    async def client() -> Any:
        app = create_app("tiny", lambda: pipe, Limits(batch_wait=0))
        async with app.router.lifespan_context(app):
            await app.state.service.loading
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as one:
                yield one

    async def ask() -> list[str | None]:
        found: list[str | None] = []
        async with client() as one:
            for body in bodies:
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                answer = await one.post("/read", content=content, headers={"content-type": "application/json"})
                assert answer.status_code in (200, 422), answer.text  # both are in /openapi.json
                found.append(answer.json()["detail"] if answer.status_code == 422 else None)
        return found

    return asyncio.run(ask())


@pytest.mark.parametrize("number", range(len(REFUSED) + len(READ)), ids=lambda n: repr([*REFUSED, *READ][n])[:40])
def test_a_text_is_the_same_text_at_every_door(number: int, messages_by_door: dict[str, dict[int, str | None]]) -> None:
    """Of its kind: half an emoji, blanks that no `strip` knows, bytes, numbers, and every text that looks odd only."""
    value = [*REFUSED, *READ][number]
    words = in_other_words(error_of(check_text, value))
    assert (words is None) == (number >= len(REFUSED))
    for door, messages in messages_by_door.items():
        message = messages.get(number, words)
        if words is None:
            assert message is None, door
        else:
            assert message is not None, door
            assert words in message, door


@pytest.mark.parametrize("value", [value for value in (*REFUSED, *READ) if isinstance(value, str)], ids=repr)
def test_the_page_takes_what_the_others_take(value: str, pipe: EthicalAnalysisPipeline) -> None:
    """Of its kind: for an empty box it has a hint of its own, in the reader's language."""
    pytest.importorskip("gradio", reason="needs Gradio: pip install 'redheart[demo]'")
    from redheart.demo.interface import Words
    from redheart.demo.page import Page

    summary, _, _, session = Page(pipe, "tiny").read(value, "en", False)
    words = in_other_words(error_of(check_text, value))
    assert (session.reading is None) == (words is not None)
    if words is not None:
        shown = html.unescape(summary)
        assert words in shown or (not value.strip() and Words("en").text("empty") in shown)


@pytest.mark.parametrize("line", [*BAD_LINES, *NO_ROWS], ids=lambda line: repr(line)[:40])
def test_a_line_is_the_same_line_at_every_door(
    line: bytes, pipe: EthicalAnalysisPipeline, checkpoint: Path, tmp_path: Path
) -> None:
    """Of its kind: numbers that JSON has not or that are too large, other encodings, lines cut off, other values."""
    text, words = decode(line)
    if not words:
        words = error_of(lambda: check_row(parse_json(text))) or ""
    assert words
    path = tmp_path / "lines.jsonl"
    good = b'{"text": "I lied.", "row": %d, "affect.valence": 0.5}\n'
    path.write_bytes(good % 0 + line + b"\n" + good % 2)
    first, second, third = analyzed(checkpoint, path)
    assert (first["row"], third["row"]) == (0, 2)
    assert "error" not in first
    assert "error" not in third
    assert f"{path}, line 2 {words}" == second["error"]["message"]
    for refusal in (error_of(lambda: list(read_rows(path))), error_of(own_rows, str(path))):
        assert refusal is not None
        assert words in refusal
    if line in BAD_LINES:
        (refusal,) = posted(pipe, [line])
        assert refusal is not None
        assert words in refusal


def option_doors(pipe: EthicalAnalysisPipeline, options: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Each door that the options can come through, and what it says."""
    whole = EthicalAnalysisPipeline(model=pipe.model, tokenizer=pipe.tokenizer)
    yield "pipeline", error_of(whole, GOOD, **options)
    yield (
        "pipeline, when it is made",
        error_of(EthicalAnalysisPipeline, model=pipe.model, tokenizer=pipe.tokenizer, **options),
    )
    handler = EndpointHandler.__new__(EndpointHandler)
    handler.pipeline = whole
    yield "handler", error_of(handler, {"inputs": GOOD, "parameters": options})
    yield "server", posted(whole, [{"text": GOOD, **options}])[0]
    if "include_untrained" not in options:
        inputs = pipe.tokenizer(GOOD, return_tensors="pt")  # type: ignore[misc]
        yield "model", error_of(pipe.model, **inputs, **options)
    if (spelled := on_the_command_line(options)) is not None:
        result = CliRunner().invoke(main, ["analyze", *spelled, GOOD])
        yield "analyze", None if LOADED in result.stderr else result.stderr


LOADED = "the model would be loaded"


def on_the_command_line(options: dict[str, Any]) -> list[str] | None:
    """The options as a shell has them; None for what it cannot say."""
    spelled = []
    for name, value in options.items():
        if name == "outputs" and isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            spelled += [word for one in value for word in ("--output", one)]
        elif (name == "depth" and isinstance(value, str)) or (name == "token_budget" and type(value) is int):
            spelled.append(f"--{name.replace('_', '-')}={value}")
        else:
            return None
    return spelled


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_option_is_the_same_option_at_every_door(
    options: dict[str, Any], pipe: EthicalAnalysisPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its kind: names misspelt, lists that are none, numbers of other types, options that do not go together."""

    def load(_: str) -> None:
        raise ValueError(LOADED)

    monkeypatch.setattr("redheart.commands.read.analyze.load_text_pipeline", load)
    words = error_of(check_options, options)
    for door, message in option_doors(pipe, options):
        if words is None:
            assert message is None, door
        else:
            assert message is not None, door
            assert words in message, door


def test_there_are_enough_of_them() -> None:
    assert len(REFUSED) + len(READ) + len(BAD_LINES) + len(NO_ROWS) + len(OPTIONS) >= 100
