"""What people mean by what they text back, in every language, and that it is what they were asked to say."""

from __future__ import annotations

import pytest

from tests.support.actors import Connection, value

MEANT = {
    "confirm": [
        "C", "c", " c. ", "Ｃ", "(C)", "c!!", "C 👍", "'C'", "C\n", "YES", "Yes please", "ok", "OK!", "Confirm", "confirmed.",
        "I’ll be there!", "JA", "ja, bitte", "Bestätigt", "BESTAETIGT", "bestätige", "Sí", "SI", "¡Sí, gracias!", "sí", "Confirmo",
        "De acuerdo", "OUI", "oui merci", "D’accord", "d'accord", "CONFIRME", "Confirmé", "はい", "「はい」", "はい、お願いします。", "了解です",
        "نعم", "نَعَم", "تأكيد", "تاكيد", "أؤكد", "موافق", "حسناً", "J",
    ],
    "cancel": [
        "X", "x", "x.", "Ｘ", "NO", "no!", "n", "Cancel", "CANCELLED", "please cancel", "I can't come", "NEIN", "Absagen", "Ich sage ab.",
        "Cancelar", "anular", "No puedo ir", "NON", "Annuler", "J’annule", "annulé", "いいえ", "キャンセル", "ｷｬﾝｾﾙ", "キャンセルでお願いします。",
        "取り消し", "لا", "إلغاء", "الغاء", "إلغـاء", "ألغي",
    ],
    "stop": [
        "STOP", "stop.", "Stop SMS", "STOPP", "ARRET", "ARRÊT", "arrêt", "ALTO", "BAJA", "UNSUBSCRIBE", "STOPALL", "停止", "配信停止",
        "إيقاف", "ايقاف", "إلغاء الاشتراك",
    ],
    "start": ["START", "start!", "UNSTOP", "ALTA", "再開", "بدء"],
    "help": ["HELP", "help?", "HELP!", "HILFE", "AYUDA", "AIDE", "ヘルプ", "ﾍﾙﾌﾟ", "مساعدة", "مساعده", "INFO"],
    "unknown": [
        "", " ", "?", "…", "👍", "👎", "C 👎", "x ❓", "C?", "cancel?", "¿Cancelar?", "إلغاء؟", "キャンセル？", "cx", "c x", "yes no", "yes or no", "ok x",
        "xx", "0", "00", "100", "007", "2.5", "10:30", "1-2", "1 2", "2?", "2 3 c", "c 100", "2nd", "no 2", "n 2", "nº 2", "№ 2", "Nr. 2",
        "stop 2", "2 stop", "2 foo", "please cancel my newsletter", "can I confirm tomorrow?", "no problem", "not ok", "don't cancel",
        "I will not cancel", "no cancel", "do not confirm", "stop by at 3", "thank you", "no thanks", "大丈夫です", "結構です", "いいです", "كلا",
        "أبدا", "تم", "si no", "oui et non", "ja nein", "Hello", "Who is this", "C'est qui", "C" * 101, "yes " * 40, "{patient}",
        "'; drop table clinic.patients; --", "С", "Х",  "cancel my appointment and book another one on Monday",
    ],
}  # fmt: skip


@pytest.mark.parametrize("means", MEANT)
def test_replies_mean_what_people_mean(anybody: Connection, means: str) -> None:
    found = {body: value(anybody, "select clinic.reply_meaning(%s)", body) for body in MEANT[means]}
    assert {body: meaning["means"] for body, meaning in found.items()} == dict.fromkeys(found, means)
    assert {meaning["choice"] for meaning in found.values()} == {None}


@pytest.mark.parametrize(
    ("body", "means", "choice"),
    [
        ("1", "choice", 1),
        ("2.", "choice", 2),
        ("#2", "choice", 2),
        ("(3)", "choice", 3),
        ("02", "choice", 2),
        ("99", "choice", 99),
        ("２", "choice", 2),
        ("②", "choice", 2),
        ("2️⃣", "choice", 2),
        ("٢", "choice", 2),
        ("۲", "choice", 2),
        ("١٢", "choice", 12),
        ("2 C", "confirm", 2),
        ("C2", "confirm", 2),
        ("c #2", "confirm", 2),
        ("2: yes", "confirm", 2),
        ("ja 2", "confirm", 2),
        ("2、はい", "confirm", 2),
        ("نعم ٢", "confirm", 2),
        ("2 x", "cancel", 2),
        ("X2", "cancel", 2),
        ("cancel 1", "cancel", 1),
        ("2 no", "cancel", 2),
        ("２キャンセル", "cancel", 2),
    ],
)
def test_a_number_chooses_and_may_stand_beside_an_answer(
    anybody: Connection, body: str, means: str, choice: int
) -> None:
    meaning = value(anybody, "select clinic.reply_meaning(%s)", body)
    assert (meaning["means"], meaning["choice"]) == (means, choice)


def test_no_reply_at_all_and_a_very_long_one_are_unknown(anybody: Connection) -> None:
    nothing = {"means": "unknown", "choice": None, "locale": None}
    assert value(anybody, "select clinic.reply_meaning(null)") == nothing
    assert value(anybody, "select clinic.reply_meaning(repeat('c', 1000000))") == nothing


@pytest.mark.parametrize(
    ("body", "locale"),
    [
        ("c", None),
        ("STOP", None),
        ("oui", "fr"),
        ("ja", "de"),
        ("はい", "ja"),
        ("نعم", "ar"),
        ("baja", "es"),
        ("2", None),
    ],
)
def test_a_reply_tells_its_language_if_no_other_has_the_word(
    anybody: Connection, body: str, locale: str | None
) -> None:
    assert value(anybody, "select clinic.reply_meaning(%s)", body)["locale"] == locale


# What each language asks for, in the text of that kind, and what it must then mean.
ASKED = {
    "en": {"C": "confirm", "X": "cancel", "STOP": "stop", "START": "start"},
    "de": {"JA": "confirm", "NEIN": "cancel", "STOPP": "stop", "START": "start"},
    "es": {"SI": "confirm", "NO": "cancel", "BAJA": "stop", "ALTA": "start"},
    "fr": {"OUI": "confirm", "NON": "cancel", "STOP": "stop", "START": "start"},
    "ja": {"はい": "confirm", "キャンセル": "cancel", "停止": "stop", "再開": "start"},
    "ar": {"نعم": "confirm", "إلغاء": "cancel", "إيقاف": "stop", "بدء": "start"},
}


@pytest.mark.parametrize("locale", ASKED)
def test_what_a_text_asks_people_to_reply_is_understood(anybody: Connection, locale: str) -> None:
    texts = {
        row["kind"]: row["body"]
        for row in anybody.execute("select * from clinic.reply_texts where locale = %s", [locale])
    }
    texts_of = (
        "select body from clinic.message_defaults where kind = 'reminder' and channel = 'sms' and locale = %s"
    )
    reminder = value(anybody, texts_of, locale)
    where = {"confirm": [reminder, texts["help"]], "cancel": [reminder, texts["help"]]}
    where |= {"stop": [texts["started"], texts["help"]], "start": [texts["stopped"]]}
    for word, means in ASKED[locale].items():
        assert all(word in text for text in where[means]), word
        assert value(anybody, "select clinic.reply_meaning(%s)", word)["means"] == means
