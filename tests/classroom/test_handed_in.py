"""Whatever is handed in becomes a clean notebook, or a sentence that says why not."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attacks
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swinlib.classroom import handed_in
from swinlib.classroom.handed_in import (
    Cell,
    Kind,
    NotGradableError,
    NothingThereError,
    clean_notebook,
    code_cells,
    defined,
    exercise_of,
    is_own,
    list_folder,
    printable,
    read_file,
    solution_name,
    student_name,
)
from swinlib.classroom.pages import assignment_notebook, read_page, released

HERE = Path(__file__).resolve().parent
SECONDS = 5  # of a processor, for one hand-in


PAGE = read_page(HERE.parents[1] / "book" / "exercises" / f"{attacks.PAGE}.ipynb")
RELEASED = released(assignment_notebook(PAGE))
NAMES = [exercise.name for exercise in PAGE.exercises]
PARSED = json.loads(nbformat.writes(RELEASED))
HOSTILE = [*attacks.EDITED, *attacks.RAW, *attacks.BESIDE, *attacks.STUDENTS]


def answers(notebook):
    return {name: cell.source for cell in notebook.cells if (name := solution_name(cell))}


def code_of(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def given_out(notebook):
    """All that is not the student's."""
    return [
        (cell.cell_type, cell.metadata, None if solution_name(cell) else cell.source)
        for cell in notebook.cells
        if not is_own(cell)
    ]


def clean(*cells):
    return clean_notebook(RELEASED, [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells])


def taken(folder, *parts):
    """A hand-in's clean notebook, in the form in which it is written."""
    data, _ = read_file(folder, *parts)
    return clean_notebook(RELEASED, code_cells(data))


def attempt(function, *arguments):
    """What it returns, or else the sentence that says why there is nothing."""
    try:
        return function(*arguments), None
    except NotGradableError as error:
        return None, str(error)


# Hostile hand-ins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.name)
def test_a_hostile_hand_in_becomes_clean_or_is_refused(attack, tmp_path):
    folder = tmp_path / "someone" / attacks.PAGE
    folder.mkdir(parents=True)
    (folder / f"{attacks.PAGE}.ipynb").write_bytes(attacks.submission(attack, PARSED))
    if attack.beside:
        attack.beside(folder)
    started = time.process_time()
    notebook, reason = attempt(taken, tmp_path, "someone", attacks.PAGE, f"{attacks.PAGE}.ipynb")
    assert time.process_time() - started < SECONDS
    if notebook is None:
        assert reason.endswith(".")
        assert reason.isprintable()
        assert not any((attack.deserves or {}).values())
        return
    nbformat.validate(notebook)
    written = nbformat.writes(notebook).encode()  # text that UTF-8 has
    assert sorted(map(str, given_out(notebook))) == sorted(map(str, given_out(RELEASED)))
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")
    assert clean_notebook(RELEASED, code_cells(written)) == notebook
    for name, share in (attack.deserves or {}).items():
        if share == 1:
            assert answers(notebook)[name] in (attack.cells[name], attack.cells[name] + "\n")


@pytest.mark.parametrize("attack", attacks.STUDENTS, ids=lambda attack: attack.name)
def test_a_students_name_is_harmless_or_refused(attack):
    name, reason = attempt(student_name, attack.student)
    if name is None:
        assert reason.isprintable()
        return
    assert attack.name in {"student_other_case", "student_other_letters", "student_decomposed"}
    assert name[0] not in "=+-@."
    assert not set(name) & set("*?[]{}%/\\,;\"'<> \n")


@pytest.mark.parametrize("name", ["alice", "O.Connor-2", "a@b.example", "жанна", "王小明", "प्रिया", "x" * 64, "7"])
def test_names_of_people_are_taken(name):
    assert student_name(name) == name


