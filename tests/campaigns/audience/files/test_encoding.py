"""A list is read in the encoding that its text makes sense in, or the user is asked; gibberish is never spoken."""

from __future__ import annotations

import re
import unicodedata

import pytest

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
from campaigns.definition.encodings import NoSuchEncoding, encoding_named
from tests.support.campaign_files import read_list

WESTERN = ("cp1252", "cp850", "cp437", "mac_roman", "iso8859_15")
CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "mac_cyrillic", "iso8859_5")
CENTRAL = ("cp1250", "iso8859_2", "cp852", "iso8859_16", "mac_latin2")
NAMES = {
    "German": ("Jürgen Müller|Björn Groß|Käthe Weiß|Jörg Schäfer|Günther Köhler", WESTERN),
    "French": ("Hélène Lefèvre|François Noël|Zoé Beaupré|Gaëlle Crêpin|Thérèse Bénard", WESTERN),
    "Spanish": ("José Muñoz|Íñigo Peña|María Núñez|Raúl Ibáñez|Jesús Gómez", WESTERN),
    "Portuguese": ("João Conceição|António Gonçalves|Inês Simões|Sebastião Araújo", WESTERN),
    "Italian": ("Nicolò Donà|Libertà Città|Perché Però|Forlì|Università Virtù|Lunedì Caffè", WESTERN),
    "Swedish": ("Åsa Öberg|Göran Sjöström|Märta Åkesson|Björn Ström", WESTERN),
    "Danish": ("Søren Sørensen|Åse Kjær|Jørgen Møller|Bødker Nørgård", WESTERN),
    "Norwegian": ("Bjørn Ødegård|Håkon Sætre|Øystein Bråthen|Kåre Næss", WESTERN),
    "Finnish": ("Päivi Mäkelä|Väinö Hämäläinen|Jyrki Järvinen|Sinikka Yläaho", WESTERN),
    "Icelandic": ("Þórður Sigríður|Guðmundsdóttir|Ásgeir Jónsson|Björk Guðrún", WESTERN),
    "Dutch": ("Zoë Daniëls|Renée Coördinatie|Noël Geïnformeerd", WESTERN),
    "Russian": ("Георгий Иванов|Ирина Ёлкина|Пётр Ильин|Наталья Щербакова|Анна", CYRILLIC),
    "Ukrainian": ("Олексій Шевченко|Ганна Їжакевич|Юлія Гончаренко", ("cp1251", "koi8_u", "mac_cyrillic", "iso8859_5")),
    "Bulgarian": ("Георги Димитров|Йорданка Христова|Цветан Стоянов", CYRILLIC),
    "Serbian": ("Љубомир Ђорђевић|Живко Јовановић|Милица Николић", ("cp1251", "mac_cyrillic", "iso8859_5")),
    "Belarusian": ("Уладзімір Быкаў|Янка Купала|Аляксандр", ("cp1251", "mac_cyrillic", "iso8859_5")),
    "Kazakh": ("Әлия Жұлдыз|Гүлнұр Қанатқызы|Мұхтар Өмірбек|Ғалым Шыңғыс", ("kz1048", "ptcp154")),
    "Kyrgyz": ("Айгүл Өмүрбекова|Үсөн Жээнбек|Чыңгыз", ("ptcp154",)),
    "Mongolian": ("Бат-Эрдэнэ|Өлзийсайхан Гүндэгмаа|Мөнхбаяр", ("ptcp154",)),
    "Tatar": ("Гөлнара Хәсәнова|Җәмилә|Һади Рәшит|Миңнуллин", ("ptcp154",)),
    "Tajik": ("Ҷамшед Фирӯз|Ғафур Ҳабиб|Муҳаммад Қодир", ("koi8_t",)),
    "Greek": ("Γιώργος Παπαδόπουλος|Ελένη Νικολάου|ΜΑΡΙΑ ΓΕΩΡΓΙΟΥ", ("cp1253", "iso8859_7", "cp737", "cp869")),
    "Arabic": ("محمد علي|فاطمة|خالد العربي", ("cp1256", "iso8859_6", "cp864")),
    "Hebrew": ("שלום כהן|דוד לוי|רחל מזרחי", ("cp1255", "iso8859_8", "cp862")),
    "Lithuanian": (
        "Žydrūnė Čepaitė|Šarūnas Ąžuolas|Jūratė Žukauskienė",
        ("cp1257", "iso8859_13", "cp775", "iso8859_4"),
    ),
    "Latvian": ("Jānis Bērziņš|Līga Kalniņa|Kārlis Ozoliņš|Ilze Liepiņa", ("cp1257", "iso8859_13", "cp775")),
    "Estonian": ("Tõnu Mägi|Jüri Õunapuu|Šeremet Žanna", ("cp1257", "iso8859_13", "iso8859_15")),
    "Turkish": ("Şahin Yıldız|Işık Çağlar|İbrahim Öztürk|Ayşe Gül|Doğan", ("cp1254", "iso8859_9", "cp857")),
    "Polish": ("Kamiński|Jędrzej Wójcik|Małgorzata Łukasik|Świętochowski|Żółć", CENTRAL),
    "Czech": ("Dvořák|Jiří Černý|Němec|Lukáš Růžička|Tomáš Kůň", ("cp1250", "iso8859_2", "cp852", "mac_latin2")),
    "Hungarian": ("Erdős Pál|Győző Nagy|Szűcs Ödön|Kovács Éva", CENTRAL),
    "Romanian": ("Brătianu|Ionuţ Ştefănescu|Pârvu Mălina", ("cp1250", "iso8859_2", "cp852")),
    "Romanian, commas": ("Ștefan Brătianu|Ionuț Țuțea|Pârvu Mălina", ("iso8859_16",)),
    "Croatian": ("Đorđe Čačić|Željko Šimić|Krešimir", CENTRAL[:3]),
    "Slovene": ("Žižek|Jurčič|Marko Škrabec", CENTRAL[:3]),
    "Vietnamese": ("Nguyễn Văn Hùng|Trần Thị Đào|Lê Phương", ("cp1258",)),
    "Thai": ("สมชาย ใจดี|วิภา ศรีสุข", ("cp874", "tis_620")),
    "Chinese": ("王小明|李娜|张伟|刘洋", ("gbk", "gb2312", "gb18030")),
    "Chinese, traditional": ("陳大文|林美玲|王小明", ("big5",)),
    "Japanese": ("佐藤 花子|田中 太郎|サトウ ハナコ", ("shift_jis", "euc_jp", "cp932")),
    "Japanese, halfwidth": ("ｻﾄｳ ﾊﾅｺ|ﾀﾅｶ ﾀﾛｳ", ("cp932",)),
    "Korean": ("김철수|이영희|박지민", ("euc_kr", "cp949", "johab")),
}


