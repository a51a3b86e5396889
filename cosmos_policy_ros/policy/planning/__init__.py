"""Best-of-N planning: candidates, imagined futures, values, and the choice among them."""
