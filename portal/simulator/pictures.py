"""What the cameras saw, drawn, and the codes of temp keys."""

import functools
import io
from datetime import UTC, datetime

import qrcode
from PIL import Image, ImageDraw, ImageFilter

from .derive import dice

SIZE = (640, 360)
THUMBNAIL = (160, 90)

# Drawn small, since a demo asks for two thousand thumbnails at its start.
CANVAS = (320, 180)

COATS = ((38, 40, 48), (62, 44, 40), (40, 54, 72), (70, 66, 58), (52, 62, 50), (96, 92, 88))
SKINS = ((214, 178, 152), (188, 146, 116), (142, 102, 78), (92, 66, 52))


@functools.lru_cache(maxsize=512)
def capture(name: str, *, is_thumbnail: bool) -> bytes:
    """A JPEG of about ten kilobytes: a doorway by day or night, mostly with somebody in it, and the time.

    ``name`` begins with the second in hexadecimal and ends with two digits that stand for the camera: the same
    name is always the same picture, and the same camera always looks at the same door.
    """
    at = datetime.fromtimestamp(int(name.partition("-")[0], 16), UTC)
    is_night = not 7 <= at.hour < 19
    camera = name[-2:]
    picture = _doorway(camera, is_night).copy()
    random = dice("people", name)
    draw = ImageDraw.Draw(picture)
    for _ in range(random.choice((0, 1, 1, 1, 1, 2))):
        coat, skin = random.choice(COATS), random.choice(SKINS)
        place = (random.randrange(90, CANVAS[0] - 90), random.randrange(38, 70), random.randrange(22, 32))
        _figure(draw, *place, _dimmed(coat, is_night), _dimmed(skin, is_night))
    if is_thumbnail:
        return _jpeg(picture.resize(THUMBNAIL))
    picture = picture.filter(ImageFilter.GaussianBlur(0.8)).resize(SIZE)
    picture = Image.blend(picture, _grain(), 0.05)
    draw = ImageDraw.Draw(picture)
    label = f"CAM {int(camera, 16) % 24 + 1:02d}   {at:%Y-%m-%d %H:%M:%S}"
    draw.text((13, 13), label, fill=(0, 0, 0), font_size=20)
    draw.text((12, 12), label, fill=(244, 244, 238), font_size=20)
    return _jpeg(picture)


@functools.lru_cache(maxsize=64)
def qr_code(digits: str) -> bytes:
    """A PNG with the digits of a temp key."""
    code = qrcode.QRCode(box_size=8, border=4)
    code.add_data(digits)
    written = io.BytesIO()
    code.make_image().save(written)
    return written.getvalue()


@functools.lru_cache(maxsize=1)
def moving() -> bytes:
    """A WebP of three pictures, one after the other: red, green and blue."""
    frames = [Image.new("RGB", THUMBNAIL, colour) for colour in ("red", "green", "blue")]
    written = io.BytesIO()
    frames[0].save(written, "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    return written.getvalue()


@functools.lru_cache(maxsize=128)
def _doorway(camera: str, is_night: bool) -> Image.Image:
    """Sky or street, a house over the way with its windows, a wall at one side, the ground."""
    random = dice("doorway", camera)
    width, height = CANVAS
    tint = (0.94 + random.random() * 0.1, 0.97, 0.9 + random.random() * 0.12)
    top, bottom = (22, 70) if is_night else (168, 222)
    column = Image.new("RGB", (1, height))
    for y in range(height):
        column.putpixel((0, y), _shade(top + (bottom - top) * y / height, tint))
    picture = column.resize(CANVAS)
    draw = ImageDraw.Draw(picture)
    ground = random.randrange(130, 156)
    left, roof = random.randrange(0, 160), random.randrange(14, 60)
    draw.rectangle(
        (left, roof, left + random.randrange(90, 200), ground + 12), fill=_shade(bottom * 0.66, tint)
    )
    lit = (196, 168, 96) if is_night else _shade(bottom * 0.46, tint)
    for x in range(left + 12, left + 84, 26):
        for y in range(roof + 12, ground - 16, 28):
            if random.random() < 0.7:
                draw.rectangle((x, y, x + 11, y + 15), fill=lit)
    corners = [(0, ground + 12), (width, ground), (width, height), (0, height)]
    draw.polygon(corners, fill=_shade(bottom * 0.74, tint))
    wall = random.randrange(26, 84)
    side = random.choice((0, width - wall))
    draw.rectangle((side, 0, side + wall, height), fill=_shade(bottom * 0.5, tint))
    inner = side + wall if side == 0 else side
    draw.line((inner, 0, inner, height), fill=_shade(bottom * 0.36, tint), width=3)
    return picture.filter(ImageFilter.GaussianBlur(1.1))


@functools.lru_cache(maxsize=1)
def _grain() -> Image.Image:
    # Pillow's own noise is another in each process.
    one = Image.frombytes("L", CANVAS, dice("grain").randbytes(CANVAS[0] * CANVAS[1])).resize(SIZE)
    return Image.merge("RGB", (one, one, one))


def _figure(
    draw: ImageDraw.ImageDraw,
    x: int,
    y: int,
    head: int,
    coat: tuple[int, int, int],
    skin: tuple[int, int, int],
) -> None:
    """Head and shoulders of somebody who stands before the door."""
    chin = y + int(head * 1.25)
    shoulder = int(head * 1.2)
    body = (x - shoulder, chin + head // 8, x + shoulder, CANVAS[1] + 40)
    draw.rounded_rectangle(body, radius=int(head * 0.8), fill=coat)
    draw.rectangle((x - head // 5, chin - 4, x + head // 5, chin + head // 4), fill=skin)
    draw.ellipse((x - head // 2, y, x + head // 2, chin), fill=skin)
    hair = (x - head // 2 - 1, y - 3, x + head // 2 + 1, chin)
    draw.chord(hair, 180, 360, fill=tuple(part // 3 for part in skin))


def _shade(light: float, tint: tuple[float, float, float]) -> tuple[int, ...]:
    return tuple(min(255, int(light * part)) for part in tint)


def _dimmed(colour: tuple[int, int, int], is_night: bool) -> tuple[int, int, int]:
    red, green, blue = colour
    # A camera sees by infrared at night: no colours, little contrast.
    grey = (red + green + blue) // 4 + 14
    return (grey, grey, grey + 3) if is_night else colour


def _jpeg(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=74)
    return written.getvalue()
