"""A process of its own for one peer: takes cases on standard input, times them when told, answers on standard output.

Libraries that share a process get into each other's way: the threads of one wait for work on the cores that the other
computes on.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks import cases

NAMES = {"here": "tensorflow", "keras": "tensorflow", "torch": "torch", "darts": "darts", "onnx": "onnx"}
APART = Path(sys.prefix, "darts", "bin", "python")  # darts asks for other versions of what the rest needs
A_TURN = 0.1  # seconds: the threads of the peer before it, still spinning, would spoil a shorter one
KINDS = {  # the module of a peer, after its library's name, and the function there
    "Layer": ("peer", "layer"),
    "LanguageModel": ("peer", "language_model"),
    "Epochs": ("peer", "epochs"),
    "Generation": ("peer", "generation"),
    "Translation": ("translation", "translation"),
    "Beams": ("translation", "beams"),
    "Forecasting": ("series", "forecasting"),
}


class Worker:
    """The handle of such a process.

    Args:
        library: "here", "keras", "torch", "darts" or "onnx".
    """

    def __init__(self, library: str):
        if library == "darts" and not APART.exists():
            raise SystemExit("darts is not installed: `make bench` installs it")
        command = [str(APART) if library == "darts" else sys.executable, "-m", "benchmarks.worker", library]
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, env=quiet, **pipes)

    def ask(self, *request):
        """Send a request, and wait for the answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process of {self.process.args[-1]} ended at {request}")
        return json.loads(answer)

    def make(self, case) -> float:
        """Prepare a case; the seconds of its first call, compiling included."""
        return self.ask("make", type(case).__name__, dataclasses.asdict(case))

    def run(self) -> float:
        """The seconds of one call of the case made last, the mean of a turn."""
        return self.ask("run")

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def main(library):
    """Serve requests until the input ends."""
    peer = import_module(f"benchmarks.peers.{NAMES[library]}_peer")
    answers, sys.stdout = sys.stdout, sys.stderr
    call, operations = None, 0
    for line in sys.stdin:
        what, *more = json.loads(line)
        if what == "versions":
            answer = peer.versions()
        elif what == "limit":
            call, operations = peer.products()
            answer = max(operations / timed(call) for _ in range(20))
        elif what == "make":
            kind, fields = more
            fields = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
            module, function = KINDS[kind]
            module = import_module(f"benchmarks.peers.{NAMES[library]}_{module}")
            call = getattr(module, function)(library, getattr(cases, kind)(**fields))
            answer = timed(call)
        else:
            answer = timed(call, A_TURN)
        print(json.dumps(answer), file=answers, flush=True)


def timed(call, at_least=0.0):
    """Seconds of one call; the mean of as many as last `at_least` seconds."""
    begun, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - begun < at_least:
        call()
        calls += 1
    return (time.perf_counter() - begun) / calls


if __name__ == "__main__":
    main(sys.argv[1])
