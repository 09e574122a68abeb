"""Each example script as a person runs it, with a tiny model; in a process of its own where it may be killed."""

import csv
import importlib.util
import json
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import psutil
import pytest
from transformers import PreTrainedTokenizerBase

from redheart.configuration.labels import OUTPUTS

from ..fixtures.processes import environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ROWS = EXAMPLES / "own_rows.csv"
PATIENCE = 900.0  # seconds until a script that hangs fails
LAUNCH = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
          "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0")  # fmt: skip

ENVIRONMENT = environment(ACCELERATE_USE_CPU="true")

pytestmark = [
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="about a checkout"),
    # PEFT asks for it.
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"),
]


class Written(NamedTuple):
    """What a script wrote."""

    stdout: str
    stderr: str


Script = Callable[..., Written]


def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    """A Python with these arguments; must end with ``status``."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == status, done.stderr[-3000:]
    return done


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    """Runs an example in this process as Python would; gives what it wrote. It must end with ``status``."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")

    def run_script(name: str, *arguments: object, status: int = 0) -> Written:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        code: Any = 0
        capsys.readouterr()
        try:
            runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        if isinstance(code, str):  # as Python does
            code, err = 1, f"{err}{code}\n"
        assert code == status, err[-3000:]
        return Written(out, err)

    return run_script


@pytest.fixture
def lively_checkpoint(
    tmp_path: Path, lively_model: Callable[..., Any], tokenizer: PreTrainedTokenizerBase, checkpoint: Path
) -> Path:
    """A tiny checkpoint whose readings depend on the text."""
    folder = tmp_path / "lively"
    model = lively_model(supervision=json.loads((checkpoint / "config.json").read_text())["supervision"])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_pick_outputs(script: Script, checkpoint: Path) -> None:
    told = script("pick_outputs.py", "--model", checkpoint, "--runs", 2).stdout
    assert "bentham: {" in told
    assert "emotion: [" in told
    assert "saved" in told


@pytest.mark.slow
def test_finetune_on_a_csv_with_columns_of_other_names(script: Script, tmp_path: Path, checkpoint: Path) -> None:
    rows = list(csv.DictReader(ROWS.open(encoding="utf-8")))
    mine = tmp_path / "mine.csv"
    with mine.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("sentence", "who", "ticket"))
        writer.writeheader()
        writer.writerows(
            {"sentence": row["text"], "who": row["verdict"].upper(), "ticket": n} for n, row in enumerate(rows)
        )
    output = tmp_path / "run"
    names = ("--column", "sentence=text", "--column", "who=verdict:AUTHOR=author,OTHER=other,EVERYBODY=everybody,"
             "NOBODY=nobody,INFO=info", "--column", "ticket=")  # fmt: skip
    told = script(
        "finetune_csv.py",
        mine,
        output,
        "--model",
        checkpoint,
        "--epochs",
        3,
        "--learning-rate",
        1e-2,
        *names,
    ).stdout
    report = json.loads((output / "report.json").read_text())
    assert report["units"]["train"] + report["units"]["validation"] == len(rows)
    assert report["units"]["validation"] >= 6
    assert report["validation"]["verdict"]["after"] < report["validation"]["verdict"]["before"]
    assert "constant" in told
    assert told.count("car without asking") == 2  # read before and after


