"""What an ALOHA is: joint order, limits, poses, gripper maps, forward kinematics, capsules, the cell.

Imports numpy only. Angles are radians, lengths metres, speeds per second, everywhere.
"""
