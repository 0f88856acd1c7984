"""``book/store.py`` stores the same bytes twice, and nothing at all when a notebook fails."""

import json
import os
import textwrap

import nbformat
import pytest
import rules
import store
from nbformat import v4

SOURCES = {
    "stream": """
        import sys
        for i in range(3):
            print(i, flush=True)
            sys.stdout.write("")
        """,
    "picture": """
        import matplotlib.pyplot as plt
        fig, ax = plt.subplots(figsize=(2, 2))
        ax.plot([0, 1])
        plt.show()
        """,
    "widget": """
        class Figure:
            def _repr_mimebundle_(self, include=None, exclude=None):
                import uuid
                view = {"version_major": 2, "version_minor": 0, "model_id": uuid.uuid4().hex}
                return {
                    "application/vnd.jupyter.widget-view+json": view,
                    "text/html": "<figure>drawn</figure>",
                    "text/plain": "Figure()",
                }

        Figure()
        """,
    "slider": """
        import ipywidgets
        slider = ipywidgets.IntSlider(3)
        slider
        """,
    "error": f"""
        import sys
        sys.path.insert(0, {str(store.BOOK)!r})
        import store
        store.find_notebooks(["no such chapter"])
        """,
    "library error": """
        import json
        json.loads("{")
        """,
    "folder": """
        import os
        print(os.path.basename(os.getcwd()), os.path.exists("beside.txt"))
        """,
}
TAGS = {"error": ["raises-exception"], "library error": ["raises-exception"]}


def write_notebook(path, sources=SOURCES):
    """Write a notebook that was never run."""
    cells = [
        v4.new_code_cell(textwrap.dedent(source).strip(), id=name.replace(" ", "-"), metadata={"tags": TAGS[name]})
        if name in TAGS
        else v4.new_code_cell(textwrap.dedent(source).strip(), id=name.replace(" ", "-"))
        for name, source in sources.items()
    ]
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def outputs_of(path):
    """Return each cell's outputs by the cell's id."""
    return {cell.id: cell.get("outputs", []) for cell in nbformat.read(path, as_version=4).cells}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A notebook that was stored once, and its bytes after the first and the second time."""
    folder = tmp_path_factory.mktemp("chapter")
    (folder / "beside.txt").write_text("here")
    path = write_notebook(folder / "a.ipynb")
    assert store.store(path)
    first = path.read_bytes()
    changed = store.store(path)
    return path, first, path.read_bytes(), changed


@pytest.mark.slow
def test_running_it_twice_changes_nothing(stored):
    _, first, second, changed = stored
    assert first == second
    assert changed is False


@pytest.mark.slow
def test_stores_outputs_that_keep_the_rules(stored):
    notebook = nbformat.read(stored[0], as_version=4)
    assert rules.every_cell_was_run_in_order(notebook) == []
    assert rules.is_as_stored(notebook) == []


@pytest.mark.slow
def test_runs_with_one_thread(tmp_path, monkeypatch):
    """Or what a notebook trains would differ between two machines of the same kind."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import torch; torch.get_num_threads()")])
    (cell,) = store.run(notebook, tmp_path, timeout=60).cells
    assert cell.outputs[0].data["text/plain"] == "1"


@pytest.mark.slow
def test_runs_in_the_folder_of_the_notebook(stored):
    path = stored[0]
    assert outputs_of(path)["folder"][0].text == f"{path.parent.name} True\n"


def test_joins_a_stream_into_one_output(stored):
    (output,) = outputs_of(stored[0])["stream"]
    assert output.text == "0\n1\n2\n"


def test_stores_the_picture(stored):
    (output,) = outputs_of(stored[0])["picture"]
    assert "image/png" in output.data


def test_drops_the_view_of_a_widget_and_keeps_what_pages_show(stored):
    (output,) = outputs_of(stored[0])["widget"]
    assert output.data == {"text/html": "<figure>drawn</figure>", "text/plain": "Figure()"}
    (output,) = outputs_of(stored[0])["slider"]
    assert set(output.data) == {"text/plain"}
    assert "widgets" not in nbformat.read(stored[0], as_version=4).metadata


