"""Classifiers of the context model by name. A new one is a file and a line in CLASSIFIERS."""

from zeroshot_vss.registry import Registry

CLASSIFIERS = Registry(
    "classifier",
    {
        "knn": "zeroshot_vss.classifiers.knn:make",
        "mlp": "zeroshot_vss.classifiers.mlp:make",
        "random-forest": "zeroshot_vss.classifiers.random_forest:make",
        "logistic-regression": "zeroshot_vss.classifiers.logistic_regression:make",
        "nearest-centroid": "zeroshot_vss.classifiers.nearest_centroid:make",
        "linear-svm": "zeroshot_vss.classifiers.linear_svm:make",
    },
)
"""Functions that make an unfitted estimator with scikit-learn's interface, see `docs/adding-a-classifier.md`."""
