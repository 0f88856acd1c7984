"""``typing``: names that annotations use, and ``NamedTuple``."""

from collections import namedtuple


class _Form:
    """A name that means nothing when a program runs."""

    def __getitem__(self, of):
        return self

    def __or__(self, other):
        return self

    __ror__ = __or__

    def __call__(self, *arguments, **options):
        return self


TYPE_CHECKING = False


class _Named(type):
    def __new__(meta, name, bases, names):
        plain = type.__new__(meta, name, bases, names)
        if not bases:
            return plain
        fields = list(plain.__annotations__)
        base = namedtuple(name, fields, defaults=[names[field] for field in fields if field in names])
        return type(name, (base,), {key: value for key, value in names.items() if key not in fields})


class NamedTuple(metaclass=_Named):
    """The base of a class that lists its fields."""


class Generic:
    """The base of a class that can be subscribed."""

    def __class_getitem__(cls, of):
        return cls


class Protocol(Generic):
    """What a class is asked to have."""


def cast(typ, val):
    return val


def overload(function):
    return function


final = override = runtime_checkable = overload


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    return _Form()
