"""A streaming JSON tokenizer that sees what Jackson sees: the same tokens, the same errors, and after each token the same place.

The place matters because AWS shows it in its errors. It is where Jackson's reading stands, which has two peculiarities. A string is only
begun, one character past its opening quote, until somebody asks for its text or goes on. And with a field name the value behind it is read
too: a whole number or literal, one character of the rest.

A pattern that is not JSON is a PatternError with Jackson's sentence. Depth and lengths are bounded as in Jackson.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NoReturn

from emulator.pattern.errors import PatternError, locate

DEPTH_MAX = 1000
NAME_LENGTH_MAX = 50_000
NUMBER_LENGTH_MAX = 1000
TOKEN_SHOWN_MAX = 256


class Kind(Enum):
    """What a token is."""

    START_OBJECT = "{"
    END_OBJECT = "}"
    START_ARRAY = "["
    END_ARRAY = "]"
    NAME = "name"
    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TRUE = "true"
    FALSE = "false"
    NULL = "null"
    END = ""
    """There is no more."""


NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL})
LITERALS: Final = frozenset({Kind.TRUE, Kind.FALSE, Kind.NULL})

_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_HEX = re.compile(r"[0-9A-Fa-f]{0,4}")
_IGNORABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f]")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_TOKENS = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_WORDS = {"t": Kind.TRUE, "f": Kind.FALSE, "n": Kind.NULL}
_NON_STANDARD = {"N": "NaN", "I": "Infinity"}


class _Scope:
    """An object or array that is open."""

    __slots__ = ("entries", "is_object", "start")

    def __init__(self, *, is_object: bool, start: int) -> None:
        self.is_object = is_object
        self.start = start
        self.entries = 0

    def __str__(self) -> str:
        return "Object" if self.is_object else "Array"


class Tokens:
    """The tokens of a text, one at a time: `advance()` goes to the next, `kind` says what it is, `read()` gives its text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kind = Kind.END
        self.name = ""
        """The field name that was read last."""
        self.start = 0
        """Where the current token starts, from 0."""
        self._at = 0
        self._behind_name: tuple[Kind, int] | None = None
        self._string_open = False
        self._string = ""
        self._number_text = ""
        self._scopes: list[_Scope] = []

    def advance(self) -> Kind:
        """Go to the next token; END when the text is at its end."""
        if self._behind_name is not None:
            (self.kind, self.start), self._behind_name = self._behind_name, None
            self._enter()
            return self.kind
        if self._string_open:
            self._finish_string()
        char = self._skip_space()
        if not char:
            return self._end()
        if char in "}]":
            return self._leave(char)
        if self._scopes:
            char = self._skip_comma(char, self._scopes[-1])
            if self._scopes[-1].is_object:
                self._read_name(char)
                return self.kind
        self.start = self._at
        self.kind = self._value(char)
        self._enter()
        return self.kind

    def read(self) -> str:
        """Give the text of the current token: a string's content, a number as written, a name, a bracket."""
        if self._string_open:
            self._finish_string()
        if self.kind is Kind.STRING:
            return self._string
        if self.kind is Kind.NAME:
            return self.name
        if self.kind in NUMBERS:
            return self._number_text
        return str(self.kind.value)

    def expect_string(self, reason: str) -> str:
        """Read the next token, which has to be a string."""
        if self.advance() is not Kind.STRING:
            raise self.error(reason)
        return self.read()

    def expect_end(self, reason: str) -> None:
        """Go past the end of an object, which has to be the next token."""
        if self.advance() is not Kind.END_OBJECT:
            raise self.error(reason)

    def error(self, reason: str) -> PatternError:
        """Make an error that points to where the reading stands."""
        return PatternError(reason, locate(self.text, self._at))

    # The structure around values.

    def _skip_space(self) -> str:
        """Go to the next character that is not white space and give it, or nothing at the end."""
        char = self.text[self._at : self._at + 1]
        if char > " " and char != "/":
            return char
        match = _SPACE.match(self.text, self._at)
        self._at = match.end() if match else self._at
        char = self.text[self._at : self._at + 1]
        if char and char < " ":
            self._at += 1
            raise self.error(
                f"Illegal character ({_described(char)}): only regular white space (\\r, \\n, \\t) is allowed between tokens"
            )
        if char == "/":
            raise self._unexpected(
                char,
                "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)",
            )
        return char

    def _end(self) -> Kind:
        if self._scopes:
            scope = self._scopes[-1]
            started = locate(self.text, scope.start)
            raise self.error(f"Unexpected end-of-input: expected close marker for {scope} (start marker at {started})")
        self.kind = Kind.END
        return self.kind

    def _enter(self) -> None:
        """Open a scope if the current token does."""
        if self.kind is Kind.START_OBJECT or self.kind is Kind.START_ARRAY:
            self._scopes.append(_Scope(is_object=self.kind is Kind.START_OBJECT, start=self.start))
            if len(self._scopes) > DEPTH_MAX:
                raise PatternError(
                    f"Document nesting depth ({len(self._scopes)}) exceeds the maximum allowed "
                    f"({DEPTH_MAX}, from `StreamReadConstraints.getMaxNestingDepth()`)"
                )

    def _leave(self, char: str) -> Kind:
        kind = Kind(char)
        if not self._scopes:
            what = "Object" if char == "}" else "Array"
            raise self.error(f"Unexpected close marker '{char}': no open {what} to close")
        scope = self._scopes[-1]
        if scope.is_object is not (kind is Kind.END_OBJECT):
            expected, started = "}" if scope.is_object else "]", locate(self.text, scope.start)
            error = self.error(
                f"Unexpected close marker '{char}': expected '{expected}' (for {scope} starting at {started})"
            )
            self._at += 1  # Jackson has read it
            raise error
        self._scopes.pop()
        self.start = self._at
        self._at += 1
        self.kind = kind
        return kind

    def _skip_comma(self, char: str, scope: _Scope) -> str:
        """Go past the comma between two entries and give the first character of the next."""
        scope.entries += 1
        if scope.entries == 1:
            return char
        if char != ",":
            raise self._unexpected(char, f"was expecting comma to separate {scope} entries")
        self._at += 1
        return self._within(scope)

    def _within(self, scope: _Scope) -> str:
        char = self._skip_space()
        if not char:
            raise self.error(f"Unexpected end-of-input within/between {scope} entries")
        return char

    def _read_name(self, char: str) -> None:
        """Read a field name, the colon, and as much of the value as Jackson does."""
        if char != '"':
            raise self._unexpected(char, "was expecting double-quote to start field name")
        start = self._at
        self._at += 1
        self.name = self._characters("name", " in field name")
        if len(self.name) > NAME_LENGTH_MAX:
            raise PatternError(
                f"Name length ({len(self.name)}) exceeds the maximum allowed "
                f"({NAME_LENGTH_MAX}, from `StreamReadConstraints.getMaxNameLength()`)"
            )
        char = self._within(self._scopes[-1])
        if char != ":":
            raise self._unexpected(char, "was expecting a colon to separate field name and value")
        self._at += 1
        char = self._within(self._scopes[-1])
        value_start = self._at
        self._behind_name = self._value(char), value_start
        self.kind, self.start = Kind.NAME, start

    # Values.

    def _value(self, char: str) -> Kind:
        """Read a value, of strings, objects and arrays only the first character."""
        if char == '"':
            self._at += 1
            self._string_open = True
            return Kind.STRING
        if char in "{[":
            self._at += 1
            return Kind(char)
        if char in _WORDS:
            return self._word(_WORDS[char])
        if char in "-0123456789":
            return self._number()
        return self._odd_value(char)

    def _word(self, kind: Kind) -> Kind:
        start, end = self._at, self._at + len(kind.value)
        if self.text[start:end] != kind.value or _goes_on(self.text[end : end + 1]):
            self._unrecognized()
        self._at = end
        return kind

    def _number(self) -> Kind:
        match = _NUMBER.match(self.text, self._at)
        if match is None:
            return self._bad_minus()
        start, end = match.span()
        follower = self.text[end : end + 1]
        if match.end(1) == end and match[1][-1] == "0" and len(match[1].lstrip("-")) == 1 and "0" <= follower <= "9":
            self._at = end
            raise self.error("Invalid numeric value: Leading zeroes not allowed")
        if (follower == "." and match[2] is None and match[3] is None) or (follower in ("e", "E") and match[3] is None):
            self._bad_fraction(match, follower)
        if end - start > NUMBER_LENGTH_MAX:
            self._check_length(match[0])
        self._at, self._number_text = end, self.text[start:end]
        if not self._scopes and follower:
            self._end_root_number(follower)
        return Kind.INTEGER if end - start == len(match[1]) else Kind.DECIMAL

    def _check_length(self, number: str) -> None:
        digits = sum(char.isdigit() for char in number)
        if digits > NUMBER_LENGTH_MAX:
            raise PatternError(
                f"Number value length ({digits}) exceeds the maximum allowed "
                f"({NUMBER_LENGTH_MAX}, from `StreamReadConstraints.getMaxNumberLength()`)"
            )

    def _end_root_number(self, follower: str) -> None:
        """Read the space that has to follow a number which is the whole text."""
        if follower not in " \t\r\n":
            raise self._unexpected(follower, "Expected space separating root-level values")
        self._at += follower != "\r"

    def _bad_minus(self) -> NoReturn:
        self._at += 1
        char = self.text[self._at : self._at + 1]
        if not char:
            raise self.error("Unexpected end-of-inputNo digit following sign")
        if char == "I":
            char = self._skip_infinity("-")
        if char == ".":
            raise self._unexpected(char, f"expected a valid value {_TOKENS}")
        raise self._unexpected(
            char, "expected digit (0-9) to follow minus sign, for valid numeric value", " in numeric value"
        )

    def _bad_fraction(self, match: re.Match[str], follower: str) -> NoReturn:
        """Refuse a point or an exponent without digits.

        Jackson has a fast way for numbers, on which it points to the first point or `e`, and a slow one for those that start
        with 0 or reach the end of the text, on which it points to the character that is wrong.
        """
        end = match.end()
        wrong = end + 1
        if follower != "." and self.text[wrong : wrong + 1] in ("+", "-"):
            wrong += 1
        char = self.text[wrong : wrong + 1]
        slow = not char or match[1] in ("0", "-0")
        if follower == ".":
            self._at = wrong if slow and char else end
            raise self._unexpected(char or ".", "Decimal point not followed by a digit", " in numeric value")
        if not char:
            self._at = wrong
            raise self.error("Unexpected end-of-inputexpected a digit for number exponent")
        self._at = wrong if slow else match.end(1)
        raise self._unexpected(char, "Exponent indicator not followed by a digit", " in numeric value")

    def _odd_value(self, char: str) -> NoReturn:
        if char == "}":
            raise self._unexpected(char, "expected a value")
        if char in _NON_STANDARD and self.text.startswith(_NON_STANDARD[char], self._at):
            word = _NON_STANDARD[char]
            end = self._at + len(word)
            if not _goes_on(self.text[end : end + 1]):
                self._at = end
                raise self.error(
                    f"Non-standard token '{word}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
                )
        if char == "+":
            self._at += 1
            if self._at == len(self.text):
                raise self.error("Unexpected end-of-input in a Number value")
            if self.text[self._at] == "I":
                self._skip_infinity("+")
            raise self._unexpected(
                char,
                "JSON spec does not allow numbers to have plus signs: "
                "enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow",
                " in numeric value",
            )
        if char == "$" or char.isidentifier():
            self._unrecognized()
        raise self._unexpected(char, f"expected a valid value {_TOKENS}")

    def _skip_infinity(self, sign: str) -> str:
        """Refuse `INF` and `Infinity` after a sign, and what starts like them; of anything else go past the I and give what follows."""
        char = self.text[self._at + 1 : self._at + 2]
        if not char:
            self._at += 1
            raise self.error("Unexpected end-of-input in a Number value")
        if char in "Nn":
            self._at -= 1
            word = sign + ("INF" if char == "N" else "Infinity")
            end = self._at + len(word)
            if not self.text.startswith(word, self._at) or _goes_on(self.text[end : end + 1]):
                self._unrecognized(1)
            self._at = end
            raise self.error(
                f"Non-standard token '{word}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
            )
        self._at += 1
        return char

    def _unrecognized(self, sign: int = 0) -> NoReturn:
        """Refuse a word, which may have a sign in front."""
        end = self._at + sign
        while end < len(self.text) and _in_identifier(self.text[end]) and end - self._at < TOKEN_SHOWN_MAX:
            end += 1
        token = self.text[self._at : end] + ("..." if end - self._at == TOKEN_SHOWN_MAX else "")
        error = self.error(f"Unrecognized token '{token}': was expecting {_TOKENS}")
        self._at = end
        raise error

    def _unexpected(self, char: str, comment: str, where: str = "") -> PatternError:
        error = self.error(f"Unexpected character ({_described(char)}){where}: {comment}")
        self._at += 1  # Jackson has read it
        return error

    # Strings.

    def _finish_string(self) -> None:
        self._string_open = False
        self._string = self._characters("string value", ": was expecting closing quote for a string value")

    def _characters(self, what: str, unfinished: str) -> str:
        """Read up to and with the closing quote."""
        parts: list[str] = []
        while True:
            match = _PLAIN.match(self.text, self._at)
            if match is not None:
                parts.append(match[0])
                self._at = match.end()
            char = self.text[self._at : self._at + 1]
            if char == '"':
                self._at += 1
                break
            if not char:
                raise self.error(f"Unexpected end-of-input{unfinished}")
            if char != "\\":
                error = self.error(
                    f"Illegal unquoted character ({_described(char)}): has to be escaped using backslash to be included in {what}"
                )
                self._at += 1  # Jackson has read it
                raise error
            self._at += 1
            parts.append(self._escaped())
        return parts[0] if len(parts) == 1 else _paired("".join(parts))

    def _escaped(self) -> str:
        """Read what stands behind a backslash."""
        char = self.text[self._at : self._at + 1]
        if char == "u":
            return self._hex_escape()
        if not char:
            raise self.error("Unexpected end-of-input in character escape sequence")
        if char not in _ESCAPES:
            error = self.error(f"Unrecognized character escape {_described(char)}")
            self._at += 1  # Jackson has read it
            raise error
        self._at += 1
        return _ESCAPES[char]

    def _hex_escape(self) -> str:
        match = _HEX.match(self.text, self._at + 1)
        digits = match[0] if match else ""
        self._at += 1 + len(digits)
        if len(digits) == 4:
            return chr(int(digits, 16))
        char = self.text[self._at : self._at + 1]
        if not char:
            raise self.error("Unexpected end-of-input in character escape sequence")
        raise self._unexpected(char, "expected a hex-digit for character escape sequence")


def _paired(text: str) -> str:
    """Join the halves of surrogate pairs that escapes have brought."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _described(char: str) -> str:
    """Write a character as Jackson does in its errors."""
    code = ord(char)
    if code > 0xFFFF:  # Jackson sees the first half of a surrogate pair
        code, char = 0xD800 + ((code - 0x10000) >> 10), "?"
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"(CTRL-CHAR, code {code})"
    return f"'{char}' (code {code} / 0x{code:x})" if code > 0xFF else f"'{char}' (code {code})"


def _in_identifier(char: str) -> bool:
    """Tell whether Java allows a character inside an identifier."""
    return bool(char) and (char == "$" or f"a{char}".isidentifier() or _IGNORABLE.match(char) is not None)


def _goes_on(char: str) -> bool:
    """Tell whether Jackson takes a character behind a word for a part of it."""
    return char >= "0" and _in_identifier(char)
