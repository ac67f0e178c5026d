"""The streams that carry what a command says, whatever the shell has made of them."""
