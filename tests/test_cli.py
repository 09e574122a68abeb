"""The command line: what goes to which stream, in which order, with which exit status."""

import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner, Result

from redheart import RedHeartConfig, RedHeartModel, __version__
from redheart.cli import main
from redheart.commands.read.terminal import render
from redheart.configuration import budget, load_preset, shipped
from redheart.configuration.extras import pip_argument
from redheart.configuration.labels import record_keys
from redheart.evaluation.measurement.results import MODEL, Evaluation, Figure
from redheart.modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

from .fixtures.processes import REDHEART, environment

KOREAN = "그때 솔직하게 말했더라면 지금은 달라졌을 텐데"

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)

    return invoke


@pytest.fixture
def analyze(run: Run, checkpoint: Path) -> Run:
    """Runs ``redheart analyze`` with the tiny checkpoint."""
    return lambda *arguments, **options: run("analyze", "--model", checkpoint, *arguments, **options)


@pytest.fixture
def tiny_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A preset that nothing ships for."""
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "small.json").write_text(json.dumps(load_preset("redheart-tiny")))
    monkeypatch.setattr(shipped, "_PRESETS", folder)
    return "small"


def answers(result: Result) -> list[dict[str, Any]]:
    """The JSON objects on standard output, which must hold nothing else."""
    lines = result.stdout_bytes.decode("utf-8").splitlines()
    return [json.loads(line, parse_constant=lambda name: pytest.fail(name)) for line in lines]


def assert_one_error(result: Result, status: int, *words: str) -> None:
    assert result.exit_code == status
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


# Help and usage


@pytest.mark.parametrize("command", ["analyze", "create", "params"])
def test_help_has_examples(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"redheart {command} " in result.stdout
    assert command in run("--help").stdout


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"redheart {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["analyse"], ["No such command 'analyse'", "'analyze'"]),
        (["analyze", "--outputs", "emotion", "x"], ["--outputs", "--output"]),
        (["analyze", "--output", "emotoin", "x"], ["did you mean 'emotion'"]),
        (["analyze", "--output", "regret", "--depth", "fats", "x"], ["fast"]),
        (["analyze", "--output", "counterfactual", "--depth", "fast", "x"], ["needs depth='full'"]),
        (["analyze"], ["TEXT", "--file"]),
        (["analyze", "--batch-size", "0", "x"], ["--batch-size"]),
        (["analyze", "--token-budget", "0", "x"], ["--token-budget"]),
        (["analyze", "--file", "absent.txt"], ["absent.txt"]),
        (["params", "redheart-730"], ["did you mean 'redheart-730m'"]),
        (["create", "redheart-tinny"], ["did you mean 'redheart-tiny'"]),
        (["create", "redheart-tiny", "--dtype", "int4"], ["--dtype"]),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(run: Run, arguments: list[str], words: list[str]) -> None:
    assert_one_error(run(*arguments), 2, *words)


def test_other_files_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("I lied.")
    assert_one_error(run("analyze", "--file", tmp_path / "a.xlsx"), 2, "'.xlsx'", ".jsonl", ".csv")


# Reading texts as JSON


def test_json_is_one_object_per_text(analyze: Run) -> None:
    result = analyze("--json", "I lied.", KOREAN)
    assert result.exit_code == 0
    assert [answer["text"] for answer in answers(result)] == ["I lied.", KOREAN]
    assert {"emotion", "verdict", "bentham", "regret"} <= set(answers(result)[0])
    assert KOREAN in result.stdout  # readable, not escaped


def test_options_reach_the_pipeline(analyze: Run) -> None:
    options = ("--output", "verdict", "--output", "surd", "--depth", "fast", "--token-budget", 2)
    (answer,) = answers(analyze("--json", *options, "I lied."))
    assert set(answer) == {"text", "verdict", "surd", "rationale", "rated_by", "ranges", "flags"}
    assert "embedding" in answers(analyze("--json", "--output", "embedding", "I lied."))[0]


@pytest.mark.parametrize("size", [1, 2, 8])
def test_bad_lines_keep_their_place(analyze: Run, size: int) -> None:
    stdin = b"\xef\xbb\xbfI lied.\n\n \t\r\n\xff\xfe no\n" + KOREAN.encode() + b"\r\nlast"
    result = analyze("--json", "--output", "verdict", "--batch-size", size, "-", stdin=stdin)
    assert result.exit_code == 1
    found = answers(result)
    assert [answer["text"] for answer in found] == ["I lied.", "", " \t", "\ufffd\ufffd no", KOREAN, "last"]
    assert ["error" in answer for answer in found] == [False, True, True, True, False, False]
    assert all(set(answer["error"]) == {"type", "message"} for answer in found if "error" in answer)
    assert "UTF-8" in found[3]["error"]["message"]
    assert result.stderr == 'error: 3 of the texts could not be read; their lines have an "error".\n'


def test_jsonl_passes_the_other_fields_on(analyze: Run, tmp_path: Path) -> None:
    lines = [
        {"body": "I lied.", "id": 7, "text": "a title", "flags": ["x"], "verdict": None},
        {"body": KOREAN, "input": {"a": 1}},
    ]
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    first, second = answers(analyze("--json", "--output", "emotion", "--file", path, "--jsonl-field", "body"))
    assert (first["text"], first["id"]) == ("I lied.", 7)
    assert first["input"] == {"text": "a title", "flags": ["x"], "verdict": None}
    assert first["flags"]["truncated"] is False
    assert (second["text"], second["input"]) == (KOREAN, {"input": {"a": 1}})


def test_bad_jsonl_lines_are_answered(analyze: Run, tmp_path: Path) -> None:
    lines = ['{"text": "I lied."}', '{"txt": "x"}', "[1]", "{", '{"text": 5, "id": 1}', '{"text": "a", "x": NaN}',
             '{"text": "\\ud800"}', '{"text": null}', "[" * 100_000]  # fmt: skip
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(lines) + "\n")
    result = analyze("--json", "--output", "verdict", "--file", path)
    assert result.exit_code == 1
    found = answers(result)
    assert ["error" in answer for answer in found] == [False] + [True] * 8
    messages = [answer.get("error", {}).get("message", "") for answer in found]
    assert "'text'" in messages[1]
    assert "JSON object" in messages[2]
    assert "got int" in messages[4]
    assert found[4]["id"] == 1
    assert "NaN" in messages[5]
    assert "surrogate" in messages[6]
    assert "NoneType" in messages[7]
    assert [f"line {number}" in messages[number - 1] for number in range(2, 10)] == [True] * 8


def test_a_number_that_json_does_not_have_loses_no_line(analyze: Run, tmp_path: Path) -> None:
    """Of its kind: a number too large, too long or none, in a file beside others."""
    path = tmp_path / "posts.jsonl"
    path.write_text('{"id": 1, "text": "He kept his word."}\n{"id": 2, "text": "I lied.", "score": 1e999}\n\n'
                    '{"id": 4, "text": "She stole it."}\n')  # fmt: skip
    result = analyze("--json", "--output", "verdict", "--file", path, "I lied.")
    assert result.exit_code == 1
    found = answers(result)
    assert [answer.get("id") for answer in found] == [None, 1, None, 4]
    assert found[2]["error"]["message"].startswith(f"{path}, line 2 is not JSON that can be read: the number 1e999")
    assert ["verdict" in answer for answer in found] == [True, True, False, True]


def test_tables_pass_every_column_on(analyze: Run, tmp_path: Path) -> None:
    """Of its kind: .csv, .tsv, .json, .jsonl and .parquet, with times, Decimals, NaN, bytes and lists."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows: list[dict[str, Any]] = [
        {"body": "I lied.", "at": datetime(2024, 5, 2, tzinfo=UTC), "cost": Decimal("1.10"), "score": math.nan},
        {"body": None, "at": None, "cost": Decimal("2.00"), "score": math.inf},
        {"body": KOREAN, "at": None, "cost": None, "score": 0.5},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "posts.parquet")
    result = analyze("--json", "--output", "verdict", "--file", tmp_path / "posts.parquet", "--column", "body")
    assert result.exit_code == 1
    first, second, third = answers(result)
    assert (first["text"], first["at"]) == ("I lied.", "2024-05-02T00:00:00+00:00")
    assert (first["cost"], first["score"]) == ("1.10", None)
    assert (second["text"], second["score"]) == (None, "Infinity")
    assert "posts.parquet, row 1: The text must be a str, got NoneType" in second["error"]["message"]
    assert (third["text"], third["score"]) == (KOREAN, 0.5)
    (tmp_path / "posts.csv").write_text("id,text,verdict\n7,I lied.,author\n8,,other\n9,She left.\n")
    result = analyze("--json", "--output", "verdict", "--file", tmp_path / "posts.csv")
    assert result.exit_code == 1
    found = answers(result)
    assert [(answer.get("id"), answer["text"]) for answer in found] == [
        ("7", "I lied."),
        ("8", ""),
        (None, "9,She left."),
    ]
    assert found[0]["input"] == {"verdict": "author"}
    assert "row 1 (line 3): The text is empty" in found[1]["error"]["message"]
    assert "has 2 cells" in found[2]["error"]["message"]


