"""Five made-up schemes that look lived in: a year of nominations, panels, decisions, actions and minutes.

The year is lived through with the verbs that people use, under a clock that is told the time, so that what the
demonstration shows is what the product does. Names are drawn from lists in `names.py`; one seed number gives the same
people every time, with dates relative to today.
"""
