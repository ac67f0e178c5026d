"""Says what is wrong with a training run, how sure that is, and what to change. Needs no TensorFlow.

`logs` makes a record of what was logged, `case` works out what the rules ask of it, `rules` look at the case,
and `verdict` ranks what they find. `several_runs` reads the runs of a comparison or a sweep together.
"""
