"""The tests. `corpus`, `traces` and `pipelines` are what several of them share."""
