"""One readable function per command, from a config to its results."""
