"""Drive flows over HTTP."""
