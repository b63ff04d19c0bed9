"""Whatever a file contains, loading writes nothing and raises nothing but ValueError."""

import copy
import itertools
import json
import os
import pickle
import random
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.pipeline import FeatureUnion, Pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.feature_extraction import CharacterEncoder, LogCountRatioScaler, WordIndexEncoder
from skimdb.persistence._archive import write_archive
from skimdb.persistence._checks import check_ngrams
from tests.persistence.common import CONTENTS, make_features, npy, put_together, seal, taken_apart


@pytest.fixture
def _nothing_is_written(tmp_path, monkeypatch):
    """Check that loading creates no file."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield
    assert not list(work.iterdir())
    assert {path.name for path in tmp_path.iterdir()} <= {"work", "estimator.skimdb"}


pytestmark = pytest.mark.usefixtures("_nothing_is_written")


@pytest.fixture(scope="module")
def saved(tmp_path_factory, fitted):
    """Return the bytes of a file with a pipeline of two fitted estimators."""
    path = tmp_path_factory.mktemp("saved") / "file"
    X, y = make_features()
    scaler = LogCountRatioScaler().fit(X, y)
    vectorizer = MultiHotVectorizer(9, ngram_range=(1, 2)).fit([[5, 6], [6]])
    union = FeatureUnion([("scale", scaler), ("pairs", vectorizer), ("words", WordIndexEncoder())])
    union.transformer_list[-1][1].fit(["a b"])
    pipeline = Pipeline([("features", union), ("classify", fitted)])
    skimdb.save(pipeline, path, optimizer_state=True, metadata={"accuracy": 0.5})
    return path.read_bytes()


# Each example writes the file again, so that examples can share the fixtures.
PROPERTY = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
RANDOM = st.integers(0, 2**32 - 1).map(random.Random)


def flip_bytes(data, rng):
    for _ in range(rng.choice([1, 2, 20])):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return data


def truncate(data, rng):
    return data[: rng.randrange(len(data))]


def lose_the_beginning(data, rng):
    return data[rng.randrange(1, len(data)) :]


def cut_out(data, rng):
    start = rng.randrange(len(data) - 1)
    del data[start : start + rng.randrange(1, 100)]
    return data


def append(data, rng):
    return data + rng.randbytes(rng.randrange(1, 100))


def swap_blocks(data, rng):
    first, second = rng.sample(range(len(data) // 64), 2)
    first, second = slice(64 * first, 64 * first + 64), slice(64 * second, 64 * second + 64)
    data[first], data[second] = data[second], data[first]
    return data


@pytest.mark.parametrize(
    "mutate", [flip_bytes, truncate, lose_the_beginning, cut_out, append, swap_blocks]
)
@PROPERTY
@given(rng=RANDOM)
def test_damaged_files(path, saved, mutate, rng):
    data = mutate(bytearray(saved), rng)
    assume(data != saved)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"estimator\.skimdb cannot be loaded: it is damaged"):
        skimdb.load(path)


@PROPERTY
@given(rng=RANDOM)
def test_damaged_archives_with_a_correct_checksum(path, saved, rng):
    start = saved.index(b"PK\x01\x02")  # the directory of the zip file
    data = bytearray(saved)
    for _ in range(3):
        data[rng.randrange(start, len(data) - 64)] ^= 1 << rng.randrange(8)
    path.write_bytes(seal(bytes(data)))
    loads_or_raises_value_error(path)


def loads_or_raises_value_error(path):
    """Check that loading returns an estimator, if the damage is harmless, or a clear error."""
    try:
        loaded = skimdb.load(path)
    except ValueError as error:
        assert "estimator.skimdb cannot be loaded: " in str(error)  # noqa: PT017
    else:
        assert isinstance(loaded, BaseEstimator)
        assert repr(loaded)


def nodes_of(plain):
    """Yield all containers within JSON."""
    yield plain
    for child in plain.values() if isinstance(plain, dict) else plain:
        if isinstance(child, (dict, list)) and child:
            yield from nodes_of(child)


STRANGE = [
    None,
    True,
    -1,
    0,
    2**70,
    1e308,
    "",
    "os.system",
    [],
    {},
    [[]],
    {"dict": [["a", 1]]},
    {"module": "os", "class_name": "system", "config": "true", "registered_name": None},
    {"array": "0.npy"},
    {"random_state": {}},
    {"class": "MultiHotVectorizer", "parameters": {}, "attributes": {}},
]


@PROPERTY
@given(rng=RANDOM)
def test_contents_with_a_strange_value(path, saved, rng):
    path.write_bytes(saved)
    contents, members = taken_apart(path)
    node = rng.choice(list(nodes_of(contents)))
    key = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
    if rng.random() < 0.2:
        del node[key]
    else:
        node[key] = copy.deepcopy(rng.choice(STRANGE))
    put_together(path, contents, members)
    loads_or_raises_value_error(path)


@PROPERTY
@given(rng=RANDOM)
def test_swapped_members(path, saved, rng):
    path.write_bytes(saved)
    contents, members = taken_apart(path)
    first, second = rng.sample(sorted(members), 2)
    members[first], members[second] = members[second], members[first]
    put_together(path, contents, members)
    loads_or_raises_value_error(path)


@PROPERTY
@given(rng=RANDOM)
def test_missing_member_is_named(path, saved, rng):
    path.write_bytes(saved)
    contents, members = taken_apart(path)
    lost = rng.choice(sorted(members))
    del members[lost]
    put_together(path, contents, members)
    with pytest.raises(ValueError, match=f"its member '{lost}' is missing, or used twice"):
        skimdb.load(path)


class Touch:
    """Write a file when unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def foreign_files():
    yield "empty", b""
    yield "text", b"text" * 100
    yield "pickle", pickle.dumps(Touch())
    yield "zeros", bytes(1000)
    yield "array", npy(np.zeros(3))


