"""Give the application hold of its connections, and reset those that the plan says."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from callsheet_sandbox.faults.exchange import reset
from callsheet_sandbox.faults.plan import Ask, Plan


def protocol_of(plan: Plan) -> type[H11Protocol]:
    """Return uvicorn's HTTP protocol; requests find their transport in ``scope["state"]``."""

    class Protocol(H11Protocol):
        """HTTP on a connection that faults can take hold of."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
            """Note the transport, or end the connection at once."""
            super().connection_made(transport)
            self.app_state = {**self.app_state, "transport": transport}
            if plan.pick("connection", Ask()):
                reset(transport)

    return Protocol
