"""What MkDocs runs while it builds the site (`hooks` in mkdocs.yml): reference text taken from the code.

Some comments on a page are replaced: `<!-- commands -->` by the help of every command, `<!-- settings RECIPE -->` by a
table of the settings of a recipe, `<!-- renamed settings -->` and `<!-- renamed options -->` by tables of old names.
"""

import dataclasses
import re

import click


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


def _table(head, rows):
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


GENERATED = {
    r"<!-- commands -->": commands,
    r"<!-- settings (\w+) -->": settings,
    r"<!-- renamed settings -->": renamed_settings,
    r"<!-- renamed options -->": renamed_options,
}
