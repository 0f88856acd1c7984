"""Hand-ins as systems give them: each file is found, and is one student's, or there is a reason why not."""

import contextlib
import io
import json
import os
import re
import stat
import struct
import warnings
import zipfile
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swinlib.classroom import inbox as inboxes
from swinlib.classroom.handed_in import Cell, NotGradableError, NothingThereError
from swinlib.classroom.inbox import (
    File,
    InboxError,
    Names,
    choose,
    is_about,
    is_named,
    label,
    names_pattern,
    names_table,
    open_inbox,
    sort,
    spelled,
)

PAGE = "07_roll"
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": "def roll(): pass"}], "nbformat": 4}).encode()
MOODLE = "Jane Doe_4711_assignsubmission_file_"
BLACKBOARD = "gradebook_CS101_homework_7_jdoe_attempt_2026-10-03-11-05-00"
BRIGHTSPACE = "123456-7890 - Jane Doe - Oct 3, 2026 1105 AM"


def put(folder, *paths, data=NOTEBOOK):
    """Write files below a folder."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def pack(path, *members, data=NOTEBOOK, **options):
    """Write a zip archive; members are names, or zipfile's descriptions."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members with one name
        for member in members:
            archive.writestr(member, data)
    return path


def member(name, mode=stat.S_IFREG | 0o644):
    description = zipfile.ZipInfo(name)
    description.external_attr = mode << 16
    return description


def collected(path, page=PAGE, others=(), **names):
    """What would be read of each student, or why nothing is; and why other files are left out."""
    with open_inbox(path) as inbox:
        files = inbox.files()
        found = sort(files, Names(**names), others)
        taken = dict(found.nobodys)
        for student, hand_in in found.hand_ins.items():
            try:
                file = choose(hand_in, page)
                if file.refused:
                    raise NotGradableError(file.refused)
                assert inbox.read(file.parts)[0] == NOTEBOOK
                taken[student] = file.place
            except NotGradableError as error:
                taken[student] = f"- {error}"
    # each file is in one place, and none is lost
    notebooks = [file for hand_in in found.hand_ins.values() for file in hand_in.notebooks]
    assert Counter(files) == Counter([*notebooks, *found.left_out])
    return taken, {file.place: why for file, why in found.left_out.items()}


def taken(path, **options):
    return collected(path, **options)[0]


def attempt(function, *arguments):
    """What it returns, or else why there is nothing."""
    try:
        return function(*arguments)
    except NotGradableError as error:
        return str(error)


# The forms of systems -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "student", "file"),
    [
        (f"{MOODLE}/{PAGE}.ipynb", "4711", f"{PAGE}.ipynb"),
        (f"{MOODLE}/deep/{PAGE}.ipynb", "4711", f"{PAGE}.ipynb"),
        (f"Jane Doe_4711_assignsubmission_file/{PAGE}.ipynb", "4711", f"{PAGE}.ipynb"),
        (f"{MOODLE}{PAGE}.ipynb", "4711", f"{PAGE}.ipynb"),
        (f"Group A-Jane Doe_4711_assignsubmission_file_{PAGE}.ipynb", "4711", f"{PAGE}.ipynb"),
        (f"Participant_4711_assignsubmission_file_{PAGE}.ipynb", "4711", f"{PAGE}.ipynb"),
        ("Jane Doe_4711_assignsubmission_onlinetext_/onlinetext.html", "4711", "onlinetext.html"),
        (f"doejane_12345_678901_{PAGE}.ipynb", "12345", f"{PAGE}.ipynb"),
        (f"doejane_LATE_12345_678901_{PAGE}-1.ipynb", "12345", f"{PAGE}-1.ipynb"),
        (f"doejane_late_12345_678901_{PAGE}.ipynb", "12345", f"{PAGE}.ipynb"),
        ("doejane_12345_text.html", "12345", None),
        (f"{BLACKBOARD}_{PAGE}.ipynb", "jdoe", f"{PAGE}.ipynb"),
        (f"{BLACKBOARD}.txt", "jdoe", None),
        (f"jane/{PAGE}.ipynb", "jane", f"{PAGE}.ipynb"),
        ("jane.ipynb", "jane", "jane.ipynb"),
        ("jane (1).ipynb", "jane", "jane (1).ipynb"),
        ("jane.IPYNB", "jane", "jane.IPYNB"),
        ("jane.ipynb.txt", "jane", "jane.ipynb.txt"),
        ("o'brien.ipynb", "o'brien", "o'brien.ipynb"),
    ],
)
def test_each_system_says_whose_a_file_is(path, student, file):
    says = label(File(tuple(path.split("/"))))
    assert (Names().student(says), says.file) == (student, file)


