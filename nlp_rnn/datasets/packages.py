"""Data files inside installed packages, checked before they are read."""

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class PackagedFile:
    """A file inside an installed package; none of the package's code is run.

    Attributes:
        package: its name on PyPI.
        version: the version to install.
        file: the path of the file inside the package.
        sha256: the SHA-256 of the content, in hexadecimal.
    """

    package: str
    version: str
    file: str
    sha256: str

    def path(self) -> Path:
        """Where the file is installed.

        Raises:
            OSError: the package is not installed, or the content of the file differs.
        """
        try:
            path = Path(str(metadata.distribution(self.package).locate_file(self.file)))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except (metadata.PackageNotFoundError, FileNotFoundError):
            cure = f"pip install {self.package}=={self.version}"
            raise OSError(f"the package {self.package} is not installed: {cure}") from None
        if digest != self.sha256:
            raise OSError(f"{path} is not the file that this data set was made from: its SHA-256 is {digest}")
        return path
