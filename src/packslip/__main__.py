"""Runs the command: `python -m packslip`."""

from packslip.cli import main

if __name__ == "__main__":
    main()
