"""How fast the panel answers, measured from outside on the real stack."""
