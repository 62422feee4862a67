"""Keras reads the arguments of a layer's __init__ by `getfullargspec`, which stops at mutmut's wrapper."""

import inspect

_of_wrapper = inspect.getfullargspec
inspect.getfullargspec = lambda function: _of_wrapper(inspect.unwrap(function))
