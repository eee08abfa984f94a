"""Reading a table of 10 million rows of series, against what pandas alone needs to read and sort it.

`python -m benchmarks.tables`
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SERIES, STEPS = 1_000, 10_000
PANDAS = """
import pandas as pd
table = pd.read_csv(path)
table["time"] = pd.to_datetime(table["time"])
table = table.sort_values(["store", "time"])
"""
OURS = """
from nlp_rnn.forecasting.series import open_series
assert len(open_series(path).panel) == series
"""
MEASURED = """
import json, resource, sys, time
import numpy, pandas
path, series = sys.argv[1], int(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.perf_counter()
{code}
seconds = time.perf_counter() - begun
print(json.dumps([seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "series.csv")
        write(path)
        for name, code in {"pandas": PANDAS, "nlp-rnn": OURS, "pandas again": PANDAS}.items():
            seconds, megabytes = measured(code, path)
            print(f"{name:<13} {seconds:6.1f} s  {megabytes:6,.0f} MB", flush=True)


def measured(code: str, path: Path) -> list[float]:
    """Seconds and megabytes that some code needs in a process of its own, beyond the imports."""
    command = [sys.executable, "-c", MEASURED.format(code=code), str(path), str(SERIES)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def write(path: Path) -> None:
    """A table with a row for each hour of each store."""
    random = np.random.default_rng(0)
    times = (np.datetime64("2020-01-01T00:00:00") + np.arange(STEPS) * np.timedelta64(1, "h")).astype(str)
    with open(path, "w") as file:
        file.write("store,time,sales\n")
        for number in range(SERIES):
            values = random.uniform(0, 100, STEPS)
            rows = zip(times, values, strict=True)
            file.writelines(f"store {number:04d},{time.replace('T', ' ')},{value:.2f}\n" for time, value in rows)


if __name__ == "__main__":
    main()
