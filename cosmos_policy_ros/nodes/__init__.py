"""ROS 2 nodes: each declares parameters, wires topics, converts messages and calls the rooms that decide."""
