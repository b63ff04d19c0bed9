"""
A model with honest probabilities, in a file and behind a URL
=============================================================

A service returns a probability, and somebody acts on it: reviews that are negative with a
probability of more than a fifth are read by a person. Such a rule needs probabilities that mean
what they say, and class weights distort them. They are corrected on held-out reviews here, then
the model is saved, loaded and served.
"""

import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from texts import make_texts

import skimdb

weights = (0.15, 0.0, 0.85)
X_train, y_train = make_texts(2000, weights=weights, random_state=0)
X_held_out, y_held_out = make_texts(600, weights=weights, random_state=1)
X_test, y_test = make_texts(2000, weights=weights, random_state=2)

model = skimdb.make_text_classifier(
    ngram_range=(1, 2), char_ngram_range=None, class_weight="balanced", random_state=0
)
model.fit(X_train, y_train)

# %%
# Calibrate
# ---------
#
# Platt's scaling is a logistic regression with one feature, the network's log-odds. It leaves the
# order of the reviews as it is.


def log_odds(texts):
    """Return the network's log-odds of "positive", as a matrix of one column."""
    return model.decision_function(texts)[:, np.newaxis]


calibrator = LogisticRegression().fit(log_odds(X_held_out), y_held_out)
before = model.predict_proba(X_test)[:, 0]
after = calibrator.predict_proba(log_odds(X_test))[:, 0]
is_negative = y_test == "negative"
for probability, name in [(before, "before"), (after, "after")]:
    print(
        f"{name}: mean probability {probability.mean():.3f}, log loss "
        f"{log_loss(is_negative, probability):.3f}"
    )
print(f"negative reviews: {is_negative.mean():.3f}")

figure, ax = plt.subplots(layout="constrained")
for probability, name in [(before, "the network's"), (after, "calibrated")]:
    CalibrationDisplay.from_predictions(
        is_negative, probability, n_bins=8, strategy="quantile", name=name, ax=ax
    )
ax.set(xlabel="Mean probability of 'negative'", ylabel="Fraction of negative reviews")

# %%
# Save and load
# -------------
#
# The files hold no pickle, and nothing in them is run by loading them. Scikit-learn's own
# estimators are kept by skops. What `load_predictor` loads needs no TensorFlow.

folder = tempfile.TemporaryDirectory()
skimdb.save(model, Path(folder.name, "model.skimdb"))
skimdb.save(calibrator, Path(folder.name, "calibrator.skimdb"))
model = skimdb.load_predictor(Path(folder.name, "model.skimdb"))
calibrator = skimdb.load(Path(folder.name, "calibrator.skimdb"))

# %%
# Serve
# -----
#
# Python's own server is enough to show the parts. A model is loaded once, at the start.

MAX_NEGATIVE = 0.2


class Handler(BaseHTTPRequestHandler):
    """Answers a JSON list of texts with probabilities and decisions."""

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        negative = calibrator.predict_proba(log_odds(texts))[:, 0]
        answer = [
            {"negative": round(float(p), 3), "read": bool(p > MAX_NEGATIVE)} for p in negative
        ]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        """Keep the server quiet."""


server = HTTPServer(("localhost", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()

texts = [
    "The room was lovely, the staff really friendly.",
    "The shower was broken, the staff was rude.",
    "The breakfast was not bad, the bed is comfortable.",
]
request = Request(f"http://localhost:{server.server_port}", json.dumps(texts).encode())
with urlopen(request) as response:
    for text, answer in zip(texts, json.load(response), strict=True):
        print(answer, text)

server.shutdown()
server.server_close()
folder.cleanup()
