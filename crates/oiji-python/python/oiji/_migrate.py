"""Migration: old pickles that load again, by rules."""
import os

from oiji._oiji import Steps


class Migration:
    """Rules by which pickles are changed before, or while, they are loaded: docs/migration.md says how they are written.

    Migration(text) has the rules of a TOML text. They are given to load, loads, Unpickler, safe_load as migrate=. A migration does
    not change."""

    __slots__ = ("_steps",)

    def __init__(self, rules="", *, name="rules"):
        self._steps = Steps().toml(rules, name) if rules else Steps()

    @classmethod
    def from_file(cls, path):
        """The rules of a file."""
        with open(path, encoding="utf-8") as file:
            return cls(file.read(), name=os.fspath(path))

    @classmethod
    def pack(cls, name):
        """The rules of a pack that comes along: packs() tells which there are."""
        return _of(cls, Steps().pack(name))

    @classmethod
    def main_to(cls, module):
        """What was pickled by a script, whose classes are of __main__, moves to a module."""
        return _of(cls, Steps().main_to(module))

    @staticmethod
    def packs():
        """Each pack's name, with what it is for."""
        return dict(Steps().packs())

    def then(self, other):
        """These rules and then others: a Migration, rules as str, or a path."""
        return _of(type(self), self._steps.then(steps_of(other)))

    def migrate(self, data):
        """The bytes of pickles, migrated, and what was done: (bytes, {'renamed': …, 'done': …, 'undecided': …})."""
        new, report = self._steps.migrate(data)
        return bytes(data) if new is None else new, report


Migration.__module__ = "oiji"


def _of(cls, steps):
    made = object.__new__(cls)
    made._steps = steps
    return made


def steps_of(given):
    """The rules that are meant by an argument `migrate`."""
    if isinstance(given, Migration):
        return given._steps
    if isinstance(given, os.PathLike):
        return Migration.from_file(given)._steps
    if isinstance(given, str):
        return Migration(given)._steps
    raise TypeError(f"migrate must be a Migration, rules as str, or a path, not {type(given).__name__}")
