"""Draw bodies near what two schemas allow: recorded ones, each with a few parts changed."""

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
    """Bodies for a pair of schemas."""

    def __init__(self, old: Any, new: Any, chance: Random) -> None:
        self.values = [*_ODD, *literals(old), *literals(new)]
        self.names = [*dict.fromkeys([*names(old), *names(new)]), "undeclared", "x1"]
        self.chance = chance

    def near(self, bodies: list[Any], count: int) -> Iterator[Any]:
        """Yield the bodies themselves, then ``count`` variants."""
        yield from bodies
        pool = bodies or [{}]
        for _ in range(count):
            body = copy.deepcopy(self.chance.choice(pool))
            for _ in range(self.chance.choice((1, 1, 2, 3))):
                body = self._vary(body)
            yield body

    def _vary(self, body: Any) -> Any:
        """Return the body with one part changed."""
        deeper = self.chance.random() < 0.6
        if isinstance(body, dict) and body and deeper:
            name = self.chance.choice(sorted(body))
            return {**body, name: self._vary(body[name])}
        if isinstance(body, list) and body and deeper:
            index = self.chance.randrange(len(body))
            return [*body[:index], self._vary(body[index]), *body[index + 1 :]]
        if isinstance(body, dict):
            return self._vary_fields(body)
        if isinstance(body, list) and self.chance.random() < 0.7:
            longer = [*body, copy.deepcopy(self.chance.choice(self.values))]
            return longer if self.chance.random() < 0.6 else body[1:]
        return copy.deepcopy(self.chance.choice(self.values))

    def _vary_fields(self, body: dict[str, Any]) -> Any:
        if body and self.chance.random() < 0.3:
            removed = self.chance.choice(sorted(body))
            return {name: body[name] for name in body if name != removed}
        name = self.chance.choice(self.names)
        return {**body, name: copy.deepcopy(self.chance.choice(self.values))}
