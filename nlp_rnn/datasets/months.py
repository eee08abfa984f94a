"""The names of the months in several languages."""

import re
import unicodedata

_WRITTEN = {  # full names, then abbreviations and other spellings
    "en": (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "jan feb mar apr may jun jul aug sept oct nov dec",
    ),
    "de": (
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jänner feber märz april mai juni juli august september oktober november dezember",
        "jan feb mär apr mai jun jul aug sep okt nov dez",
        "jan feb mrz apr mai jun jul aug sept okt nov dez",
        "jan feb maerz apr mai juni juli aug sept okt nov dez",
    ),
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv févr mars avr mai juin juil août sept oct nov déc",
        "jan fév mar avr mai jun jul aoû sep oct nov déc",
    ),
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "enero febrero marzo abril mayo junio julio agosto setiembre octubre noviembre diciembre",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "ene feb mar abr may jun jul ago sept oct nov dic",
    ),
    "it": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "gen feb mar apr mag giu lug ago sett ott nov dic",
    ),
    "pt": (
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan fev mar abr mai jun jul ago set out nov dez",
    ),
    "nl": (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
        "jan feb mrt apr mei jun jul aug sept okt nov dec",
    ),
}


def _plain(text):
    """A text without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


SPELLINGS = {
    language: [tuple(names.split()) for spelling in some for names in dict.fromkeys((spelling, _plain(spelling)))]
    for language, some in _WRITTEN.items()
}
MONTHS = {
    name: number for spellings in SPELLINGS.values() for names in spellings for number, name in enumerate(names, 1)
}  # the same in all languages that have a name


def pattern_of(language: str) -> str:
    """A regular expression that matches the names of the months in a language, as the group "name"."""
    names = {name for spelling in SPELLINGS[language] for name in spelling}
    return f"(?P<name>{'|'.join(map(re.escape, sorted(names, key=lambda name: (-len(name), name))))})"


def name_like(month: int, example: str, language: str) -> str:
    """The name of a month, from 1 to 12, in the spelling of another.

    Examples:
        >>> name_like(3, "août", "fr"), name_like(3, "Aug", "en"), name_like(8, "mrt", "nl")
        ('mars', 'mar', 'aug')
    """
    return next(names for names in SPELLINGS[language] if example.lower() in names)[month - 1]
