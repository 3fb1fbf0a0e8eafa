# SPDX-License-Identifier: MIT
"""What a story says about itself: its time limit, what it needs, whether it must run alone."""


def within(seconds):
    """The story is stopped and fails after so many seconds (default: 90)."""

    def mark(function):
        function.within = seconds
        return function

    return mark


def alone(function):
    """It measures: nothing else runs at the same time."""
    function.alone = True
    return function


def plain_only(function):
    """It measures memory or rates, which sanitizers change: skipped for such builds."""
    function.plain_only = True
    return function


def needs(*programs):
    """Skipped where one of these programs is missing."""

    def mark(function):
        function.needs = programs
        return function

    return mark
