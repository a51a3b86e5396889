"""The ``cosmos-policy-ros`` command."""