@pytest.mark.parametrize(
    ("path", "known_as"),
    [
        (f"{MOODLE}/x.ipynb", ["Jane Doe_4711", "4711", "Jane Doe", "jane doe"]),
        (f"doejane_LATE_12345_678901_{PAGE}.ipynb", ["doejane_12345", "12345", "doejane"]),
        (f"{BRIGHTSPACE}/x.ipynb", ["Jane Doe", "123456-7890"]),
        (f"{BRIGHTSPACE} - x.ipynb", ["Jane Doe"]),
        ("12-34 - Mary-Ann O'Neil - 3 October, 2026 11:05/x.ipynb", ["Mary-Ann O\u2019Neil", "mary-ann oneil"]),
        (f"{BLACKBOARD}_x.ipynb", ["jdoe", "7_jdoe"]),
        ("jane/x.ipynb", ["jane"]),
    ],
)
def test_a_table_says_who_is_meant(path, known_as):
    says = label(File(tuple(path.split("/"))))
    for name in known_as:
        assert Names(table=names_table([(2, {"name": name, "student": "jd1"})], "names.csv")).student(says) == "jd1"
    with pytest.raises(NotGradableError, match=r"nobody is known as|not in"):
        Names(table={"someone": "else"}).student(says)


def test_a_number_counts_more_than_a_name():
    rows = [(2, {"name": "Jane Doe", "student": "jd1"}), (3, {"name": "4712", "student": "jd2"})]
    names = Names(["jd1", "jd2"], names_table(rows, "names.csv"))
    students = [names.student(label(File((f"Jane Doe_{n}_assignsubmission_file_", "x.ipynb")))) for n in (4711, 4712)]
    assert students == ["jd1", "jd2"]


def test_the_names_of_brightspace_need_a_table():
    with pytest.raises(NotGradableError, match=r"'123456-7890 - Jane Doe'.*--names"):
        Names().student(label(File((BRIGHTSPACE, "x.ipynb"))))


def test_the_list_of_students_holds_for_systems_too():
    roster = ["12345", "jane_doe", "doe"]
    assert Names(roster).student(label(File((f"doejane_12345_1_{PAGE}.ipynb",)))) == "12345"
    assert (
        Names(roster).student(label(File(("gradebook_C_7_jane_doe_attempt_2026-10-03-11-05-00_x.ipynb",))))
        == "jane_doe"
    )
    with pytest.raises(NotGradableError, match=r"nobody is known as 'doejane_99'"):
        Names(roster).student(label(File((f"doejane_99_1_{PAGE}.ipynb",))))
    with pytest.raises(NotGradableError, match=r"stranger is not in students.csv"):
        Names(roster).student(label(File(("stranger.ipynb",))))
    with pytest.raises(NotGradableError, match=r"jd9 is not in students.csv"):
        Names(roster, {"99": "jd9"}).student(label(File((f"doejane_99_1_{PAGE}.ipynb",))))


FORMS = st.sampled_from(
    [
        "Ann Lee_{n}_assignsubmission_file_{file}",
        "leeann_{n}_2_{file}",
        "leeann_LATE_{n}_2_{file}",
        "gradebook_CS_101_7_hw_{n}_attempt_2026-10-03-11-05-00_{file}",
    ]
)
PARTS = st.sampled_from(
    ["_", "bob", "Bob Ray_2_assignsubmission_file_", "rayb_7_8_", "_bob_attempt_2026-10-03-11-05-00_", " - ", "\n", "'"]
)


