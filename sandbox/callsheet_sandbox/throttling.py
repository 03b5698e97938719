"""Say "too many requests" the way a dialect says it."""

from email.utils import formatdate

from callsheet_sandbox.realm import Realm
from callsheet_sandbox.refusals import RefusedError


def throttled(realm: Realm, *, seconds: int) -> RefusedError:
    """Return a 429 whose Retry-After is `seconds`, or the date that is so far ahead."""
    when = str(seconds)
    if realm.dialect.throttle.form == "date":
        when = formatdate(realm.setting.clock.wall() + seconds, usegmt=True)
    return RefusedError(
        "throttled",
        f"Too many requests: retry in {seconds} s.",
        headers={"Retry-After": when, "RateLimit-Remaining": "0", "RateLimit-Reset": str(seconds)},
    )
