"""Draw wrapped text onto a transparent layer."""

from PIL import Image, ImageDraw, ImageFont

_INK = (255, 255, 255, 255)
_SHADE = (0, 0, 0, 130)


def lettering(prompt: str, caption: str, size: tuple[int, int]) -> Image.Image:
    """Return a layer of `size` pixels: the prompt in the middle, the caption at the foot.

    The prompt is set as large as fits, at most a seventh of the height.
    """
    width, height = size
    margin = width // 16
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    room = (width - 2 * margin, height * 0.6)
    font, lines = _fitting(draw, " ".join(prompt.split()) or "(no prompt)", room, height // 7)
    step = font.size * 1.25
    top = (height - step * len(lines)) / 2
    draw.rectangle((0, top - step / 3, width, top + step * len(lines) + step / 3), fill=_SHADE)
    for number, line in enumerate(lines):
        middle = (width - draw.textlength(line, font=font)) / 2
        draw.text((middle, top + number * step), line, font=font, fill=_INK)
    small = ImageFont.load_default(max(height // 18, 9))
    draw.text((margin / 2, height - height // 10), caption, font=small, fill=_INK)
    return layer


def _fitting(
    draw: ImageDraw.ImageDraw, text: str, room: tuple[float, float], largest: int
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    size = largest
    while True:
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise RuntimeError("Pillow was built without FreeType; the sandbox needs it")
        lines = _wrapped(draw, text, font, room[0])
        if size <= 9 or len(lines) * size * 1.25 <= room[1]:
            return font, lines[: max(int(room[1] / (size * 1.25)), 1)]
        size = max(int(size * 0.85), 9)


def _wrapped(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: float
) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if not line or draw.textlength(longer, font=font) <= width:
            line = longer
        else:
            lines.append(line)
            line = word
    return [*lines, line]
