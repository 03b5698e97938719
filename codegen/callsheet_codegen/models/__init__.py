"""Make the models of actions."""
