"""The message that texts were truncated."""


def truncated(count: int, max_tokens: int, what: str = "") -> str:
    """A message that `count` texts were truncated by `TextEncoder`.

    Examples:
        >>> truncated(3, 400, "source texts")
        '3 source texts longer than 400 tokens were cut to their start and end'
    """
    named = f"{what} " if what else ""
    return f"{count:,} {named}longer than {max_tokens} tokens were cut to their start and end"