@pytest.mark.parametrize("content", dict(foreign_files()).values(), ids=dict(foreign_files()))
def test_foreign_files(path, content):
    for data in (content, seal(content + bytes(64))):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"estimator\.skimdb cannot be loaded: "):
            skimdb.load(path)


def test_foreign_archives(path):
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))
    for data in (path.read_bytes(), seal(path.read_bytes() + bytes(64))):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"estimator\.skimdb cannot be loaded: "):
            skimdb.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../outside", b"")
        archive.comment = bytes(64)
    path.write_bytes(seal(path.read_bytes()))
    with pytest.raises(ValueError, match=r"its member 'skimdb\.json' is missing"):
        skimdb.load(path)


def test_directory_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be loaded: it is not a regular file"):
        skimdb.load(tmp_path)


def test_pickle_in_place_of_an_array_is_not_run(path):
    skimdb.save(LogCountRatioScaler().fit(*make_features()), path)
    contents, members = taken_apart(path)
    for content in (pickle.dumps(Touch()), npy_of_objects()):
        put_together(path, contents, {**members, "0.npy": content})
        with pytest.raises(ValueError, match="an array has a header that is not plain"):
            skimdb.load(path)


def npy_of_objects():
    return npy(np.array([Touch(), 1], dtype=object))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{", b"\xff", b"[]", b"3", b"1" * 5000])
def test_contents_must_be_a_json_object(path, text):
    put_together(path, {}, {CONTENTS: text})
    with pytest.raises(ValueError, match=r"estimator\.skimdb cannot be loaded: "):
        skimdb.load(path)


def tampered(path, estimator, change):
    skimdb.save(estimator, path, optimizer_state=True)
    contents, members = taken_apart(path)
    change(contents["estimator"], members)
    put_together(path, contents, members)
    return path


def assert_refused(path, estimator, change, message):
    tampered(path, estimator, change)
    with pytest.raises(ValueError, match=message):
        skimdb.load(path)


def test_newer_format_is_refused_by_name(path):
    skimdb.save(MultiHotVectorizer(), path)
    contents, members = taken_apart(path)
    contents["format"] = 3
    contents["versions"]["skimdb"] = "7.0"
    put_together(path, contents, members)
    with pytest.raises(ValueError, match=r"written in format 3 by skimdb 7.0; .* formats up to 2"):
        skimdb.load(path)


def test_unused_member_is_refused(path):
    def add(estimator, members):
        members["more"] = b""

    assert_refused(path, MultiHotVectorizer(), add, r"members that nothing uses: \['more'\]")


@pytest.mark.parametrize("key", ["network", "children", "more"])
def test_unknown_keys_are_refused(path, key):
    def change(estimator, members):
        estimator[key] = {}

    message = rf"a MultiHotVectorizer has \['{key}'\], which skimdb\.save does not write"
    assert_refused(path, MultiHotVectorizer(), change, message)


@pytest.mark.parametrize("name", ["BaseEstimator", "os.system", "GridSearchCV", "__class__"])
def test_unknown_classes_are_refused(path, name):
    def rename(estimator, members):
        estimator["class"] = name

    assert_refused(path, MultiHotVectorizer(), rename, f"it holds a '{name}', which this version")


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("more", 1, "unexpected keyword argument 'more'"),
        ("skip_top", "1", "The 'skip_top' parameter of MultiHotVectorizer must be"),
        ("dtype", "O", "dtype must be a boolean, integer or floating type"),
        ("num_words", 2, "oov_char=2 must be below num_words=2"),
    ],
)
def test_parameters_are_checked_by_the_class(path, parameter, value, message):
    def change(estimator, members):
        estimator["parameters"][parameter] = value

    assert_refused(path, MultiHotVectorizer(), change, message)


