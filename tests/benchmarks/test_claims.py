import json
import re
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks import _fits
from benchmarks.claims import __main__ as claims
from benchmarks.claims import generalisation, statistics, studies
from benchmarks.claims import transfer as transfer_claims
from benchmarks.claims.statistics import FAILS, HOLDS, UNCLEAR, Estimate, Greater, Within
from benchmarks.claims.validation import NOTEBOOK_CLAIMS
from skimdb.datasets import make_reviews


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


# Intervals


def test_effect_of_seeds_alone_has_the_t_interval_of_their_means():
    means = np.array([1.0, 2.5, 4.0, 3.0])
    estimate = statistics.crossed_estimate(np.repeat(means[:, None], 50, axis=1))
    expected = stats.ttest_1samp(means, 0).confidence_interval()
    np.testing.assert_allclose(estimate, [means.mean(), *expected])


def test_effect_of_reviews_alone_has_the_t_interval_of_their_means():
    reviews = np.random.default_rng(0).normal(size=40)
    estimate = statistics.crossed_estimate(np.tile(reviews, (3, 1)))
    expected = stats.ttest_1samp(reviews, 0).confidence_interval()
    np.testing.assert_allclose(estimate, [reviews.mean(), *expected])


def test_variances_of_seeds_and_reviews_are_added():
    values = np.random.default_rng(0).normal(size=(5, 30))
    estimate = statistics.crossed_estimate(values)
    seeds = np.var([row.mean() for row in values], ddof=1) / 5
    reviews = np.var([column.mean() for column in values.T], ddof=1) / 30
    degrees = (seeds + reviews) ** 2 / (seeds**2 / 4 + reviews**2 / 29)
    half_width = stats.t(degrees).ppf(0.975) * np.sqrt(seeds + reviews)
    np.testing.assert_allclose(estimate.high - estimate.value, half_width)
    np.testing.assert_allclose(estimate.value - estimate.low, half_width)


def test_repeated_reviews_of_a_cluster_count_once():
    values = np.tile(np.random.default_rng(0).normal(size=20), (3, 1))
    once = statistics.crossed_estimate(values)
    clusters = np.repeat([f"tt{i}" for i in range(20)], 4)
    np.testing.assert_allclose(
        statistics.crossed_estimate(np.repeat(values, 4, axis=1), clusters), once
    )
    assert statistics.crossed_estimate(np.repeat(values, 4, axis=1)).high < once.high


def test_interval_without_any_variance_is_a_point():
    assert statistics.crossed_estimate(np.ones((2, 3))) == Estimate(1, 1, 1)


def test_splits_of_the_same_reviews_have_a_wider_interval():
    values = [0.1, 0.4, 0.3, 0.2]
    plain = stats.ttest_1samp(values, 0).confidence_interval()
    estimate = statistics.resampled_estimate(values, 2 / 3)
    widening = np.sqrt((1 / 4 + 2 / 3) / (1 / 4))
    assert estimate.value == pytest.approx(0.25)
    assert estimate.high - estimate.low == pytest.approx((plain.high - plain.low) * widening)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=4).filter(
        lambda pairs: len({label for label, _ in pairs}) == 2
    )
)
def test_mean_of_auc_values_is_the_area(pairs):
    y, scores = np.array(pairs).T
    area = statistics.auc_values(y, scores.astype(float)).mean()
    assert area == pytest.approx(roc_auc_score(y, scores))


def test_variance_of_auc_values_is_delongs():
    rng = np.random.default_rng(0)
    y, scores = np.repeat([0, 1], [400, 600]), rng.normal(size=1000).round(1)
    above = np.array(
        [[(p > n) + 0.5 * (p == n) for n in scores[y == 0]] for p in scores[y == 1]], float
    )
    delong = above.mean(axis=1).var(ddof=1) / 600 + above.mean(axis=0).var(ddof=1) / 400
    values = statistics.auc_values(y, scores)
    assert values.var(ddof=1) / 1000 == pytest.approx(delong, rel=0.01)


