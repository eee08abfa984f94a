"""All measurements against the peers, in one run.

    make bench                                  everything, about 15 minutes on 2 cores
    .venv/bin/python -m benchmarks layers       one part; see `PARTS`

Each library has a process of its own; a case is run in them alternately, after a warm-up, and its figure is the median.
On a shared machine only the ratios mean something. Figures go to benchmarks/results/ as JSON and a picture as well.
"""

import json
import platform
import re
import statistics
import sys
from pathlib import Path

import llvmlite.binding as llvm
import matplotlib
import numpy as np

from benchmarks import cases, memory
from benchmarks.worker import Worker
from nlp_rnn.layers.cores import available_cores

matplotlib.use("Agg")
from matplotlib import pyplot

LIBRARIES = ("here", "keras", "torch")
RESULTS = Path(__file__).parent / "results"
VECTORS = re.compile("avx|amx|neon|sve")
ROUNDS = 4
SCATTER = 3  # times the least: the machine is busy, and the threads of a library wait for each other
FEW = 3  # of what takes seconds
MANY = 15  # where a peer still gets faster after several passes, as darts' LSTM does until about the tenth


def measure(workers, case, rounds=ROUNDS):
    """Median seconds of a case by library, the seconds of the first call, and the share of the limit reached here."""
    first = {name: worker.make(case) for name, worker in workers.items()}
    for worker in workers.values():
        worker.run()
    times = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            times[name].append(worker.run())
    seconds = {name: statistics.median(all_) for name, all_ in times.items()}
    for name, all_ in times.items():
        if max(all_) > SCATTER * min(all_):
            print(f"{case}: the times of {name} scatter from {1000 * min(all_):.1f} to {1000 * max(all_):.1f} ms")
    return {"case": str(case), "seconds": seconds, "first_call": first}


def measured_against_limit(workers, case):
    """`measure`, with the share of the speed of one large matrix product, timed just before."""
    limit = workers["here"].ask("limit")
    found = measure(workers, case)
    return found | {"share_of_limit": case.operations() / found["seconds"]["here"] / limit, "limit_gflops": limit / 1e9}


def show(found):
    """One line of the table."""
    here, keras, torch = (found["seconds"][name] for name in LIBRARIES)
    share = f"{found['share_of_limit']:6.2f}" if "share_of_limit" in found else ""
    milliseconds = "".join(f"{1000 * s:9.1f}" for s in (here, keras, torch))
    print(f"{found['case']:<62}{milliseconds}{keras / here:8.2f}{torch / here:8.2f}{share}", flush=True)


def header():
    """The head of the table."""
    print(f"{'':<62}{'here ms':>9}{'keras ms':>9}{'torch ms':>9}{'/keras':>8}{'/torch':>8} limit")


def layers(workers):
    """Every cell and shape, forward and backward."""
    header()
    return [_shown(measured_against_limit(workers, case)) for case in cases.layers() if case.backward]


def inference(workers):
    """Every cell and shape, the forward pass alone, and the first call; also in ONNX Runtime."""
    workers, results = {**workers, "onnx": Worker("onnx")}, []
    print(workers["onnx"].ask("versions"))
    names = list(workers)
    print(f"{'':<42}" + "".join(f"{name + ' ms':>10}" for name in names) + "".join(f"{'/' + n:>8}" for n in names[1:]))
    for case in cases.layers():
        if not case.backward:
            results.append(measure(workers, case))
            times, first = results[-1]["seconds"], results[-1]["first_call"]
            line = "".join(f"{1000 * times[name]:10.2f}" for name in names)
            line += "".join(f"{times[name] / times['here']:8.2f}" for name in names[1:])
            print(
                f"{results[-1]['case']:<42}{line}  first {first['here']:.2f} s, keras {first['keras']:.2f}", flush=True
            )
    workers["onnx"].close()
    return results


def model(workers):
    """A training step of a language model."""
    header()
    return [_shown(measured_against_limit(workers, cases.LanguageModel()))]


def generation(workers):
    """Tokens sampled one after the other: here, with Keras' `predict` and a stateful LSTM, in a PyTorch loop."""
    header()
    return [_shown(measure(workers, cases.Generation(batch), FEW)) for batch in (1, 64)]


def translation(workers):
    """Training steps of a translator and its beam search; Keras has no decoder with attention."""
    workers, found = {name: workers[name] for name in ("here", "torch")}, []
    for case in (cases.Translation(), cases.Beams(), cases.Beams(alone=True)):
        found.append(measure(workers, case, FEW))
        here, torch = (found[-1]["seconds"][name] for name in workers)
        print(
            f"{case}: here {1000 * here:.0f} ms, torch {1000 * torch:.0f} ms, times torch {torch / here:.2f}",
            flush=True,
        )
    tokens = cases.Translation().tokens()
    print(f"target tokens a second: {', '.join(f'{n} {tokens / s:,.0f}' for n, s in found[0]['seconds'].items())}")
    return found


