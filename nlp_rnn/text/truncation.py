"""What is said where texts are longer than a model reads."""


def truncated(count: int, max_tokens: int, what: str = "") -> str:
    """That so many texts were cut, as `TextEncoder` cuts them.

    Examples:
        >>> truncated(3, 400, "source texts")
        '3 source texts longer than 400 tokens were cut to their start and end'
    """
    named = f"{what} " if what else ""
    return f"{count:,} {named}longer than {max_tokens} tokens were cut to their start and end"
