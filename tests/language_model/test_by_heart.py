"""A model of words that has learned sentences by heart writes them as they were, in every language."""

import pytest

from nlp_rnn import runs
from nlp_rnn.decoding.sampling import SamplingConfig

SENTENCES = """
The well-known “Model-T” costs 1,000.50 dollars (or $5/day), i.e. at 10:30 in the U.S. today.
"Don't you," she asked, "like rock'n'roll?" — No; he didn't!
See https://example.org/a_b?x=1&y=2#top or write to me@example.org.
if (values[i] != 'x') { count += 1; }  // done
Prices fell 3.5 %, to 12 € – 4 € less than in 1999/2000.
l'été, « qu'est-ce que c'est ? » : rien d'autre !
Aujourd'hui, à 8 h 30, il est allé(e) à Paris-Est.
„Ja“, sagte er, „das kostet 1.234,50 €“.
Das Straßenbahn-Depot (Nr. 7) schließt um 22:00 Uhr.
¿Qué hora es? ¡Son las 3:15!
El niño comió 2,5 kg de piñas.
È un'idea: l'università dell'arte.
O coração não está à venda; é só R$ 10.
Привет, мир! Как дела — хорошо?
Ёжик съел 3 яблока (и 1 грушу).
Україна: п'ять п’ять.
Γειά σου, κόσμε; τι κάνεις;
Ο Σίσυφος, σοφός.
Cześć! Zażółć gęślą jaźń.
İstanbul'da 3'te ılık çay içtik.
Xin chào, Việt Nam: tiếng Việt đẹp.
我爱北京天安门。
他说：“今天3点见！”(好的)
日本語のテキスト、カタカナとひらがな。
東京タワーは333mです。
안녕하세요, 세계!
저는 2024년에 서울(한국)에 갔어요.
ภาษาไทยน่าเรียนมาก
เขาพูดว่า "สวัสดี" ๓ ครั้ง
من می‌خواهم کتاب‌ها را بخوانم.
سلام! حال شما چطور است؟
مرحباً بالعالم، كيف الحال؟
כן, זה עולה 5 ש"ח.
שָׁלוֹם עוֹלָם!
नमस्ते दुनिया।
मैं 3 बजे (शाम को) आऊँगा।
বাংলা ভাষা খুব সুন্দর।
ភាសាខ្មែរ ពិរោះ។
my family 👨‍👩‍👧 loves ❤️ you 👍🏽 today 🇫🇷🇩🇪
C++ vs. C#: a->b, x=3*y^2 & ~z | 0xFF
""".strip().splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("sentences", [SENTENCES[::4], pytest.param(SENTENCES, marks=pytest.mark.thorough)], ids=len)
def test_sentences_are_written_as_they_were_read(cli, tmp_path, sentences):
    (tmp_path / "by_heart").mkdir()
    for split, times in (("train", 30), ("valid", 1), ("test", 1)):
        lines = "".join(f"{sentence}\n" for sentence in sentences * times)
        (tmp_path / "by_heart" / f"{split}.txt").write_text(lines, encoding="utf-8")
    words = ["token_level=word", "min_count=1", "units=96", "epochs=25", "patience=25", "batch_size=16", "dropout=0"]
    words += ["learning_rate=0.01", "reset_states=true"]
    options = [word for setting in words for word in ("--set", setting)]
    trained = cli("run", "generation", "--data", "by_heart", "--out", "heart", *options)
    assert trained.exit_code == 0, trained.output
    pipeline = runs.load(tmp_path / "heart").pipeline
    prompts = [prompt(sentence) for sentence in sentences]
    assert len(set(prompts)) == len(sentences)
    *_, texts = pipeline.generate(prompts, 60, SamplingConfig(temperature=0.0))
    written = [pipeline.joined(prompt, text) for prompt, text in zip(prompts, texts, strict=True)]
    assert written == [" ".join(sentence.split()) for sentence in sentences]


def prompt(sentence):
    """The first word of a sentence, or its first letter where no spaces are written."""
    return sentence.split()[0] if " " in sentence else sentence[:1]
