"""Fictitious pictures of a construction dispute, made on the fly: photographs, plans, scans.

Every function returns the same bytes at each call, as in `documents`.
"""

import io
import math
import random
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice, pairwise, product
from typing import Literal

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter

from davserver.demo.documents import CREATED, Paper, findings, french_date

_Colour = tuple[int, int, int]
_Box = tuple[float, float, float, float]

_SCENE = (1024, 768)
_PLASTERS = ((236, 226, 204), (214, 212, 208), (232, 208, 186), (226, 206, 156))
_SHUTTERS = ((96, 116, 122), (110, 74, 58), (84, 104, 84), (150, 150, 146))

# The repeated dwelling, in metres: its outer size, then walls and openings as x, y, width, height.
_BAY, _DEPTH, _STOREY = 7.0, 8.5, 2.8
_WALLS = (
    *((0, 0, 7, 0.3), (0, 8.2, 7, 0.3), (0, 0, 0.1, 8.5), (6.9, 0, 0.1, 8.5)),
    *((0, 4, 7, 0.1), (3.7, 4, 0.1, 4.3), (2.6, 0, 0.1, 4), (4.7, 0, 0.1, 4)),
)
_WINDOWS = ((0.8, 0, 1.2, 0.3), (5.4, 0, 0.8, 0.3), (0.8, 8.2, 2, 0.3), (4.6, 8.2, 1.4, 0.3))
_DOORS = (
    *((3.2, 0, 0.9, 0.3), (2.8, 4, 0.8, 0.1), (3.85, 4, 0.8, 0.1)),
    *((2.6, 1.6, 0.1, 0.8), (4.7, 1.6, 0.1, 0.8)),
)
_ROOMS = (
    (1.4, 3.0, "Cuisine", "9,3 m²"),
    (3.7, 3.0, "Entrée", "7,4 m²"),
    (5.8, 3.0, "Salle d’eau", "7,8 m²"),
    (1.9, 6.1, "Séjour", "14,8 m²"),
    (5.3, 6.1, "Chambre", "12,7 m²"),
)