@pytest.mark.slow
def test_errors_in_a_csv_name_the_option_of_the_script(script: Script, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("text,verdict,ticket\n" + "".join(f"Text {n}.,yes,{n}\n" for n in range(9)), encoding="utf-8")
    told = script("finetune_csv.py", mine, tmp_path / "run", status=1).stderr
    assert "9 rows (0, 1, 2, ...), column 'verdict': There is no verdict 'yes'" in told
    assert "--column 'ticket='" in told
    assert "Traceback" not in told


@pytest.mark.slow
def test_finetune_an_adapter(script: Script, tmp_path: Path, checkpoint: Path) -> None:
    output = tmp_path / "run"
    script("finetune_csv.py", ROWS, output, "--model", checkpoint, "--epochs", 1, "--adapter")
    assert (output / "adapter" / "adapter_model.safetensors").is_file()
    assert set(json.loads((output / "report.json").read_text())["validation"]) >= {"emotion", "verdict"}


@pytest.mark.slow
def test_search_finds_a_text_by_itself(script: Script, tmp_path: Path, lively_checkpoint: Path) -> None:
    index, rows = tmp_path / "index", tmp_path / "rows.csv"
    odd = '0,"She left.\u2028He stayed.",sadness,other\n'  # with a line separator, which ends no line of a file
    header, _, others = ROWS.read_text(encoding="utf-8").partition("\n")
    rows.write_text(f"{header}\n{odd}{others}", encoding="utf-8")
    script("search.py", "index", rows, index, "--model", lively_checkpoint)
    wanted = list(csv.DictReader(ROWS.open(encoding="utf-8")))[17]["text"]
    lines = script("search.py", "query", index, wanted, "--top", 3).stdout.rstrip("\n").split("\n")
    assert len(lines) == 3
    assert lines[0] == f"1.000  {wanted}"


def rows_of(path: Path, count: int) -> list[str]:
    """Write a CSV with rows of which one has nothing to read; returns their ids, in order."""
    ids = [f"{number:04d}" for number in range(count)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "text", "verdict"))
        for number, name in enumerate(ids):
            text = " " if number == 5 else f'Number {number}, I said "no", and she left.'
            writer.writerow((name, text, "author"))
    return ids


def parts_of(output: Path) -> list[Path]:
    return sorted(output.with_name(f"{output.name}.parts").glob("[0-9]*.jsonl"))


@pytest.mark.slow
def test_a_data_set_is_read_once_though_it_was_killed(tmp_path: Path, checkpoint: Path) -> None:
    ids = rows_of(tmp_path / "rows.csv", 300)
    output = tmp_path / "readings.jsonl"
    asked = ("--model", checkpoint, "--outputs", "emotion", "verdict", "--part-rows", 5, "--batch-size", 5)
    script = (EXAMPLES / "batch_dataset.py", tmp_path / "rows.csv", output, *asked)

    command = [sys.executable, *LAUNCH, *map(str, script)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + PATIENCE
        while len(parts_of(output)) < 3:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.005)
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for one in family:
            one.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, PATIENCE)
    assert 3 <= len(parts_of(output)) < 60
    assert not output.exists()

    run(*LAUNCH, *script)
    answers = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == ids
    assert [answer["text"].split(",")[0] for answer in answers[6:]] == [f"Number {number}" for number in range(6, 300)]
    assert "blank" in answers[5]["error"]["message"]
    assert all(set(answer) & set(OUTPUTS) == {"emotion", "verdict"} for answer in answers if "error" not in answer)
    assert all(answer["input"] == {"verdict": "author"} for answer in answers)  # the name of an output, so put apart
    assert not output.with_name(f"{output.name}.parts").exists()


@pytest.fixture(scope="module")
def batch_dataset() -> ModuleType:
    spec = importlib.util.spec_from_file_location("batch_dataset", EXAMPLES / "batch_dataset.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_result_is_not_replaced(tmp_path: Path, batch_dataset: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "readings.jsonl"
    output.touch()
    monkeypatch.setattr(sys, "argv", ["batch_dataset.py", str(ROWS), str(output)])
    with pytest.raises(SystemExit, match="already exists"):
        batch_dataset.main()


def test_parts_of_another_run_are_refused(tmp_path: Path, batch_dataset: ModuleType) -> None:
    plan = {"input": "abc", "part_rows": 5, "outputs": ["verdict"]}
    for _ in range(2):
        batch_dataset.check_plan(tmp_path / "parts", plan)
    with pytest.raises(SystemExit, match="part_rows was 5, not 6"):
        batch_dataset.check_plan(tmp_path / "parts", plan | {"part_rows": 6})


def test_parts_with_missing_rows_are_an_error(tmp_path: Path, batch_dataset: ModuleType) -> None:
    for number in range(2):
        batch_dataset.write(batch_dataset.part_path(tmp_path, number), [{"id": number}])
    with pytest.raises(RuntimeError, match="2 lines for 3 rows"):
        batch_dataset.join(tmp_path, range(2), tmp_path / "out.jsonl", 3)
    assert not (tmp_path / "out.jsonl").exists()
