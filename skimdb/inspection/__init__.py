"""Explanations of predictions, and displays of histories, hyper-parameters and scores."""

from skimdb.inspection._comparison_display import ComparisonDisplay
from skimdb.inspection._explanation import ReviewExplanation, ReviewExplanations, explain_reviews
from skimdb.inspection._history_comparison_display import HistoryComparisonDisplay
from skimdb.inspection._hyperparameter_display import HyperparameterDisplay
from skimdb.inspection._review_text_display import ReviewTextDisplay
from skimdb.inspection._top_words import TopWords, top_words
from skimdb.inspection._training_history_display import TrainingHistoryDisplay
from skimdb.inspection._word_contribution_display import WordContributionDisplay

__all__ = [
    "ComparisonDisplay",
    "HistoryComparisonDisplay",
    "HyperparameterDisplay",
    "ReviewExplanation",
    "ReviewExplanations",
    "ReviewTextDisplay",
    "TopWords",
    "TrainingHistoryDisplay",
    "WordContributionDisplay",
    "explain_reviews",
    "top_words",
]