def test_difference_over_two_sets_has_both_variances():
    rng = np.random.default_rng(0)
    first, second = rng.normal(1, 2, size=(1, 300)), rng.normal(0, 1, size=(1, 500))
    values = statistics.independent_difference(first, second)
    assert values.mean() == pytest.approx(first.mean() - second.mean())
    welch = first.var(ddof=1) / 300 + second.var(ddof=1) / 500
    assert values.var(ddof=1) / 800 == pytest.approx(welch, rel=0.01)


@pytest.mark.parametrize("n_drawn", [1, 2, 3, 6])
def test_best_of_a_draw_is_the_mean_over_all_subsets(n_drawn):
    chosen_on = np.array([0.7, 0.9, 0.8, 0.9, 0.1, 0.5])
    scored_on = np.array([0.3, 0.1, 0.6, 0.8, 0.2, 0.9])
    expected = np.mean(
        [
            scored_on[max(subset, key=lambda i: (chosen_on[i], -i))]
            for subset in combinations(range(6), n_drawn)
        ]
    )
    assert statistics.chosen_score(chosen_on, scored_on, n_drawn) == pytest.approx(expected)


# Verdicts


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.9, HOLDS),
        (-0.1, 0.9, UNCLEAR),
        (-0.9, -0.1, FAILS),
        (-0.9, 0.4, FAILS),
        (0.1, 0.4, FAILS),
        (np.nan, np.nan, UNCLEAR),
    ],
)
def test_verdict_on_greater(low, high, verdict):
    assert Greater(0, relevant=0.5).verdict(Estimate((low + high) / 2, low, high)) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.4, 0.5, HOLDS),
        (-0.6, 0.4, UNCLEAR),
        (0.6, 0.9, FAILS),
        (-0.9, -0.6, FAILS),
        (-9, 9, UNCLEAR),
        (np.nan, np.nan, UNCLEAR),
    ],
)
def test_verdict_on_within(low, high, verdict):
    assert Within(-0.5, 0.5).verdict(Estimate((low + high) / 2, low, high)) == verdict


def test_verdict_on_several_parts():
    assert statistics.verdict_of_all([HOLDS, HOLDS]) == HOLDS
    assert statistics.verdict_of_all([HOLDS, UNCLEAR]) == UNCLEAR
    assert statistics.verdict_of_all([HOLDS, UNCLEAR, FAILS]) == FAILS


# The notebooks' claims, on histories made up


def history(val_loss, val_accuracy=(0.5,), cross_entropy=None):
    return {
        "val_loss": list(val_loss),
        "val_accuracy": list(val_accuracy),
        "val_cross_entropy": list(cross_entropy or val_loss),
    }


def test_overfitting_starts_at_the_least_validation_loss():
    histories = {
        "B3 layers=2": [history([3, 2, 1.5, 1, 2, 3])] * 3,
        "B6 dropout=0.5": [history([3, 2, 1.5, 1.2, 1.1, 1, 2])] * 3,
    }
    claim = NOTEBOOK_CLAIMS[3].judge(3, histories)
    assert [part.estimate.value for part in claim.parts] == [4, 6, 2]
    assert claim.verdict == HOLDS
    assert "epoch 4.0 on average without dropout, and at 6.0 with" in claim.says


def test_best_number_of_units_must_beat_both_others_and_the_largest_overfit_first():
    good = history([0.5, 0.4, 0.2, 0.4], [0.8, 0.9])
    small, large = history([0.5, 0.4, 0.4, 0.3], [0.8]), history([0.3, 0.4], [0.8])
    names = ["B2 units=4", "B2 units=16", "B2 units=512"]
    for units, verdict in [((small, good, large), HOLDS), ((good, small, large), FAILS)]:
        histories = {name: [own] * 2 for name, own in zip(names, units, strict=True)}
        claim = NOTEBOOK_CLAIMS[1].judge(1, histories)
        assert claim.verdict == verdict
    assert "0.200 with 4, 0.300 with 16 and 0.300 with 512 units" in claim.says
    assert "epoch 3.0 with 4, 4.0 with 16 and 1.0 with 512 units on average" in claim.says