@pytest.mark.parametrize("name", ["__class__", "transform", "_encode", "__dict__", "_"])
def test_unknown_attributes_are_refused(path, name):
    def change(estimator, members):
        estimator["attributes"][name] = 1

    assert_refused(path, MultiHotVectorizer(), change, f"has an attribute '{name}'")


@pytest.mark.parametrize("num_words", [0, -1, 2**31 + 1, 1.0, True, None])
def test_number_of_words_is_checked(path, num_words):
    def change(estimator, members):
        estimator["attributes"]["num_words_"] = num_words

    estimator = MultiHotVectorizer(None).fit([[1]])
    assert_refused(path, estimator, change, "num_words_ must be an integer from 1 to 2147483648")


WRONG_NGRAMS = {
    "must hold word indices of type int32, a row for each n-gram": [
        np.ones((2, 2)),
        np.array([[5, 0]]),
        np.array([5, 6], np.int32),
        np.empty((0, 2), np.int32),
        np.array([[5, -1]], np.int32),
        np.array([[0, 0]], np.int32),
        np.array([[0, 5]], np.int32),
    ],
    r"must have as many columns as ngram_range=\(1, 2\) says": [
        np.array([[5]], np.int32),
        np.array([[5, 6, 0]], np.int32),
    ],
    "must be sorted by the number of words, then by these, and without repeats": [
        np.array([[5, 0], [5, 0]], np.int32),
        np.array([[6, 0], [5, 0]], np.int32),
        np.array([[5, 6], [6, 0]], np.int32),
        np.array([[5, 0], [6, 7], [6, 6]], np.int32),
    ],
}


def as_rows(estimator, members, ngrams):
    """Change a vectorizer in a file to one of version 0.1.0 with these n-grams."""
    del estimator["attributes"]["ngram_table_"]
    estimator["attributes"]["ngrams_"] = {"array": "0.npy"}
    members.clear()
    members["0.npy"] = npy(ngrams)


@pytest.mark.parametrize(
    ("ngrams", "message"),
    [(ngrams, message) for message, cases in WRONG_NGRAMS.items() for ngrams in cases],
)
def test_ngrams_of_version_0_1_0_are_checked(path, ngrams, message):
    def change(estimator, members):
        as_rows(estimator, members, ngrams)

    estimator = MultiHotVectorizer(9, ngram_range=(1, 2)).fit([[5, 6], [6]])
    assert_refused(path, estimator, change, f"ngrams_ {message}")


