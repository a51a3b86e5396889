"""The three cameras that Cosmos Policy looks through."""

CAMERAS = ('cam_left_wrist', 'cam_right_wrist', 'cam_high')
"""Names in the order in which the policy takes their pictures."""