@given(FORMS, st.lists(PARTS, min_size=1).map("".join) | st.text(min_size=1))
def test_what_a_student_calls_a_file_does_not_say_whose_it_is(form, name):
    name = name.replace("/", "") + ".ipynb"
    files = [File((form.format(n=n, file=file),)) for n, file in enumerate(["a.ipynb", "b.ipynb", name], start=11)]
    found = sort(files, Names())
    assert found.students == dict(zip(files, ["11", "12", "13"], strict=True))


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3), st.booleans())
@example(["_1_2_"], False)
def test_any_path_is_somebodys_or_nobodys(parts, whole):
    says = label(File(tuple(parts), None, whole))
    if says is not None:
        assert attempt(Names().student, says).isprintable()


def test_a_pattern_counts_instead_of_the_forms(tmp_path):
    put(tmp_path, f"week 7/jane#{PAGE}.ipynb", f"week 7/{PAGE}.ipynb", f"doejane_1_2_{PAGE}.ipynb")
    pattern = names_pattern("week 7/(?P<student>[^#]+)#(?P<file>.*)")
    found = taken(tmp_path, pattern=pattern)
    assert found.pop("jane") == f"week 7/jane#{PAGE}.ipynb"
    assert set(found) == {f"week 7/{PAGE}.ipynb", f"doejane_1_2_{PAGE}.ipynb"}
    assert set(found.values()) == {"the pattern does not fit its path."}
    assert taken(tmp_path, pattern=pattern, roster=["joe"])["week 7"] == "jane is not in students.csv."


@pytest.mark.parametrize(("text", "said"), [("(", "regular expression"), ("(?P<name>.*)", "group for the student")])
def test_a_pattern_that_is_none_is_refused(text, said):
    with pytest.raises(InboxError, match=said):
        names_pattern(text)


def test_a_table_that_says_two_things_is_refused():
    row = {"name": "O'Brien", "student": "ob1"}
    assert names_table([(2, row), (3, row)], "names.csv") == {"obrien": "ob1"}
    with pytest.raises(InboxError, match=r"names.csv, line 3: 'o\u2019brien' is ob1 already"):
        names_table([(2, row), (3, {"name": "o\u2019brien", "student": "ob2"})], "names.csv")
    with pytest.raises(InboxError, match=r"names.csv, line 2: the name '../x'"):
        names_table([(2, {"name": "x", "student": "../x"})], "names.csv")


@given(st.text())
def test_spaces_and_apostrophes_do_not_tell_names_apart(text):
    assert spelled(f" {text}'") == spelled(text)


# Which notebook -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        f"{PAGE}.ipynb",
        f"{PAGE}.IPYNB",
        f"{PAGE}.ipynb.txt",
        f"{PAGE} (1).ipynb",
        f"{PAGE}(12).ipynb",
        f"{PAGE}-2.ipynb",
        f"{PAGE}-1 (1).ipynb",
        f"Copy of {PAGE}.ipynb",
        f"Copy_of_Copy_of_{PAGE}.ipynb",
    ],
)
def test_a_page_keeps_its_name_through_downloads(name):
    assert is_named(name, PAGE)


@pytest.mark.parametrize("name", [f"{PAGE}-Copy1.ipynb", f"my {PAGE}.ipynb", f"{PAGE} final.ipynb", "07xroll.ipynb"])
def test_other_names_are_other_names(name):
    assert not is_named(name, PAGE)
    assert not is_named(name, "07.roll")


@pytest.mark.parametrize("name", ["(1).ipynb", ".IPYNB", ".ipynb.txt", "-3.ipynb"])
def test_a_changed_name_is_taken(tmp_path, name):
    assert taken(put(tmp_path, f"jane/{PAGE}{name}")) == {"jane": f"jane/{PAGE}{name}"}


def test_the_only_notebook_is_taken_whatever_its_name(tmp_path):
    put(tmp_path, "jane/Untitled7.ipynb", "jane/report.pdf")
    assert collected(tmp_path) == ({"jane": "jane/Untitled7.ipynb"}, {"jane/report.pdf": "it is not a notebook."})


def test_a_notebook_of_another_name_must_be_about_the_exercises():
    assert is_about([Cell("x = 1"), Cell("def roll(): pass")], ["roll"])
    assert is_about([Cell("x = 1", "roll")], {"roll": 1})
    assert not is_about([Cell("scroll = 1", "other")], ["roll"])


