"""How many examples a property is tried on: few in every run, many where minutes are there for it (`./lgsp test long`)."""

import os

import hypothesis

MANY = os.environ.get("LGSP_TEST_EXAMPLES") == "many"


def examples(many: int) -> int:
    """Tell how many examples to try of a property that is worth `many` in a long run."""
    return many if MANY else max(many // 5, 20)


def load_profile() -> None:
    """Have every property that says nothing else keep to this."""
    # No deadline: a busy machine is no fault of what is tested.
    hypothesis.settings.register_profile("lgsp", deadline=None, max_examples=examples(100))
    hypothesis.settings.load_profile("lgsp")
