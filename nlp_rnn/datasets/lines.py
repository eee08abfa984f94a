"""The lines of text files, plain or gzipped, in UTF-8; every error names the line and the byte."""

import codecs
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from nlp_rnn.checks import InputError

HEAD = 2**16  # bytes that show how lines end


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, plain or gzipped, with their line ends.

    Raises:
        InputError: a byte is not UTF-8, or the gzip stream is damaged; the message names the line.
    """
    number = 0
    try:
        with _opener(path)(path, "rb") as file:
            for line in decode_lines(_lines_of(file), str(path)):
                number += 1
                yield line
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file after line {number}: {error}") from None


def _lines_of(file):
    """The lines of a binary file; of old Macs, each ends with a carriage return alone."""
    head = file.read(HEAD)
    file.seek(0)
    return _between_returns(file) if b"\r" in head[:-1] and b"\n" not in head else file


def _between_returns(file):
    """The parts of a binary file that end with a carriage return."""
    rest = b""
    for block in iter(lambda: file.read(HEAD), b""):
        *lines, rest = (rest + block).split(b"\r")
        yield from (line + b"\r" for line in lines)
    if rest:
        yield rest


def decode_lines(raw_lines: Iterable[bytes], name: str) -> Iterator[str]:
    """Lines of bytes as text, without a byte order mark.

    Args:
        raw_lines: the lines, in UTF-8.
        name: the name of the file, for messages.

    Raises:
        InputError: a byte is not UTF-8; the message names the line and the byte, counted from 0.
    """
    offset = 0
    for number, raw in enumerate(raw_lines, 1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            if number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise InputError(f"{name} is UTF-16, as Excel writes Unicode text: save it as CSV UTF-8") from None
            start = error.start + 3 * (number == 1 and raw.startswith(codecs.BOM_UTF8))
            raise InputError(
                f"{name}, line {number}, byte {offset + start}: 0x{raw[start]:02x} is not UTF-8; save the text as UTF-8"
            ) from None
        offset += len(raw)


def count_lines(path: Path) -> int | None:
    """The number of lines of a plain file, to show progress; None for a gzipped one."""
    if path.suffix == ".gz":
        return None
    with open(path, "rb") as file:
        lines = _lines_of(file)
        end = b"\n" if lines is file else b"\r"
        file.seek(0)
        count, last = 0, end
        for block in iter(lambda: file.read(1 << 20), b""):
            count, last = count + block.count(end), block[-1:]
    return count + (last != end)


def _opener(path):
    return gzip.open if path.suffix == ".gz" else open


def encodable(text: str) -> str:
    """A text with "?" for what UTF-8 cannot encode: lone surrogates, which JSON and a command line may contain."""
    return text.encode("utf-8", errors="replace").decode()
