"""Recorded episodes as data sets of other programs: one file a format, and what all of them share."""