def test_best_number_of_layers_must_beat_all_others():
    good, bad = history([0.2], [0.9]), history([0.3], [0.8])
    names = ["B2 units=16", "B3 layers=2", "B3 layers=3", "B3 layers=4"]
    for layers, verdict in [((bad, good, bad, bad), HOLDS), ((bad, good, bad, good), FAILS)]:
        histories = {name: [own] * 2 for name, own in zip(names, layers, strict=True)}
        assert NOTEBOOK_CLAIMS[2].judge(2, histories).verdict == verdict


def test_later_overfitting_is_told_from_earlier():
    late, early = history([0.5, 0.4, 0.3, 0.2]), history([0.2, 0.4, 0.5, 0.6])
    for l1_l2, l2, verdict in [(late, early, HOLDS), (early, late, FAILS)]:
        claim = NOTEBOOK_CLAIMS[4].judge(4, {"A2": [l1_l2] * 2, "A3": [l2] * 2})
        assert claim.verdict == verdict


def test_batch_size_is_marginal_where_nothing_differs_by_more_than_the_margins():
    usual, near = history([0.5], [0.87]), history([0.505], [0.873])
    for other, verdict in [(near, HOLDS), (history([0.52], [0.87]), FAILS)]:
        histories = {"A5": [usual] * 2, "A7": [near] * 2, "A8": [other] * 2}
        assert NOTEBOOK_CLAIMS[6].judge(6, histories).verdict == verdict


def test_penalty_is_told_from_the_cross_entropy():
    histories = {
        "B3 layers=2": [history([0.5, 0.4, 0.3, 0.28])] * 2,
        "B5 l1=0.001": [history([0.6, 0.5], cross_entropy=[0.4, 0.35])] * 2,
        "A3": [history([0.4, 0.35], cross_entropy=[0.3, 0.27])] * 2,
    }
    parts = NOTEBOOK_CLAIMS[5].judge(5, histories).parts
    np.testing.assert_allclose(
        [part.estimate.value for part in parts], [0.22, 0.07, 0.07, -0.01], atol=1e-12
    )
    assert [part.verdict for part in parts] == [HOLDS, HOLDS, HOLDS, FAILS]


def test_spread_is_a_ratio_over_the_last_ten_epochs():
    swing = np.tile([-1, 1], 5)
    histories = {
        "A5": [history([1], [0.1, *(0.8 + 0.01 * swing)])] * 2,
        "A6": [history([1], [0.9, *(0.7 + 0.03 * swing)])] * 2,
    }
    claim = NOTEBOOK_CLAIMS[7].judge(7, histories)
    assert claim.parts[0].estimate.value == pytest.approx(3)
    assert claim.parts[0].unit == "ratio"
    assert claim.verdict == HOLDS


def test_claims_are_on_configurations_of_the_list():
    for claim in NOTEBOOK_CLAIMS.values():
        assert claim.configurations <= set(studies.VALIDATED)
        assert set(claim.drawn.values()) <= claim.configurations
    assert studies.VALIDATED["A6"]["learning_rate"] == 0.002
    assert studies.VALIDATED["B2 units=512"] == {
        **studies.VALIDATED["B2 units=16"],
        "units": 512,
        "epochs": 8,
    }


# The claims about generalising, on outcomes made up


def test_optimism_is_what_choosing_adds():
    halves = [[0.9, 0.6], [0.6, 0.9], [0.7, 0.7]]
    outcomes = {
        f"{seed} {i}": {"params": {"seed": seed}, "halves": half, "test": 0.7}
        for seed in range(2)
        for i, half in enumerate(halves)
    }
    claim = generalisation.judge_search(8, outcomes, n_seeds=2)
    # The best on either half is 0.3 worse on the other; on both, 0.75 against 0.7.
    assert [part.estimate.value for part in claim.parts[2:]] == pytest.approx([30, 5])
    assert claim.verdict == FAILS
    assert "drawn at random, without choosing, is 3.33 (3.33 to 3.33)" in claim.says


def test_candidates_are_drawn_anew_for_each_split():
    jobs = studies.search_jobs(2)
    params = [{name: job.params[name] for name in studies.SEARCH_SPACE} for job in jobs]
    assert params[:100] == [
        {name: job.params[name] for name in studies.SEARCH_SPACE} for job in studies.search_jobs(1)
    ]
    assert params[:100] != params[100:]
    for name, values in studies.SEARCH_SPACE.items():
        assert {candidate[name] for candidate in params} == set(values)


