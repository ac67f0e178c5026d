"""`python -m dlpractice` is `dlp`."""

from dlpractice.cli.main import main

if __name__ == "__main__":
    main()
