"""A linear support vector machine."""

from sklearn.svm import LinearSVC


def make() -> LinearSVC:
    """The estimator with scikit-learn's defaults."""
    return LinearSVC()
