#!/usr/bin/env bash
# tf.strings.lower(encoding="utf-8") gives other letters under another LC_ALL, LC_MESSAGES or LANG.
#
# The operation is part of exported graphs, and its documentation says nothing about locales. TensorFlow asks ICU for the
# default locale of the process, so the same SavedModel with the same input lower-cases "I" to a dotless i on a server
# whose environment says tr_TR or az_AZ. The locale need not be installed: the variable alone is enough, so that Python's
# locale module, which reports C, does not show it. Under lt_LT a dot is added to an accented I.
#
# Seen with tensorflow 2.21.0, Python 3.11; the bytes printed for "I" were
#   C.UTF-8 69, tr_TR.UTF-8 c4b1, az_AZ.UTF-8 c4b1, and for "Ì" under C.UTF-8 c3ac and lt_LT.UTF-8 69cc87cc80.
# Without encoding="utf-8" only ASCII letters are lower-cased, alike everywhere.
#
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 >/dev/null 2>&1 ||
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 >/dev/null

lowered() {  # the bytes of a letter in lower case under a locale
    LC_ALL=$1 LANG= TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -c "
import tensorflow as tf
print(tf.strings.lower('$2', encoding='utf-8').numpy().hex())" 2>/dev/null
}

for locale in C.UTF-8 tr_TR.UTF-8 az_AZ.UTF-8; do
    result=$(lowered $locale I)
    echo "I under $locale: $result"
    [[ $result == $([[ $locale == C.UTF-8 ]] && echo 69 || echo c4b1) ]]
done
plain=$(lowered C.UTF-8 Ì)
dotted=$(lowered lt_LT.UTF-8 Ì)
echo "Ì under C.UTF-8: $plain, under lt_LT.UTF-8: $dotted"
[[ $plain == c3ac && $dotted == 69cc87cc80 ]]
