"""The documents of the demo: the same at each call, sound, and of a likely size."""

import hashlib
import io
import os
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from davserver.demo.documents import exhibit_pdf, french_date, letter_pdf, list_pdf, note_pdf
from davserver.demo.drawings import heavy_pdf, photo_jpeg, plan_pdf
from tests.programs import require_program

DAY = date(2024, 3, 1)
TITLE = "Constat n° 4 – main-d’œuvre, façade"
COURT = "Tribunal judiciaire de Valmorin – RG n° 24/00317"

PDFS: dict[str, Callable[[], bytes]] = {
    "exhibit": lambda: exhibit_pdf(TITLE, party="SCI Les Glycines", number=12),
    "letter": lambda: letter_pdf(
        TITLE, sender="Maître Vasseur", recipient="Monsieur l’Expert", day=DAY, case=COURT
    ),
    "list": lambda: list_pdf(TITLE, [(1, "Devis", DAY), (2, "Facture", DAY)], party="SCI"),
    "note": lambda: note_pdf(TITLE, author="Paul Arnaud, expert", day=DAY, case=COURT),
    "plan": lambda: plan_pdf(TITLE, scale="1/50"),
    "section": lambda: plan_pdf(f"Coupe AA – {TITLE}", scale="1/100"),
    "scan": lambda: heavy_pdf(TITLE, size=300_000),
}
KINDS: dict[str, Callable[[], bytes]] = {
    **PDFS,
    "photo": lambda: photo_jpeg("Fissure en façade", seed=3),
}

every_kind = pytest.mark.parametrize("kind", KINDS)
every_pdf = pytest.mark.parametrize("kind", PDFS)


def streams_of(pdf: bytes) -> str:
    """The instructions of the pages: text is between brackets, any space in it an ordinary one."""
    found = re.findall(rb"/FlateDecode.*?stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return b"\n".join(map(zlib.decompress, found)).decode("cp1252").replace("\xa0", " ")


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


@every_kind
def test_a_document_is_the_same_at_each_call(kind: str) -> None:
    assert KINDS[kind]() == KINDS[kind]()


def test_a_document_is_the_same_in_another_process_and_time_zone() -> None:
    script = (
        "import hashlib, sys, tests.test_demo_documents as own\n"
        "print(hashlib.sha256(b''.join(make() for make in own.KINDS.values())).hexdigest())"
    )
    here = hashlib.sha256(b"".join(make() for make in KINDS.values())).hexdigest()

    there = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert there.stdout.strip() == here


@every_pdf
def test_a_pdf_is_whole(kind: str) -> None:
    pdf = PDFS[kind]()
    index = re.search(rb"startxref\n(\d+)\n%%EOF\s*\Z", pdf)

    assert pdf.startswith(b"%PDF-1.")
    assert index is not None
    assert pdf[int(index[1]) :].startswith(b"xref")


@every_pdf
def test_a_pdf_bears_its_title_its_language_and_the_fixed_date(kind: str) -> None:
    pdf = PDFS[kind]()

    assert TITLE.encode("utf-16-be").hex().encode() in pdf
    assert b"/Lang (fr-FR)" in pdf
    assert re.findall(rb"D:\d+", pdf) == [b"D:20240312000000"]


@every_pdf
def test_every_page_says_that_it_is_fictitious(kind: str) -> None:
    pdf = PDFS[kind]()

    assert streams_of(pdf).count("Document fictif – démonstration") == pages_of(pdf)


@every_pdf
def test_poppler_opens_a_pdf_without_complaint(kind: str, tmp_path: Path) -> None:
    pdftotext = require_program("pdftotext")
    path = tmp_path / "document.pdf"
    path.write_bytes(PDFS[kind]())

    answer = subprocess.run([pdftotext, path, "-"], capture_output=True, check=True)

    assert answer.stderr == b""
    assert "main-d’œuvre" in answer.stdout.decode()


@pytest.mark.parametrize("kind", sorted(PDFS.keys() - {"scan"}))
def test_a_pdf_weighs_a_few_kilobytes(kind: str) -> None:
    assert 1_000 < len(PDFS[kind]()) < 10_000


def test_the_stamp_bears_the_number_of_the_exhibit() -> None:
    stamped = streams_of(exhibit_pdf("Devis", party="SCI Les Glycines", number=12))
    bare = streams_of(exhibit_pdf("Devis", party="SCI Les Glycines"))

    assert "(Pièce n° 12)" in stamped
    assert "Pièce n°" not in bare
    assert "SCI Les Glycines" in stamped
    assert "SCI Les Glycines" in bare


@pytest.mark.parametrize("pages", [1, 2, 5])
def test_an_exhibit_and_a_note_have_the_pages_asked_for(pages: int) -> None:
    assert pages_of(exhibit_pdf("Rapport", number=3, pages=pages)) == pages
    assert pages_of(exhibit_pdf("Rapport", body=["Un texte."], pages=pages)) == pages
    assert pages_of(note_pdf("Pré-rapport", author="L’expert", day=DAY, pages=pages)) == pages


def test_an_exhibit_holds_the_text_it_is_given() -> None:
    assert "Ci-joint." in streams_of(exhibit_pdf("Courrier", body=["Ci-joint."]))


def test_two_titles_give_two_texts() -> None:
    assert streams_of(exhibit_pdf("Rapport A")) != streams_of(exhibit_pdf("Rapport B"))


def test_a_letter_greets_the_expert_and_is_signed() -> None:
    text = streams_of(
        letter_pdf(
            "Dire n° 1",
            sender="Maître Hélène Vasseur\nAvocate",
            recipient="Monsieur Paul Arnaud",
            day=DAY,
            salutation="Monsieur l’Expert",
        )
    )

    assert "(Monsieur l’Expert,)" in text
    assert "1er mars 2024" in text
    assert text.count("(Maître Hélène Vasseur)") == 2


def test_a_list_goes_on_over_several_pages_under_the_same_headings() -> None:
    pdf = list_pdf("Bordereau", [(number, f"Devis {number}", DAY) for number in range(1, 61)])

    assert pages_of(pdf) > 1
    assert streams_of(pdf).count("(Désignation de la pièce)") == pages_of(pdf)
    assert "(Devis 60)" in streams_of(pdf)


def test_a_note_numbers_its_sections() -> None:
    text = streams_of(
        note_pdf(
            "Convocation",
            author="L’expert",
            day=DAY,
            sections=[("Lieu", "Sur place."), ("Ordre du jour", "Visite.")],
        )
    )

    assert "(1. Lieu)" in text
    assert "(2. Ordre du jour)" in text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("cœur d’ouvrage – 5 €…", "cœur d’ouvrage – 5 €…"),
        ("fac\u0327ade e\u0301tanche", "façade étanche"),
        ("1\u202f250 日", "1 250 ?"),
    ],
)
def test_visible_text_keeps_the_signs_of_french(text: str, printed: str) -> None:
    assert f"({printed})" in streams_of(exhibit_pdf("Essai", body=[text]))