def test_beside_the_page_other_notebooks_are_left_out(tmp_path):
    put(tmp_path, f"jane/{PAGE}.ipynb", f"jane/{PAGE}-Copy1.ipynb", "jane/scratch.ipynb")
    assert taken(tmp_path) == {"jane": f"jane/{PAGE}.ipynb"}


@pytest.mark.parametrize(
    "paths",
    [
        (f"jane/{PAGE}.ipynb", "jane.ipynb"),
        (f"jane/{PAGE}.ipynb", f"jane/{PAGE} (1).ipynb"),
        (f"jane/{PAGE}.ipynb", f"jane/deep/{PAGE}.ipynb"),
        ("jane.ipynb", "jane (1).ipynb"),
        (f"zo\u00eb/{PAGE}.ipynb", f"zoe\u0308/{PAGE}.ipynb"),
        (f"doejane_1_2_{PAGE}.ipynb", f"doejane_LATE_1_3_{PAGE}-1.ipynb"),
        (f"{BLACKBOARD}_{PAGE}.ipynb", f"{BLACKBOARD.replace('11-05', '12-05')}_final.ipynb"),
        (f"{MOODLE}/{PAGE}.ipynb", f"Jane D_4711_assignsubmission_file_/{PAGE}.ipynb"),
    ],
)
def test_of_two_hand_ins_neither_is_taken(tmp_path, paths):
    [reason] = taken(put(tmp_path, *paths)).values()
    assert reason.startswith("- handed in more than once, and none of it was taken")
    assert all(path in reason for path in paths)


def test_two_attempts_in_brightspace_are_two_hand_ins(tmp_path):
    put(tmp_path, f"{BRIGHTSPACE}/{PAGE}.ipynb", f"{BRIGHTSPACE.replace('1105', '1106')}/last.ipynb", "index.html")
    assert "more than once" in taken(tmp_path, table={"janedoe": "jd1"})["jd1"]


def test_two_notebooks_of_other_names_are_not_chosen_between(tmp_path):
    assert "2 other notebooks" in taken(put(tmp_path, "jane/a.ipynb", "jane/b.ipynb"))["jane"]


def test_many_hand_ins_are_not_all_named(tmp_path):
    reason = taken(put(tmp_path, *(f"jane/{n}/{PAGE}.ipynb" for n in range(50))))["jane"]
    assert "and 45 more" in reason
    assert len(reason) < 300


def test_work_for_another_assignment_is_left_out(tmp_path):
    put(tmp_path, f"jane/{PAGE}/{PAGE}.ipynb", f"jane/exam/{PAGE}.ipynb", "jane/09_mask.ipynb", "joe/09_mask.ipynb")
    found, left_out = collected(tmp_path, others={"exam", "09_mask"})
    assert found["jane"] == f"jane/{PAGE}/{PAGE}.ipynb"
    assert "joe/09_mask.ipynb: it is of another assignment." in found["joe"]
    assert left_out[f"jane/exam/{PAGE}.ipynb"] == "it is of another assignment."


# What is no hand-in ---------------------------------------------------------------------------------------------


def test_what_systems_and_programs_leave_is_told_from_hand_ins(tmp_path):
    put(
        tmp_path,
        *("index.html", ".DS_Store", "._x.ipynb", "readme.txt", "hand-ins.zip", f"{BLACKBOARD}.txt"),
        *("__MACOSX/jane/._07_roll.ipynb", f"jane/.ipynb_checkpoints/{PAGE}-checkpoint.ipynb", ".git/config"),
        *("jane/Thumbs.db", "jane/timestamp.txt", f"jane/{PAGE}.ipynb", "jane/report.pdf", "jane/homework.zip"),
        f"{BLACKBOARD}_{PAGE}.ipynb",
    )
    found, left_out = collected(tmp_path)
    assert found == {"jane": f"jane/{PAGE}.ipynb", "jdoe": f"{BLACKBOARD}_{PAGE}.ipynb"}
    archive = "an archive in the inbox is not opened; hand in the notebook itself."
    assert left_out == {
        "index.html": "Brightspace left it.",
        ".DS_Store": "macOS left it.",
        "._x.ipynb": "macOS left it.",
        "readme.txt": "nothing says whose it is.",
        "hand-ins.zip": archive,
        f"{BLACKBOARD}.txt": "Blackboard left it.",
        "__MACOSX": "macOS left it.",
        "jane/.ipynb_checkpoints": "Jupyter left it.",
        ".git": "git left it.",
        "jane/Thumbs.db": "Windows left it.",
        "jane/timestamp.txt": "nbgrader left it.",
        "jane/report.pdf": "it is not a notebook.",
        "jane/homework.zip": archive,
    }


