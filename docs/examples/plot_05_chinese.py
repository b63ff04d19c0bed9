"""
Chinese, or any language without spaces
=======================================

Words are found at spaces, and Chinese has none. Does one need a word segmenter? N-grams of
characters do without, because words are found among them; `make_text_classifier` has both words
and characters, and no setting for the language.
"""

import matplotlib.pyplot as plt
from texts import make_texts

from skimdb import make_text_classifier
from skimdb.inspection import top_words

X_train, y_train = make_texts(600, subject="chinese", random_state=0)
X_test, y_test = make_texts(1000, subject="chinese", random_state=1)
print(X_train[0], y_train[0])

# %%
# Without characters, all that is between two punctuation marks is one word.

accuracies = {}
for name, parameters in {
    "words and characters (the default)": {},
    "words only": {"char_ngram_range": None},
}.items():
    classifier = make_text_classifier(**parameters, random_state=0).fit(X_train, y_train)
    accuracies[name] = classifier.score(X_test, y_test)

figure, ax = plt.subplots(figsize=(6, 2.2), layout="constrained")
bars = ax.barh(list(accuracies), list(accuracies.values()), color=["tab:blue", "tab:gray"])
ax.bar_label(bars, fmt="{:.3f}", padding=3)
ax.set(xlabel="Accuracy on 1,000 other texts", xlim=(0, 1.1))

# %%
# What has the network learnt from the characters? Among the n-grams with the largest effect are
# negations, such as 并不太, not too, and 不很好, not very good. Nobody has told the network where
# words begin.

classifier = make_text_classifier(random_state=0).fit(X_train, y_train)
words = top_words(classifier, X_test[:300], n=100).to_frame()
words[words["feature"].str.startswith("characters")].head(12)

# %%
# A segmenter can be used all the same: ``WordIndexEncoder(tokenizer=segment)``, where ``segment``
# is a function of your own that returns ``jieba.lcut(text)``.