def packed_transfer(scores_of):
    """Return a Transfer whose scores are made up by model."""
    sets = studies.TransferSets(
        np.tile([0, 1], 50), dict.fromkeys(transfer_claims._SETS, np.arange(100))
    )
    outcomes = {
        job.name: {"params": job.params, "scores": studies.pack(scores_of(job.params["model"]))}
        for job in studies.transfer_jobs(2, studies.TRAINING_SIZES)
    }
    return transfer_claims.Transfer(outcomes, sets, 2)


def test_better_network_is_found_in_either_direction():
    good = np.tile([-1.0, 1.0], 50)
    bad = np.where(np.arange(100) < 80, good, -good)
    better_base = packed_transfer(lambda model: good if model == studies.BASE else bad)
    base = transfer_claims.judge_base(9, better_base)
    assert base.verdict == HOLDS
    assert [part.estimate.value for part in base.parts] == pytest.approx([20, 20, 20])
    assert transfer_claims.judge_transfer(10, better_base).verdict == FAILS
    worse_base = packed_transfer(lambda model: bad if model == studies.BASE else good)
    assert transfer_claims.judge_base(9, worse_base).verdict == FAILS
    claim = transfer_claims.judge_transfer(10, worse_base)
    assert claim.verdict == HOLDS
    assert "Of all 30 comparisons" in claim.says
    assert "30 favour it, 0 exclude" in claim.says


def test_threshold_matters_to_accuracy_but_not_to_the_area():
    ranked = np.tile([-1.0, 1.0], 50)
    transfer = packed_transfer(lambda model: ranked + (0 if model == studies.BASE else 2))
    parts = transfer_claims.judge_transfer(10, transfer).parts
    assert [part.estimate.value for part in parts[:10]] == pytest.approx([-50] * 5 + [0] * 5)
    assert "they call 100 and 50 % positive" in transfer_claims.judge_transfer(10, transfer).says