def test_who_handed_in_no_notebook_is_told_what_there_was(tmp_path):
    put(tmp_path, "ann/report.pdf", "bob/homework.zip", "Jane_1_assignsubmission_onlinetext_/onlinetext.html")
    (tmp_path / "cem").mkdir()
    (tmp_path / "dan").symlink_to("ann")
    put(tmp_path, f"{BLACKBOARD}.txt")
    assert taken(tmp_path) == {
        "ann": f"- there is no {PAGE}.ipynb. ann/report.pdf: it is not a notebook.",
        "bob": f"- there is no {PAGE}.ipynb. bob/homework.zip: an archive in the inbox is not opened; hand in the "
        "notebook itself.",
        "1": f"- there is no {PAGE}.ipynb. Jane_1_assignsubmission_onlinetext_/onlinetext.html: it is not a notebook.",
        "cem": f"- there is no {PAGE}.ipynb. cem: the folder is empty.",
        "dan": f"- there is no {PAGE}.ipynb. dan: it is a link; hand in the notebook itself.",
        "jdoe": f"- there is no {PAGE}.ipynb. {BLACKBOARD}.txt: Blackboard left it.",
    }


# Hostile folders ------------------------------------------------------------------------------------------------


def test_no_link_is_followed(tmp_path):
    put(tmp_path, f"secret/{PAGE}.ipynb")
    inbox = tmp_path / "inbox"
    (inbox / "ann").mkdir(parents=True)
    (inbox / "ann" / "folder").symlink_to(tmp_path / "secret")
    (inbox / "bob").symlink_to(tmp_path / "secret")
    put(inbox, f"cem/{PAGE}.ipynb")
    os.link(tmp_path / "secret" / f"{PAGE}.ipynb", inbox / "dan.ipynb")
    found = taken(inbox)
    assert found.pop("cem") == f"cem/{PAGE}.ipynb"
    assert "ann/folder: it is a link" in found["ann"]
    assert "bob: it is a link" in found["bob"]
    assert "dan.ipynb is a hard link" in found["dan"]


def test_a_folder_in_the_place_of_a_notebook_is_not_looked_into(tmp_path):
    assert "is a folder" in taken(put(tmp_path, f"jane/{PAGE}.ipynb/{PAGE}.ipynb"))["jane"]


def test_too_many_and_too_deep_files_harm_their_student_only(tmp_path, monkeypatch):
    monkeypatch.setattr(inboxes, "MAX_OF_ONE", 5)
    put(tmp_path, f"ann/{PAGE}.ipynb", *(f"bob/{n}" for n in range(7)), *(f"cem/{n}/x" for n in range(4)))
    put(tmp_path, *(f"dan/{n}/{m}" for n in range(4) for m in range(2)), f"eve/{'deep/' * 20}{PAGE}.ipynb")
    found = taken(tmp_path)
    assert found["ann"] == f"ann/{PAGE}.ipynb"
    assert "more than 5 files" in found["bob"]
    assert "more than 5 files" in found["dan"]
    assert "more than 8 folders" in found["eve"]
    monkeypatch.setattr(inboxes, "MAX_HAND_INS", 3)
    with pytest.raises(InboxError, match="more than 3"):
        taken(tmp_path)


