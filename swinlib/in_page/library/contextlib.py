"""``contextlib``, without what waits, and without ``os``, which it asks for."""

from functools import wraps


class ContextDecorator:
    def __call__(self, function):
        @wraps(function)
        def within(*arguments, **options):
            with self._recreate_cm():
                return function(*arguments, **options)

        return within

    def _recreate_cm(self):
        return self


class AbstractContextManager:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return None


class _Generated(AbstractContextManager, ContextDecorator):
    """What a function under `contextmanager` returns."""

    def __init__(self, function, arguments, options):
        self.made_of = function, arguments, options
        self.generator = function(*arguments, **options)

    def _recreate_cm(self):
        return _Generated(*self.made_of)

    def __enter__(self):
        try:
            return next(self.generator)
        except StopIteration:
            raise RuntimeError("generator didn't yield") from None

    def __exit__(self, kind, error, trace):
        if kind is None:
            try:
                next(self.generator)
            except StopIteration:
                return False
            raise RuntimeError("generator didn't stop")
        try:
            self.generator.throw(error)
        except StopIteration as stopped:
            return stopped is not error
        except BaseException as other:
            if other is error:
                return False
            raise
        raise RuntimeError("generator didn't stop after throw()")


def contextmanager(function):
    @wraps(function)
    def helper(*arguments, **options):
        return _Generated(function, arguments, options)

    return helper


class suppress(AbstractContextManager):  # noqa: N801 - Python's name
    def __init__(self, *exceptions):
        self.exceptions = exceptions

    def __exit__(self, kind, error, trace):
        return kind is not None and issubclass(kind, self.exceptions)


class nullcontext(AbstractContextManager):  # noqa: N801 - Python's name
    def __init__(self, enter_result=None):
        self.enter_result = enter_result

    def __enter__(self):
        return self.enter_result


class closing(AbstractContextManager):  # noqa: N801 - Python's name
    def __init__(self, thing):
        self.thing = thing

    def __enter__(self):
        return self.thing

    def __exit__(self, *error):
        self.thing.close()


class ExitStack(AbstractContextManager):
    def __init__(self):
        self.exits = []

    def enter_context(self, manager):
        found = manager.__enter__()
        self.exits.append(manager.__exit__)
        return found

    def push(self, manager):
        self.exits.append(getattr(manager, "__exit__", manager))
        return manager

    def callback(self, function, /, *arguments, **options):
        self.exits.append(lambda *error: function(*arguments, **options) and None)
        return function

    def close(self):
        self.__exit__(None, None, None)

    def __exit__(self, kind, error, trace):
        pending, swallowed = error, False
        while self.exits:
            leave = self.exits.pop()
            try:
                if leave(type(pending) if pending else None, pending, getattr(pending, "__traceback__", None)):
                    pending, swallowed = None, True
            except BaseException as other:
                pending = other
        if pending is not None and pending is not error:
            raise pending
        return swallowed and pending is None
