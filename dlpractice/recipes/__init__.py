"""One readable function per command."""
