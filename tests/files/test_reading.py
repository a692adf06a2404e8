"""Every cell arrives as it stands in the file; what cannot be read is refused with the place and a remedy."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FileError
from core.files import columns, inputs
from core.files.reading import BadRow, open_table
from core.files.screening import mended


def write(folder: Path, content: bytes | str, name: str = "reviews.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, encoding: str | None = None) -> list[list[str]]:
    table = open_table(path, encoding)
    return [table.columns, *(row.cells for row in table.rows())]


def test_quotes_newlines_and_spaces_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,text\r\n1,"He said ""no"", twice\nand\r\nleft"\r\n2,  spaced  \r\n3,""\r\n\r\n4,last')
    assert read(path) == [
        ["id", "text"],
        ["1", 'He said "no", twice\nand\r\nleft'],
        ["2", "  spaced  "],
        ["3", ""],
        ["4", "last"],
    ]
    assert [(row.number, row.line) for row in open_table(path).rows()] == [(1, 4), (2, 5), (3, 6), (4, 8)]


def test_rows_can_be_read_again(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "id,text\n1,a\n2,b\n"))
    assert list(table.rows()) == list(table.rows()) != []


@pytest.mark.parametrize(
    "cell", ["007", "12345678901234567890123", "1e5", "NA", "null", "True", "1.0", "2024-01-02", "=1+1"]
)
def test_cells_stay_text(tmp_path: Path, cell: str) -> None:
    assert read(write(tmp_path, f"id,text\n{cell},hello\n"))[1] == [cell, "hello"]


TEXT = "id,text\n1,Größe – schön 批評 😀\n"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-8-sig"), "UTF8"),
        (TEXT.encode("utf-16"), None),
        (TEXT.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), None),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-32"), "utf-32"),
        (TEXT.encode("gb18030"), "gb18030"),
    ],
)
def test_encodings_and_byte_order_marks(tmp_path: Path, content: bytes, wanted: str | None) -> None:
    assert read(write(tmp_path, content), wanted) == [["id", "text"], ["1", "Größe – schön 批評 😀"]]


def test_a_file_of_windows_programs_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "id,text\n1,fine\n2,schön – große Freude für Grüße\n".encode("cp1252"))
    assert open_table(path).encoding == "cp1252"
    assert read(path)[2] == ["2", "schön – große Freude für Grüße"]


def test_its_letters_may_be_far_into_the_file(tmp_path: Path) -> None:
    rows = b"".join(b"%d,a perfectly normal review\n" % number for number in range(30_000))
    path = write(tmp_path, b"id,text\n" + rows + "x,schön und größer\n".encode("cp1252"))
    assert read(path)[-1] == ["x", "schön und größer"]


def test_single_bytes_of_another_encoding_are_bad_lines_and_the_others_are_read(tmp_path: Path) -> None:
    good = "".join(f"{number},größer und schöner\n" for number in range(40)).encode()
    path = write(tmp_path, b"id,text\n" + good + b"40,it\x92s\n41,fine\n")
    with pytest.raises(FileError, match=r"reviews\.csv, line 42: not written in UTF-8 \(bytes 92\)"):
        read(path)
    entries = list(open_table(path).entries())
    assert [entry.number for entry in entries] == list(range(1, 43))
    assert [entry for entry in entries if isinstance(entry, BadRow)] == [entries[40]]
    bad = entries[40]
    assert isinstance(bad, BadRow)
    assert mended(bad, open_table(path), 1) == ["40", "it’s"]


@pytest.mark.parametrize("wanted", ["klingon", "hex", "base64", "rot13", "", "utf-8\x00", "ü"])
def test_an_encoding_that_is_none_is_named(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(FileError, match="There is no encoding") as caught:
        read(write(tmp_path, "id,text\n1,a\n"), wanted)
    assert f"“{wanted}”" in str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_recognised(tmp_path: Path, delimiter: str, newline: str) -> None:
    """Also where the text holds each of the other delimiters."""
    others = "".join(one for one in ",;|" if one != delimiter)
    lines = [["id", "text", "stars"], ["1", f"a{others} b{others} c", "5"], ["2", f"d {others}", "1"]]
    path = write(tmp_path, newline.join(delimiter.join(line) for line in lines) + newline)
    assert open_table(path).delimiter == delimiter
    assert read(path) == lines


def test_one_column_of_texts_is_a_table(tmp_path: Path) -> None:
    assert read(write(tmp_path, 'text\n"a, b; c"\n"d"\n""\n')) == [["text"], ["a, b; c"], ["d"], [""]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("id,text\n1,a\n2,b,c\n3,d\n", "line 3: 3 cells where the header has 2"),
        ("id,text\n1,a\n2\n", "line 3: 1 cell where the header has 2"),
        ('id,text\n1,"two\nlines"\n2,b,c\n', "line 4: 3 cells"),
        ('id,text\n1,"a"b\n', "line 2: a quote within a quoted cell"),
        ('id,text\n1,a\n2,"never closed\n3,c\n', "line 3: a quote that is never closed"),
        ('id,"text\n1,a\n', "line 1: a quote that is never closed"),
        ("id,text,id\n1,a,2\n", "more than one column named “id”"),
        ("", "is empty"),
        ("   \n\n  \n", "is empty"),
        ("\ufeff", "has no header line"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "is no text file"),
        (b"PK\x03\x04\x00\x00", "is damaged: it does not unpack"),
        (b"\x1f\x8b\x08\x00", "is damaged: it does not unpack"),
        (b"PAR1 and no more", "is no Parquet file, or is damaged"),
        (bytes(range(256)) * 8, "is no text file"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, content: bytes | str, says: str) -> None:
    with pytest.raises(FileError) as caught:
        read(write(tmp_path, content))
    assert says in str(caught.value)
    assert "reviews.csv" in str(caught.value)
    assert caught.value.remedy


def test_files_that_are_not_there_or_of_another_kind(tmp_path: Path) -> None:
    write(tmp_path, "x", "reviews.xlsx")
    write(tmp_path, "x", "reviews.ods")
    for path, says in [
        (tmp_path, "is a folder without text files"),
        (tmp_path / "no.csv", "does not exist"),
        (tmp_path / "reviews.xlsx", "is no workbook"),
        (tmp_path / "reviews.ods", "“.ods” cannot be read"),
        (tmp_path / f"{'long' * 100}.csv", "cannot be read"),
        (tmp_path / "nul\x00.csv", "does not exist"),
    ]:
        with pytest.raises(FileError, match=says) as caught:
            open_table(path)
        assert caught.value.remedy


def test_a_tsv_is_cut_at_tabs_whatever_it_looks_like(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a,b\tc,d\n1,2\t3,4\n", "x.tsv")) == [["a,b", "c,d"], ["1,2", "3,4"]]


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=150)
@given(
    rows=st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6)
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_csv_writes_is_read_cell_for_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], encoding: str
) -> None:
    header = ["id", "text", "more", "last"][: len(rows[0])]
    path = tmp_path_factory.getbasetemp() / "property.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])
    wanted = None if encoding == "utf-16" or not any("\x00" in cell for row in rows for cell in row) else encoding
    assert read(path, wanted) == [header, *rows]


def test_the_text_and_id_columns_are_guessed(tmp_path: Path) -> None:
    named = open_table(write(tmp_path, "Review_ID, Text ,body\n1,a,much longer than the other\n"))
    assert (columns.text_column(named), columns.id_column(named)) == (" Text ", "Review_ID")
    longest = open_table(write(tmp_path, "a,b,c\n1,the longest one,xx\n"))
    assert (columns.text_column(longest), columns.id_column(longest)) == ("b", None)
    with pytest.raises(FileError, match="has no reviews in it"):
        columns.text_column(open_table(write(tmp_path, "a,b\n")))
    with pytest.raises(FileError, match=r"has no column “x”\. Its columns are: a, b, c"):
        columns.require(longest, "x")


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    assert inputs.find(path).sha256() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", (
        "of no bytes"
    )


SENTENCES = {
    "de": "Die Lieferung war pünktlich, das Gehäuse ist größer als erwartet; schöne Farbe für den Preis",
    "fr": "Très déçu : le colis est arrivé abîmé, l’écran est cassé, où est passé mon argent ? Ça coûte 20 €",
    "pl": "Przesyłka dotarła szybko, ale jakość jest słaba. Głośnik trzeszczy, źle się łączy, żałuję zakupu",
    "ru": "Очень доволен покупкой, доставили быстро. Качество хорошее, но инструкция непонятная",
    "el": "Η παράδοση ήταν γρήγορη αλλά το προϊόν ήταν χαλασμένο και δεν το συνιστώ σε κανέναν",
    "tr": "Ürün çok güzel ama kargo geç geldi, şarjı çabuk bitiyor, ışığı zayıf, müşteri hizmetleri ilgisiz",
    "he": "המוצר הגיע בזמן והאיכות טובה מאוד, השירות היה אדיב אבל המחיר גבוה",
    "ar": "وصل المنتج في الوقت المحدد والجودة ممتازة، خدمة العملاء كانت سيئة جدا ولا أنصح بالشراء",
    "ja": "商品はとても良かったですが、配送が遅れました。バッテリーの持ちが悪いので、星三つにします",
    "zh": "物流很快，包装完好，但是电池不耐用。客服态度很差，要求退款一直没有回复",
    "ko": "배송은 빨랐지만 제품이 파손되어 있었습니다. 고객센터는 친절했어요",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("de", "cp1252"), ("de", "iso8859-1"), ("fr", "cp1252"), ("fr", "iso8859-15"), ("pl", "cp1250"),
        ("pl", "iso8859-2"), ("ru", "cp1251"), ("ru", "iso8859-5"), ("ru", "koi8-r"), ("el", "cp1253"),
        ("tr", "cp1254"), ("he", "cp1255"), ("ar", "cp1256"), ("ja", "shift_jis"), ("ja", "euc_jp"),
        ("ja", "iso2022_jp"), ("zh", "gb18030"), ("zh", "big5"), ("ko", "cp949"), ("ja", "utf-8"),
        ("zh", "utf-8-sig"),
        ("ru", "utf-16"), ("de", "utf-16-le"), ("fr", "utf-16-be"), ("ja", "utf-16-le"), ("zh", "utf-16-be"),
    ],
)  # fmt: skip
def test_encodings_are_recognised(tmp_path: Path, language: str, encoding: str) -> None:
    lines = [f'{number},"{SENTENCES[language]}",5' for number in range(5)]
    content = "\n".join(["id,text,stars", *lines]).encode(encoding, "replace")
    found = read(write(tmp_path, content))
    assert found[1:] == [
        [str(n), SENTENCES[language].encode(encoding, "replace").decode(encoding), "5"] for n in range(5)
    ]