def test_a_name_has_one_spelling():
    assert student_name("zoe\u0308") == student_name("zo\u00eb") == "zo\u00eb"
    assert student_name("o\u2019brien") == student_name("o'brien") == "o'brien"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "_x", "a/b", "a\0", "x" * 65, "\U00020000" * 64, "\udcff", "\u0301a", "'a"]
)
def test_other_names_are_refused(name):
    with pytest.raises(NotGradableError):
        student_name(name)


@given(st.text(max_size=80))
def test_a_name_is_refused_in_printable_words(text):
    name, reason = attempt(student_name, text)
    assert (name or reason).isprintable()


def test_printable_text_has_no_control_characters():
    assert printable("a\x1b[2J\n\udcff\u202eb é") == "a\\x1b[2J\\n\\udcff\\u202eb é"


# Files ----------------------------------------------------------------------------------------------------------


def test_a_file_is_read_with_the_time_of_its_last_change(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"{}")
    os.utime(path, (0, 0))  # what a student can set
    data, when = read_file(tmp_path, "a.ipynb")
    assert data == b"{}"
    assert abs(when - datetime.now(UTC)) < timedelta(minutes=1)


def a_link(path):
    (path.parent / "other").write_bytes(b"{}")
    path.symlink_to("other")


def a_folder(path):
    path.mkdir()


def a_pipe(path):
    os.mkfifo(path)


def a_device(path):
    path.symlink_to("/dev/zero")


def a_hard_link(path):
    (path.parent / "other").write_bytes(b"{}")
    path.hardlink_to(path.parent / "other")


def a_large_file(path):
    with open(path, "wb") as file:
        file.truncate(handed_in.MAX_FILE + 1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (a_link, "link"),
        (a_hard_link, "hard link"),
        (a_folder, "folder"),
        (a_pipe, "not a plain file"),
        (a_device, "link"),
        (a_large_file, "20 MB"),
    ],
)
def test_what_is_no_notebook_is_not_opened(tmp_path, make, said):
    (tmp_path / "alice").mkdir()
    make(tmp_path / "alice" / "a.ipynb")
    with pytest.raises(NotGradableError, match=said) as caught:
        read_file(tmp_path, "alice", "a.ipynb")
    assert not isinstance(caught.value, NothingThereError)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "a.ipynb").write_bytes(b"{}")
    (tmp_path / "mallory").symlink_to("alice")
    assert read_file(tmp_path, "alice", "a.ipynb")[0] == b"{}"
    with pytest.raises(NotGradableError, match="link"):
        read_file(tmp_path, "mallory", "a.ipynb")


def test_the_teachers_own_folder_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.ipynb").write_bytes(b"{}")
    (tmp_path / "link").symlink_to("real")
    assert read_file(tmp_path / "link", "a.ipynb")[0] == b"{}"


def test_what_is_not_there_is_told_apart(tmp_path):
    with pytest.raises(NothingThereError):
        read_file(tmp_path, "alice", "a.ipynb")


def test_a_folder_is_listed_and_no_link_is_followed(tmp_path):
    (tmp_path / "ann" / "deep").mkdir(parents=True)
    (tmp_path / "ann" / "a.ipynb").write_bytes(b"{}")
    (tmp_path / "ann" / "here").symlink_to(".")
    assert list_folder(tmp_path, "ann", most=3) == [
        ("a.ipynb", Kind.FILE),
        ("deep", Kind.FOLDER),
        ("here", Kind.LINK),
    ]
    with pytest.raises(NotGradableError, match="more than 2 files"):
        list_folder(tmp_path, "ann", most=2)
    with pytest.raises(NotGradableError, match="link"):
        list_folder(tmp_path, "ann", "here", most=3)
    with pytest.raises(NotGradableError, match="link"):
        list_folder(tmp_path, "ann", "here", "deep", most=3)
    with pytest.raises(NothingThereError):
        list_folder(tmp_path, "bob", most=3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(tmp_path):
    (tmp_path / "a.ipynb").write_bytes(b"{}")
    (tmp_path / "a.ipynb").chmod(0)
    with pytest.raises(NotGradableError, match="may not be read"):
        read_file(tmp_path, "a.ipynb")


def test_no_file_stays_open(tmp_path):
    (tmp_path / "alice" / "folder").mkdir(parents=True)
    os.mkfifo(tmp_path / "alice" / "pipe")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("folder", "pipe", "nothing"):
        with pytest.raises(NotGradableError):
            read_file(tmp_path, "alice", name)
    for name in ("pipe", "nothing"):
        with pytest.raises(NotGradableError):
            list_folder(tmp_path, "alice", name, most=9)
    list_folder(tmp_path, "alice", most=2)
    assert len(os.listdir("/proc/self/fd")) == before


# Cells ----------------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
odd_cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.just("code") | json_values,
        "source": st.text() | st.lists(st.text()) | json_values,
        "metadata": json_values | st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": json_values})}),
    },
)


