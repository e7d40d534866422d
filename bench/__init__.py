"""Measures Packslip: how fast it answers, what it costs, and how much memory it takes.

`python -m bench run` measures, `python -m bench report FILE` shows what was measured;
`bench/README.md` says how to read the numbers.
"""
