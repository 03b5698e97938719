"""Bodies near what two schemas allow: recorded ones, and those with a value more, less or other."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from drift.places import literals, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        0.5,
        7,
        1e6,
        "",
        "x",
        "ab",
        "A b",
        [],
        {},
        [1],
        ["x"],
        ["x", "x"],
    ),
    *({"x": 1}, {"x": "a"}, [None], [[]], [1, 2, 3, 4, 5], {"a": 1}, "https://example.com"),
)


class Bodies:
    """Draws bodies for a pair of schemas."""

    def __init__(self, old: Any, new: Any, chance: Random) -> None:
        self.values = [*_ODD, *literals(old), *literals(new)]
        self.names = [*dict.fromkeys([*names(old), *names(new)]), "undeclared", "x1"]
        self.chance = chance

    def near(self, bodies: list[Any], count: int) -> Iterator[Any]:
        """The bodies themselves, then as many others."""
        yield from bodies
        pool = bodies or [{}]
        for _ in range(count):
            body = copy.deepcopy(self.chance.choice(pool))
            for _ in range(self.chance.choice((1, 1, 2, 3))):
                body = self._other(body)
            yield body

    def _other(self, value: Any) -> Any:
        """One place in the value is changed."""
        deeper = self.chance.random() < 0.6
        if isinstance(value, dict) and value and deeper:
            name = self.chance.choice(sorted(value))
            return {**value, name: self._other(value[name])}
        if isinstance(value, list) and value and deeper:
            index = self.chance.randrange(len(value))
            return [*value[:index], self._other(value[index]), *value[index + 1 :]]
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list) and self.chance.random() < 0.7:
            more = [*value, copy.deepcopy(self.chance.choice(self.values))]
            return more if self.chance.random() < 0.6 else value[1:]
        return copy.deepcopy(self.chance.choice(self.values))

    def _object(self, value: dict[str, Any]) -> Any:
        if value and self.chance.random() < 0.3:
            gone = self.chance.choice(sorted(value))
            return {name: item for name, item in value.items() if name != gone}
        name = self.chance.choice(self.names)
        return {**value, name: copy.deepcopy(self.chance.choice(self.values))}
