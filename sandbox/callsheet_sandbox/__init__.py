"""A local server with the actions contract, real tasks and real videos."""
