"""One HTML page that loads nothing: its style, and pictures and tables as HTML."""
import base64
import html
from io import BytesIO

import numpy as np
from PIL import Image

_STYLE = '''
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff; margin: 2rem auto; max-width: 76rem;
padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.badge { display: inline-block; padding: 0.1rem 0.7rem; border-radius: 1rem; color: #fff; font-weight: 600;
background: #57606a; }
.success { background: #1a7f37; } .failure, .timeout, .partial { background: #bc4c00; }
.stopped, .interrupted { background: #a40e26; }
table { border-collapse: collapse; font-size: 0.87rem; } td, th { padding: 0.25rem 0.8rem; text-align: left;
border-bottom: 1px solid #d8dee4; vertical-align: top; } td.number, th.number { text-align: right;
font-variant-numeric: tabular-nums; } img, video { width: 100%; display: block; } .lost { color: #a40e26; }
.grid { display: grid; gap: 2px; font-size: 0.75rem; color: #57606a; align-items: end; } .grid b { font-weight: 500; }
td img { width: 8rem; }
@media print { @page { margin: 12mm; } body { font-size: 10pt; margin: 0; max-width: none; padding: 0; }
video { display: none; } h2 { break-after: avoid; } img, tr, .grid { break-inside: avoid; }
.badge { border: 1px solid; color: #1b1f24; background: none; } }
'''


def page(title, parts):
    """The whole document; ``parts``: pieces of HTML, empty ones included."""
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
            f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>\n'
            + '\n'.join(filter(None, parts)) + '\n</body></html>\n')


def uri(data, kind):
    """``data:`` address of bytes of a media type."""
    return f'data:{kind};base64,{base64.b64encode(data).decode()}'


def plot(figure, title):
    """A matplotlib figure as an image."""
    buffer = BytesIO()
    figure.savefig(buffer, format='png', dpi=110)
    return f'<img alt="{html.escape(title)}" src="{uri(buffer.getvalue(), "image/png")}">'


def photo(image, width, height=None):
    """An (H, W, 3) uint8 picture as an image of ``width`` pixels, undistorted without a height; nothing for None."""
    if image is None:
        return '<span></span>'
    buffer = BytesIO()
    height = height or max(1, round(image.shape[0] * width / image.shape[1]))
    small = Image.fromarray(np.ascontiguousarray(image)).resize((width, height), Image.BILINEAR)
    small.save(buffer, 'JPEG', quality=80)
    return f'<img alt="" src="{uri(buffer.getvalue(), "image/jpeg")}">'


def grid(heads, rows):
    """Rows of HTML cells below each other, the first of each its name; ``heads`` has one entry a column of cells."""
    cells = ['<span></span>', *(f'<b>{html.escape(head)}</b>' for head in heads)]
    for name, *pictures in rows:
        cells += [f'<b>{html.escape(name)}</b>', *pictures]
    return f'<div class="grid" style="grid-template-columns: 6rem repeat({len(heads)}, 1fr)">{"".join(cells)}</div>'


def table(heads, rows):
    """A table; ``heads``: names, those of numbers with a trailing '#'. Cells are text, or HTML when marked by
    ``Html``.
    """
    marks = [' class="number"' if head.endswith('#') else '' for head in heads]
    head = ''.join(f'<th{mark}>{html.escape(name.rstrip("#"))}</th>' for name, mark in zip(heads, marks))
    body = ''.join('<tr>' + ''.join(f'<td{mark}>{cell if isinstance(cell, Html) else html.escape(str(cell))}</td>'
                                    for cell, mark in zip(row, marks)) + '</tr>' for row in rows)
    return f'<table><tr>{head}</tr>{body}</table>'


def lines(entries, css=''):
    """A list of text lines."""
    items = ''.join(f'<li>{html.escape(entry)}</li>' for entry in entries)
    return f'<ul class="{css}">{items}</ul>' if entries else ''


def badge(word, css=''):
    """A coloured word."""
    return f'<span class="badge {html.escape(css or word)}">{html.escape(word)}</span>'


class Html(str):
    """Text that is HTML already."""
