"""Text files that are there whole or not at all."""
from pathlib import Path


def write_whole(path, text):
    """Write a text file in UTF-8 in one step: whoever reads it meanwhile finds the old one. Returns its ``Path``."""
    path = Path(path)
    draft = path.with_suffix('.tmp')
    draft.write_text(text, encoding='utf-8')
    draft.replace(path)
    return path
