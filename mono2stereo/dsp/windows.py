"""Windows of a signal, and products of many of them with one matrix."""

from __future__ import annotations

import numpy as np

from mono2stereo.dsp.signals import Signal

# Up to this many multiplications BLAS keeps to one thread; more would cost more than they bring.
PRODUCT = 250_000
KERNEL_ROWS = 4  # that BLAS makes at a time: with three left over the others take a third longer


def windows(x: Signal, size: int, step: int = 1) -> Signal:
    """Every `step`-th stretch of `size` samples of x (samples,), (stretches, size), a view.

    A tenth of the time of NumPy's `sliding_window_view`, which live blocks would notice.

    >>> windows(np.arange(5), 3, 2).tolist()
    [[0, 1, 2], [2, 3, 4]]
    """
    x = np.ascontiguousarray(x)
    count = max(0, (len(x) - size) // step + 1)
    return np.ndarray((count, size), x.dtype, x, 0, (step * x.itemsize, x.itemsize))


def running(extreme: np.ufunc, x: Signal, samples: int) -> Signal:
    """The lowest or highest of each `samples` in turn, by windows of twice the length, over and over.

    >>> running(np.minimum, np.array([3, 1, 2, 5, 4, 6]), 3).tolist()
    [1, 1, 2, 4]
    """
    reach = 1
    while 2 * reach <= samples:
        x, reach = extreme(x[:-reach], x[reach:]), 2 * reach
    rest = samples - reach
    return extreme(x[: len(x) - rest], x[rest:])


def times(rows: Signal, matrix: Signal) -> Signal:
    """Rows (n, inputs) times a matrix (inputs, outputs), on one thread."""
    at_once = max(1, PRODUCT // matrix.size)
    at_once = at_once // KERNEL_ROWS * KERNEL_ROWS or at_once
    rows = np.ascontiguousarray(rows)
    if len(rows) <= at_once:
        return rows @ matrix
    whole = len(rows) // at_once * at_once
    product = np.empty((len(rows), matrix.shape[1]), np.result_type(rows, matrix))
    pieces, products = (x[:whole].reshape(-1, at_once, x.shape[1]) for x in (rows, product))
    np.matmul(pieces, matrix, out=products)
    np.matmul(rows[whole:], matrix, out=product[whole:])
    return product


def by_columns(a: Signal, b: Signal) -> Signal:
    """The product of a.T (n, inputs) and b (inputs, m), on one thread."""
    at_once = max(1, PRODUCT // (a.shape[1] * b.shape[1]))
    pieces = range(0, len(a), at_once)
    return np.sum([a[start : start + at_once].T @ b[start : start + at_once] for start in pieces], axis=0)