def test_zeros_within_an_ngram_are_refused(path):
    def change(estimator, members):
        as_rows(estimator, members, np.array([[5, 0, 6]], np.int32))

    estimator = MultiHotVectorizer(9, ngram_range=(1, 3)).fit([[5, 6], [6]])
    assert_refused(path, estimator, change, "ngrams_ must have zeros only behind the words")


@given(
    st.lists(st.lists(st.integers(4, 9), min_size=1, max_size=3).map(tuple), min_size=1),
    st.booleans(),
)
def test_rows_of_ngrams_must_be_sorted(ngrams, tidy):
    if tidy:
        ngrams = sorted(set(ngrams), key=lambda words: (len(words), words))
    vectorizer = MultiHotVectorizer(9, ngram_range=(1, 3))
    rows = np.array([[*words, 0, 0][:3] for words in ngrams], np.int32)
    keys = [(len(words), words) for words in ngrams]
    if all(before < after for before, after in itertools.pairwise(keys)):
        check_ngrams(vectorizer, rows)
    else:
        with pytest.raises(ValueError, match="must be sorted"):
            check_ngrams(vectorizer, rows)


@pytest.mark.parametrize(
    ("level", "array", "message"),
    [
        (0, np.array([5, 5], np.int32), "must have sorted levels"),
        (0, np.array([6, 5], np.int32), "must have sorted levels"),
        (0, np.array([0, 6], np.int32), "has levels that do not belong together"),
        (0, np.array([-1, 6], np.int32), "has levels that do not belong together"),
        (0, np.array([5, 6]), "must have sorted levels"),
        (0, np.array([[5, 6]], np.int32), "must have sorted levels"),
        (0, np.array([], np.int32), "has levels that do not belong together"),
        (1, np.array([1, 0], np.uint64), "must have sorted levels"),
        (1, np.array([4], np.uint64), "has levels that do not belong together"),
        (1, np.array([2**64 - 1], np.uint64), "has levels that do not belong together"),
        (1, np.array([1], np.int64), "must have sorted levels"),
        (2, np.array([2], np.int32), "must have sorted positions of prefixes"),
        (2, np.array([-1], np.int32), "must have sorted positions of prefixes"),
        (2, np.array([0, 0], np.int32), "must have sorted positions of prefixes"),
        (2, np.array([0]), "must have sorted positions of prefixes"),
    ],
)
def test_table_of_ngrams_is_checked(path, level, array, message):
    def change(estimator, members):
        members[f"{level}.npy"] = npy(array)

    estimator = MultiHotVectorizer(9, ngram_range=(1, 2)).fit([[5, 6], [6]])
    assert_refused(path, estimator, change, f"ngram_table_ {message}")


def test_table_of_ngrams_must_have_as_many_levels_as_words(path):
    def change(estimator, members):
        estimator["parameters"]["ngram_range"] = {"tuple": [1, 3]}

    estimator = MultiHotVectorizer(9, ngram_range=(1, 2)).fit([[5, 6], [6]])
    assert_refused(path, estimator, change, "ngram_table_ must have 3 levels")


@pytest.mark.parametrize(
    "table",
    [
        [[5, 0], [5, 6]],
        {"tuple": []},
        3,
        {"dict": [["levels", {"tuple": []}]]},
        {"dict": [["levels", {"tuple": []}], ["prefixes", [3]]]},
        {"dict": [["levels", {"tuple": [1]}], ["prefixes", {"tuple": []}]]},
    ],
)
def test_ngrams_in_another_form_are_refused(path, table):
    def change(estimator, members):
        estimator["attributes"]["ngram_table_"] = table

    estimator = MultiHotVectorizer(9, ngram_range=(1, 2)).fit([[5, 6], [6]])
    assert_refused(path, estimator, change, "ngram_table_ must be an NGramTable")


def test_ngrams_of_an_earlier_fit_are_ignored(path):
    vectorizer = MultiHotVectorizer(9, ngram_range=(1, 2)).fit([[5, 6], [6]])
    vectorizer.set_params(ngram_range=(1, 1)).fit([[5, 6]])
    skimdb.save(vectorizer, path)
    assert skimdb.load(path).transform([[5]]).shape == (1, 9)


