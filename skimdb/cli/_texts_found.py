"""What ``skimdb fit`` finds in labelled texts before it trains on them."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from skimdb.datasets._values import short_repr
from skimdb.utils._tables import Table

# Below so many texts of a label, beyond such a ratio of labels, and beyond such a share of
# repeated texts, the user is told.
_FEW = 10
_IMBALANCE = 10
_MANY_REPEATS = 0.1
# Scripts with a smaller share of the letters are not named.
_SMALL_SHARE = 0.01
_MAX_LABELS = 20
# With a smaller share of blanks, there are none between words.
_FEW_BLANKS = 0.05


def text_key(text: str) -> str:
    """Return what is equal for texts that differ only in case and white space."""
    return " ".join(text.casefold().split())


def has_blanks(texts: Sequence[str]) -> bool:
    """Whether there are blanks between words, unlike in Chinese, Japanese and Thai."""
    n_blanks = sum(text.count(" ") for text in texts)
    return n_blanks >= _FEW_BLANKS * sum(map(len, texts))


def check_labels(keys: Sequence[str], labels: Sequence[str], name: str) -> None:
    """Raise a ValueError unless there are several labels, and different keys of texts for each."""
    counts = Counter(labels)
    if len(counts) < 2 or len(counts) > len(labels) / 2:
        shown = ", ".join(short_repr(label) for label, _ in counts.most_common(5))
        more = ", ..." if len(counts) > 5 else ""
        raise ValueError(
            f"{name} must have two labels or more, and several texts for each; labels found in "
            f"{len(labels):,} texts: {len(counts):,} ({shown}{more})"
        )
    different = defaultdict(set)
    for key, label in zip(keys, labels, strict=True):
        different[label].add(key)
    for label, found in different.items():
        if len(found) < 2:
            raise ValueError(
                f"{name} must have at least two different texts for each label, has one for "
                f"{short_repr(label)}"
            )
    first_labels = dict(zip(reversed(keys), reversed(labels), strict=True)).values()
    if max(Counter(first_labels).values()) < 3:
        raise ValueError(
            f"{name} must have at least three different texts for one of its labels; a text that "
            "is repeated counts for its first label"
        )


def found_table(
    texts: Sequence[str], keys: Sequence[str], labels: Sequence[str], name: str
) -> Table:
    """Return the numbers of texts and labels, and what the texts are like."""
    n_texts, counts = len(texts), Counter(labels)
    rows = [["Texts", f"{n_texts:,}"]]
    for label, count in counts.most_common(_MAX_LABELS):
        rows.append([f"  labelled {label}", f"{count:,} ({count / n_texts:.1%})"])
    if len(counts) > _MAX_LABELS:
        rows.append([f"  and {len(counts) - _MAX_LABELS:,} more labels", ""])
    length = f"{median(map(len, texts)):,.0f} characters"
    if has_blanks(texts):
        length = f"{median(len(text.split()) for text in texts):,.0f} words, {length}"
    rows.append(["Median length", length])
    shares = _script_shares(texts)
    if any(script != "Latin" for script in shares):
        rows.append(["Scripts", ", ".join(f"{name} {share:.0%}" for name, share in shares.items())])
    rows.append(["Repeated texts", f"{_n_repeats(keys):,}"])
    return Table(["Found in", name], rows)


def found_notes(keys: Sequence[str], labels: Sequence[str], *, is_balanced: bool) -> Iterator[str]:
    """Yield warnings of what may make the model worse."""
    counts = Counter(labels)
    few = [f"{label} ({count})" for label, count in sorted(counts.items()) if count < _FEW]
    if few:
        yield f"fewer than {_FEW} texts are labelled {', '.join(few)}"
    if not is_balanced and max(counts.values()) > _IMBALANCE * min(counts.values()):
        yield (
            f"the most frequent label has more than {_IMBALANCE} times the texts of the rarest; "
            "--class-weight balanced gives all labels the same weight"
        )
    n_repeats = _n_repeats(keys)
    if n_repeats > _MANY_REPEATS * len(keys):
        yield f"{n_repeats:,} of {len(keys):,} texts repeat another one, and count again each time"
    labels_of = defaultdict(set)
    for key, label in zip(keys, labels, strict=True):
        labels_of[key].add(label)
    n_contradictory = sum(len(found) > 1 for found in labels_of.values())
    if n_contradictory:
        yield f"texts that occur with several labels: {n_contradictory:,}"


def _n_repeats(keys: Sequence[str]) -> int:
    return len(keys) - len(set(keys))


def _script_shares(texts: Sequence[str]) -> dict[str, float]:
    """Return the shares of scripts in the letters of texts, the largest first."""
    characters: Counter[str] = Counter()
    for text in texts:
        characters.update(text)
    scripts: Counter[str] = Counter()
    for character, count in characters.items():
        if character.isalpha():
            script = unicodedata.name(character, "other").split()[0]
            scripts[{"CJK": "Chinese"}.get(script, script.capitalize())] += count
    n_letters = scripts.total()
    return {
        script: count / n_letters
        for script, count in scripts.most_common()
        if count >= _SMALL_SHARE * n_letters
    }