def photo_jpeg(caption: str, *, seed: int) -> bytes:
    """Return a photograph of a façade, cracked if the caption says so and stained otherwise.

    The caption is in its metadata, with a time of the day of the visit that depends on the seed.
    """
    rng = random.Random(f"{seed} {caption}")
    wall = rng.choice(_PLASTERS)
    scene = _plaster(wall, rng)
    damage = _crack if "fissur" in caption.lower() else _stain
    damage(scene, rng)
    _draw_openings(ImageDraw.Draw(scene), wall, rng)
    # The camera is never held quite straight.
    top, left, bottom, right = (rng.uniform(0, 30) for _ in range(4))
    corners = (0, top, left, 768, 1024 - right, 768 - bottom, 1024, 0)
    photo = scene.transform((720, 540), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    taken = CREATED + timedelta(hours=9, seconds=rng.randrange(3 * 3600))
    when = f"{taken:%Y:%m:%d %H:%M:%S}"
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = caption.encode()
    exif[ExifTags.Base.DateTime] = when
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = when
    return _jpeg(photo, exif)


def plan_pdf(title: str, *, scale: str) -> bytes:
    """Return an A3 drawing true to its scale: « 1/50 », the largest that fits, or a smaller one.

    It is a section if the title says « coupe » and a floor plan otherwise.
    """
    metre = 1000 / int(scale.partition("/")[2])
    if metre > 20:
        raise ValueError(f"A scale of {scale} does not fit an A3 sheet.")
    paper = Paper(title, sheet="A3")
    paper.set_auto_page_break(False)
    paper.set_draw_color(40)
    draw = _draw_section if "coupe" in title.lower() else _draw_floor
    draw(paper, metre)
    paper.rect(12, 12, 396, 268)
    paper.rect(288, 238, 120, 42)
    paper.set_font(style="B", size=12)
    paper.set_xy(292, 242)
    paper.multi_cell(112, 6, title, align="L")
    paper.set_font(size=9)
    paper.set_xy(292, 271)
    paper.cell(
        text=f"Échelle : {scale}   |   {french_date(CREATED)}   |   Format A3   |   Indice A"
    )
    return paper.content()


def heavy_pdf(title: str, *, size: int) -> bytes:
    """Return a scan of grainy pages, of `size` bytes within 5 %; at least 200,000 bytes."""
    rng = random.Random(title)
    width = 1654  # an A4 sheet at 200 dots per inch
    full = len(_scanned_sheet(rng, width))
    pages = math.ceil(size / full)
    # The weight follows the number of pixels, since grain is most of it.
    width = round(width * math.sqrt(size / pages / full))
    paper = Paper(title, family="courier")
    for page in range(pages):
        if page:
            paper.add_page()
        paper.image(io.BytesIO(_scanned_sheet(rng, width)), x=0, y=0, w=paper.w, h=paper.h)
        with paper.rotation(rng.uniform(-0.8, 0.8), paper.w / 2, paper.h / 2):
            paper.set_text_color(60)
            paper.masthead(title)
            for heading, text in islice(findings(rng), 4):
                paper.text_block(heading, style="B", align="L")
                paper.text_block(text, after=6)
    return paper.content()


def _scanned_sheet(rng: random.Random, width: int) -> bytes:
    """Return the grey JPEG of a blank A4 sheet, `width` pixels wide, and grainy."""
    size = (width, width * 297 // 210)
    shade = Image.linear_gradient("L").resize(size).point(lambda level: 252 - level // 14)
    grain = Image.frombytes("L", size, rng.randbytes(size[0] * size[1]))
    return _jpeg(Image.blend(shade, grain, 0.2))


def _jpeg(image: Image.Image, exif: Image.Exif | None = None) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=68, exif=exif or Image.Exif())
    return buffer.getvalue()


def _plaster(wall: _Colour, rng: random.Random) -> Image.Image:
    """Return a bare wall, darkened unevenly by the grain of its plaster and by the weather."""
    scene = Image.new("RGB", _SCENE, wall)
    for size, strength in (((256, 192), 18), ((8, 6), 44)):
        grain = Image.frombytes("L", size, rng.randbytes(size[0] * size[1]))
        grain = grain.point([255 - level * strength // 255 for level in range(256)])
        grain = grain.resize(_SCENE, Image.Resampling.BICUBIC)
        scene = ImageChops.multiply(scene, Image.merge("RGB", (grain, grain, grain)))
    return scene


def _draw_openings(draw: ImageDraw.ImageDraw, wall: _Colour, rng: random.Random) -> None:
    """Draw what stands on the wall: cornice, string course, plinth, windows, rainwater pipe."""
    draw.rectangle((0, 0, 1024, 46), (92, 84, 78))
    draw.rectangle((0, 0, 1024, 34), (122, 112, 104))
    draw.rectangle((0, 372, 1024, 389), _shaded(wall, 0.6))
    draw.rectangle((0, 372, 1024, 386), _shaded(wall, 0.98))
    draw.rectangle((0, 690, 1024, 768), _shaded(wall, 0.55))
    pipe = rng.choice((8, 985))
    for strip, level in enumerate((96, 140, 180, 150, 100)):
        draw.rectangle((pipe + strip * 3, 46, pipe + strip * 3 + 2, 768), (level,) * 3)
    shutter = rng.choice(_SHUTTERS)
    for left, top in product((100, 440, 780), (100, 440)):
        right, bottom = left + 130, top + 190
        draw.rectangle((left - 8, top - 8, right + 8, bottom + 8), _shaded(wall, 1.06))
        draw.rectangle((left - 14, bottom + 8, right + 14, bottom + 18), _shaded(wall, 0.9))
        draw.rectangle((left - 14, bottom + 19, right + 14, bottom + 23), _shaded(wall, 0.6))
        draw.rectangle((left, top, right, bottom), (60, 70, 80))
        draw.polygon(((left, top), (right, top), (left, bottom - 40)), (96, 110, 122))
        for x in (left, left + 63, right - 5):
            draw.rectangle((x, top, x + 5, bottom), (226, 224, 218))
        for y in (top, top + 92, bottom - 5):
            draw.rectangle((left, y, right, y + 4), (226, 224, 218))
        for edge in (left - 66, right + 10):
            draw.rectangle((edge, top - 4, edge + 56, bottom + 4), shutter)
            for y in (top + 4, top + 102):
                draw.rectangle((edge + 8, y, edge + 48, y + 84), _shaded(shutter, 0.85))


def _shaded(colour: _Colour, factor: float) -> _Colour:
    red, green, blue = (min(255, round(level * factor)) for level in colour)
    return red, green, blue


def _crack(scene: Image.Image, rng: random.Random) -> None:
    """Draw a crack that falls from the lower corner of an upper window."""
    draw = ImageDraw.Draw(scene)
    x, y, width = rng.choice((238.0, 578.0)), 296.0, 5.0
    while y < 700:
        to_x, to_y = x + rng.uniform(-5, 14), y + rng.uniform(4, 14)
        if rng.random() < 0.2:
            draw.line((x, y, x + rng.uniform(-50, 50), y + rng.uniform(8, 34)), (104, 92, 80), 1)
        draw.line((x + 2, y, to_x + 2, to_y), (240, 232, 216), round(width))
        draw.line((x, y, to_x, to_y), (58, 48, 42), round(width))
        x, y, width = to_x, to_y, max(2, width - 0.06)


def _stain(scene: Image.Image, rng: random.Random) -> None:
    """Draw a damp stain that runs down from the cornice between two windows."""
    mask = Image.new("L", _SCENE)
    draw = ImageDraw.Draw(mask)
    middle = rng.choice((335, 675))
    for _ in range(30):
        x, y = rng.gauss(middle, 40), 40 + abs(rng.gauss(0, 120))
        draw.ellipse((x - 28, y - 36, x + 28, y + 36), rng.randint(80, 150))
        x = rng.gauss(middle, 34)
        draw.rectangle((x, 60, x + rng.randint(3, 9), rng.randint(200, 680)), rng.randint(80, 170))
    scene.paste((88, 80, 58), mask=mask.filter(ImageFilter.GaussianBlur(5)))


class _Plan:
    """A drawing centred on a sheet: positions are in metres from the building's top left corner."""

    def __init__(self, paper: Paper, metre: float, width: float, height: float) -> None:
        self.paper = paper
        self.metre = metre  # its length on paper, in millimetres
        self.left = paper.w / 2 - width * metre / 2
        self.top = 122 - height * metre / 2

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.metre, self.top + y * self.metre

    def fill(self, box: _Box, grey: int = 70, style: Literal["F", "DF"] = "F") -> None:
        x, y, width, height = box
        self.paper.set_fill_color(grey)
        self.paper.rect(*self.at(x, y), width * self.metre, height * self.metre, style)

    def path(self, *points: tuple[float, float]) -> None:
        self.paper.polyline([self.at(x, y) for x, y in points])

    def label(self, x: float, y: float, text: str, style: str = "") -> None:
        left, top = self.at(x, y)
        self.paper.set_font(style=style, size=max(5, 0.42 * self.metre))
        self.paper.set_xy(left - 20, top - 2)
        self.paper.cell(40, 4, text.replace(".", ","), align="C")

    def window(self, box: _Box) -> None:
        x, y, width, height = box
        self.fill(box, 255, "DF")
        # The outline of one half draws the pane, in the middle of the wall.
        half = (x, y, width, height / 2) if width > height else (x, y, width / 2, height)
        self.fill(half, 255, "DF")

    def door(self, box: _Box) -> None:
        x, y, width, height = box
        self.fill(box, 255)
        leaf = max(width, height)
        # The leaf opens towards the right in an upright wall, towards the bottom in a flat one.
        x, y = (x, y + height) if width > height else (x + width, y)
        angles = [step * math.pi / 16 for step in range(9)]
        arc = [(x + leaf * math.cos(angle), y + leaf * math.sin(angle)) for angle in angles]
        self.path((x, y), *(arc if width < height else reversed(arc)))

    def dimension(self, marks: Iterable[float], line: float, *, upright: bool = False) -> None:
        """Print the distances between marks, in metres, along a line."""
        for start, end in pairwise(marks):
            ends = [(line, mark) if upright else (mark, line) for mark in (start, end)]
            self.path(*ends)
            for x, y in ends:
                self.path((x - 0.1, y + 0.1), (x + 0.1, y - 0.1))
            x, y = (sum(values) / 2 for values in zip(*ends, strict=True))
            with self.paper.rotation(90 if upright else 0, *self.at(x, y)):
                self.label(x, y - 2 / self.metre, f"{end - start:.2f}")


def _draw_floor(paper: Paper, metre: float) -> None:
    """Draw a row of dwellings, as many as the sheet takes."""
    bays = int(360 / (_BAY * metre))
    plan = _Plan(paper, metre, bays * _BAY, _DEPTH)
    for gable in (-0.2, bays * _BAY - 0.1):
        plan.fill((gable, 0, 0.3, _DEPTH))
    for start in (bay * _BAY for bay in range(bays)):
        for x, y, width, height in _WALLS:
            plan.fill((start + x, y, width, height))
        for x, y, width, height in _WINDOWS:
            plan.window((start + x, y, width, height))
        for x, y, width, height in _DOORS:
            plan.door((start + x, y, width, height))
        for x, y, name, area in _ROOMS:
            plan.label(start + x, y, name, "B")
            plan.label(start + x, y + 0.35, area)
        plan.dimension((start + x for x in (0, 0.8, 2.8, 4.6, 6, _BAY)), _DEPTH + 0.6)
        plan.dimension((start, start + _BAY), _DEPTH + 1.2)
    plan.dimension((0, 4.05, _DEPTH), -0.9, upright=True)


def _draw_section(paper: Paper, metre: float) -> None:
    """Draw a building with a flat roof, of as many storeys as the sheet takes."""
    storeys = int((190 / metre - 3) / _STOREY)
    ground = storeys * _STOREY
    plan = _Plan(paper, metre, _DEPTH, ground + 1)
    for x in (0, _DEPTH - 0.3):
        plan.fill((x, -0.5, 0.3, ground + 1.3))
        plan.fill((x - 0.2, ground + 0.8, 0.7, 0.4))
    for floor in range(storeys + 1):
        level = ground - floor * _STOREY
        plan.fill((0, level, _DEPTH, 0.2))
        plan.path((_DEPTH + 0.4, level), (_DEPTH + 1.8, level))
        plan.label(_DEPTH + 1.2, level - 2 / metre, f"{floor * _STOREY:+.2f}")
        if floor < storeys:
            plan.fill((5, level - _STOREY, 0.1, _STOREY))
            plan.window((0, level - 1.9, 0.3, 1.2))
            plan.window((_DEPTH - 0.3, level - 1.9, 0.3, 1.2))
            plan.label(2.6, level - 1.3, f"R+{floor}" if floor else "Rez-de-chaussée", "B")
            plan.dimension((level - _STOREY, level), -0.8, upright=True)
    for side in (-2.5, _DEPTH):
        plan.path((side, ground), (side + 2.5, ground))
        for x in (side + stroke / 4 for stroke in range(9)):
            plan.path((x + 0.25, ground), (x, ground + 0.25))
    plan.dimension((0, 5.05, _DEPTH), ground + 1.7)
