"""The simulator against recorded traffic, and on its own."""
