"""One module per command. Each has a function `command`, whose signature and docstring are its options and its help."""
