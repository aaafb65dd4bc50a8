"""What the cameras saw, drawn, and the codes of temp keys."""

import functools
import io
from datetime import UTC, datetime

import qrcode
from PIL import Image, ImageDraw, ImageFilter

from .derive import dice

SIZE = (640, 360)
THUMBNAIL = (160, 90)


@functools.lru_cache(maxsize=256)
def capture(name: str, *, is_thumbnail: bool) -> bytes:
    """A JPEG of about ten kilobytes: a doorway by day or night, mostly with somebody in it, and the time.

    ``name`` begins with the second in hexadecimal; the same name is always the same picture.
    """
    picture = _scene(name)
    if is_thumbnail:
        picture = picture.resize(THUMBNAIL)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=72)
    return written.getvalue()


@functools.lru_cache(maxsize=64)
def qr_code(digits: str) -> bytes:
    """A PNG with the digits of a temp key."""
    code = qrcode.QRCode(box_size=8, border=4)
    code.add_data(digits)
    written = io.BytesIO()
    code.make_image().save(written)
    return written.getvalue()


def _scene(name: str) -> Image.Image:
    random = dice("scene", name)
    at = datetime.fromtimestamp(int(name.partition("-")[0], 16), UTC)
    is_night = not 7 <= at.hour < 19
    width, height = SIZE
    top, bottom = (28, 96) if is_night else (150, 222)
    tint = (1.0, 1.0, 1.06) if is_night else (1.0, 0.97 + random.random() * 0.05, 0.9)
    column = Image.new("RGB", (1, height))
    for y in range(height):
        light = top + (bottom - top) * y / height
        column.putpixel((0, y), tuple(min(255, int(light * part)) for part in tint))
    picture = column.resize(SIZE)
    draw = ImageDraw.Draw(picture)
    # A wall on one side, the door frame, the ground.
    wall = random.randrange(60, 200)
    side = random.choice((0, width - wall))
    draw.rectangle((side, 0, side + wall, height), fill=tuple(int(bottom * 0.55 * part) for part in tint))
    ground = random.randrange(270, 320)
    draw.polygon(
        [(0, ground + 30), (width, ground), (width, height), (0, height)],
        fill=tuple(int(bottom * 0.7 * part) for part in tint),
    )
    for _ in range(random.choice((0, 1, 1, 1, 1, 2))):
        _figure(draw, random.randrange(170, width - 170), random.randrange(70, 150), random.randrange(38, 62))
    picture = picture.filter(ImageFilter.GaussianBlur(2.2))
    grain = Image.effect_noise((width // 2, height // 2), 26).resize(SIZE)
    picture = Image.blend(picture, Image.merge("RGB", (grain, grain, grain)), 0.07)
    draw = ImageDraw.Draw(picture)
    label = f"CAM {random.randrange(1, 9):02d}   {at:%Y-%m-%d %H:%M:%S}"
    draw.text((13, 13), label, fill=(0, 0, 0), font_size=20)
    draw.text((12, 12), label, fill=(244, 244, 238), font_size=20)
    return picture


def _figure(draw: ImageDraw.ImageDraw, x: int, y: int, head: int) -> None:
    """Head and shoulders against the light."""
    shade = (34, 36, 42)
    draw.ellipse((x - head // 2, y, x + head // 2, y + int(head * 1.25)), fill=shade)
    shoulder = int(head * 1.35)
    draw.rounded_rectangle(
        (x - shoulder, y + int(head * 1.4), x + shoulder, SIZE[1] + 60), radius=head, fill=shade
    )
    draw.rectangle((x - head // 5, y + head, x + head // 5, y + int(head * 1.6)), fill=shade)
