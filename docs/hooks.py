"""What MkDocs runs while it builds the site (`hooks` in mkdocs.yml): reference text taken from the code.

Some comments on a page are replaced: `<!-- commands -->` by the help of every command, `<!-- settings RECIPE -->` by a
table of the settings of a recipe, `<!-- renamed settings -->` and `<!-- renamed options -->` by tables of old names,
`<!-- forms -->` by a table of what the tables in tests/fixtures/forms are read as.
"""

import dataclasses
import html
import json
import re
from pathlib import Path

import click

FORMS = Path(__file__).parent.parent / "tests" / "fixtures" / "forms"
EXCERPT = 48  # characters


def on_page_markdown(markdown: str, **_) -> str:
    """Replace the comments of a page that name something to generate."""
    for comment, generate in GENERATED.items():
        markdown = re.sub(comment, lambda match, generate=generate: generate(*match.groups()), markdown)
    return markdown


def commands():
    """A section for each command, as `--help` prints it."""
    from nlp_rnn.cli.main import main

    context = click.Context(main, info_name="nlp-rnn", **main.context_settings)
    named = [(f"nlp-rnn {name}", main.get_command(context, name)) for name in main.list_commands(context)]
    sections = [_section("nlp-rnn", main, None)]
    return "\n\n".join(sections + [_section(title, command, context) for title, command in named if not command.hidden])


def _section(title, command, parent):
    name = title.rpartition(" ")[2]
    settings = {"help_option_names": ["-h", "--help"], "terminal_width": 88, "max_content_width": 88}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    context.meta["words"] = []  # what the command line was given: no recipe whose settings to list
    return f"### {title}\n\n```text\n{command.get_help(context)}\n```"


def settings(recipe):
    """The settings of a recipe, those of its own first."""
    from nlp_rnn import resources
    from nlp_rnn.recipes import config_class
    from nlp_rnn.settings import describe

    rows = [(*named.split("=", 1), about) for named, about in describe(config_class(resources.recipes()[recipe]))]
    return _table(
        ("setting", "default", "what it is"), [(f"`{name}`", f"`{value}`", about) for name, value, about in rows]
    )


def renamed_settings():
    """Old and new names of settings, with the recipes that have them."""
    from nlp_rnn import resources
    from nlp_rnn.deprecation import FORMER_SETTINGS, FORMER_VALUES
    from nlp_rnn.recipes import config_class

    fields = {
        name: {field.name for field in dataclasses.fields(config_class(path))}
        for name, path in resources.recipes().items()
    }
    rows = []
    for new, old in FORMER_SETTINGS.items():
        users = [recipe for recipe, names in fields.items() if new in names]
        rows.append((f"`{old}`", f"`{new}`", "all" if len(users) == len(fields) else ", ".join(users)))
    for (name, old), new in FORMER_VALUES.items():
        users = [recipe for recipe, names in fields.items() if name in names]
        rows.append((f"`{name}={old}`", f"`{name}={new}`", ", ".join(users)))
    return _table(("0.1", "0.2", "recipes"), rows)


def renamed_options():
    """Old and new names of options."""
    from nlp_rnn.deprecation import FORMER_OPTIONS

    return _table(
        ("0.1", "0.2"),
        [(f"`{old}`", f"`{new}`") for of_command in FORMER_OPTIONS.values() for old, new in of_command.items()],
    )


def forms():
    """Tables in the forms of many programs: an excerpt, and what it is read as."""
    listed = json.loads((FORMS / "forms.json").read_text(encoding="utf-8"))
    rows = [(form["source"], form["about"], _excerpt(FORMS / form["file"]), _read_as(form)) for form in listed]
    return _table(("from", "what is special", "second line", "read as"), rows)


def _excerpt(path):
    """The second line of a text file."""
    if not path.name.endswith((".csv", ".tsv", ".jsonl")):
        return ""
    line = path.read_text(encoding="utf-8").splitlines()[1]
    shown = line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"
    return f"<code>{html.escape(shown)}</code>".replace("|", "&#124;").replace("\t", " → ")


def _read_as(form):
    from nlp_rnn.checks import InputError
    from nlp_rnn.datasets.catalogue import open_text_dataset
    from nlp_rnn.forecasting.series import open_series
    from nlp_rnn.seq2seq.pairs import open_pairs

    opened = {"series": open_series, "texts": open_text_dataset, "pairs": open_pairs}[form["kind"]]
    try:
        dataset = opened(str(FORMS / form["file"]), **form["options"])
        list(dataset.walk() if form["kind"] != "series" else ())
    except InputError as error:
        return f"refused: {str(error).replace(str(FORMS) + '/', '')}"
    return "; ".join(dataset.notes[:2]) or "as named by the options"


def _table(head, rows):
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


GENERATED = {
    r"<!-- commands -->": commands,
    r"<!-- settings (\w+) -->": settings,
    r"<!-- renamed settings -->": renamed_settings,
    r"<!-- renamed options -->": renamed_options,
    r"<!-- forms -->": forms,
}