@pytest.mark.parametrize("name", ["error", "library-error"])
def test_keeps_no_folder_of_this_machine(stored, name):
    (output,) = outputs_of(stored[0])[name]
    traceback = "\n".join(output.traceback)
    assert f"{store.BOOK.parent}/book/store.py" not in traceback
    assert os.path.dirname(os.path.dirname(json.__file__)) not in traceback
    expected = "book/store.py" if name == "error" else "/json/decoder.py"
    assert expected in traceback


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("File /opt/env/lib/python3.12/site-packages/torch/nn/f.py:3", "File site-packages/torch/nn/f.py:3"),
        (
            "\x1b[32m~/env/lib/python3.12/site-packages/torch/f.py:3\x1b[39m",
            "\x1b[32msite-packages/torch/f.py:3\x1b[39m",
        ),
        ("File /usr/lib/python3/dist-packages/a.py", "File dist-packages/a.py"),
        ("File /usr/lib/python3.11/json/decoder.py", "File lib/python3.11/json/decoder.py"),
        (f"File {store.BOOK.parent}/swinlib/windows.py:1", "File swinlib/windows.py:1"),
        ("a / b and x/y stay", "a / b and x/y stay"),
    ],
)
def test_shortens_paths(text, short):
    assert store.shorten_paths(text) == short


def test_failure_leaves_the_file_and_names_notebook_and_error(tmp_path, monkeypatch, capsys):
    bad = write_notebook(tmp_path / "02_bad.ipynb", {"one": "print(1)", "two": "raise ValueError('no such window')"})
    good = write_notebook(tmp_path / "03_good.ipynb", {"one": "print(1)"})
    before = bad.read_bytes()
    monkeypatch.setattr(store.find_notebooks, "__defaults__", (tmp_path,))
    assert store.main([]) == 1
    assert bad.read_bytes() == before
    said = capsys.readouterr().err
    assert "02_bad: FAILED" in said
    assert "ValueError: no such window" in said
    assert "Not stored: 02_bad" in said
    assert outputs_of(good)["one"][0].text == "1\n", "the notebooks after it are stored"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["02_bad.ipynb", "03_good.ipynb"]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("source", ["import os; os._exit(1)", "import time; time.sleep(60)"], ids=["dies", "hangs"])
def test_a_kernel_that_dies_or_hangs_is_a_failure(tmp_path, monkeypatch, capsys, source):
    path = write_notebook(tmp_path / "04_gone.ipynb", {"one": source})
    before = path.read_bytes()
    monkeypatch.setattr(store.find_notebooks, "__defaults__", (tmp_path,))
    assert store.main(["--timeout", "2"]) == 1
    assert path.read_bytes() == before
    assert "04_gone: FAILED" in capsys.readouterr().err


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = write_notebook(tmp_path / "a.ipynb", {"one": "1"})
    before = path.read_bytes()
    notebook = store.tidy(store.read(path))
    notebook.metadata.title = "changed"

    def full_disk(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        store.write(notebook, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_gives_missing_and_doubled_ids_the_same_way_each_time(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", {"one": "1", "two": "2", "three": "3"})
    raw = json.loads(path.read_text())
    del raw["cells"][0]["id"]
    raw["cells"][1]["id"] = raw["cells"][2]["id"] = "cell-1"
    raw["nbformat_minor"] = 4
    path.write_text(json.dumps(raw))
    ids = [[cell.id for cell in store.read(path).cells] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


def test_finds_notebooks_by_the_beginning_of_their_names(tmp_path):
    for name in ("01_tour", "07_roll", "exercises/07_roll", ".ipynb_checkpoints/01_tour", "_build/01_tour"):
        path = tmp_path / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        write_notebook(path, {"one": "1"})

    def found(*names):
        return [str(path.relative_to(tmp_path)) for path in store.find_notebooks(names, tmp_path)]

    assert found() == ["01_tour.ipynb", "07_roll.ipynb", "exercises/07_roll.ipynb"]
    assert found("07", "01", "01_tour") == ["01_tour.ipynb", "07_roll.ipynb", "exercises/07_roll.ipynb"]
    assert found(str(tmp_path / "exercises/07_roll.ipynb")) == ["exercises/07_roll.ipynb"]
    with pytest.raises(ValueError, match=r"begins with '9'.*01_tour, 07_roll"):
        found("9")
