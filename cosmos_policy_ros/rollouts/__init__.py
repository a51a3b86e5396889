"""Rollouts as files: what is recorded, bags, episode records, audits, reports and videos. Needs no ROS."""
