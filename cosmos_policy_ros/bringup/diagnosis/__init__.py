"""What can be wrong with robot, machine and model: checks as data over one frozen snapshot, each with the fix to type.

Imports the standard library only. Who fills the snapshot is no business of the checks.
"""
