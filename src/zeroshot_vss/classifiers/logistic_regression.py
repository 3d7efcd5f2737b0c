"""Multinomial logistic regression."""

from sklearn.linear_model import LogisticRegression


def make() -> LogisticRegression:
    """The estimator with the options that differ from scikit-learn's defaults."""
    return LogisticRegression(max_iter=500)