def test_unknown_dtype_is_named(path):
    with pytest.raises(TypeError, match=r"MultiHotVectorizer\.dtype"):
        skimdb.save(MultiHotVectorizer(dtype="no type"), path)


@pytest.mark.parametrize("output", ["numpy", 3, None, []])
def test_output_container_is_checked(path, output):
    def change(estimator, members):
        estimator["output"] = output

    assert_refused(path, MultiHotVectorizer(), change, "MultiHotVectorizer has the output")


@pytest.mark.parametrize("requests", [{"fit": {"more": True}}, {"fit": {"sample_weight": "a b"}}])
def test_metadata_requests_are_checked(path, requests):
    def change(estimator, members):
        estimator["requests"] = {"fit": {}, "partial_fit": {}, "score": {}} | requests

    assert_refused(path, LogCountRatioScaler(), change, "cannot be loaded: .*(has no|alias)")


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("n_features_in_", 19, r"in the shape \(19,\) of 2 classes and 19 features"),
        ("n_features_in_", 0, "n_features_in_ must be an integer from 1 on"),
        ("classes_", {"objects": [0, 1, 2]}, r"in the shape \(3, 20\) of 3 classes and 20 feat"),
        ("classes_", {"objects": [1, 0]}, "classes_ must be sorted and without repeats"),
        ("classes_", {"objects": [0, "a"]}, "classes_ must be sorted and without repeats"),
        ("classes_", [0, 1], "classes_ must hold at least two labels"),
        ("feature_names_in_", {"objects": ["a"]}, "must name each of n_features_in_ features"),
        ("feature_names_in_", {"objects": [1] * 20}, "must name each of n_features_in_ features"),
    ],
)
def test_attributes_of_the_scaler_are_checked(path, attribute, value, message):
    def change(estimator, members):
        before = estimator["attributes"].get(attribute)
        estimator["attributes"][attribute] = value
        if isinstance(before, dict) and "array" in before:
            del members[before["array"]]

    assert_refused(path, LogCountRatioScaler().fit(*make_features()), change, message)


@pytest.mark.parametrize(
    "ratio",
    [
        np.full(20, np.nan),
        np.zeros(19),
        np.zeros((20, 1)),
        np.zeros((2, 20)),
        np.zeros(20, int),
        np.array(["a"] * 20),
    ],
)
def test_ratios_are_finite_numbers_one_per_feature(path, ratio):
    def change(estimator, members):
        members[estimator["attributes"]["feature_log_count_ratio_"]["array"]] = npy(ratio)

    message = r"must hold finite numbers, in the shape \(20,\) of 2 classes and 20 features"
    assert_refused(path, LogCountRatioScaler().fit(*make_features()), change, message)


def test_missing_attribute_of_the_scaler_is_named(path):
    def change(estimator, members):
        del estimator["attributes"]["n_features_in_"]

    scaler = LogCountRatioScaler().fit(*make_features())
    assert_refused(path, scaler, change, "LogCountRatioScaler.n_features_in_ is missing")


@pytest.mark.parametrize("word_index", [3, {"dict": [["a", 0]]}, {"dict": [[1, 1]]}])
def test_ranks_are_checked(path, word_index):
    def change(estimator, members):
        estimator["attributes"]["word_index_"] = word_index

    encoder = WordIndexEncoder().fit(["a b"])
    assert_refused(path, encoder, change, "word_index_ must map words to ranks, integers from 1")


@pytest.mark.parametrize("frequency", [-1.0, "3", None, 3, {"float": "nan"}])
def test_frequency_of_words_is_checked(path, frequency):
    def change(estimator, members):
        estimator["attributes"]["word_frequency_"] = frequency

    encoder = CharacterEncoder(max_word_frequency=2).fit(["a b"])
    assert_refused(path, encoder, change, "word_frequency_ must be a number from 0 on")


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "must have names of their own"),
        ([["a", "passthrough"], ["a", None]], "must have names of their own"),
        ([["a"]], "not enough values"),
        ([[1, "passthrough"]], "cannot be loaded: "),
        ([["a", "other"]], "a step must be an estimator, got 'other'"),
        ([["a", 1]], "a step must be an estimator, got 1"),
    ],
)
def test_steps_are_checked(path, steps, message):
    def change(estimator, members):
        estimator["children"] = steps

    assert_refused(path, Pipeline([("a", "passthrough")]), change, message)


