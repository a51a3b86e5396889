"""The node graph as data, and the two ways of starting it: launch files and supervised processes.

Imports the standard library only, so that launch files and the command line share it.
"""