@given(st.binary(max_size=200))
def test_any_bytes_are_cells_or_refused(data):
    cells, _ = attempt(code_cells, data)
    assert cells is None or all(isinstance(cell, Cell) for cell in cells)


@given(json_values | st.fixed_dictionaries({"cells": st.lists(odd_cells | json_values, max_size=6)}))
def test_any_json_is_a_clean_notebook_or_refused(value):
    cells, _ = attempt(code_cells, json.dumps(value).encode())
    if cells is None:
        return
    notebook = clean_notebook(RELEASED, cells)
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode()
    assert given_out(notebook) == given_out(RELEASED)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"cells": [' + b'{"cell_type": "code", "source": "x"},' * 2001 + b"0]}", "2001 code cells"),
        (b'{"cells": [{"cell_type": "code", "source": "' + b"x" * 200_001 + b'"}]}', "200001 characters"),
        (b'{"cells": [' + b'{"cell_type": "code", "source": "%s"},' % (b"x" * 200_000) * 6 + b"0]}", "1200000 char"),
        (b'{"cells": [' + b"[]," * 1_000_001 + b"0]}", "1000000 parts"),
        (b'{"cells": [], "x": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_more_than_anybody_writes_is_refused(data, said):
    with pytest.raises(NotGradableError, match=said):
        code_cells(data)


def test_outputs_and_text_and_empty_cells_are_left_behind():
    cells = [
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "source": " \n"},
        {"cell_type": "code", "source": ["a = 1\r\n", "b = 2"], "outputs": [{"output_type": "error"}]},
    ]
    assert code_cells(json.dumps({"cells": cells}).encode()) == [Cell("a = 1\nb = 2")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_of_json_are_read(encoding):
    text = json.dumps({"cells": [{"cell_type": "code", "source": "x = 'é😀'"}]}, ensure_ascii=False)
    assert code_cells(text.encode(encoding)) == [Cell("x = 'é😀'")]


def test_another_encoding_is_told():
    with pytest.raises(NotGradableError, match="not in UTF-8, nor in UTF-16"):
        code_cells('{"cells": [{"cell_type": "code", "source": "é"}]}'.encode("latin-1"))


def format_3(*cells):
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}).encode()


def test_a_notebook_of_format_3_is_read():
    cell = {"cell_type": "code", "language": "python", "input": ["a = 1\n", "b = 2"], "outputs": [{"png": 1}]}
    named = {**cell, "metadata": {"nbgrader": {"grade_id": "roll"}}, "prompt_number": 3}
    data = format_3({"cell_type": "heading", "level": 1, "source": "Text"}, cell, named)
    assert code_cells(data) == [Cell("a = 1\nb = 2"), Cell("a = 1\nb = 2", "roll")]


def test_what_nbformat_wrote_in_format_3_is_read():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("def roll(): pass")])
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="x")]
    assert code_cells(nbformat.writes(notebook, version=3).encode()) == [Cell("def roll(): pass")]


@pytest.mark.parametrize(
    "data", [b'{"worksheets": 1}', b'{"worksheets": [{"cells": [1]}]}', format_3({"cell_type": "code", "metadata": 3})]
)
def test_a_broken_notebook_of_format_3_is_refused_or_empty(data):
    cells, reason = attempt(code_cells, data)
    assert cells == [] or "of format 3" in reason