# Archives -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        (f"{MOODLE}/{PAGE}.ipynb", "Joe Ray_4712_assignsubmission_file_/x.ipynb"),
        (f"{MOODLE}{PAGE}.ipynb", f"Joe Ray_4712_assignsubmission_file_{PAGE}.ipynb"),
        (f"doejane_4711_1_{PAGE}.ipynb", f"rayjoe_LATE_4712_2_{PAGE}-1.ipynb"),
        (f"g_C_hw_4711_attempt_2026-10-03-11-05-00_{PAGE}.ipynb", "g_C_hw_4712_attempt_2026-10-03-11-05-00_x.ipynb"),
        (f"4711/{PAGE}.ipynb", f"4712/{PAGE}/{PAGE}.ipynb"),
    ],
)
def test_an_archive_of_them_all_is_read_like_a_folder(tmp_path, names):
    archive = pack(tmp_path / "all.zip", *names)
    assert taken(archive) == taken(put(tmp_path / "folder", *names)) == dict(zip(["4711", "4712"], names, strict=True))


def test_brightspaces_archive(tmp_path):
    archive = pack(tmp_path / "all.zip", "index.html", f"{BRIGHTSPACE}/{PAGE}.ipynb")
    found, left_out = collected(archive, table={"janedoe": "jd1"})
    assert found == {"jd1": f"{BRIGHTSPACE}/{PAGE}.ipynb"}
    assert left_out == {"index.html": "Brightspace left it."}


def test_a_folder_that_was_packed_as_a_whole(tmp_path):
    names = [
        "handed in/ann.ipynb",
        f"handed in/bob/{PAGE}.ipynb",
        "handed in/.DS_Store",
        "__MACOSX/handed in/._ann.ipynb",
    ]
    found, left_out = collected(pack(tmp_path / "handed in.zip", member("handed in/"), *names))
    assert found == {"ann": "ann.ipynb", "bob": f"bob/{PAGE}.ipynb"}
    assert left_out == dict.fromkeys([".DS_Store", "__MACOSX/handed in/._ann.ipynb"], "macOS left it.")
    # the folder of one student stays one
    assert taken(pack(tmp_path / "ann.zip", f"ann/{PAGE}.ipynb")) == {"ann": f"ann/{PAGE}.ipynb"}


def test_a_member_came_when_the_archive_did(tmp_path):
    path = pack(tmp_path / "all.zip", zipfile.ZipInfo("ann.ipynb", (1999, 1, 1, 0, 0, 0)))
    with open_inbox(path) as inbox:
        assert inbox.read(("ann.ipynb",))[1].timestamp() == pytest.approx(path.stat().st_ctime, abs=1)
        with pytest.raises(NothingThereError):
            inbox.read(("bob.ipynb",))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../bob/x.ipynb", "leads out"),
        ("ann/../bob/x.ipynb", "leads out"),
        ("/etc/x.ipynb", "leads out"),
        ("C:\\x.ipynb", "leads out"),
        ("ann\\..\\bob\\x.ipynb", "leads out"),
        ("ann//x.ipynb", "leads out"),
        ("ann/" * 20 + "x.ipynb", "more than 8 folders"),
        ("ann/" + "x" * 2000 + ".ipynb", "1000 characters"),
    ],
)
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path, name, said):
    found, left_out = collected(pack(tmp_path / "all.zip", "bob.ipynb", name))
    assert found.pop("bob") == "bob.ipynb"
    assert said in " ".join([*found.values(), *left_out.values()])


def test_members_that_are_not_plain_files_are_refused(tmp_path):
    members = [member("ann.ipynb", stat.S_IFLNK | 0o777), member("bob.ipynb", stat.S_IFIFO), "cem.ipynb"]
    found = taken(pack(tmp_path / "all.zip", *members))
    assert "is a link" in found["ann"]
    assert "not a plain file" in found["bob"]
    assert found["cem"] == "cem.ipynb"


def test_two_members_of_one_name_are_both_refused(tmp_path):
    found = taken(
        pack(tmp_path / "all.zip", "ann.ipynb", "bob.ipynb", "ann.ipynb", "zo\u00eb.ipynb", "zoe\u0308.ipynb")
    )
    assert "more than one member of this name" in found["ann"]
    assert found["bob"] == "bob.ipynb"
    assert "more than once" in found["zo\u00eb"]


def test_an_archive_in_an_archive_is_not_opened(tmp_path):
    inner = pack(tmp_path / "inner.zip", "bob.ipynb").read_bytes()
    found, left_out = collected(pack(tmp_path / "all.zip", f"{MOODLE}bob.zip", data=inner))
    assert "is not opened" in found["4711"]
    assert list(left_out) == [f"{MOODLE}bob.zip"]


