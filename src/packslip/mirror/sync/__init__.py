"""Making the mirror hold what is wanted of packages, with all that they depend on.

`values`, `environments`, `choices` and `walking` are pure: they say what is needed. `facts` and
`learning` know what upstream has, and `fetching` gets it.
"""
