"""The book to take away: a chapter as one file, the whole book as a zip archive or as a PDF.

    python -m swinlib.takeaway chapter 7
    python -m swinlib.takeaway book
    python -m swinlib.takeaway pdf

All three are made from the built pages, so that they show what the pages show: ``jupyter-book build .`` comes first.
``built.py`` finds the pages, ``inline.py`` puts what a page asks for into it, ``chapter.py`` makes one file of a
page, ``archive.py`` packs all of them, and ``pdf.py`` makes one document of them, which Chromium prints.
"""
