# SPDX-License-Identifier: MIT
"""Comparing rates on a machine that others use, too."""

FEWEST, MOST = 15, 60


def median(values):
    return sorted(values)[len(values) // 2]


def ratio_of_pairs(base, other, limit):
    """The median of other() / base() over pairs measured one right after the other, in turns first.

    Single pairs swing by a fifth and more. While the median is below `limit` more pairs are taken, and all
    of them count: noise averages out, a slowdown of ours does not. Returns the ratio and both lists.
    """
    bases, others = [], []
    while True:
        if len(bases) % 2:
            others.append(other())
            bases.append(base())
        else:
            bases.append(base())
            others.append(other())
        ratio = median([b / a for a, b in zip(bases, others)])
        if len(bases) == MOST or (len(bases) >= FEWEST and ratio >= limit):
            return ratio, bases, others