def test_shared_movies_are_judged_by_the_folds():
    def outcome(share, n):
        right = np.arange(n) % 10 < 10 * share
        return studies.pack(right.astype(float))

    shares = {"stratified": 0.9, "grouped": 0.7}
    outcomes = {
        job.name: {
            "params": job.params,
            "right": outcome(shares[job.params["folds"]], 500),
            "right_test": outcome(0.8, 300),
        }
        for job in studies.movie_jobs(2)
    }
    movies = {"train": np.arange(500) // 2, "test": 1000 + np.arange(300)}
    claim = generalisation.judge_movies(11, outcomes, movies, n_seeds=2)
    assert claim.verdict == HOLDS
    assert [part.estimate.value for part in claim.parts] == pytest.approx(
        [20, 20, 10, -10, 10, -10]
    )
    assert [bool(part.verdict) for part in claim.parts] == [True] * 2 + [False] * 4
    assert "90.00 % in stratified folds, 70.00 % in folds grouped by movie, and 80.00 %" in (
        claim.says
    )


# What is fitted


def test_scores_survive_being_written():
    scores = np.random.default_rng(0).normal(0, 8, size=1000)
    np.testing.assert_allclose(studies.unpack(studies.pack(scores)), scores, rtol=1e-3)


def test_small_sets_are_trained_on_for_as_many_steps():
    for job in studies.transfer_jobs(1, studies.TRAINING_SIZES):
        if "steps" in job.name:
            n_batches = -(-job.params["n_train"] // job.params["batch_size"])
            own = studies.NETWORKS[job.params["model"]]
            n_steps = own["epochs"] * -(-25_000 // own["batch_size"])
            assert abs(job.params["epochs"] * n_batches - n_steps) <= n_batches / 2


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)


def as_text(reviews):
    return [" ".join(map(str, review)) for review in reviews]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Put generated reviews and texts in the place of the real ones, and make all sizes small."""
    sets = {"train": make_reviews(300, random_state=0), "test": make_reviews(100, random_state=1)}
    home = tmp_path / "home"
    home.mkdir()
    for subset, (X, y) in sets.items():
        movies = [f"{subset}{i // 4}" for i in range(len(y))]
        parquet(home / f"imdb_{subset}.parquet", text=as_text(X), label=y, movie=movies)
    X, y = make_reviews(30, random_state=2)
    source = np.repeat(studies.SOURCES, 10)
    # Each source has both labels.
    y = np.tile([0, 1], 15)
    parquet(home / "sentiment_sentences.parquet", text=as_text(X), label=y, source=source)
    monkeypatch.setenv("SKIMDB_DATA", str(home))
    monkeypatch.setattr(studies, "load_imdb", lambda subset: sets[subset])
    monkeypatch.setattr(studies, "N_VALIDATION", 100)
    monkeypatch.setattr(studies, "N_CANDIDATES", 3)
    monkeypatch.setattr(studies, "NUM_WORDS", 500)
    monkeypatch.setattr(
        studies,
        "encode",
        lambda texts: studies.MultiHotVectorizer(500).transform(
            [np.array(text.split(), int) for text in texts]
        ),
    )
    for module in (studies, transfer_claims):
        monkeypatch.setattr(module, "TRAINING_SIZES", [150, 300])
    return home


def run(output, *arguments):
    claims.main(["--seeds", "2", "--n-jobs", "1", "--output", str(output), *arguments])
    return (output / "claims.md").read_text()


@pytest.mark.usefixtures("small")
def test_history_holds_the_loss_without_the_penalty():
    reviews = studies.TrainingReviews.load()
    params = {**studies.VALIDATED["A2"], "epochs": 2}
    outcome = studies._fit_validated(params, 0, reviews)
    order = np.random.default_rng(0).permutation(300)
    validation, train = order[:100], order[100:]
    classifier = studies._network(params, 0).fit(reviews.X[train], reviews.y[train])
    expected = log_loss(
        reviews.y[validation], classifier.predict_proba(reviews.X[validation])[:, 1]
    )
    assert outcome["history"]["val_cross_entropy"][-1] == pytest.approx(expected, rel=1e-4)
    assert outcome["history"]["val_loss"][-1] > expected + 0.1


@pytest.mark.usefixtures("small")
def test_test_sets_are_tenths_by_length_and_sources():
    sets = studies.TransferSets.load()
    lengths = np.array([len(review) for review in studies.load_imdb("test")[0]])
    shortest, longest = sets.members["shortest"], sets.members["longest"]
    assert len(shortest) == len(longest) == 10
    assert sorted(lengths)[:10] == sorted(lengths[shortest])
    assert sorted(lengths)[-10:] == sorted(lengths[longest])
    assert sets.members["yelp"].tolist() == list(range(110, 120))
    np.testing.assert_array_equal(sets.y[sets.members["imdb"]], [0, 1] * 5)


@pytest.mark.usefixtures("small")
def test_folds_grouped_by_movie_share_none(monkeypatch):
    seen = []

    def scores(model, X, y, X_test):
        seen.append((X, X_test[:-100]))
        return studies.pack(np.zeros(X_test.shape[0]))

    monkeypatch.setattr(studies, "_scores", scores)
    reviews = studies.MovieReviews.load()
    reviews = studies.MovieReviews(
        *(np.arange(300)[:, None], reviews.y, reviews.movies),
        *(np.zeros((100, 1), int), reviews.y_test),
    )
    monkeypatch.setattr(studies, "vstack", lambda parts, format: np.vstack(parts))
    for kind, shared in (("grouped", False), ("stratified", True)):
        seen.clear()
        studies._cross_validate("Logistic regression", {}, kind, 0, reviews)
        for train, held_out in seen:
            assert not set(train.ravel()) & set(held_out.ravel())
            movies = [set(reviews.movies[part.ravel()]) for part in (train, held_out)]
            assert bool(movies[0] & movies[1]) == shared


@pytest.mark.usefixtures("small")
def test_page_has_all_claims_with_their_figures(tmp_path):
    page = run(tmp_path)
    parts = json.loads((tmp_path / "claims.json").read_text())["parts"]
    assert list(parts) == [str(number) for number in range(1, 12)]
    assert parts["1"]["environment"]["packages"]["keras"]
    summary = (tmp_path / "claims-summary.md").read_text().splitlines()
    assert len(summary) == 11
    for (number, part), line in zip(parts.items(), summary, strict=True):
        claim = part["result"]
        assert f"## {number}. {claim['statement']}\n" in page
        assert f"| {number}. {claim['statement']} | {claim['verdict']} |" in page
        assert line.startswith(f"- {claim['statement']}: **{claim['verdict']}**. {claim['says']}")
    for image in re.findall(r"\]\((.*\.png)\)", page):
        assert (tmp_path / image).exists()
    stored = json.loads((tmp_path / "fits.json").read_text())["parts"]
    fits = {name: fit for part in stored.values() for name, fit in part["result"].items()}
    onsets = [
        np.argmin(fits[f"validation A3 seed{seed}"]["history"]["val_loss"]) + 1 for seed in (0, 1)
    ]
    assert f"and at {np.mean(onsets):.1f} with L2 alone" in page
    accuracies = [fits[f"transfer A11 n300 seed{seed}"]["test"]["accuracy"] for seed in (0, 1)]
    assert f"Test accuracy {np.mean(accuracies):.1f} % for the base network" in page


@pytest.mark.usefixtures("small")
def test_goes_on_where_it_was_and_gives_the_same_page(tmp_path, monkeypatch):
    page = run(tmp_path, "--only", "3,8")
    kept = tmp_path / "fits" / "search-split1-candidate2.json"
    kept.unlink()
    (tmp_path / "fits" / f"{kept.name}.half.part").write_text('{"params":')
    started = []
    original = _fits._run
    monkeypatch.setattr(
        _fits, "_run", lambda *args: started.append(args[1].name) or original(*args)
    )
    assert run(tmp_path, "--only", "3,8") == page
    assert started == ["search split1 candidate2"]


@pytest.mark.usefixtures("small")
def test_only_what_a_claim_needs_is_fitted(tmp_path):
    page = run(tmp_path, "--only", "4")
    assert "## 4. " in page
    assert "## 3. " not in page
    assert {path.name for path in (tmp_path / "fits").iterdir()} == {
        f"validation-{name}-seed{seed}.json" for name in ("A2", "A3") for seed in (0, 1)
    }


@pytest.mark.usefixtures("small")
def test_limited_run_keeps_the_other_claims(tmp_path):
    run(tmp_path, "--only", "4")
    both = run(tmp_path, "--only", "3")
    assert "## 3. " in both
    assert "## 4. " in both
    assert "claim4-val-loss.png" in both


@pytest.mark.usefixtures("small")
def test_smaller_training_sets_are_left_to_the_claim_on_them(tmp_path):
    assert "Both on 300 reviews" in run(tmp_path, "--only", "9")
    sizes = {path.name.split("-n")[1].split("-")[0] for path in (tmp_path / "fits").iterdir()}
    assert sizes == {"200", "300"}


@pytest.mark.parametrize(
    ("claim", "missing"), [("10", "sentiment_sentences.parquet"), ("11", "imdb_train.parquet")]
)
def test_missing_file_is_named(small, tmp_path, claim, missing):
    (small / missing).unlink()
    with pytest.raises(OSError, match=rf"{missing} is not in .*SKIMDB_DATA.*claim {claim} needs"):
        run(tmp_path, "--only", f"4,{claim}")
    assert not (tmp_path / "fits").exists()


def test_unknown_claim_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, "--only", "3,12")
    assert "argument --only: unknown part 12; parts: 1, 2," in capsys.readouterr().err


def test_one_seed_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        claims.main(["--seeds", "1", "--output", str(tmp_path)])
    assert "must be at least 2 for an interval, got 1" in capsys.readouterr().err


@pytest.mark.real_data
def test_texts_are_encoded_as_the_reviews_are():
    texts = studies.read_columns(studies.locate_texts(11)[1], ["text"])["text"][:50]
    encoded = studies.encode(texts)
    X, _ = studies.load_imdb("test")
    reviews = studies.MultiHotVectorizer(studies.NUM_WORDS).transform(X)
    known = {row.indices.tobytes() for row in reviews}
    assert all(row.indices.tobytes() in known for row in encoded)
