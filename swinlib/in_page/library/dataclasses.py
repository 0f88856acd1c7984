"""``dataclasses``, as far as fields, defaults, ``repr``, equality, order and frozen ones go."""

from torch import NotHere

MISSING = object()


class FrozenInstanceError(AttributeError):
    """A field of a frozen instance is written."""


class Field:
    """A field: its name, and where its value is from if none is given."""

    def __init__(self, default=MISSING, default_factory=MISSING, **options):
        for option, value in options.items():
            if value is not True and option != "metadata":
                raise NotHere(f"`field({option}=...)`")
        self.name, self.default, self.default_factory = None, default, default_factory


def field(**options):
    return Field(**options)


def fields(of):
    return tuple(of.__dataclass_fields__.values())


def is_dataclass(of):
    return hasattr(of, "__dataclass_fields__")


def asdict(of):
    def plain(value):
        if is_dataclass(value):
            return asdict(value)
        if isinstance(value, (list, tuple)):
            return type(value)(map(plain, value))
        return {plain(key): plain(each) for key, each in value.items()} if isinstance(value, dict) else value

    return {each.name: plain(getattr(of, each.name)) for each in fields(of)}


def astuple(of):
    return tuple(getattr(of, each.name) for each in fields(of))


def replace(of, **changes):
    return type(of)(**{**{each.name: getattr(of, each.name) for each in fields(of)}, **changes})


def dataclass(cls=None, *, frozen=False, eq=True, order=False, repr=True, **options):
    if any(value and option not in ("slots", "init") for option, value in options.items()):
        raise NotHere(f"`dataclass({', '.join(options)})`")
    if cls is None:
        return lambda cls: dataclass(cls, frozen=frozen, eq=eq, order=order, repr=repr)
    found = dict(getattr(cls, "__dataclass_fields__", {}))
    for name in cls.__annotations__:
        value = cls.__dict__.get(name, MISSING)
        found[name] = value if isinstance(value, Field) else Field(value)
        found[name].name = name
        if isinstance(value, Field):
            delattr(cls, name)
            if value.default is not MISSING:
                setattr(cls, name, value.default)
    cls.__dataclass_fields__ = found

    def begin(self, *arguments, **named):
        if len(arguments) > len(found):
            takes = f"takes {len(found) + 1} positional arguments but {len(arguments) + 1} were given"
            raise TypeError(f"{cls.__name__}.__init__() {takes}")
        given = dict(zip(found, arguments, strict=False))
        for name, value in named.items():
            if name not in found or name in given:
                what = "an unexpected keyword argument" if name not in found else "multiple values for argument"
                raise TypeError(f"{cls.__name__}.__init__() got {what} '{name}'")
            given[name] = value
        missing = []
        for name, each in found.items():
            if name not in given and each.default is MISSING and each.default_factory is MISSING:
                missing.append(f"'{name}'")
            elif name not in given:
                given[name] = each.default_factory() if each.default is MISSING else each.default
        if missing:
            names = " and ".join(missing) if len(missing) < 3 else f"{', '.join(missing[:-1])}, and {missing[-1]}"
            what = f"{len(missing)} required positional argument{'s' * (len(missing) > 1)}"
            raise TypeError(f"{cls.__name__}.__init__() missing {what}: {names}")
        self.__dict__.update(given)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    def told(self):
        return f"{cls.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in found)})"

    def equal(self, other):
        return astuple(self) == astuple(other) if type(self) is type(other) else NotImplemented

    def less(self, other):
        return astuple(self) < astuple(other) if type(self) is type(other) else NotImplemented

    def refuse(self, name, *value):
        raise FrozenInstanceError(f"cannot {'assign to' if value else 'delete'} field '{name}'")

    made = {"__init__": begin}
    made |= {"__repr__": told} if repr else {}
    made |= {"__eq__": equal, "__hash__": (lambda self: hash(astuple(self))) if frozen else None} if eq else {}
    made |= {"__lt__": less} if order else {}
    made |= {"__setattr__": refuse, "__delattr__": refuse} if frozen else {}
    for name, value in made.items():
        if name not in cls.__dict__ or name in ("__setattr__", "__delattr__"):
            setattr(cls, name, value)
    return cls