def test_names_with_control_characters_are_written_as_codes(tmp_path):
    found, left_out = collected(pack(tmp_path / "all.zip", "ann/a\x1b[2J\n.pdf", "\x1b[2J.ipynb"))
    for text in (*found, *found.values(), *left_out, *left_out.values()):
        assert text.isprintable()


def test_names_in_utf8_that_do_not_say_so_are_read(tmp_path):
    path = pack(tmp_path / "all.zip", "zo\u00eb.ipynb")
    data = path.read_bytes()
    marked, plain = struct.pack("<H", 0x800), struct.pack("<H", 0)
    data = re.sub(rb"(PK\x03\x04..)" + marked, rb"\1" + plain, data, flags=re.DOTALL)
    path.write_bytes(re.sub(rb"(PK\x01\x02....)" + marked, rb"\1" + plain, data, flags=re.DOTALL))
    assert zipfile.ZipFile(path).namelist() != ["zo\u00eb.ipynb"]
    with open_inbox(path) as inbox:
        assert inbox.files() == [File(("zo\u00eb.ipynb",))]


def test_an_encrypted_member_is_refused(tmp_path):
    path = pack(tmp_path / "all.zip", "ann.ipynb")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] = 1
    path.write_bytes(data)
    assert "hand it in without a password" in taken(path)["ann"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "all.zip", "w", method) as archive:
        archive.writestr("ann.ipynb", NOTEBOOK)
    assert "compressed in a way" in taken(tmp_path / "all.zip")["ann"]


def test_a_bomb_is_not_unpacked(tmp_path):
    path = pack(tmp_path / "all.zip", "ann.ipynb", data=bytes(30_000_000))
    assert "larger than 20 MB" in taken(path)["ann"]
    # one that lies about its size: no more than the limit is read
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 16)
    path.write_bytes(data)
    assert re.search("larger than|cannot be unpacked", taken(path)["ann"])


def test_a_broken_member_harms_its_student_only(tmp_path):
    path = pack(tmp_path / "all.zip", "ann.ipynb", "bob.ipynb")
    data = bytearray(path.read_bytes())
    data[data.index(b"ann.ipynb") + 15] ^= 0xFF
    path.write_bytes(data)
    found = taken(path)
    assert "ann.ipynb cannot be unpacked" in found["ann"]
    assert found["bob"] == "bob.ipynb"


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(inboxes, "MAX_OF_ONE", 5)
    path = pack(tmp_path / "all.zip", "ann.ipynb", *(f"bob/{n}" for n in range(7)))
    found = taken(path)
    assert found["ann"] == "ann.ipynb"
    assert "more than 5 files" in found["bob"]
    monkeypatch.setattr(inboxes, "MAX_HAND_INS", 7)
    with pytest.raises(InboxError, match="8 members"):
        taken(path)


def test_nothing_is_extracted(tmp_path):
    path = pack(tmp_path / "all.zip", "ann.ipynb", "../bob.ipynb")
    taken(path)
    assert [each.name for each in tmp_path.iterdir()] == ["all.zip"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("no"), lambda path: path.touch()])
def test_what_is_neither_folder_nor_archive_is_refused(tmp_path, make):
    make(tmp_path / "all.zip")
    with pytest.raises(InboxError, match="is not a folder, nor a zip archive"), open_inbox(tmp_path / "all.zip"):
        pass


GOOD = io.BytesIO()
with zipfile.ZipFile(GOOD, "w") as written:
    written.writestr("ann.ipynb", NOTEBOOK)
    written.writestr("bob/x.txt", b"x")


@given(st.lists(st.tuples(st.integers(0, len(GOOD.getvalue()) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_archive_is_read_or_refused(tmp_path_factory, changes):
    data = bytearray(GOOD.getvalue())
    for place, value in changes:
        data[place] = value
    path = tmp_path_factory.getbasetemp() / "any.zip"
    path.write_bytes(data)
    with contextlib.suppress(InboxError), open_inbox(path) as inbox:
        files = inbox.files()
        sort(files, Names())
        for file in files:
            assert isinstance(attempt(inbox.read, file.parts), tuple | str)
