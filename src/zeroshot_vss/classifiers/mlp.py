"""A multilayer perceptron with one hidden layer."""

from sklearn.neural_network import MLPClassifier


def make() -> MLPClassifier:
    """The estimator with the options that differ from scikit-learn's defaults."""
    return MLPClassifier(hidden_layer_sizes=(64,), max_iter=200)
