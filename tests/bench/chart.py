"""The chart for the README: a few rows of the table as bars, in SVG that is readable on light and on dark pages."""
from xml.sax.saxutils import escape

from systems import COLUMNS, SYNCING

# Rows that are in the chart, by what they are marked with: title, unit, and whether more is better.
PANELS = {"idle": ("Idle memory", "PSS, MB", False), "submission": ("Submission", "processor ms per message", False),
          "remote": ("Delivery by SMTP", "messages/s", True), "local": ("Delivery to a Maildir", "messages/s", True),
          "reception": ("Reception", "messages/s, one per connection", True),
          "writes": ("Written to the disk", "kB per message delivered by SMTP", False)}
FOOT = "Pale: it accepts messages before they are on stable storage"
WIDTH, LABEL, BAR, LINE, HEAD = 410, 88, 230, 22, 44

STYLE = """text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.unit { font-size: 12px; fill: #57606a }
.peer { fill: #9aa4af }
.ours { fill: #1a7f37 }
.unsynced { fill: #9aa4af; fill-opacity: .4 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.unit { fill: #9198a1 }
.peer { fill: #6e7681 }
.ours { fill: #3fb950 }
.unsynced { fill: #6e7681 }
}"""


def draw(rows):
    """The chart, of those panels that have figures."""
    shown = [(*PANELS[name], scaled(name, row.values)) for name in PANELS for row in rows if row.chart == name]
    height = HEAD + LINE * max(len(values) for *_, values in shown) + 22
    parts, words = [], []
    for number, (title, unit, more, values) in enumerate(shown):
        parts.append(f'<g transform="translate({number % 2 * WIDTH + 8} {number // 2 * height + 8})">')
        parts.append(f'<text class="title" y="16">{escape(title)}</text>')
        parts.append(f'<text class="unit" y="33">{escape(unit)}, {"more" if more else "less"} is better</text>')
        parts += bars(values)
        parts.append("</g>")
        words.append(f"{title}, {unit}: " + ", ".join(f"{column} {number_words(values[column])}"
                                                      for column in COLUMNS if column in values))
    total = (len(shown) + 1) // 2 * height + 20
    parts.append(f'<text class="unit" x="8" y="{total - 8}">{escape(FOOT)}</text>')
    words.append(FOOT)
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH + 8} {total}" '
                      f'width="{2 * WIDTH + 8}" height="{total}" role="img" aria-labelledby="title desc">',
                      '<title id="title">qmta beside other mail systems</title>',
                      f'<desc id="desc">{escape(". ".join(words))}.</desc>', f"<style>{STYLE}</style>", *parts,
                      "</svg>", ""])


def scaled(name, values):
    """In the panel's unit; systems without a queue are left out."""
    factor = 1.024 / 1000 if name == "idle" else 1
    return {column: value * factor for column, value in values.items() if column != "msmtp"}


def bars(values):
    most = max(values.values()) or 1
    for number, column in enumerate(column for column in COLUMNS if column in values):
        kind = "ours" if column == "qmta" else "peer" if column in SYNCING else "unsynced"
        top, length = HEAD + number * LINE, max(2, values[column] / most * BAR)
        yield f'<text x="{LABEL - 6}" y="{top + 13}" text-anchor="end">{escape(column)}</text>'
        yield (f'<rect class="{kind}" x="{LABEL}" y="{top + 1}" width="{length:.1f}" '
               f'height="{LINE - 6}" rx="2"/>')
        yield f'<text x="{LABEL + length + 6:.1f}" y="{top + 13}">{number_words(values[column])}</text>'


def number_words(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 1 else f"{number:.2f}"
