"""Mail the warehouse a packing slip as PDF."""

import logging
from pathlib import Path

from fpdf import FPDF, FontFace

from receiver.handlers import Skip, handler

TO = "warehouse@your-shop.example"
#: The slip's letters; a later font has those that the ones before it lack. Without any, such a letter is a "?".
FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",  # Debian: apt install fonts-dejavu-core
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",  # apt install fonts-droid-fallback
)
LONGEST = 300

# It would warn of letters that no font has, which may be a customer's name.
logging.getLogger("fpdf").setLevel(logging.ERROR)


@handler
def attach_packing_slip(order, context):
    """Mail what is to be packed, without prices, as a page to print and put into the parcel."""
    if not order.shipping:
        raise Skip("nothing to ship")
    slip = Slip(order, context.settings["SHOP_NAME"])
    attachment = (f"packing-slip-{order.order_id}.pdf", "application/pdf", bytes(slip.output()))
    context.mail(to=TO, template="packing_slip", attachments=[attachment])
    return f"{slip.page_no()} page{'s'[: slip.page_no() != 1]}"


class Slip(FPDF):
    """Draws an order on A4; a long one goes on over more pages."""

    def __init__(self, order, shop_name):
        super().__init__(format="A4")
        self.set_margin(20)
        self.core_fonts_encoding = "windows-1252"
        fonts = [path for path in FONTS if Path(path).exists()]
        for number, path in enumerate(fonts):
            self.add_font(f"font{number}", fname=path)
        self.letters = "font0" if fonts else "Helvetica"
        self.set_fallback_fonts([f"font{number}" for number in range(1, len(fonts))])
        self.number = order.order_number or order.order_id
        self.alias_nb_pages()
        self.add_page()
        self.head(order, shop_name)
        self.address(order.shipping)
        self.items(order.items)
        self.note(order.customer_note)

    def write_line(self, text, size=10, grey=0, **options):
        """Write a text below what is there, over as many lines as it takes."""
        self.set_font(self.letters, size=size)
        self.set_text_color(grey)
        self.multi_cell(0, size * 0.5, self.plain(text), new_x="LMARGIN", new_y="NEXT", **options)

    def plain(self, text):
        """Write on one line what can be printed, cut to a length that a slip bears."""
        line = " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())
        line = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
        return line if self.letters != "Helvetica" else line.encode("cp1252", "replace").decode("cp1252")

    def head(self, order, shop_name):
        """Say whose slip it is, and of which order."""
        self.write_line(shop_name, size=11, grey=90)
        self.write_line("Packing slip", size=22)
        method = f", by {order.shipping_method}" if order.shipping_method else ""
        self.write_line(f"Order {self.number} of {order.order_date:%Y-%m-%d}{method}", grey=90)
        self.ln(8)

    def address(self, place):
        """Write the address as it stands on the parcel."""
        self.write_line("Ship to", size=9, grey=90)
        town = " ".join(part for part in (place.postcode, place.city, place.region) if part)
        for line in (place.name, place.company, place.line1, place.line2, town, place.country):
            if line:
                self.write_line(line, size=12)
        self.ln(8)

    def items(self, items):
        """List what is to be packed; the heading comes again on each page."""
        self.set_font(self.letters, size=10)
        self.set_text_color(0)
        self.set_draw_color(180)
        with self.table(
            col_widths=(16, 104, 50),
            text_align=("RIGHT", "LEFT", "LEFT"),
            v_align="TOP",
            borders_layout="HORIZONTAL_LINES",
            headings_style=FontFace(color=90),
            line_height=5.5,
            padding=2,
        ) as table:
            table.row(("Qty", "Item", "SKU"))
            for item in items:
                options = self.plain(", ".join(f"{name}: {value}" for name, value in item.options.items()))
                name = self.plain(item.name or item.id or "")
                table.row((str(item.quantity or 1), f"{name}\n{options}".strip(), self.plain(item.sku or "")))
        self.ln(8)

    def note(self, note):
        """Show what the customer wrote, line by line."""
        if note:
            self.write_line("The customer's note", size=9, grey=90)
            for line in note.splitlines():
                self.write_line(line)

    def footer(self):
        """Write the page's number; fpdf2 calls it at the end of each."""
        self.set_y(-15)
        self.write_line(f"Order {self.number}, page {self.page_no()} of {{nb}}", size=8, grey=90, align="C")
