"""Where the texts of a plain file end: with each line, with each paragraph, or with the file; decided from all of it.

A paragraph ends at a blank line; in a file that was wrapped by hand also before an indented line.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nlp_rnn.datasets.lines import read_lines
from nlp_rnn.progress import progress

LINE, PARAGRAPH, FILE = UNITS = ("line", "paragraph", "file")
WIDTHS = range(35, 131)  # columns at which a text may have been wrapped by hand
MIN_PAIRS = 4  # of consecutive lines, to tell that a text was wrapped
MIN_FULL = 0.7  # fraction of the lines of a wrapped text that had no room for the next word
MIN_CONTINUED = 0.4  # fraction of its lines that begin in lower case
MAX_ENDED = 0.5  # fraction of its lines that end a sentence
MAX_SAME = 0.6  # fraction of its lines with one and the same number of words; more are records, such as those of a log
FEW_BLOCKS = 10  # fewer than these may be due to stray blank lines
LINES_PER_BLOCK = 20, 100  # on average, at most, where there are few blocks, and where there are more
PROGRESS_LINES = 10_000  # between two updates
FIRST_LINES = 1000  # all that earlier versions looked at


class Form(NamedTuple):
    """Where the texts of a file end.

    Attributes:
        unit: "line", "paragraph" or "file".
        indented: a paragraph begins with an indented line, too.
        width: the columns at which its lines were wrapped by hand; 0 if they were not.
        texts: the number of texts.
        inner: the unit of the texts, were the file not to be one text: "line" or "paragraph", or "file" where it has
            no smaller ones.
    """

    unit: str
    indented: bool = False
    width: int = 0
    texts: int = 1
    inner: str = LINE

    def begins(self, line: str, gap: bool) -> bool:
        """Whether a text begins with a line that is not blank, after a blank one or not."""
        return self.unit == LINE or (self.unit == PARAGRAPH and (gap or (self.indented and line[0].isspace())))

    @property
    def has_lines(self) -> bool:
        """Whether its paragraphs are of lines that were not wrapped by hand, so that each may be a copy by itself."""
        return self.inner == PARAGRAPH and not self.width

    def within(self) -> "Form":
        """The same file in smaller texts, if it is one text."""
        return self if self.unit != FILE else self._replace(unit=self.inner if self.inner != FILE else LINE)


def read_as(forms: Sequence[Form]) -> str:
    """How many texts there are, and where they end, for the user to see.

    Examples:
        >>> read_as([Form("paragraph", width=72, texts=3412), Form("line", texts=1)])
        'read as 3,412 paragraphs of lines wrapped at 72 columns, 1 line; or --set documents=line|paragraph|file'
    """
    counts: Counter[str] = Counter()
    widths: dict[str, set[int]] = {}
    for form in forms:
        counts[form.unit] += form.texts
        widths.setdefault(form.unit, set()).add(form.width)
    parts = []
    for unit, count in counts.items():
        width = max(widths[unit]) if unit == PARAGRAPH and len(widths[unit]) == 1 else 0
        wrapped = f" of lines wrapped at {width} columns" if width else ""
        parts.append(f"{count:,} {unit}{'' if count == 1 else 's'}{wrapped}")
    return f"read as {', '.join(parts)}; or --set documents={'|'.join(UNITS)}"


class LineStatistics:
    """What the lines of a file look like, counted in bounded memory."""

    def __init__(self):
        self.lines = self.blocks = self.indented = self.pairs = self.continued = self.ended = 0
        self.lengths: Counter[int] = Counter()
        self.reaches: Counter[int] = Counter()  # lengths if the first word of the next line had been appended
        self.words: Counter[int] = Counter()
        self._before = ""

    def add(self, line: str) -> None:
        """Count a line."""
        text = line.strip()
        if text:
            self.lines += 1
            if not self._before:
                self.blocks += 1
            elif line[0].isspace():
                self.indented += 1
            else:
                self._add_pair(self._before, text)
        self._before = text

    def _add_pair(self, before, text):
        """Count two consecutive lines of one block."""
        self.pairs += 1
        length, word = min(len(before), WIDTHS.stop), text.find(" ")
        self.lengths[length] += 1
        self.reaches[min(length + 1 + (len(text) if word < 0 else word), 2 * WIDTHS.stop)] += 1
        self.words[before.count(" ", 0, WIDTHS.stop)] += 1
        self.continued += text[0].isalpha() and not text[0].isupper()
        self.ended += before.rstrip("\"'”’»)")[-1:] in ".!?…。！？"

    def width(self) -> int:
        """The columns at which the lines were wrapped by hand; 0 if they were not."""
        if self.pairs < MIN_PAIRS:
            return 0
        width = _quantile(self.lengths, 0.95)
        full = sum(count for reach, count in self.reaches.items() if reach > width)
        wrapped = (
            width in WIDTHS
            and full >= MIN_FULL * self.pairs
            and self.continued >= MIN_CONTINUED * self.pairs
            and self.ended <= MAX_ENDED * self.pairs
            and max(self.words.values()) <= MAX_SAME * self.pairs
        )
        return width if wrapped else 0

    def form(self, unit: str | None = None) -> Form:
        """Where the texts end.

        Args:
            unit: "line", "paragraph" or "file" to decide it; None to guess.
        """
        width = self.width()
        indented = width > 0 and 0 < self.indented < self.lines / 2
        if width:
            inner = PARAGRAPH if self.blocks > 1 or indented else FILE
        else:
            most = LINES_PER_BLOCK[self.blocks >= FEW_BLOCKS]
            inner = PARAGRAPH if self.blocks > 1 and self.lines <= most * self.blocks else LINE
        counts = {LINE: self.lines, PARAGRAPH: self.blocks + (self.indented if indented else 0), FILE: 1}
        return Form(unit or inner, indented, width, counts[unit or inner], inner)


def forms_of(files: Iterable[Path], unit: str | None, size: int) -> list[Form]:
    """Where the texts of files end, from all of their lines.

    Args:
        files: text files, plain or gzipped.
        unit: "line", "paragraph" or "file" to decide it; None to guess it for each file.
        size: the size of all files in bytes, to show progress.
    """
    forms, done = [], 0
    with progress("looking for the ends of texts", size) as update:
        for file in files:
            statistics = LineStatistics()
            for number, line in enumerate(read_lines(file), 1):
                statistics.add(line)
                done += len(line)
                if number % PROGRESS_LINES == 0:
                    update(done, "")
            forms.append(statistics.form(unit))
            update(done, "")
    return forms


def former_form(file: Path, raw: bool) -> Form:
    """Where earlier versions took the texts of a file to end.

    Args:
        file: the file.
        raw: its line ends are kept.
    """
    lines = islice(read_lines(file), FIRST_LINES)
    blank = " " in "".join("x" if line.strip() else " " for line in lines).strip()
    unit = PARAGRAPH if blank else LINE
    return Form(FILE if raw else unit, inner=unit)


def _quantile(counts, share):
    """The smallest value that at least a share of the counted values do not exceed."""
    rest = share * counts.total()
    for value in sorted(counts):
        rest -= counts[value]
        if rest <= 0:
            return value
    return 0
