"""The supervisor between every source of rows and the arms.

Imports numpy and the embodiment, and YAML for its configuration.
"""
