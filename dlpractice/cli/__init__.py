"""The command line: parse, load, call a recipe, print, exit."""
