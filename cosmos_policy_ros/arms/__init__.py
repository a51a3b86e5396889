"""Bringing the arms up: what their driver is asked, what it has to answer, and the moves to start and to rest.

Imports numpy, yaml and the embodiment only. Nothing here commands an arm: rows go to a source that the caller gives, and
from there through the safety supervisor.
"""
