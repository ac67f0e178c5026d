"""How far a command has come: plain lines for files and pipes, two live lines on a terminal."""
