"""``warnings``, which nobody reads here."""


def warn(message, category=None, stacklevel=1, source=None, **options):
    """Say nothing."""


def simplefilter(action, *arguments, **options):
    """Nothing is filtered."""


filterwarnings = simplefilter


class catch_warnings:  # noqa: N801 - Python's name
    def __init__(self, **options):
        self.found = [] if options.get("record") else None

    def __enter__(self):
        return self.found

    def __exit__(self, *error):
        return None
