"""RE2's syntax, read into a program for groups/re2.py (https://github.com/google/re2/wiki/Syntax): what it lacks (look-around, back
references, possessive repeats) is refused, because it cannot be matched in linear time.

A program is a list of instructions; its first one is where matching starts, MATCH where it ends.
"""

from __future__ import annotations

from typing import NamedTuple

REPEAT_MAX = 1000
"""The largest count in braces, also of nested ones together (RE2's own limit)."""
_PROGRAM_MAX = 20_000
_LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]
"""Code points, both ends inclusive, in order."""


class InvalidRegexError(ValueError):
    """Words say what is wrong, as RE2/J puts it."""


class Chars(NamedTuple):
    """Take one character of these."""

    ranges: Ranges


class Split(NamedTuple):
    """Go on at any of these instructions."""

    targets: tuple[int, ...]


class Assert(NamedTuple):
    """Go on if this holds here: `^` `$` (lines), `A` `z` (the text), `b` `B` (words)."""

    kind: str


class Match(NamedTuple):
    """The end."""


Instruction = Chars | Split | Assert | Match
"""Chars and Assert go on at the next instruction."""

_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": _DIGIT,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_UNICODE: dict[str, Ranges] = {
    "L": ((65, 90), (97, 122)),
    "Lu": ((65, 90),),
    "Ll": ((97, 122),),
    "N": _DIGIT,
    "Nd": _DIGIT,
    "P": ((33, 35), (37, 42), (44, 47), (58, 59), (63, 64), (91, 93), (95, 95), (123, 123), (125, 125)),
    "Pd": ((45, 45),),
    "Pc": ((95, 95),),
    "S": ((36, 36), (43, 43), (60, 62), (94, 94), (96, 96), (124, 124), (126, 126)),
    "Z": ((32, 32),),
    "Latin": ((65, 90), (97, 122)),
}
"""Their ASCII part: names of topics have nothing else."""
_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def negated(ranges: Ranges) -> Ranges:
    """Tell all other code points."""
    result = []
    start = 0
    for low, high in sorted(ranges):
        if start < low:
            result.append((start, low - 1))
        start = max(start, high + 1)
    if start <= _LAST:
        result.append((start, _LAST))
    return tuple(result)


def _folded(ranges: Ranges) -> Ranges:
    """Add the other case of ASCII letters."""
    extra = []
    for first, last, shift in ((65, 90, 32), (97, 122, -32)):
        for low, high in ranges:
            if low <= last and high >= first:
                extra.append((max(low, first) + shift, min(high, last) + shift))
    return ranges + tuple(extra)


class _Flags(NamedTuple):
    fold: bool = False
    lines: bool = False
    dot_all: bool = False
    swap_greed: bool = False


def compile_program(pattern: str) -> list[Instruction]:
    """Read a pattern. Raises InvalidRegexError."""
    program = _Parser(pattern).parse()
    program.append(Match())
    return program