@pytest.mark.parametrize("depth", [11, 100, 10_000])
def test_deeply_nested_pipelines_are_refused(path, depth):
    skimdb.save(Pipeline([("a", "passthrough")]), path)
    contents, members = taken_apart(path)
    text = json.dumps(contents["estimator"])
    before, after = text.split('"passthrough"')
    contents["estimator"] = "HERE"
    text = json.dumps(contents).replace('"HERE"', before * depth + '"passthrough"' + after * depth)
    path.write_bytes(write_archive({CONTENTS: text.encode(), **members}))
    with pytest.raises(ValueError, match=f"estimators are nested {depth} deep|recursion"):
        skimdb.load(path)


def test_directory_of_a_cache_is_refused(path):
    def change(estimator, members):
        estimator["parameters"]["memory"] = "cache"

    message = "Pipeline.memory cannot be kept"
    assert_refused(path, Pipeline([("a", "passthrough")]), change, message)


CODE = {"module": "os", "class_name": "system", "config": "true", "registered_name": None}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("activation", CODE, "not a value that skimdb.save writes"),
        ("activation", {"dict": list(CODE.items())}, "activation must be a name to be kept"),
        ("activation", None, "activation must be a name to be kept"),
        ("callbacks", ["a"], "callbacks cannot be kept"),
    ],
)
def test_parameters_of_the_classifier_must_be_plain(path, key, value, message):
    def change(estimator, members):
        estimator["parameters"][key] = value

    assert_refused(path, DenseSentimentClassifier(), change, message)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (CODE, "it lacks 'optimizer'"),
        ("os.system", "optimizer is 'os.system'; those that can be kept are"),
        (["adam"], "cannot be loaded: "),
        ({"optimizer": "os.system", "config": {}}, "optimizer is 'os.system'; those that"),
        ({"optimizer": "sgd", "config": {"learning_rate": CODE}}, "an optimizer has the settings"),
        ({"optimizer": "sgd", "config": []}, "an optimizer has the settings"),
        ({"optimizer": "sgd", "config": {"more": 1}}, "more"),
        ({"optimizer_class": "Optimizer"}, "optimizer is 'Optimizer'; those that can be kept"),
    ],
)
def test_optimizer_must_be_one_of_keras_with_plain_settings(path, fitted, optimizer, message):
    def change(estimator, members):
        estimator["optimizer"] = optimizer

    def change_network(estimator, members):
        estimator["network"]["optimizer"] = optimizer

    assert_refused(path, DenseSentimentClassifier(), change, message)
    if not (isinstance(optimizer, dict) and "optimizer_class" in optimizer):
        assert_refused(path, fitted, change_network, "cannot be loaded: ")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("_seed", -1, "_seed must be an integer from 0 to 2147483647; got -1"),
        ("_seed", "1", "_seed must be an integer from 0 to"),
        ("_seed", 2**31, "_seed must be an integer from 0 to"),
        ("n_iter_", 2, "history_ must hold a number for each of n_iter_ epochs"),
        ("n_iter_", -1, "n_iter_ must be an integer from 0 on"),
        ("history_", [], "history_ must hold a number for each of n_iter_ epochs"),
        ("history_", {"dict": []}, "history_ must hold the loss"),
        ("history_", {"dict": [["loss", ["a"]]]}, "history_ must hold a number for each"),
        ("fit_method_", "exec", "fit_method_ must be 'arrays' or 'keras'"),
        ("best_epoch_", 2, "best_epoch_ must be an integer from 1 to 1"),
        ("n_features_in_", 21, "are not a network of 21 features and 2 classes"),
        ("n_features_in_", 2**40, "are not a network of 1099511627776 features"),
        (
            "classes_",
            {"objects": ["a", "b", "c"]},
            "are not a network of 20 features and 3 classes",
        ),
        ("classes_", {"objects": ["a"]}, "classes_ must hold at least two labels"),
    ],
)
def test_attributes_of_the_classifier_are_checked(path, fitted, name, value, message):
    def change(estimator, members):
        before = estimator["attributes"].get(name)
        estimator["attributes"][name] = value
        if isinstance(before, dict) and "array" in before:
            del members[before["array"]]

    assert_refused(path, fitted, change, message)


