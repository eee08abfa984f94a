#!/usr/bin/env bash
# mkdocs-click 0.9.0 documents options of click 8.3 and later with the default "Sentinel.UNSET".
#
# Since 8.3, click marks an option without a default with an internal sentinel instead of None. mkdocs-click 0.9.0 asks for
# nothing newer than click 8.1 and installs next to 8.5.1 without a complaint, but its option tables print the sentinel:
# a reader of the generated page is told that the default of --name is `Sentinel.UNSET`.
#
# Seen with mkdocs-click 0.9.0, click 8.5.1, Markdown 3.11.3, Python 3.11; the row printed was
#   | `--name` | text | Who to greet. | `Sentinel.UNSET` |
# With click 8.1.8 the same row ends in | None |.
#
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/page.py" <<'PYTHON'
import click
from mkdocs_click._docs import make_command_docs


@click.command()
@click.option("--name", help="Who to greet.")
def greet(name):
    """Greet."""


lines = make_command_docs("greet", greet, style="table")
print(next(line for line in lines if "--name" in line and line.startswith("|")))
PYTHON

row() {  # the row of --name with a version of click
    python3 -m venv "$folder/$1"
    "$folder/$1/bin/pip" install --quiet --disable-pip-version-check "click==$1" mkdocs-click==0.9.0 Markdown==3.11.3 >/dev/null
    "$folder/$1/bin/python" "$folder/page.py"
}

old=$(row 8.1.8)
new=$(row 8.5.1)
printf 'click 8.1.8: %s\nclick 8.5.1: %s\n' "$old" "$new"
[[ $old == *"None"* && $old != *Sentinel* && $new == *"Sentinel.UNSET"* ]]
