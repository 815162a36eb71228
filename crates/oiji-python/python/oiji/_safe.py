"""Loading by policy: what a pickle does is checked first, and then those bytes are loaded, and no others."""
import os
import types
from pickle import UnpicklingError

from oiji._oiji import Rules, Unpickler, loads, verified


class ForbiddenError(UnpicklingError):
    """A pickle does what the policy does not allow. Nothing of it was loaded.

    what     what it was about to do: 'calls os.system'
    why      why that is not allowed
    line     the line of a policy that would allow it, or None where no line could
    offset   where, in bytes from the start of the pickle
    """

    def __init__(self, message, what=None, why=None, line=None, offset=None):
        super().__init__(message)
        self.what = what
        self.why = why
        self.line = line
        self.offset = offset


class Policy:
    """What a pickle may name, and what may be done with it: exact names, each with its uses.

    Policy() is oiji's own: data types of the builtins, the standard library, NumPy, pandas, SciPy, scikit-learn, joblib and
    PyTorch. Policy('allow shapes: Point = new state') has these rules over it, and Policy(..., builtin=False) has no others.
    docs/policies.md says how rules are written. A policy does not change.
    """

    __slots__ = ("_rules", "_found")

    def __init__(self, *rules, builtin=True):
        made = Rules(builtin)
        for text in rules:
            made = made.over(text)
        self._rules = made
        self._found = {}

    @classmethod
    def from_file(cls, *paths, builtin=True):
        """The rules of files, over oiji's own."""
        texts = []
        for path in paths:
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
        return cls(*texts, builtin=builtin)

    def over(self, rules):
        """This policy with more rules over its own."""
        made = object.__new__(type(self))
        made._rules = self._rules.over(rules)
        made._found = {}
        return made

    def standing(self, module, name):
        """What it says of a global: ('allowed', uses), ('dangerous', reason) or ('unknown', None)."""
        return self._rules.standing(module, name)

    def __repr__(self):
        return f"<{type(self).__name__} of {self._rules.count()} names>"


_default = None


def policy_of(given):
    """The policy that is meant by an argument `policy`: None is oiji's own, text and paths are rules over it."""
    global _default
    if isinstance(given, Policy):
        return given
    if given is None:
        if _default is None:
            _default = Policy()
        return _default
    if isinstance(given, os.PathLike):
        return Policy.from_file(given)
    if isinstance(given, str):
        return Policy(given)
    raise TypeError(f"policy must be a Policy, rules as str, or a path, not {type(given).__name__}")


class _Bytes:
    """A file of the bytes that were checked."""

    __slots__ = ("bytes", "next")

    def __init__(self, data=b""):
        self.bytes = data
        self.next = 0

    def peek(self, count):
        if self.next == 0 and len(self.bytes) <= count:
            return self.bytes
        return self.bytes[self.next:self.next + count]

    def read(self, count=-1):
        start = self.next
        end = len(self.bytes) if count < 0 else min(start + count, len(self.bytes))
        self.next = end
        return self.bytes[start:end]

    def readline(self):
        start = self.next
        end = self.bytes.find(b"\n", start) + 1 or len(self.bytes)
        self.next = end
        return self.bytes[start:end]


class _Holding(Unpickler):
    """Finds what a policy has let pass: the same object each time."""

    def find_class(self, module_name, global_name, /):
        """The object of that name; the same one each time."""
        key = (module_name, global_name)
        found = self._policy._found.get(key)
        if found is None:
            found = super().find_class(module_name, global_name)
            if isinstance(found, types.ModuleType):
                what = f"names the module {module_name}.{global_name}"
                raise ForbiddenError(f"not allowed: {what}", what, "a module is no value")
            if not hasattr(type(found), "__oiji_placeholder__"):
                self._policy._found[key] = found
        return found


class SafeUnpickler(_Holding):
    """SafeUnpickler(file, *, policy=None, fix_imports=True, encoding='ASCII', errors='strict', buffers=(), migrate=None,
    missing=None)

    As Unpickler, but what a pickle does is checked by a policy before any of it is done: see Policy. Subclasses may have
    find_class and persistent_load, which are asked only for what has passed. Each pickle is checked by itself: one that goes
    on with the memo of an earlier one is refused.
    """

    def __init__(
        self,
        file,
        *,
        policy=None,
        fix_imports=True,
        encoding="ASCII",
        errors="strict",
        buffers=(),
        migrate=None,
        missing=None,
    ):
        self._policy = policy_of(policy)
        self._steps = None if migrate is None else _steps_of(migrate)
        self._file = file
        self._checked = _Bytes()
        self._fix_imports = fix_imports
        options = {"encoding": encoding, "errors": errors, "buffers": buffers, "missing": missing}
        super().__init__(self._checked, fix_imports=fix_imports, **options)

    def load(self):
        """Checks one pickle of the file, and loads it."""
        file = self._file
        if self._steps is not None:
            # What is loaded is what is judged: the pickle as it is after its migration.
            file = _Bytes(self._steps.take(file))
        taken = self._policy._rules.take(file, self._fix_imports)
        if type(taken) is tuple:
            raise ForbiddenError(*taken)
        self._checked.bytes = taken
        self._checked.next = 0
        try:
            return super().load()
        finally:
            self._checked.bytes = b""


def safe_load(
    file,
    *,
    policy=None,
    fix_imports=True,
    encoding="ASCII",
    errors="strict",
    buffers=(),
    migrate=None,
    missing=None,
    key=None,
):
    """As load, for files from others: only what the policy allows is done, and else ForbiddenError is raised.

    policy: a Policy, rules as str, a path of a file of rules, or None for oiji's own. migrate, missing and key as for load; what
    is judged is the pickle after its migration."""
    if key is not None:
        file = _Bytes(verified(file.read(), key))
    return SafeUnpickler(
        file,
        policy=policy,
        fix_imports=fix_imports,
        encoding=encoding,
        errors=errors,
        buffers=buffers,
        migrate=migrate,
        missing=missing,
    ).load()


def safe_loads(
    data,
    /,
    *,
    policy=None,
    fix_imports=True,
    encoding="ASCII",
    errors="strict",
    buffers=(),
    migrate=None,
    missing=None,
    key=None,
):
    """As loads, for bytes from others: see safe_load."""
    policy = policy_of(policy)
    if type(data) is not bytes:
        # They might change after they were checked.
        data = bytes(data)
    if key is not None:
        data = verified(data, key)
    if migrate is not None:
        data = _steps_of(migrate).take(_Bytes(data))
    checked = policy._rules.check(data, fix_imports)
    if type(checked) is tuple:
        raise ForbiddenError(*checked)
    options = {"fix_imports": fix_imports, "encoding": encoding, "errors": errors, "buffers": buffers}
    if not checked:
        return loads(data, **options)
    unpickler = _Holding(_Bytes(data), missing=missing, **options)
    unpickler._policy = policy
    return unpickler.load()


def _steps_of(migrate):
    from oiji._migrate import steps_of

    return steps_of(migrate)


# They are known, and pickled, by the package's name.
for _public in (ForbiddenError, Policy, SafeUnpickler, safe_load, safe_loads):
    _public.__module__ = "oiji"
del _public
