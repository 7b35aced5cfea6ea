"""What every list of seeded faults needs: a decorator that fills it, a function that does nothing."""

from __future__ import annotations


def adding_to(mutants):
    """Return a decorator that counts a function as one of ``mutants``."""

    def mutant(function):
        mutants.append(function)
        return function

    return mutant


def nothing(*_args, **_kwargs):
    """Stand in for what is left out."""
