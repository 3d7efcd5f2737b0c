"""A random forest."""

from sklearn.ensemble import RandomForestClassifier


def make() -> RandomForestClassifier:
    """The estimator with scikit-learn's defaults."""
    return RandomForestClassifier(n_estimators=100)
