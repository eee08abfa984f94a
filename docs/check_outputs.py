"""Compare the outputs shown in the documentation with those of real runs: `make check-docs`.

For each block of README.md and the guides whose runs are in runs/ and exported/: commands that predict, generate,
evaluate, list or export are run again, in a folder of their own; `nlp-rnn run` is compared with the figures in the run
folder; the comments at the end of a Python block with what it prints. A block after `<!-- example -->` is left out: its
output shows the form only. So is a command whose run or input is not there; those are counted.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ILLUSTRATIVE = "<!-- example -->"
RUN_AGAIN = {"predict", "generate", "evaluate", "list", "export"}
_FENCE = re.compile(
    rf"(?P<example>{ILLUSTRATIVE}\s*)?^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE
)


class Command(NamedTuple):
    """A command of a block, and the output that is shown below it."""

    text: str
    output: str

    @property
    def parts(self) -> list[list[str]]:
        """The words of each command of a pipe or a list."""
        words, parts = shlex.split(self.text.replace("\\\n", " ")), [[]]
        for word in words:
            if word in ("|", "&&"):
                parts.append([])
            else:
                parts[-1].append(word)
        return parts


@dataclass
class Block:
    """A block of commands."""

    commands: list[Command]
    illustrative: bool = False


def blocks(page: str) -> Iterator[Block]:
    """The blocks of commands of a page."""
    for match in _FENCE.finditer(page):
        if match["language"] == "console":
            yield Block(list(_commands(match["body"])), bool(match["example"]))


def _commands(body):
    """Commands begin with "$ ", and continue in lines that begin with "> " or follow a backslash."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        text = [lines.pop(0)]
        while lines and (text[-1].endswith("\\") or lines[0].startswith("> ")):
            text.append(lines.pop(0).removeprefix("> "))
        yield Command("\n".join(text), "\n".join(lines))


def python_blocks(page: str) -> list[str]:
    """The Python of a page."""
    return [match["body"] for match in _FENCE.finditer(page) if match["language"] == "python"]


def main() -> int:
    """Compare all pages; returns the exit code."""
    pages = [ROOT / "README.md", ROOT / "docs" / "index.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
    wrong = same = absent = 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for what, expected, got in (*_compared(text), *_compared_python(text)):
            absent += got is None
            same += got == expected
            if got is not None and got != expected:
                wrong += 1
                print(f"{page.relative_to(ROOT)}: {what}\n--- shown\n{expected}\n--- printed\n{got}\n")
    print(f"{same} outputs are as shown, {wrong} are not; {absent} could not be made: their runs are not here")
    return min(wrong, 1)


def _compared(page):
    """Each command with an output: its text, the output shown, and the real one; None where it cannot be had."""
    for block in blocks(page):
        for command in block.commands:
            if command.output and not block.illustrative and "nlp-rnn" in command.text:
                yield command.text, command.output, _output(command)


def _output(command):
    words = next(part for part in command.parts if part[0] == "nlp-rnn")
    if words[1] == "run":
        out = Path(words[words.index("--out") + 1]) if "--out" in words else Path("runs", words[2])
        return _figures(out) if (ROOT / out / "run.json").exists() else None
    inputs = [word for word in words if word.startswith("runs/") or word.endswith((".csv", ".tsv", ".txt"))]
    outputs = [words[n + 1] for n, word in enumerate(words) if word in ("--output", "--plot")]
    if words[1] not in RUN_AGAIN or not all((ROOT / path).exists() for path in inputs if path not in outputs):
        return None
    with _temporary_folder() as folder:
        return _run(["bash", "-c", command.text], folder)


def _figures(out):
    code = (
        "import sys; from pathlib import Path; from nlp_rnn import runs; run = runs.load(Path(sys.argv[1])); "
        "print('run      ', run.path); print(*run.task.summary(run.metrics, 'held-out texts'), sep='\\n')"
    )
    return _run([sys.executable, "-c", code, str(out)], ROOT)


def _compared_python(page):
    """Each Python block that ends with comments, as `_compared` gives commands."""
    code = python_blocks(page)
    for number, block in enumerate(code):
        comments = re.search(r"(?:^# .*\n|^#  .*\n)+\Z", block, re.MULTILINE)
        if comments:
            needed = re.findall(r'"((?:runs|exported)/\w+)"', "".join(code[: number + 1]))
            there = needed and all((ROOT / path).exists() for path in needed)
            expected = re.sub(r"^# ", "", comments[0], flags=re.MULTILINE).rstrip("\n")
            yield f"Python block {number + 1}", expected, _printed(code[: number + 1]) if there else None


def _printed(code):
    """What the last of some blocks prints."""
    *before, last = code
    quiet = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    exec({!r}, globals())\n"
    with _temporary_folder() as folder:
        return _run([sys.executable, "-c", "".join(quiet.format(part) for part in before) + last], folder)


def _temporary_folder():
    """A temporary folder in which the runs and the data of the checkout are at their places."""
    folder = tempfile.TemporaryDirectory()
    for path in [ROOT / "runs", *ROOT.glob("*.csv"), *ROOT.glob("*.tsv"), *ROOT.glob("*.txt")]:
        if path.exists():
            Path(folder.name, path.name).symlink_to(path)
    exported = Path(folder.name, "exported")
    exported.mkdir()
    for path in (ROOT / "exported").glob("*"):
        exported.joinpath(path.name).symlink_to(path)
    return folder


def _run(command, folder):
    if "export" in command[-1].split()[:2]:  # the name is taken in the checkout
        target = Path(folder, shlex.split(command[-1])[-1])
        target.unlink(missing_ok=True)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout.rstrip("\n") if not done.returncode else f"(exit code {done.returncode}) {done.stderr}"


if __name__ == "__main__":
    sys.exit(main())
