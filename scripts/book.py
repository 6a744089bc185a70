# SPDX-License-Identifier: GPL-2.0-only
"""What mkdocs.yml calls: README.md and ARCHITECTURE.md, which lie outside docs/, become pages of the book."""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "index.md", "ARCHITECTURE.md": "architecture.md"}
LINK = re.compile(r"\]\((?P<path>[^)#:]+)(?P<anchor>#[^)]*)?\)")


def on_files(files, config):
    """Adds the pages from above docs/, with their links as they are in the book."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=LINK.sub(lambda link: in_book(link), text)))
    return files


def in_book(link):
    """A link between documents, from the folder of the book."""
    path = link["path"].removeprefix("docs/")
    return f"]({PAGES.get(path, path)}{link['anchor'] or ''})"
