"""The engine's one pattern language: filter policies, event patterns, archives, pipes. Pure: no I/O, no time.

    pattern = parse_pattern(text, SNS_BODY)          # PatternError with AWS's words
    matcher = compile_pattern(pattern)
    matcher.matches(flatten(document, Interest(pattern.paths)))

dialect.py     what one service knows of the language: operators, limits, its words for them
errors.py      AWS's sentence and Jackson's place
tokens.py      JSON as Jackson reads it, token by token
choices.py     where `$or` is an operator, in dialects in which it may also be a key
parse.py       text -> Pattern: alternatives, each of paths and their tests
complexity.py  how hard the wildcards of a pattern are to match
operators/     one file each: how it is read, and what it means for a value
addresses.py   IP addresses as AWS's engine reads them
numbers.py     which numbers AWS's engine can compare
fields.py      what an event looks like to a pattern: values by path, and where in arrays they stand
compile.py     Pattern -> Matcher, for one pattern and many events
together.py    whether values of several paths stand in the same elements of arrays
index.py       many patterns, one event: what matches
filing.py      by which keys an index finds the patterns that may match
explain.py     why a pattern does not match an event
match.py       the oracle: slow, plain, written apart from the fast forms
"""

from __future__ import annotations

from emulator.pattern.compile import Matcher, compile_pattern
from emulator.pattern.dialect import EVENTBRIDGE, SNS_ATTRIBUTES, SNS_BODY, Dialect
from emulator.pattern.errors import PatternError
from emulator.pattern.fields import FALSE, NULL, OPAQUE, TRUE, Fields, Interest, Value, flatten, scalar
from emulator.pattern.index import Index
from emulator.pattern.parse import Pattern, parse_pattern

__all__ = (
    "EVENTBRIDGE",
    "FALSE",
    "NULL",
    "OPAQUE",
    "SNS_ATTRIBUTES",
    "SNS_BODY",
    "TRUE",
    "Dialect",
    "Fields",
    "Index",
    "Interest",
    "Matcher",
    "Pattern",
    "PatternError",
    "Value",
    "compile_pattern",
    "flatten",
    "parse_pattern",
    "scalar",
)