@pytest.mark.parametrize("name", ["classes_", "_seed", "n_features_in_", "history_", "n_iter_"])
def test_missing_attribute_of_the_classifier_is_named(path, fitted, name):
    def change(estimator, members):
        del estimator["attributes"][name]

    assert_refused(path, fitted, change, name)


def test_missing_network_is_refused(path, fitted):
    def change(estimator, members):
        del estimator["network"]
        members.clear()

    with pytest.raises(ValueError, match=r"cannot be loaded: its member '.*' is missing"):
        skimdb.load(tampered(path, fitted, change))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("activation", "os.system", "activation must be a name that Keras knows"),
        ("activation", CODE, "the network has the activation"),
        ("dropout", 1.0, "dropout=1.0"),
        ("dropout", 0.5, "are not a network of 20 features"),
        ("l1", -1.0, "l1=-1.0"),
        ("l2", {"float": "nan"}, "l2="),
        ("variables", [], "are not a network of 20 features"),
        ("variables", [1, 2], "a variable of the network is not an array"),
        ("optimizer_variables", [], "it has 0 arrays for 8 variables"),
    ],
)
def test_network_is_checked_before_it_is_built(path, fitted, name, value, message):
    def change(estimator, members):
        estimator["network"][name] = value

    assert_refused(path, fitted, change, message)


@pytest.mark.parametrize(
    ("index", "array", "message"),
    [
        (0, np.zeros((20, 0), np.float32), "are not a network"),
        (0, np.zeros((20, 4), np.float32), "are not a network"),
        (0, np.zeros((20, 3)), "the arrays of a network have the types"),
        (0, np.array(0, np.float32), "are not a network"),
        (0, np.full((20, 3), np.nan, np.float32), "has weights that are not finite"),
        (0, np.full((20, 3), np.inf, np.float16), "has weights that are not finite"),
        (1, np.array([0, 0, np.inf], np.float32), "has weights that are not finite"),
        (5, np.zeros(2, np.float32), "are not a network"),
    ],
)
def test_arrays_of_the_network_are_checked(path, fitted, index, array, message):
    def change(estimator, members):
        members[estimator["network"]["variables"][index]["array"]] = npy(array)

    assert_refused(path, fitted, change, message)


def test_messages_are_short(path, saved):
    path.write_bytes(saved)
    contents, members = taken_apart(path)
    contents["estimator"] = {"class": "Pipeline", "parameters": {"a": {"b" * 10**6: 1}}}
    put_together(path, contents, members)
    with pytest.raises(ValueError, match=r"not a value that skimdb\.save writes") as caught:
        skimdb.load(path)
    assert len(str(caught.value)) < 400 + len(str(path))


@pytest.mark.parametrize(
    ("index", "array", "message"),
    [
        (0, np.zeros((), np.float32), "variable 0 of the optimizer must be an array of shape"),
        (1, np.zeros(2, np.float32), "variable 1 of the optimizer must be an array of shape"),
        (2, np.zeros((20, 1), np.float32), r"variable 2 .* got \(20, 1\) and float32"),
        (2, np.zeros((20, 3)), r"variable 2 .* got \(20, 3\) and float64"),
    ],
)
def test_arrays_of_the_optimizer_are_checked(path, fitted, index, array, message):
    def change(estimator, members):
        members[estimator["network"]["optimizer_variables"][index]["array"]] = npy(array)

    assert_refused(path, fitted, change, message)


def test_number_of_arrays_of_the_optimizer_is_checked(path, fitted):
    def change(estimator, members):
        del members[estimator["network"]["optimizer_variables"].pop()["array"]]

    assert_refused(path, fitted, change, r"it has \d+ arrays for \d+ variables")