def test_a_column_without_a_table_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "post.txt").write_text("I lied.")
    for source in (("I lied.",), ("-",), ("--file", tmp_path / "post.txt")):
        assert_one_error(run("analyze", "--column", "body", *source), 2, "--column", "leave --column out")


def test_a_missing_column_is_reported_before_any_work(run: Run, tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("id,Text\n7,I lied.\n")
    assert_one_error(run("analyze", "--file", tmp_path / "posts.csv"), 2, "--column", "did you mean 'Text'")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b"", "has no rows"),
        ("a.jsonl", b"\n \n", "has no rows"),
        ("a.json", b"[]", "has no rows"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"text\n", "has no rows"),
        ("a.jsonl", '{"text": "a"}'.encode("utf-16"), "is UTF-16"),
        ("a.parquet", b"PAR1", "not a whole parquet file"),
    ],
)
def test_a_file_without_texts_says_so_and_the_others_are_answered(
    analyze: Run, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    """Of its kind: each kind of table, empty, of blank lines, or not whole."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "b.txt").write_text("She left.")
    for more in ([], ["--json"]):
        files = ("--file", tmp_path / name, "--file", tmp_path / "b.txt")
        result = analyze(*more, "--output", "verdict", "I lied.", *files)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"error: {tmp_path / name} ")
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
    assert [answer["text"] for answer in answers(result)] == ["I lied.", "She left."]


def test_empty_standard_input_is_an_error(analyze: Run) -> None:
    result = analyze("--json", "-", stdin=b"")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "standard input has no lines" in result.stderr


def test_every_end_of_a_line_ends_a_text(analyze: Run) -> None:
    result = analyze("--json", "--output", "verdict", "-", stdin=b"one\r\ntwo\rthree\nfour")
    assert [answer["text"] for answer in answers(result)] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("mark", ["\x1b[2J", "\x1bc", "\x9b1m", "\x07", "\u202e"], ids=repr)
def test_no_text_controls_the_terminal(analyze: Run, tmp_path: Path, mark: str) -> None:
    """Of its kind: a reading and its arc, JSON, an error that quotes a line, the name of a file."""
    long = f"I lied {mark} to my mother about the money, and {mark} then my brother told everyone. He left {mark}."
    path = tmp_path / "posts.jsonl"
    path.write_text(f"{json.dumps({'text': long})}\n{{'text': '{mark}'}}\n", encoding="utf-8")
    for more in ([], ["--json"]):
        result = analyze(*more, long, mark, "--file", path)
        assert mark not in result.stdout + result.stderr
        assert result.exit_code == 1
    assert answers(result)[0]["text"] == long
    shown = analyze("--output", "emotion", long).stdout
    assert f"\\x{ord(mark[0]):02x}" in shown or f"\\u{ord(mark[0]):04x}" in shown


def test_a_txt_file_is_one_text(analyze: Run, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("First line.\n\nSecond line.\n")
    (answer, other) = answers(analyze("--json", "--output", "verdict", "I lied.", "--file", path))
    assert (answer["text"], other["text"]) == ("I lied.", "First line.\n\nSecond line.")
    path.write_bytes(b"\xff")
    assert "not UTF-8" in answers(analyze("--json", "--file", path))[0]["error"]["message"]


def test_a_text_that_fails_does_not_fail_its_batch(analyze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    build = EthicalAnalysisPipeline.postprocess

    def postprocess(self: Any, windows: list[dict[str, Any]], **options: Any) -> Any:
        if windows[0]["text"] == "bad":
            raise ValueError("not finite")
        return build(self, windows, **options)

    monkeypatch.setattr(EthicalAnalysisPipeline, "postprocess", postprocess)
    result = analyze("--json", "--output", "verdict", "-", stdin=b"one\nbad\ntwo\n")
    assert result.exit_code == 1
    assert ["error" in answer for answer in answers(result)] == [False, True, False]
    assert answers(result)[1]["error"] == {"type": "ValueError", "message": "standard input, line 2: not finite"}


def test_what_libraries_print_stays_off_standard_output(analyze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = EthicalAnalysisPipeline._forward

    def noisy(self: Any, *arguments: Any, **options: Any) -> Any:
        print("a library says hello")
        return forward(self, *arguments, **options)

    monkeypatch.setattr(EthicalAnalysisPipeline, "_forward", noisy)
    result = analyze("--json", "--output", "verdict", "I lied.")
    assert len(answers(result)) == 1
    assert "hello" in result.stderr


def test_withheld_and_untrained(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "partly"
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    config["supervision"] = {key: ["made-up"] for key in record_keys() if not key.startswith(("regret", "arc"))}
    (folder / "config.json").write_text(json.dumps(config))
    (plain,) = answers(run("analyze", "--model", folder, "--json", "I lied."))
    assert plain["flags"]["withheld"] == ["arc", "regret"]
    shown = run("analyze", "--model", folder, "I lied.").stdout
    assert "Withheld: arc, regret." in shown
    assert "--include-untrained" in shown
    marked = run("analyze", "--model", folder, "--include-untrained", "I lied.").stdout
    assert "rejoicing (below 0) (untrained)" in marked
    assert "Untrained: arc, regret." in marked


# Models


def test_misspelt_and_missing_models(run: Run, tmp_path: Path, tiny_preset: str) -> None:
    assert_one_error(run("analyze", "--model", "smal", "x"), 1, "did you mean 'small'")
    assert_one_error(run("analyze", "--model", tiny_preset, "x"), 1, "redheart create small")
    assert_one_error(run("analyze", "--model", tmp_path / "absent", "x"), 1, "absent")
    assert_one_error(run("analyze", "--model", tmp_path, "x"), 1, "config.json")


def test_damaged_checkpoints_are_refused(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(checkpoint, folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(1000)
    assert_one_error(run("analyze", "--json", "--model", folder, "x"), 1, "model.safetensors")


# Reading texts for people


def test_people_get_every_part(analyze: Run) -> None:
    result = analyze(KOREAN, "I lied to my sister.")
    assert result.exit_code == 0
    for words in ("Emotions", "valence", "Verdict", "acceptable", "Felicific calculus", "±", "Regret", "rated by",
                  "What could have been", "Information", "determined", "Confidence", "Course of the"):  # fmt: skip
        assert result.stdout.count(words) >= 2
    assert "\x1b" not in result.stdout  # no colour where nothing can show it


def test_errors_for_people_go_to_standard_error(analyze: Run) -> None:
    result = analyze("--output", "verdict", "I lied.", " ")
    assert result.exit_code == 1
    assert "Verdict" in result.stdout
    assert result.stderr == "error: text 2: The text is blank (' '); leave it out, there is nothing to read.\n"


@pytest.mark.parametrize("colour", [None, "truecolor"])
@pytest.mark.parametrize("width", [80, 200, 40])
def test_the_output_fits_the_terminal(checkpoint: Path, tokenizer: Any, width: int, colour: Any) -> None:
    pipe = EthicalAnalysisPipeline(model=RedHeartModel.from_pretrained(checkpoint), tokenizer=tokenizer)
    console = Console(width=width, record=True, file=open(os.devnull, "w"), color_system=colour)  # noqa: SIM115
    render(pipe(f"{KOREAN}. " * 40 + "x" * 700), console)
    lines = console.export_text().splitlines()
    assert max(console.measure(line).maximum for line in lines) <= min(width, 80)


def test_no_styles_are_needed_to_see_what_matters(analyze: Run) -> None:
    text = "I told my sister's secret to her fiancé and now I cannot sleep."
    shown = analyze("--output", "verdict", text).stdout
    (answer,) = answers(analyze("--json", "--output", "verdict", text))
    assert f"*{answer['rationale'][0]['word']}*" in shown
    line = next(line for line in shown.splitlines() if "●" in line)
    assert line.split()[1] == answer["verdict"]["label"]


# create


def test_create_makes_a_checkpoint_that_reads(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    result = run("create", "redheart-tiny", "--output", folder, "--seed", 3)
    assert (result.exit_code, result.stdout) == (0, f"{folder}\n")
    (answer,) = answers(run("analyze", "--json", "--model", folder, "I lied."))
    assert set(answer) == {"text", "rated_by", "ranges", "flags"}  # nothing is trained
    assert_one_error(run("create", "redheart-tiny", "--output", folder), 1, "not empty")
    assert run("create", "redheart-tiny", "--output", folder, "--force").exit_code == 0


def test_create_hands_its_options_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def create(name: str, folder: Path, progress: Any, **options: Any) -> Path:
        progress(1, 2)
        asked.update(options, name=name, folder=folder)
        return folder

    monkeypatch.setattr("redheart.storage.create.create_checkpoint", create)
    assert run("create", "redheart-tiny", "--dtype", "bfloat16", "--force").exit_code == 0
    assert asked == {
        "name": "redheart-tiny",
        "folder": Path("redheart-tiny"),
        "dtype": "bfloat16",
        "seed": 0,
        "force": True,
    }


# params


def test_params_prints_the_table_and_the_total_last(run: Run, tiny_preset: str) -> None:
    with torch.device("meta"):
        model = RedHeartModel(RedHeartConfig.from_preset(tiny_preset))
    total = sum(value.numel() for value in model.parameters())
    result = run("params", tiny_preset)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].split()[:2] == ["total", f"{total:,}"]
    rows = json.loads(run("params", tiny_preset, "--json").stdout)["components"]
    assert rows[-1] == {"component": "total", "part_of": None, "parameters": total, "budget": None, "exact": True}
    assert sum(row["parameters"] for row in rows[:-1] if row["part_of"] is None) == total


def test_params_fails_on_a_difference(run: Run, tiny_preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = json.loads(run("params", tiny_preset, "--json").stdout)["components"]
    exact = {row["component"]: row["parameters"] for row in table if row["component"] in budget.PARTS}
    monkeypatch.setitem(budget.BUDGETS, tiny_preset, exact)
    assert run("params", tiny_preset).exit_code == 0
    monkeypatch.setitem(budget.BUDGETS, tiny_preset, {**exact, "surd head": exact["surd head"] + 1})
    result = run("params", tiny_preset)
    assert result.exit_code == 1
    assert [line.split()[-1] for line in result.stdout.splitlines() if line.startswith(("surd head", "total"))] == [
        "-1",
        "-1",
    ]


def test_info_shows_what_is_known_about_each_output(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    model = RedHeartModel.from_pretrained(checkpoint)
    model.config.supervision = {"verdict": ["cases"], "affect.valence": ["cases", "emobank"], "arc": ["goemotions"]}
    model.save_pretrained(tmp_path)
    bare = run("info", str(tmp_path))
    assert bare.exit_code == 0
    assert "no evaluation.json" in " ".join(bare.stdout.split())
    figure = Figure("cases", "validation", "verdict", "accuracy", MODEL, 0.81, 511)
    evaluation = Evaluation("mine", model.num_parameters(), "redheart evaluate")
    evaluation.figures.append(figure)
    evaluation.save(tmp_path / "evaluation.json")
    output = " ".join(run("info", str(tmp_path)).stdout.split())
    assert output.startswith("mine ")
    assert "verdict trained on (rows) cases (12,030) rated by model" in output
    assert "accuracy 0.810 (cases, validation)" in output
    assert "most votes equal 96 %" in output
    outputs = json.loads(run("info", str(tmp_path), "--json").stdout)["outputs"]
    assert {row["part"]: row["rated_by"] for row in outputs} == {"verdict": "model", "affect": "mixed", "arc": "people"}
    held_out = {row["part"]: row["held_out"] for row in outputs}
    assert held_out == {"verdict": ["accuracy 0.810 (cases, validation)"], "affect": [], "arc": []}


def test_info_of_a_folder_without_a_model(run: Run, tmp_path: Path) -> None:
    result = run("info", str(tmp_path))
    assert result.exit_code == 2
    assert "has no config.json" in result.stderr


# A process of its own


def test_lines_are_answered_as_they_come_and_a_broken_pipe_is_quiet(checkpoint: Path) -> None:
    command = [*REDHEART, "analyze", "--model", str(checkpoint), "--json", "--batch-size", "1", "-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(), **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for text in ("I lied.", "", KOREAN):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text  # while standard input is open
        process.stdout.close()
        process.stdin.write(b"more\n" * 3)
        process.stdin.close()
        assert process.wait(timeout=60) == 1
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("sklearn.linear_model", f"This needs scikit-learn: pip install {pip_argument('train')}"),
        ("gradio", f"This needs gradio: pip install {pip_argument('demo')}"),
        ("unheard_of", "No module named 'unheard_of'"),
    ],
)
def test_what_is_not_installed_is_named_with_the_extra_that_brings_it(
    module: str, message: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr("redheart.commands.read.analyze.load_text_pipeline", load)
    result = run("analyze", "I lied.")
    assert result.exit_code == 1
    assert result.stderr == f"error: {message}\n"
