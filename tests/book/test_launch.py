"""Buttons that open a page's notebook elsewhere, and what they open."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import launch
import launch_buttons
import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "https://github.com/somebody/swin"


def test_the_cell_does_nothing_where_swinlib_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("Something was started."))
    exec(launch.first_cell(ADDRESS, "notebooks").source, {})
    assert capsys.readouterr().out == ""
    assert Path.cwd() == tmp_path


def test_every_notebook_begins_with_the_cell_and_exercises_have_no_solutions(tmp_path):
    written = launch.write_notebooks(tmp_path, ADDRESS, "notebooks")
    pages = {path.relative_to(ROOT) for path in ROOT.glob("book/**/*.ipynb") if ".ipynb_checkpoints" not in path.parts}
    assert {path.relative_to(tmp_path) for path in written} == pages
    for path in written:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.cells[0].source.count(ADDRESS) == 1
        assert notebook.cells[1].cell_type == "markdown"
    exercises = (tmp_path / "book/exercises/07_roll_and_shifted_windows.ipynb").read_text()
    assert "check.roll(roll)" in exercises
    assert "torch.arange(len(x))" not in exercises
    assert "torch.arange(len(x))" in (ROOT / "book/exercises/07_roll_and_shifted_windows.ipynb").read_text()


def test_the_address_is_one_setting_and_without_it_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["launch.py", str(tmp_path / "launch")])
    monkeypatch.setattr(launch, "CONFIG", tmp_path / "_config.yml")
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    for address in ("", ADDRESS):
        settings["repository"]["url"] = address
        (tmp_path / "_config.yml").write_text(yaml.safe_dump(settings))
        launch.main()
        assert (tmp_path / "launch").exists() == bool(address)
    assert capsys.readouterr().out.startswith("_config.yml has no repository.url: there is nothing to launch.\nwrote 2")
    named = [path for path in ROOT.rglob("*.py") if ADDRESS.partition("//")[2] in path.read_text(encoding="utf-8")]
    assert named in ([], [Path(__file__)])


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_without_an_address_the_theme_is_asked_for_no_buttons(address):
    options = {"repository_url": address, "launch_buttons": {"colab_url": "https://colab.research.google.com"}}
    launch_buttons.need_an_address(None, SimpleNamespace(html_theme_options=options))
    assert ("launch_buttons" in options) == bool(address)


def build(folder: Path, address: str) -> Path:
    """Build a book of a notebook and another page with the settings of the book and an address; return its pages."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    kept = {name: settings[name] for name in ("execute", "only_build_toc_files", "launch_buttons", "repository")}
    kept["repository"]["url"] = address
    wanted = ("finished_pages", "by_ear_and_keys", "icons", "light_heads", "launch_buttons", "mathml")
    extensions = {name: str(ROOT / "book/_ext") for name in wanted}
    static = {"html_static_path": [str(ROOT / "book/_static")], "html_math_renderer": "mathml"}
    kept |= {"title": "Tiny", "sphinx": {"local_extensions": extensions, "config": static}}
    kept["html"] = {"use_issues_button": False, "use_repository_button": False}
    (folder / "book").mkdir()
    (folder / "_config.yml").write_text(yaml.safe_dump(kept))
    (folder / "_toc.yml").write_text("format: jb-book\nroot: book/index\nchapters:\n  - file: book/one\n")
    (folder / "book/index.md").write_text("# Tiny\n\nThis is $x$.\n")
    cells = [nbformat.v4.new_markdown_cell("# One"), nbformat.v4.new_code_cell("1 + 1")]
    metadata = nbformat.read(ROOT / "book/01_tour.ipynb", as_version=4).metadata
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "book/one.ipynb")
    jupyter_book = shutil.which("jupyter-book", path=sysconfig.get_path("scripts"))
    command = [jupyter_book, "build", folder, "-W", "-n", "--keep-going"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "_build/html"


@pytest.mark.slow
def test_buttons_lead_to_the_notebook_on_its_branch(tmp_path):
    pages = build(tmp_path, ADDRESS)
    page = (pages / "book/one.html").read_text()
    links = dict(re.findall(r'href="([^"]*)"[^>]*title="Launch on (\w+)"', page))
    assert {name: link for link, name in links.items()} == {
        "Colab": "https://colab.research.google.com/github/somebody/swin/blob/notebooks/book/one.ipynb",
        "Binder": "https://mybinder.org/v2/gh/somebody/swin/notebooks?urlpath=lab/tree/book/one.ipynb",
    }
    logos = re.findall(r'src="../(_static/images/[^"]*)"', page)
    assert len(logos) == 2
    assert all((pages / logo).is_file() for logo in logos)
    assert "Launch on" not in (pages / "book/index.html").read_text()


def test_without_an_address_no_page_shows_a_button(book_html):
    if launch.repository()[0]:
        pytest.skip("_config.yml says where the notebooks are.")
    assert not [page for page in book_html.rglob("*.html") if "Launch on" in page.read_text(encoding="utf-8")]
    assert not list(book_html.glob("_static/images/*"))


@pytest.mark.slow
def test_where_swinlib_is_missing_the_cell_fetches_the_book_and_installs_it(tmp_path):
    """In an environment that has all packages but swinlib, from a repository on this machine, and without a network."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed.")
    repository, place = tmp_path / "repository", tmp_path / "place"
    place.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.ipynb")
    for name in ("swinlib", "book"):
        shutil.copytree(ROOT / name, repository / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, repository)
    git = ["git", "-C", repository, "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for command in (["init", "-q", "-b", "notebooks"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True)

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = tmp_path / "venv" / scripts / "python"
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", query], capture_output=True, text=True, check=True).stdout.strip()
    Path(own, "others.pth").write_text(sysconfig.get_path("purelib"))
    code = launch.first_cell(repository.as_uri(), "notebooks").source
    code += "\nimport swinlib; print(swinlib.__file__); print(os.getcwd())"
    settings = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_CONFIG_FILE": os.devnull}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | settings

    def run():
        return subprocess.run([python, "-c", code], cwd=place, env=environment, capture_output=True, text=True)

    first = run()
    assert first.returncode == 0, first.stdout + first.stderr
    said, done, file, folder = first.stdout.splitlines()
    assert said == f"Installing what is missing, from {repository.as_uri()}: a minute or two."
    assert re.fullmatch(r"Successfully installed swinlib-\S+", done)
    assert file.startswith(own)
    assert folder == str(place / "swin-book/book")
    second = run()  # in a kernel that was started again
    assert second.stdout.splitlines() == [file, folder]
