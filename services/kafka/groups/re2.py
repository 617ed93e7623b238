"""Regular expressions that match in linear time, whatever the pattern: a client's pattern may not hold up the event loop.

The states of the automaton are made as they are met, and kept, so that a known state costs one look-up a character.
"""

from __future__ import annotations

from services.kafka.groups.re2_syntax import Assert, Chars, InvalidRegexError, Match, Split, compile_program

__all__ = ("InvalidRegexError", "Regex")

_STATES_MAX = 2_000
_START = -1


class Regex:
    """A compiled pattern. Raises InvalidRegexError."""

    def __init__(self, pattern: str) -> None:
        self._program = compile_program(pattern)
        self._contextual = any(isinstance(it, Assert) for it in self._program)
        self._moves: dict[tuple[frozenset[int], int, int], frozenset[int]] = {}
        self._start = frozenset((0,))

    def matches(self, text: str) -> bool:
        """Tell whether the whole text matches."""
        state = self._start
        before = _START
        for letter in text:
            code = ord(letter)
            known = self._moves.get((state, before, code))
            state = self._move(state, before, code) if known is None else known
            if not state:
                return False
            before = code if self._contextual else _START
        end = self._closure(state, before, None)
        return any(isinstance(self._program[place], Match) for place in end)

    def _move(self, state: frozenset[int], before: int, code: int) -> frozenset[int]:
        if len(self._moves) >= _STATES_MAX:
            self._moves.clear()
        places = self._closure(state, before, code)
        found = frozenset(
            place + 1
            for place in places
            if isinstance(step := self._program[place], Chars) and any(low <= code <= high for low, high in step.ranges)
        )
        self._moves[state, before, code] = found
        return found

    def _closure(self, state: frozenset[int], before: int, after: int | None) -> set[int]:
        """Follow all that takes no character, between the character `before` and the one `after`."""
        seen = set(state)
        todo = list(state)
        while todo:
            place = todo.pop()
            step = self._program[place]
            if isinstance(step, Split):
                targets = step.targets
            elif isinstance(step, Assert) and _holds(step.kind, before, after):
                targets = (place + 1,)
            else:
                continue
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return seen


def _holds(kind: str, before: int, after: int | None) -> bool:
    if kind in "A^":
        return before == _START or (kind == "^" and before == 10)
    if kind in "z$":
        return after is None or (kind == "$" and after == 10)
    return (_is_word(before) != _is_word(after)) == (kind == "b")


def _is_word(code: int | None) -> bool:
    return code is not None and code >= 0 and (chr(code).isalnum() or code == 95) and code < 128
