"""Read labelled texts from files of all kinds and from folders, and texts to predict."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from skimdb.datasets._columns import (
    LABEL,
    TEXT,
    MissingValues,
    check_text,
    choose_columns,
    label_text,
)
from skimdb.datasets._files import (
    DEFAULT_OPTIONS,
    STANDARD_INPUT,
    FileOptions,
    Table,
    as_list,
    files_below,
    note_left_out,
    open_table,
    read_text,
    tables_below,
    underscored_below,
)

_ROWS_PER_BATCH = 1000


class LabelledTexts(NamedTuple):
    """Texts, their labels as text, and what was found out about the files."""

    texts: list[str]
    labels: list[str]
    notes: list[str]


def load_labelled_texts(
    path: Path,
    *,
    file: BinaryIO | None = None,
    text: str | None = None,
    label: str | None = None,
    missing: str = "error",
    options: FileOptions = DEFAULT_OPTIONS,
) -> LabelledTexts:
    """Read texts and their labels.

    Parameters
    ----------
    path : Path
        A file of any format that has columns, or a folder. All files below a folder that have such
        a format are read, as if they were one. If there are none, each sub-folder is a label, and
        each file below it is a text. Names that start with a dot or an underscore are skipped.
    file : file of bytes, default=None
        Standard input, to read instead of `path`.
    text, label : str, default=None
        The columns. By default "text" and "label", else the only one with a usual name.
    missing : {"error", "drop"}, default="error"
        What to do with rows that have no text or label, or a blank one.
    options : FileOptions, default=FileOptions()
        How to read the files.
    """
    given = {TEXT: text, LABEL: label}
    missing_values = MissingValues()
    notes: list[str] = []
    if file is None and path.is_dir():
        paths, notes = tables_below(path, options)
        if not paths or options.format_of(paths[0].name).name == "txt":
            if text is not None or label is not None:
                raise ValueError(
                    f"text and label must not be given, since the files below {path} have no "
                    "columns"
                )
            return _read_label_folders(path, missing, options)
    else:
        paths = [path]
    texts: list[str] = []
    labels: list[str] = []
    for a_path in paths:
        with open_table(a_path, options, file=file) as table:
            _check_has_labels(table)
            columns, found = choose_columns(table, given)
            given = dict(zip(given, columns, strict=True))  # those of the first file
            notes += (f"{table.name}: {note}" for note in [*table.notes, *found])
            for a_text, a_label in _labelled_rows(table, columns, missing_values):
                texts.append(a_text)
                labels.append(a_label)
    name = str(path) if file is None else STANDARD_INPUT
    return _finish(texts, labels, notes, missing_values, missing, name)


def _check_has_labels(table: Table) -> None:
    if table.is_plain_text:
        raise ValueError(
            f"{table.name} is plain text, which has no labels; if it has columns, say what "
            "separates them with --sep, such as --sep tab"
        )


def _labelled_rows(
    table: Table, columns: Sequence[str], missing_values: MissingValues
) -> Iterator[tuple[str, str]]:
    text, label = columns
    for arrays, numbers in table.batches(columns, _ROWS_PER_BATCH):
        texts, labels = map(as_list, arrays)
        is_complete = missing_values.find_complete(
            table.where, numbers, {text: texts, label: labels}
        )
        for number, a_text, a_label, complete in zip(
            numbers, texts, labels, is_complete, strict=True
        ):
            if complete:
                where = table.where(number)
                yield check_text(a_text, text, where), label_text(a_label, label, where)


def _read_label_folders(path: Path, missing: str, options: FileOptions) -> LabelledTexts:
    texts: list[str] = []
    labels: list[str] = []
    left_out: list[Path] = []
    missing_values = MissingValues()
    for file in files_below(path):
        label, *rest = file.relative_to(path).parts
        if not rest:
            left_out.append(file)
            continue
        text = read_text(file, options)
        if all(missing_values.find_complete([str(file)].__getitem__, [0], {TEXT: [text]})):
            texts.append(text)
            labels.append(label)
    if not texts and not missing_values:
        raise ValueError(
            f"{path} must have files with columns, or a sub-folder of texts for each label, but "
            "has neither"
        )
    notes = note_left_out(sorted([*left_out, *underscored_below(path)]), path)
    return _finish(texts, labels, notes, missing_values, missing, str(path))


def _finish(
    texts: list[str],
    labels: list[str],
    notes: list[str],
    missing_values: MissingValues,
    missing: str,
    name: str,
) -> LabelledTexts:
    if missing_values:
        if missing == "error":
            raise missing_values.error(of_all_rows=True)
        notes = [*notes, f"{name}: {missing_values}; these rows are left out"]
    if not texts:
        raise ValueError(f"{name} has no texts")
    return LabelledTexts(
        texts, labels, [*notes, *(f"{name}: {note}" for note in _notes_on_case(labels))]
    )


def _notes_on_case(labels: list[str]) -> Iterator[str]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label, count in Counter(labels).items():
        groups[label.casefold()].append(f"{label!r} ({count:,})")
    for group in groups.values():
        if len(group) > 1:
            yield f"labels that differ only by case: {', '.join(group)}"
