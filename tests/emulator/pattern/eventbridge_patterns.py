"""Random patterns of EventBridge's dialect, with all its operators, and events that they meet often."""

from __future__ import annotations

from tests.emulator.pattern.random_patterns import RandomPatterns

TEXTS = ("", "x", "xy", "yx", "xyx", "X", "É", "xé", "straße", "STRASSE", "*", "a*", "10.0.0.1", "::1", "1")
NUMBERS = (0, -0.0, 5, 5.0, 4.99, -1.5, 1e3, 2**53 + 1, 1e300)
RANGES = (
    ["=", 5],
    ["<", 5],
    ["<=", 5],
    [">", 4.99],
    [">=", -1.5, "<", 0],
    [">", 0, "<=", 1000],
    [">=", 4.98, "<", 5.01],
)
WILDCARDS = ("*", "x*", "*x", "*x*", "x*x", "*y*x", "x*y*", r"\*", r"*\*", "1*.*", "", "xy", "*é", "straß*")
AFFIXES = ("x", "X", "y", "É", "SSE", "straß", "1")


class EventBridgePatterns(RandomPatterns):
    """The same seed gives the same patterns and events."""

    def value(self) -> object:
        """Draw a scalar."""
        return self._random.choice((*TEXTS, *TEXTS, *NUMBERS, True, False, None))

    def _test(self) -> object:
        draw = self._random
        if draw.random() < 0.25:
            return self.value()
        operator = draw.choice(
            (
                "wildcard",
                "wildcard",
                "prefix",
                "suffix",
                "equals-ignore-case",
                "anything-but",
                "numeric",
                "exists",
                "cidr",
                "exactly",
            )
        )
        return {operator: self._operand(operator)}

    def _operand(self, operator: str) -> object:
        draw = self._random
        match operator:
            case "wildcard":
                return draw.choice(WILDCARDS)
            case "prefix" | "suffix":
                text = draw.choice(("", *AFFIXES))
                return draw.choice((text, {"equals-ignore-case": text}))
            case "anything-but":
                return draw.choice(("x", ["x", "xy"], 5, [5, 0], self._inner(), self._inner(), self._inner()))
            case "numeric":
                return draw.choice(RANGES)
            case "exists":
                return draw.choice((True, False))
            case "cidr":
                return draw.choice(("10.0.0.0/29", "::/16"))
        return draw.choice(TEXTS)

    def _inner(self) -> object:
        draw = self._random
        operator = draw.choice(("prefix", "suffix", "equals-ignore-case", "wildcard"))
        texts = draw.sample(WILDCARDS if operator == "wildcard" else AFFIXES, draw.choice((1, 2)))
        return {operator: draw.choice((texts, texts[0]))}
