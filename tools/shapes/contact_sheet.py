"""Many pictures on one, in the order of their questions; wrong ones have a red frame."""

from PIL import Image, ImageDraw

COLUMNS = 20
#: Pixels between two pictures.
GAP = 4
GREY = (200, 200, 200)
RED = (255, 0, 0)


def contact_sheet(
    pictures: list[Image.Image], right: list[bool], columns: int = COLUMNS
) -> Image.Image:
    """Pictures in rows of `columns`, each with room for the widest and the highest of them."""
    width, height = (max(it.size[axis] for it in pictures) for axis in (0, 1))
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), GREY)
    pencil = ImageDraw.Draw(sheet)
    for index, (picture, good) in enumerate(zip(pictures, right, strict=True)):
        row, column = divmod(index, columns)
        x, y = GAP + column * (width + GAP), GAP + row * (height + GAP)
        if not good:
            pencil.rectangle((x - GAP, y - GAP, x + width + GAP - 1, y + height + GAP - 1), RED)
        sheet.paste(picture, (x, y))
    return sheet