def forecasting(_):
    """Training a forecaster; darts in an environment of its own."""
    workers, found = {name: Worker(name) for name in ("here", "darts")}, []
    print("; ".join(f"{name}: {worker.ask('versions')}" for name, worker in workers.items()))
    for case in (cases.Forecasting(), cases.Forecasting("LSTM"), cases.Forecasting("RNN")):
        found.append(measure(workers, case, MANY))
        speeds = {name: case.windows / seconds for name, seconds in found[-1]["seconds"].items()}
        words = ", ".join(f"{name} {speed:,.0f}" for name, speed in speeds.items())
        print(f"{case}: {words} a second, times darts {speeds['here'] / speeds['darts']:.2f}", flush=True)
    for worker in workers.values():
        worker.close()
    return found


def _shown(found):
    show(found)
    return found


def epochs(workers):
    """Training a classifier, compiling included: every library once, each in a fresh process.

    PyTorch, which compiles nothing, is asked for one epoch: all take it as long.
    """
    found = {}
    for name in LIBRARIES:
        case, worker = cases.Epochs(epochs=1 if name == "torch" else 3), Worker(name)
        found[name] = case.tokens() / worker.make(case)
        worker.close()
        print(f"{case}: {name} {found[name]:,.0f} tokens a second", flush=True)
    print(f"times keras {found['here'] / found['keras']:.2f}, times torch {found['here'] / found['torch']:.2f}")
    return {"case": str(cases.Epochs()), "tokens_a_second": found}


def growth(workers):
    """Seconds of LSTM forward and backward as T, B, F and U grow, and the slope between their logarithms."""
    base, found = {"B": 32, "T": 64, "F": 64, "U": 64}, []
    for axis, sizes in {"T": (64, 128, 256, 512), "B": (32, 64, 128, 256), "U": (64, 128, 256, 512)}.items():
        seconds = []
        for size in sizes:
            shape = tuple((base | {axis: size}).values())
            seconds.append(measure({"here": workers["here"]}, cases.Layer("LSTM", shape, True))["seconds"]["here"])
        slope = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
        print(f"growth with {axis}, {sizes}: {', '.join(f'{1000 * s:.1f}' for s in seconds)} ms, slope {slope:.2f}")
        found.append({"axis": axis, "sizes": sizes, "seconds": seconds, "slope": slope})
    return found


def peak_memory(workers):
    """Of one step with 50,000 words, the loss in one or with all probabilities at once; with T and B; with series."""
    found = memory.measured()
    for line in found:
        print(f"{line['case']}: {line['megabytes']:,.0f} MB above the start", flush=True)
    return found


PARTS = {
    "layers": layers,
    "inference": inference,
    "model": model,
    "generation": generation,
    "translation": translation,
    "forecasting": forecasting,
    "epochs": epochs,
    "growth": growth,
    "memory": peak_memory,
}


def processor():
    """The processor of this machine, its vector instructions, and the cores that this process may use."""
    features = sorted(name for name, has in llvm.get_host_cpu_features().items() if has and VECTORS.match(name))
    return f"{platform.machine()}, {llvm.get_host_cpu_name()} ({', '.join(features)}), {available_cores()} cores"


def picture(found):
    """The ratios of all layers as bars, to benchmarks/results/layers.png."""
    rows = found["layers"]
    figure, axes = pyplot.subplots(figsize=(10, 0.22 * len(rows) + 1), layout="constrained")
    places = np.arange(len(rows))
    for offset, peer in ((-0.2, "keras"), (0.2, "torch")):
        ratios = [row["seconds"][peer] / row["seconds"]["here"] for row in rows]
        axes.barh(places + offset, ratios, 0.4, label=f"times as fast as {peer}")
    axes.set_yticks(places, [row["case"] for row in rows], fontsize=7, family="monospace")
    axes.axvline(1, color="black", linewidth=1)
    axes.set(xscale="log", xlabel="speed here / speed there", ylim=(len(rows) - 0.4, -0.6))
    axes.legend(loc="lower right")
    figure.savefig(RESULTS / "layers.png", dpi=110)


def main(wanted):
    """Run the parts asked for, all by default."""
    print(processor())
    workers = {name: Worker(name) for name in LIBRARIES}
    versions = {name: worker.ask("versions") for name, worker in workers.items()}
    print("; ".join(f"{name}: {version}" for name, version in versions.items()))
    RESULTS.mkdir(exist_ok=True)
    for name in wanted or PARTS:
        found = {"versions": versions, name: PARTS[name](workers)}
        (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        if name == "layers":
            picture(found)
    for worker in workers.values():
        worker.close()


if __name__ == "__main__":
    main(sys.argv[1:])
