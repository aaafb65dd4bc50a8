"""A QR code as SVG that stands in the page itself."""

import qrcode
from django.utils.safestring import SafeString, mark_safe

QUIET_ZONE = 4


def draw_qr(text: str) -> SafeString:
    """``text`` as the path of an SVG, one unit to a module, with its quiet zone: `<svg viewBox="0 0 n n"><path …>`."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    parts = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            begins = x
            while x < len(row) and row[x]:
                x += 1
            if x > begins:
                parts.append(f"M{begins} {y}h{x - begins}v1h-{x - begins}z")
            else:
                x += 1
    size = len(rows)
    # Made of numbers alone: the text itself is nowhere in it.
    return mark_safe(  # noqa: S308
        f'<svg class="qr" viewBox="0 0 {size} {size}" role="img" aria-hidden="true" shape-rendering="crispEdges">'
        f'<path class="qr__paper" d="M0 0h{size}v{size}H0z"/><path class="qr__ink" d="{"".join(parts)}"/></svg>'
    )