@given(
    st.fixed_dictionaries({"worksheets": json_values | st.lists(st.fixed_dictionaries({"cells": st.lists(odd_cells)}))})
)
def test_any_notebook_of_format_3_is_read_or_refused(value):
    cells, _ = attempt(code_cells, json.dumps(value).encode())
    assert cells is None or all(isinstance(cell, Cell) for cell in cells)


def test_a_large_notebook_of_format_3_takes_no_longer():
    before = time.process_time()
    with pytest.raises(NotGradableError, match="150000 code cells"):
        code_cells(format_3(*[{"cell_type": "code", "input": "x"}] * 150_000))
    assert time.process_time() - before < SECONDS


def test_a_notebook_of_colab_is_read():
    cell = {
        "cell_type": "code",
        "source": ['#@title Roll { display-mode: "form" }\n', "def roll(): pass"],
        "metadata": {"id": "aB3", "cellView": "form", "colab": {"base_uri": "x"}, "outputId": "7"},
        "execution_count": 5,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["out"]}],
    }
    metadata = {
        "colab": {"provenance": [], "toc_visible": True},
        "accelerator": "GPU",
        "kernelspec": {"name": "python3"},
    }
    notebook = {"nbformat": 4, "nbformat_minor": 0, "metadata": metadata, "cells": [cell]}
    [taken] = code_cells(json.dumps(notebook).encode())
    assert taken == Cell("".join(cell["source"]))
    assert answers(clean(taken))["roll"] == taken.source


def test_text_that_utf8_does_not_have_is_replaced():
    [cell] = code_cells(json.dumps({"cells": [{"cell_type": "code", "source": "\ufeffx\ud800\0 = '😀'"}]}).encode())
    assert cell.source == "x?\ufffd = '😀'"


# The clean notebook ---------------------------------------------------------------------------------------------


def test_nothing_handed_in_is_the_released_notebook():
    assert clean() == RELEASED
    assert clean(*code_of(RELEASED)) == RELEASED


@pytest.mark.parametrize(
    "source",
    [
        "def roll(x, shift):\n    return x",
        "import torch\n\n@torch.no_grad()\ndef  roll (x, shift): return x",
        "async def roll(x, shift):\n    return x",
        "class roll:\n    pass",
        "roll = lambda x, shift: x",
        "roll: object = None",
        "def roll(x, shift)\n    return x",
    ],
)
def test_what_defines_an_exercise_is_its_answer(source):
    notebook = clean(source)
    assert answers(notebook) == answers(RELEASED) | {"roll": source}
    assert given_out(notebook) == given_out(RELEASED)
    assert len(notebook.cells) == len(RELEASED.cells)


@pytest.mark.parametrize("source", ["    def roll(): pass", "roll == 3", "x = roll", "rolling = 1", "unroll = 2"])
def test_what_does_not_define_it_is_none(source):
    assert "roll" not in defined(source)


def test_the_last_definition_is_shown_as_the_answer():
    notebook = clean("def roll():\n    return 1", "def region_labels(): pass", "def roll():\n    return 2")
    assert answers(notebook)["roll"] == "def roll():\n    return 2"
    assert answers(notebook)["region_labels"] == "def region_labels(): pass"
    assert code_of(notebook)[1:3] == ["def roll():\n    return 1", "def region_labels(): pass"]


def test_own_cells_stand_in_front_of_the_answer_that_followed_them():
    notebook = clean("a = 1", "def roll(): pass", "b = 2", "c = 3", "def region_labels(): pass", "d = 4")
    code = code_of(notebook)
    assert code[1:3] == ["a = 1", "def roll(): pass"]
    at = code.index("def region_labels(): pass")
    assert code[at - 2 : at] == ["b = 2", "c = 3"]
    own = [cell for cell in notebook.cells if is_own(cell)]
    assert [(cell.source, exercise_of(cell)) for cell in own] == [
        ("a = 1", "roll"),
        ("b = 2", "region_labels"),
        ("c = 3", "region_labels"),
        ("d = 4", None),
    ]