def encoded(text: str, page: str) -> bytes:
    """The text in a code page; cp1258 has most accents of Vietnamese as marks behind the letter."""
    if page != "cp1258":
        return text.encode(page)
    letters = []
    for letter in text:
        base, *marks = unicodedata.normalize("NFD", letter)
        tones = [mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323"]
        shape = unicodedata.normalize("NFC", base + "".join(mark for mark in marks if mark not in tones))
        letters.append(shape + "".join(tones))
    return "".join(letters).encode(page)


def can_write(text: str, page: str) -> bool:
    try:
        return bool(encoded(text, page))
    except UnicodeEncodeError:
        return False


LISTS = [(language, page) for language, (names, pages) in NAMES.items() for page in pages if can_write(names, page)]


def rows(language: str) -> list[str]:
    return NAMES[language][0].split("|")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "contacts.csv"


def write(file, names, page):
    lines = "".join(f"+141555501{place:02},{name}\r\n" for place, name in enumerate(names))
    file.write_bytes(encoded(f"phone,name\r\n{lines}", page))


def names_read(file, encoding=None):
    return [unicodedata.normalize("NFC", row.cells[1]) for row in open_table(file, encoding=encoding).rows()]


@pytest.mark.parametrize(("language", "page"), LISTS)
def test_names_are_read_right_when_their_encoding_is_named(file, language, page):
    write(file, rows(language), page)
    assert names_read(file, page) == rows(language)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "page"), LISTS)
def test_names_are_read_right_or_the_user_is_asked(file, language, page):
    """The whole list, and each of its names alone: a single word says little, and must not be believed for that."""
    for names in (rows(language), *([name] for name in rows(language) if not is_utf8_by_chance(name, page))):
        write(file, names, page)
        assert names_unless_asked(file) in (names, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cp1257", "Kęstutis|Rūta"),
        ("cp1254", "Doğan"),
        ("cp1250", "Szűcs Ödön"),
        ("cp1250", "Ondřej"),
        ("cp1250", "Žofia Ľuboš"),
        ("iso8859_16", "Brăila|Iași"),
        ("cp1255", "דנה|יוסי"),
        ("cp1253", "μαρία"),
        ("koi8_r", "МАРИЯ"),
        ("mac_cyrillic", "Ирина Ёлкина"),
        ("mac_roman", "Björn Groß"),
        ("mac_roman", "Libertà Città"),
        ("cp865", "Søren"),
        ("gbk", "张伟"),
        ("cp932", "ｻﾄｳ ﾊﾅｺ"),
        ("kz1048", "Қазақстан|Әлия"),
    ],
)
def test_a_few_words_that_would_pass_for_others_are_asked_for(file, page, names):
    write(file, names.split("|"), page)
    assert names_unless_asked(file) is None


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cp1252", "José"),
        ("cp1252", "Müller"),
        ("cp1252", "MÜLLER|KÖHLER|JÖRG"),
        ("cp1252", "rue de l’Église|avenue du Général|bâtiment à côté"),
        ("cp1252", "José|François|Müller|Åsa|Søren"),
        ("cp1251", "Анна"),
        ("cp1251", "ИВАНОВ|ПЕТРОВА"),
        ("cp1251", "Київ|вулиця Хрещатик"),
    ],
)
def test_a_few_words_that_can_be_no_others_are_believed(file, page, names):
    write(file, names.split("|"), page)
    assert names_unless_asked(file) == names.split("|")


