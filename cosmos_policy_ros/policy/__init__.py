"""Cosmos Policy: observation in, action chunk out.

Imports torch, diffusers and the embodiment; never ROS, never the simulator.
"""
