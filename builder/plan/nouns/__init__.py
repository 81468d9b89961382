"""What a plan is made of: each subject's values, with their reasons. Planners of the same names,
one folder up, make them.
"""