def is_utf8_by_chance(name: str, page: str) -> bool:
    try:
        return bool(encoded(name, page).decode())
    except UnicodeDecodeError:
        return False


def names_unless_asked(file):
    """The names, or None when the error says that the encoding is not known, and what to do."""
    try:
        return names_read(file)
    except BadContactsFile as error:
        asked = re.search(r"contacts\.csv:\d+: the encoding of this file cannot be told", error.message)
        if asked and "contacts.encoding: " in error.remedy:
            return None
        raise


@pytest.mark.parametrize("language", [name for name, (_, pages) in NAMES.items() if pages[0] in {"cp1252", "cp1251"}])
def test_a_western_or_cyrillic_list_of_windows_needs_no_name(file, language):
    write(file, rows(language), NAMES[language][1][0])
    assert names_read(file) == rows(language)


@pytest.mark.parametrize(
    "name", ["«Громкий» Пётр", "Пётр (сын)", "ул. Ленина, д. 5", "Мария-Анна", "Иванов И.И. №5", "ООО «Ромашка и Ко»"]
)
def test_signs_around_words_are_no_gibberish(file, name):
    names = [*rows("Russian"), name]
    write(file, [f'"{one}"' for one in names], "cp1251")
    assert names_read(file) == names


@pytest.mark.parametrize(
    "name", ["Mª José", "L’Hôpital d’Été", "“Zoë”", "Müller – Köhler", "5 € für Jürgen", "McKöhler"]
)
def test_signs_around_western_words_are_no_gibberish(file, name):
    names = [*rows("French"), *rows("Spanish"), name]
    write(file, names, "cp1252")
    assert names_read(file) == names


def test_the_page_that_the_words_look_like_is_proposed(file):
    write(file, rows("Greek"), "cp1253")
    with pytest.raises(BadContactsFile) as refused:
        open_table(file)
    assert refused.value.message.endswith(":2: the encoding of this file cannot be told (it may be cp1253)")
    assert "contacts.encoding: cp1253" in refused.value.remedy


@pytest.mark.parametrize(
    ("content", "named", "said"),
    [
        (
            "phone,name\n1,Ирина\n2,Пётр\n3,Анна\n".encode(),
            "cp1251",
            "this is UTF-8, and contacts.encoding says cp1251",
        ),
        ("phone,name\n1,Ирина\n".encode("utf-8-sig"), "cp1252", "this is UTF-8, and"),
        ("phone,name\n1,Ирина\n".encode("utf-16"), "koi8-r", "this is UTF-16, and"),
        ("phone,name\n1,Ирина\n".encode("cp1251"), "utf-8", "csv:2: bytes that are not utf-8"),
        ("phone,name\n1,Ann\n2,Ирина\n".encode("cp1251"), "ascii", "csv:3: bytes that are not ascii"),
        (b"phone,name\n1,\x81\n", "cp1252", "csv:2: bytes that are not cp1252"),
        (b"phone,name\n1,Ann\n", "utf-16", "csv:1: bytes that are not utf-16"),  # they want a mark
        ("phone,name\n1,Ann\n".encode("utf-16-be"), "utf-16", "csv:1: bytes that are not utf-16"),
        (b"phone,name\n1,Ann\n", "utf-32", "csv:1: bytes that are not utf-32"),
    ],
)
def test_a_list_that_is_evidently_not_in_the_encoding_named_is_refused(file, content, named, said):
    file.write_bytes(content)
    with pytest.raises(BadContactsFile) as refused:
        open_table(file, encoding=named)
    assert said in refused.value.message
    assert "contacts.encoding" in refused.value.remedy


@pytest.mark.parametrize(
    ("saved", "named"), [("utf-8-sig", "utf8"), ("utf-8", "UTF-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf_16_le")]
)
def test_unicode_may_be_named_with_and_without_its_mark(file, saved, named):
    write(file, rows("Russian"), saved)
    assert names_read(file, named) == rows("Russian")


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "unicode_escape", "raw-unicode-escape", "charmap", "undefined", "rot13"]
)
def test_what_no_file_is_written_in_is_no_encoding(name):
    with pytest.raises(NoSuchEncoding) as refused:
        encoding_named(name)
    proposed = re.search(r"did you mean (.+)\?", refused.value.suggestion)
    assert proposed is None or encoding_named(proposed[1])


def test_the_campaign_file_names_the_encoding_of_its_list(tmp_path):
    text = "phone,name\n+14155550101,Γιώργος\n".encode("cp1253")
    audience = read_list(tmp_path, text, encoding="Windows-1253")
    assert [contact.fields["name"] for contact in audience.contacts()] == ["Γιώργος"]
