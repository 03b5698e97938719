"""Write typed clients for servers that advertise actions."""