class _Parser:
    """Recursive descent; fragments are lists of instructions with targets relative to their own place."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._flags = _Flags()
        self._depth = 0
        self._names: set[str] = set()

    def parse(self) -> list[Instruction]:
        """Read all of it; targets are absolute then."""
        fragment, _ = self._alternatives()
        if self._at < len(self._text):
            raise InvalidRegexError("unexpected )")
        return [
            Split(tuple(place + offset for offset in it.targets)) if isinstance(it, Split) else it
            for place, it in enumerate(fragment)
        ]

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _take(self, text: str) -> bool:
        if self._peek(text):
            self._at += len(text)
            return True
        return False

    def _next(self, missing: str) -> str:
        if self._at >= len(self._text):
            raise InvalidRegexError(missing)
        self._at += 1
        return self._text[self._at - 1]

    def _alternatives(self) -> tuple[list[Instruction], int]:
        """Read up to a `)` or the end; answers the largest repeat in it, too."""
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        repeats = max(largest for _, largest in branches)
        fragment = branches[-1][0]
        for branch, _ in reversed(branches[:-1]):
            fragment = [Split((1, len(branch) + 2)), *branch, Split((len(fragment) + 1,)), *fragment]
        return self._checked(fragment), repeats

    def _checked(self, fragment: list[Instruction]) -> list[Instruction]:
        if len(fragment) > _PROGRAM_MAX:
            raise InvalidRegexError("expression too large")
        return fragment

    def _sequence(self) -> tuple[list[Instruction], int]:
        fragment: list[Instruction] = []
        repeats = 1
        while self._at < len(self._text) and not self._peek("|") and not self._peek(")"):
            piece, largest = self._piece()
            fragment = self._checked(fragment + piece)
            repeats = max(repeats, largest)
        return fragment, repeats

    # Repeats

    def _piece(self) -> tuple[list[Instruction], int]:
        begin = self._at
        if self._bounds() is not None:
            raise InvalidRegexError(f"missing argument to repetition operator: `{self._text[begin : self._at]}`")
        quoted = self._quoted()
        atom, largest = self._atom() if quoted is None else (quoted[-1:], 1)
        begin = self._at
        repeated = False
        while (bounds := self._bounds()) is not None:
            operator = self._text[begin : self._at]
            self._take("?")
            if repeated:
                raise InvalidRegexError(f"invalid nested repetition operator: `{self._text[begin : self._at]}`")
            low, high = bounds
            count = max(low, 0 if high is None else high, 1)
            largest *= count
            if largest > REPEAT_MAX:
                raise InvalidRegexError(f"invalid repeat count: `{operator}`")
            if len(atom) * count > _PROGRAM_MAX:
                raise InvalidRegexError("expression too large")
            atom = self._checked(_repeated(atom, low, high))
            repeated = True
        return [*(quoted or ())[:-1], *atom], largest

    def _quoted(self) -> list[Instruction] | None:
        r"""Read `\Q...\E`: a repeat after it is of its last character only."""
        if not self._take("\\Q"):
            return None
        end = self._text.find("\\E", self._at)
        letters = self._text[self._at :] if end < 0 else self._text[self._at : end]
        self._at = len(self._text) if end < 0 else end + 2
        return [self._literal(ord(letter)) for letter in letters]

    def _bounds(self) -> tuple[int, int | None] | None:
        for operator, low, high in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(operator):
                return low, high
        if not self._peek("{"):
            return None
        close = self._text.find("}", self._at)
        inside = self._text[self._at + 1 : close] if close > 0 else ""
        first, comma, second = inside.partition(",")
        if not _is_count(first) or (second and not _is_count(second)):
            return None  # a brace that stands for itself
        lowest = int(first)
        highest = (int(second) if second else None) if comma else lowest
        if lowest > REPEAT_MAX or (highest is not None and (highest > REPEAT_MAX or highest < lowest)):
            raise InvalidRegexError(f"invalid repeat count: `{self._text[self._at : close + 1]}`")
        self._at = close + 1
        return lowest, highest

    # Atoms

    def _atom(self) -> tuple[list[Instruction], int]:
        letter = self._next("")
        if letter == "(":
            return self._group()
        if letter == "[":
            return [Chars(self._class())], 1
        if letter == ".":
            return [Chars(((0, _LAST),) if self._flags.dot_all else negated(((10, 10),)))], 1
        if letter in "^$":
            ends = {"^": "A", "$": "z"}
            return [Assert(letter if self._flags.lines else ends[letter])], 1
        if letter == "\\":
            return self._escape(), 1
        return [self._literal(ord(letter))], 1

    def _literal(self, code: int) -> Instruction:
        ranges: Ranges = ((code, code),)
        return Chars(_folded(ranges) if self._flags.fold else ranges)

    def _group(self) -> tuple[list[Instruction], int]:
        before = self._flags
        if self._take("?"):
            if self._take("P<") or (
                self._peek("<") and not self._peek("<=") and not self._peek("<!") and self._take("<")
            ):
                self._name()
            elif not self._read_flags():
                return [], 1
        self._depth += 1
        if self._depth > REPEAT_MAX // 4:
            raise InvalidRegexError("expression nests too deeply")
        fragment, largest = self._alternatives()
        self._depth -= 1
        if not self._take(")"):
            raise InvalidRegexError(f"missing closing ): `{self._text}`")
        self._flags = before
        return fragment, largest

    def _name(self) -> None:
        begin = self._at
        end = self._text.find(">", begin)
        name = self._text[begin:end]
        if end < 0 or not name or not name.replace("_", "a").isalnum() or not name.isascii():
            raise InvalidRegexError(f"invalid named capture: `(?P<{name}`")
        if name in self._names:
            raise InvalidRegexError(f"duplicate capture group name: `{name}`")
        self._names.add(name)
        self._at = end + 1

    def _read_flags(self) -> bool:
        """Read `i-s:` or `i)` after `(?`; tells whether a group begins there."""
        begin = self._at
        on, seen = True, False
        flags = self._flags._asdict()
        names = {"i": "fold", "m": "lines", "s": "dot_all", "U": "swap_greed"}
        while True:
            letter = self._next(f"missing argument to group syntax: `(?{self._text[begin:]}`")
            if letter in names:
                flags[names[letter]] = on
                seen = True
            elif letter == "-" and on:
                on, seen = False, False
            elif letter in ":)" and (seen or on):
                self._flags = _Flags(**flags)
                return letter == ":"
            else:
                raise InvalidRegexError(f"invalid or unsupported Perl syntax: `(?{self._text[begin : self._at]}`")

    def _escape(self) -> list[Instruction]:
        letter = self._next("trailing backslash at end of expression")
        if letter in "AzbB":
            return [Assert(letter)]
        if letter == "C":
            return [Chars(((0, _LAST),))]
        ranges = self._shorthand(letter)
        return [Chars(ranges)] if ranges is not None else [self._literal(self._code(letter))]

    def _shorthand(self, letter: str) -> Ranges | None:
        r"""Read `\d`, `\W`, `\pL`, `\P{Lu}` after their first letter; None: it is none of these."""
        if letter.lower() in _CLASSES:
            found = _CLASSES[letter.lower()]
            return negated(found) if letter.isupper() else found
        if letter not in "pP":
            return None
        name = self._next("invalid character class range: `\\p`")
        if name == "{":
            end = self._text.find("}", self._at)
            name = self._text[self._at : end] if end >= 0 else ""
            self._at = end + 1
        negative = (letter == "P") != name.startswith("^")
        known = _UNICODE.get(name.lstrip("^"))
        if known is None:
            raise InvalidRegexError(f"invalid character class range: `\\{letter}{{{name}}}`")
        return negated(known) if negative else known

    def _code(self, letter: str) -> int:
        """Read an escaped character."""
        if letter == "x":
            digits = self._next("invalid escape sequence: `\\x`")
            if digits == "{":
                end = self._text.find("}", self._at)
                digits = self._text[self._at : end] if end >= 0 else ""
                self._at = end + 1
            else:
                digits += self._next("invalid escape sequence: `\\x`")
            if not digits or any(it not in "0123456789abcdefABCDEF" for it in digits) or int(digits, 16) > _LAST:
                raise InvalidRegexError(f"invalid escape sequence: `\\x{digits}`")
            return int(digits, 16)
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter == "0":
            digits = "0"
            while len(digits) < 3 and self._at < len(self._text) and self._text[self._at] in "01234567":
                digits += self._next("")
            return int(digits, 8)
        if letter.isascii() and letter.isalnum():
            raise InvalidRegexError(f"invalid escape sequence: `\\{letter}`")
        return ord(letter)

    # Classes

    def _class(self) -> Ranges:
        begin = self._at - 1
        missing = f"missing closing ]: `{self._text[begin:]}`"
        negative = self._take("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._peek("]"):
            first = False
            if self._at >= len(self._text):
                raise InvalidRegexError(missing)
            if self._peek("[:") and (end := self._text.find(":]", self._at + 2)) >= 0:
                ranges += self._posix(self._text[self._at + 2 : end])
                self._at = end + 2
                continue
            low = self._class_code(missing)
            if isinstance(low, tuple):
                ranges += low
                continue
            high: int | Ranges = low
            if self._peek("-") and not self._peek("-]"):
                self._at += 1
                high = self._class_code(missing)
            if isinstance(high, tuple) or high < low:
                raise InvalidRegexError(f"invalid character class range: `{self._text[begin : self._at]}`")
            ranges.append((low, high))
        self._at += 1
        found = tuple(ranges)
        if self._flags.fold:
            found = _folded(found)
        return negated(found) if negative else found

    def _class_code(self, missing: str) -> int | Ranges:
        letter = self._next(missing)
        if letter != "\\":
            return ord(letter)
        letter = self._next("trailing backslash at end of expression")
        ranges = self._shorthand(letter)
        return self._code(letter) if ranges is None else ranges

    def _posix(self, name: str) -> Ranges:
        known = _POSIX.get(name.lstrip("^"))
        if known is None:
            raise InvalidRegexError(f"invalid character class range: `[:{name}:]`")
        return negated(known) if name.startswith("^") else known


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and (len(text) == 1 or text[0] != "0") and len(text) < 10


def _repeated(atom: list[Instruction], low: int, high: int | None) -> list[Instruction]:
    size = len(atom)
    fragment = atom * low
    if high is None:
        if low:
            return [*fragment, Split((-size, 1))]
        return [Split((1, size + 2)), *atom, Split((-size - 1,))]
    optional: list[Instruction] = []
    for _ in range(high - low):
        optional = [Split((1, size + 1 + len(optional))), *atom, *optional]
    return fragment + optional