def test_no_line_parts_a_sign_from_what_it_goes_with() -> None:
    # Each paragraph starts further to the right, so that lines would end at every word.
    body = ["i" * shift + " « Oui » : n° 3 et 12 m² !" * 8 for shift in range(1, 40)]

    lines = re.findall(r"\((.*?)\) Tj", streams_of(exhibit_pdf("Essai", body=body)))

    assert len(lines) > 2 * len(body)
    assert not [line for line in lines if re.search(r"(«|n°|12)$|^(»|:|3 et|m²|!)", line)]


def test_a_plan_is_a_vector_drawing_with_its_scale_on_a_flat_a3() -> None:
    pdf = plan_pdf("Plan du rez-de-chaussée", scale="1/100")

    assert b"/MediaBox [0 0 1190.55 841.89]" in pdf
    assert b"/Image" not in re.sub(rb"/ProcSet.*", b"", pdf)
    assert "Échelle : 1/100" in streams_of(pdf)
    assert "(Séjour)" in streams_of(pdf)


def test_a_plan_whose_title_says_coupe_is_a_section() -> None:
    assert "(Rez-de-chaussée)" in streams_of(plan_pdf("Coupe BB", scale="1/50"))


def test_a_scale_too_large_for_the_sheet_is_refused() -> None:
    with pytest.raises(ValueError, match="1/20 does not fit"):
        plan_pdf("Détail", scale="1/20")


@pytest.mark.parametrize("size", [200_000, 1_000_000, 3_300_000, 8_400_000])
def test_a_scan_has_the_size_asked_for_within_five_percent(size: int) -> None:
    assert len(heavy_pdf("Dossier des ouvrages exécutés", size=size)) == pytest.approx(size, 0.05)


def test_a_photograph_is_a_jpeg_dated_and_described_by_its_metadata() -> None:
    content = photo_jpeg("Infiltration – pignon", seed=4)

    with Image.open(io.BytesIO(content)) as photo:
        photo.load()
        exif = photo.getexif()

    assert content.startswith(b"\xff\xd8\xff")
    assert content.endswith(b"\xff\xd9")
    assert (photo.format, photo.size) == ("JPEG", (720, 540))
    taken = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal]
    assert taken.startswith("2024:03:12 ")
    assert "Infiltration – pignon".encode() in content


@pytest.mark.parametrize("caption", ["Fissure en façade", "Coulures sous la corniche"])
def test_photographs_differ_by_their_seed_and_weigh_10_to_40_kilobytes(caption: str) -> None:
    photos = {photo_jpeg(caption, seed=seed) for seed in range(12)}

    assert len(photos) == 12
    assert all(10_000 < len(photo) < 40 * 1024 for photo in photos)


def test_a_date_is_written_in_full() -> None:
    assert french_date(date(2024, 3, 1)) == "1er mars 2024"
    assert french_date(date(2023, 12, 24)) == "24 décembre 2023"


def test_the_documents_of_a_whole_demo_are_made_in_seconds() -> None:
    start = time.perf_counter()
    for rank in range(15):
        photo_jpeg("Fissure", seed=rank)
        exhibit_pdf(f"Pièce {rank}", number=rank, pages=2)
        note_pdf(f"Note {rank}", author="L’expert", day=DAY)
        plan_pdf(f"Plan {rank}", scale="1/50")
    heavy_pdf("Dossier", size=8_400_000)

    # Under 3 s on a plain machine; the margin is for one that does other work too.
    assert time.perf_counter() - start < 10
