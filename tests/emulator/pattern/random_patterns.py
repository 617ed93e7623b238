"""Random patterns and events that meet often: few keys, few values, arrays of objects everywhere. Valid for the engine's dialect."""

from __future__ import annotations

import json
import random

KEYS = ("a", "b", "l", "m", "a.b", "l.m")
TEXTS = ("", "x", "xy", "X", "é", "É", "5", "true", "10.0.0.1", "10.0.0.9", "::1", "straße", "STRASSE")
NUMBERS = (0, 5, 5.0, -1.5, 1e3, 2**53 + 1)
SCALARS = (*TEXTS, *NUMBERS, True, False, None)
RANGES = (["=", 5], ["<", 3], [">=", 0], [">", -1.5, "<=", 5], [">=", 0, "<", 1000])


class RandomPatterns:
    """The same seed gives the same patterns and events."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def number(self, below: int) -> int:
        return self._random.randrange(below)

    def pattern(self, depth: int = 2) -> str:
        """Write a pattern; keys may come twice."""
        draw = self._random
        entries = []
        for _ in range(draw.choice((1, 1, 2, 2, 3))):
            kind = draw.random()
            if kind < 0.12 and depth:
                entries.append(f'"$or":[{",".join(self.pattern(depth - 1) for _ in range(draw.choice((2, 2, 3))))}]')
            elif kind < 0.55 and depth:
                entries.append(f"{json.dumps(draw.choice(KEYS))}:{self.pattern(depth - 1)}")
            else:
                tests = [self._test() for _ in range(draw.choice((1, 1, 2, 3)))]
                entries.append(f"{json.dumps(draw.choice(KEYS))}:{json.dumps(tests)}")
        return f"{{{','.join(entries)}}}"

    def document(self, depth: int = 5) -> dict[str, object]:
        """Make a JSON object."""
        draw = self._random
        return {draw.choice(KEYS): self._node(depth - 1) for _ in range(draw.choice((0, 1, 2, 3, 4)))}

    def value(self) -> object:
        """Draw a scalar."""
        return self._random.choice(SCALARS)

    def shuffle(self, things: list[int]) -> None:
        self._random.shuffle(things)

    def _node(self, depth: int) -> object:
        draw = self._random
        kind = draw.random()
        if not depth or kind < 0.35:
            return self.value()
        if kind < 0.7:
            return [self._node(depth - 1) for _ in range(draw.choice((0, 1, 2, 2, 3)))]
        return {draw.choice(KEYS): self._node(depth - 1) for _ in range(draw.choice((0, 1, 2, 2, 3)))}

    def _test(self) -> object:
        draw = self._random
        if draw.random() < 0.45:
            return self.value()
        return draw.choice(
            (
                {"prefix": draw.choice(("", "x", "1", "É"))},
                {"suffix": draw.choice(("", "y", "1", "é"))},
                {"equals-ignore-case": draw.choice(("x", "XY", "é", "straße", "STRASSE"))},
                {"exactly": draw.choice(("x", "10.0.0.1"))},
                {"anything-but": draw.choice(TEXTS)},
                {"anything-but": draw.choice(("x", 5, ["x", "xy"], [5, 0], {"prefix": "x"}, {"prefix": ["x", "1"]}))},
                {"numeric": draw.choice(RANGES)},
                {"cidr": draw.choice(("10.0.0.0/29", "10.0.0.0/8", "::/16"))},
                {"exists": True},
                {"exists": False},
                {"exists": False},
            )
        )
