"""Files of labelled texts for the tests of data sets."""

import csv
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = [(f"text number {n}, 'quoted' \"twice\"", "ab"[n % 2]) for n in range(60)]
SPLITS = ("train", "validation", "test")


def write_table(path, rows=ROWS, header=("text", "label")):
    """Write a table in the format of the suffix; returns the path."""
    opener = gzip.open if path.suffix == ".gz" else open
    suffix = path.name.split(".")[1]
    if suffix == "parquet":
        pq.write_table(pa.table({name: [row[n] for row in rows] for n, name in enumerate(header)}), path)
    elif suffix == "jsonl":
        with opener(path, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows)
    else:
        with opener(path, "wt", encoding="utf-8", newline="") as file:
            dialect = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None} if suffix == "tsv" else {}
            csv.writer(file, **dialect).writerows([header, *rows])
    return path


def write_folder(path, splits=("",)):
    """Write 20 texts of each of two classes, in each split if there are some; returns the path."""
    for split in splits:
        for label in ("good", "bad"):
            (path / split / label).mkdir(parents=True)
            for n in range(20):
                (path / split / label / f"{n}.txt").write_text(f"{split} {label} {n}\nline two", encoding="utf-8")
    return path


def labelled_texts(dataset):
    """Text and label of all examples."""
    return [(e.text, e.label) for split in SPLITS for e in dataset.stream(split)]
