"""Lower case in TensorFlow operations, the same in every locale.

Shapes: B batch.
"""

import tensorflow as tf

# TensorFlow lower-cases these, and the ASCII letters I and J, by the locale of the process (LC_ALL, LC_MESSAGES or
# LANG): Turkish and Azerbaijani have a dotless i, and Lithuanian keeps the dot of an i below an accent.
_BY_LOCALE = {"İ": "i\u0307", "Ì": "ì", "Í": "í", "Ĩ": "ĩ", "Į": "į"}


def lower_case(texts: tf.Tensor) -> tf.Tensor:
    """Convert texts, UTF-8 [B], to lower case by the language-independent rules of Unicode, whatever the locale.

    Examples:
        >>> lower_case(tf.constant(["I THINK IT IS ΣΟΦΟΣ"])).numpy()[0].decode()
        'i think it is σοφος'
    """
    texts = tf.strings.lower(texts)  # without an encoding: only ASCII letters, in every locale
    for capital, small in _BY_LOCALE.items():
        texts = tf.strings.regex_replace(texts, capital, small)
    return tf.strings.lower(texts, encoding="utf-8")