def test_a_cell_that_defines_nothing_is_known_by_its_name():
    guarded = "if True:\n    def roll(): pass"
    assert answers(clean(Cell(guarded, "roll")))["roll"] == guarded
    assert answers(clean("def roll(): pass", Cell("x = 1", "roll")))["roll"] == "def roll(): pass"


def test_of_cells_with_the_same_name_the_last_is_the_answer():
    notebook = clean(Cell("x = 1", "roll"), "def region_labels(): pass", Cell("y = 2", "roll"))
    assert answers(notebook)["roll"] == "y = 2"
    code = code_of(notebook)
    assert code[code.index("x = 1") + 1] == "def region_labels(): pass"


def test_an_answer_beside_its_cell_counts_and_the_stub_does_not():
    notebook = clean("def roll(): pass", *code_of(RELEASED))
    assert answers(notebook)["roll"] == "def roll(): pass"
    assert len(notebook.cells) == len(RELEASED.cells)


def test_answers_in_one_cell_stay_in_one_cell():
    notebook = clean("def cyclic_shift(): pass\n\ndef roll(): pass")
    assert answers(notebook)["roll"].startswith("def cyclic_shift")
    assert answers(notebook)["cyclic_shift"] == "# cyclic_shift is defined further up."


def test_an_edited_check_is_one_more_cell():
    notebook = clean("def roll(): pass", "check.roll(lambda x, shift: x)  # mine")
    assert [cell.source for cell in notebook.cells if is_own(cell)] == ["check.roll(lambda x, shift: x)  # mine"]
    assert "check.roll(roll)" in code_of(notebook)


cells_that_define = st.lists(st.sets(st.sampled_from(NAMES), max_size=3).map(sorted), max_size=12)


@given(cells_that_define)
def test_a_students_cells_keep_their_order(cells):
    sources = [f"# {i}\n" + "\n".join(f"{name} = {i}" for name in names) for i, names in enumerate(cells)]
    notebook = clean(*sources)
    assert [source for source in code_of(notebook) if source in sources] == sources
    for name, source in answers(notebook).items():
        if any(name in names for names in cells):
            assert source in sources or source == f"# {name} is defined further up."
        else:
            assert source == answers(RELEASED)[name]


@given(st.permutations(code_of(RELEASED)), st.data())
def test_released_cells_keep_the_order_in_which_they_are_handed_in(cells, data):
    answered = [f"def {data.draw(st.sampled_from(NAMES))}(): pass" for _ in range(2)]
    for answer in answered:
        cells.insert(data.draw(st.integers(0, len(cells))), answer)
    kept = code_of(clean(*cells))
    begun = set(answers(RELEASED).values())
    assert [source for source in kept if source in cells and source not in begun] == [
        source for source in cells if source not in begun
    ]
    for name in NAMES:  # nothing undoes an answer
        own = [i for i, source in enumerate(kept) if source == f"def {name}(): pass"]
        stub = [i for i, source in enumerate(kept) if source == answers(RELEASED)[name]]
        assert not own or all(i < own[0] for i in stub)


@given(cells_that_define)
def test_cleaning_a_clean_notebook_changes_nothing(cells):
    sources = [f"# {i}\n" + "\n".join(f"{name} = {i}" for name in names) for i, names in enumerate(cells)]
    notebook = clean(*sources)
    assert clean_notebook(RELEASED, code_cells(nbformat.writes(notebook).encode())) == notebook


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 2)), max_size=8))
def test_cells_keep_their_order_where_answers_come_in_the_order_of_the_exercises(drawn):
    sources = []
    for i, (name, own) in enumerate(sorted(dict(drawn).items(), key=lambda item: NAMES.index(item[0]))):
        sources += [f"own_{i}_{j} = 1" for j in range(own)] + [f"def {name}(): pass"]
    kept = [source for source in code_of(clean(*sources)) if source in sources]
    assert kept == sources
