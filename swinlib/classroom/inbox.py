"""The inbox: what a system for hand-ins gives a teacher, whose each file of it is, and which one is graded.

An inbox is a folder or one zip archive. Nothing of it is extracted, no link is followed, and an archive inside it is
not opened: a student may have made that, with the names of others in it. Whose a file is, the beginning of its path
says, which the system wrote; what a student chose comes after it, and decides nothing.

Systems write names like these, N being their own number of somebody::

    Moodle       Jane Doe_N_assignsubmission_file_/07.ipynb, Jane Doe_N_assignsubmission_file_07.ipynb
    Canvas       doejane_N_678901_07.ipynb, doejane_LATE_N_678901_07-1.ipynb
    Brightspace  12345-67890 - Jane Doe - Oct 3, 2026 1105 AM/07.ipynb
    Blackboard   gradebook_COURSE_ASSIGNMENT_USER_attempt_2026-10-03-11-05-00_07.ipynb

They are known from what the systems' users publish; none of the systems itself was run for this. A name of none of
these forms is a student's own, as in ``jane/07.ipynb`` and ``jane.ipynb``.
"""

import contextlib
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .handed_in import (
    MAX_FILE,
    Cell,
    Kind,
    NotGradableError,
    NothingThereError,
    list_folder,
    printable,
    read_file,
    student_name,
)

MAX_HAND_INS = 100_000  # files and folders at the top of an inbox, and members of an archive
MAX_OF_ONE = 5_000  # files and folders of one hand-in
MAX_DEPTH = 8  # folders in each other
MAX_PATH = 1_000  # characters of a path in an archive

MOST_NAMED = 5  # files in one message

ENCRYPTED, UTF8 = 0x1, 0x800  # bits of a member's flags
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError)
COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # zipfile limits what these give at a time, and no others

NOTEBOOK = re.compile(r"\.ipynb(?:\.txt|\.json)?$", re.IGNORECASE)  # the second ending is a browser's
ARCHIVE = re.compile(r"\.(?:zip|tar|gz|tgz|bz2|xz|7z|rar)$", re.IGNORECASE)
NUMBERED = r"(?:[ _]?\(\d{1,3}\))"  # what a browser adds when it downloads a file again
UNOPENED = "an archive in the inbox is not opened; hand in the notebook itself."
LEFT_BY_PROGRAMS = {
    "__MACOSX": "macOS left it",
    ".DS_Store": "macOS left it",
    ".git": "git left it",
    ".ipynb_checkpoints": "Jupyter left it",
    "Thumbs.db": "Windows left it",
    "desktop.ini": "Windows left it",
    "timestamp.txt": "nbgrader left it",
    "submission_secret.txt": "nbgrader left it",
}
# each finds the end of the system's part as early as it can: what follows is the student's, and may look like it
SYSTEMS = {
    "Moodle": r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?",
    "Blackboard": r"(?P<name>.+?)_attempt_\d{4}(?:-\d\d){5}(?:\.txt|_(?P<file>.+))?",
    "Brightspace": r"(?P<number>\d+-\d+) - (?P<name>.+?) - [^-]*\b\d{4}\b[^-]*?(?: - (?P<file>.+))?",
    "Canvas": r"(?P<name>.+?)(?:_LATE|_late)?_(?P<number>\d+)_(?:\d+_(?P<file>.+)|(?:text|link)\.html)",
}
FORMS = {system: re.compile(form, re.DOTALL) for system, form in SYSTEMS.items()}


class InboxError(ValueError):
    """What the teacher gave is not an inbox, or not a table or pattern of names; the message says what it should be."""


# Files ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class File:
    """A file of an inbox, or a folder that is not looked into; not opened yet.

    Attributes:
        parts: of its path.
        refused: why it is never opened, if so.
        whole: it stands for all that somebody handed in.
    """

    parts: tuple[str, ...]
    refused: str | None = None
    whole: bool = False

    @property
    def place(self) -> str:
        """Its path, for a terminal or a table."""
        return printable("/".join(self.parts))


@dataclass(frozen=True)
class Folder:
    """An inbox that is a folder."""

    path: Path

    def files(self) -> list[File]:
        """All that lies in it.

        Raises:
            InboxError: if it cannot be read, or has more than any class hands in.
        """
        try:
            entries = list_folder(self.path, most=MAX_HAND_INS)
        except NotGradableError as error:
            raise InboxError(f"{self.path} cannot be collected from: {error}") from None
        found = []
        for name, kind in entries:
            looked_into = kind is Kind.FOLDER and name not in LEFT_BY_PROGRAMS
            found += self._below(name) if looked_into else [_closed((name,), kind)]
        return found

    def _below(self, first: str) -> list[File]:
        """The files of one hand-in; a folder in the place of a notebook is one of them."""
        found, waiting = [], [(first,)]
        while waiting:
            parts = waiting.pop()
            try:
                if len(parts) > MAX_DEPTH:
                    raise NotGradableError(f"it lies in more than {MAX_DEPTH} folders; hand in the notebook alone.")
                entries = list_folder(self.path, *parts, most=MAX_OF_ONE)
                if not entries:
                    raise NotGradableError("the folder is empty.")
            except NotGradableError as error:
                found.append(File(parts, str(error), whole=len(parts) == 1))
                continue
            for name, kind in entries:
                looked_into = kind is Kind.FOLDER and name not in LEFT_BY_PROGRAMS and not NOTEBOOK.search(name)
                (waiting if looked_into else found).append(
                    (*parts, name) if looked_into else _closed((*parts, name), kind)
                )
            if len(found) + len(waiting) > MAX_OF_ONE:
                return [_too_many(first)]
        return sorted(found, key=lambda file: file.parts)

    def read(self, parts: Sequence[str]) -> tuple[bytes, datetime]:
        """A file and when it came, as `read_file` gives it."""
        return read_file(self.path, *parts)


def _closed(parts: tuple[str, ...], kind: Kind) -> File:
    """What is not looked into: a file, a link, a folder that a program left or that has the name of a notebook."""
    link = "it is a link; hand in the notebook itself." if kind is Kind.LINK else None
    return File(parts, link, whole=kind is Kind.LINK and len(parts) == 1)


def _too_many(first: str) -> File:
    return File((first,), f"it has more than {MAX_OF_ONE} files; hand in the notebook alone.", whole=True)


class Archive:
    """An inbox that is a zip archive, which the teacher got from a system; its members are read in memory."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        """Look at the list of members.

        Args:
            path: of the archive.
            archive: it, open.

        Raises:
            InboxError: if it has more members than any class hands in.
        """
        self._came = datetime.fromtimestamp(path.stat().st_ctime, UTC)
        self._archive = archive
        if len(archive.infolist()) > MAX_HAND_INS:
            raise InboxError(f"{path} has {len(archive.infolist())} members; at most {MAX_HAND_INS} are looked at.")
        members = [(_member_parts(each), each) for each in archive.infolist() if not each.filename.endswith("/")]
        if _is_packed_folder([parts for parts, _ in members], path.stem):
            members = [(parts[1:] if parts[0] == path.stem else parts, member) for parts, member in members]
        self._members = members
        self._by_parts = dict(members)

    def files(self) -> list[File]:
        """All its members, and why some are never read."""
        times = Counter(unicodedata.normalize("NFC", "/".join(parts)) for parts, _ in self._members)
        of_one = Counter(parts[0] for parts, _ in self._members)
        found = {File((first,)): _too_many(first) for first, count in of_one.items() if count > MAX_OF_ONE}
        for parts, member in self._members:
            if of_one[parts[0]] > MAX_OF_ONE:
                continue
            refused = _why_not_read(parts, member)
            if times[unicodedata.normalize("NFC", "/".join(parts))] > 1:
                refused = "the archive has more than one member of this name."
            found[File(parts)] = File(parts, refused)
        return sorted(found.values(), key=lambda file: file.parts)

    def read(self, parts: Sequence[str]) -> tuple[bytes, datetime]:
        """A member, and when the archive came, as nothing in it says when a member did.

        Raises:
            NothingThereError: if there is no such member.
            NotGradableError: if it is too large, or broken.
        """
        member = self._by_parts.get(tuple(parts))
        if member is None:
            raise NothingThereError(f"there is no {printable('/'.join(parts))} in the archive.")
        too_large = f"{printable('/'.join(parts))} is larger than {MAX_FILE // 10**6} MB; clear its outputs."
        if member.file_size > MAX_FILE:
            raise NotGradableError(too_large)
        try:
            with self._archive.open(member) as file:
                data = file.read(MAX_FILE + 1)  # the size in the list may be a lie
        except BROKEN as error:
            raise NotGradableError(
                f"{printable('/'.join(parts))} cannot be unpacked ({printable(str(error))}); download it again."
            ) from None
        if len(data) > MAX_FILE:
            raise NotGradableError(too_large)
        return data, self._came


def _is_packed_folder(members: Iterable[Sequence[str]], name: str) -> bool:
    """Whether an archive has all hand-ins in one folder of its own name, as when a folder is packed as a whole."""
    theirs = [parts for parts in members if not left_by_a_program(parts)]
    return all(len(parts) > 1 and parts[0] == name for parts in theirs) and len({parts[1] for parts in theirs}) > 1


def _member_parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The path of a member. macOS writes UTF-8 and does not say so, and zipfile then reads another encoding."""
    name = member.filename
    if not member.flag_bits & UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return tuple(name[: MAX_PATH + 1].replace("\\", "/").split("/"))


def _why_not_read(parts: Sequence[str], member: zipfile.ZipInfo) -> str | None:
    """Why a member is not read, if it is not."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if len(member.filename) > MAX_PATH:
        return f"its name in the archive has more than {MAX_PATH} characters."
    if any(part in ("", ".", "..") for part in parts) or re.match(r"[A-Za-z]:", parts[0]):
        return "its name leads out of the archive."
    if len(parts) > MAX_DEPTH + 1:
        return f"it lies in more than {MAX_DEPTH} folders; hand in the notebook alone."
    if kind == stat.S_IFLNK:
        return "it is a link; hand in the notebook itself."
    if kind not in (0, stat.S_IFREG):
        return "it is not a plain file; hand in the notebook itself."
    if member.flag_bits & ENCRYPTED:
        return "it is encrypted; hand it in without a password."
    if member.compress_type not in COMPRESSIONS:
        return "it is compressed in a way that is not read here; only stored and deflated members are."
    return None


@contextlib.contextmanager
def open_inbox(path: Path) -> Iterator[Folder | Archive]:
    """An inbox, to be read.

    Args:
        path: of a folder or a zip archive of the teacher's.

    Raises:
        InboxError: if it is neither.
    """
    if path.is_dir():
        yield Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise InboxError(
            f"{path} is not a folder, nor a zip archive ({printable(str(error))}); name what holds the students' work."
        ) from None
    with archive:
        yield Archive(path, archive)


# Names ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Label:
    """What the beginning of a path says about whose it is.

    Attributes:
        text: it, for people.
        known_as: what may stand for the student in a table of names; the first that is there counts.
        default: the student, where nobody says anything else; None if the system writes nothing that is unique.
        file: the name that the student gave the file; None for what the system wrote itself.
        hand_in: the same for all files that were handed in together.
        system: which wrote the path, if one did.
    """

    text: str
    known_as: tuple[str, ...]
    default: str | None
    file: str | None
    hand_in: str
    system: str | None = None


def systems_of(files: Iterable[File]) -> list[str]:
    """The systems whose forms may be meant, those first that fit most of an inbox.

    A name may fit more than one form, as a student may choose the end of it, and a course's number may look like that
    of a student. What all others in the inbox are tells which is meant.
    """
    names = {file.parts[0] for file in files}
    fits = {system: sum(form.fullmatch(name) is not None for name in names) for system, form in FORMS.items()}
    return sorted(FORMS, key=lambda system: -fits[system])  # among equals, the form with more of its own comes first


def label(file: File, pattern: re.Pattern | None = None, systems: Sequence[str] = tuple(FORMS)) -> Label | None:
    """What a path says about whose it is; None if it says nothing.

    Args:
        file: with the path.
        pattern: of the teacher's, with a group ``student``, and perhaps a group ``file``. It must fit the path from
            its beginning on, and counts instead of the forms of the systems.
        systems: whose forms are tried, in this order.
    """
    first, last = file.parts[0], file.parts[-1]
    if pattern is not None:
        match = pattern.match("/".join(file.parts))
        student = match and match["student"]
        if not student:
            return None
        together = first if len(file.parts) > 1 else student
        return Label(student, (student,), student, match.groupdict().get("file") or last, together)
    for system in systems:
        if match := FORMS[system].fullmatch(first):
            return _systems_label(system, match, None if len(file.parts) == 1 else last)
    if len(file.parts) > 1 or file.whole:
        return Label(first, (first,), first, last, first)
    if not NOTEBOOK.search(first):
        return None
    name = re.sub(NUMBERED + "$", "", NOTEBOOK.sub("", first))
    return Label(name, (name,), name, last, first)


def _systems_label(system: str, match: re.Match, in_folder: str | None) -> Label:
    """What a system's name of a file says, or that of a folder with a file in it."""
    said = match.groupdict()
    name, number, file = said["name"], said.get("number"), in_folder or said["file"]
    if system == "Canvas":  # each file has a number of its own
        return Label(f"{name}_{number}", (f"{name}_{number}", number, name), number, file, f"{name}_{number}", system)
    together = match.string if in_folder or said["file"] is None else match.string[: match.start("file")]
    if system == "Blackboard":  # the character between course, assignment and user may be in each of them
        ends = [name.split("_", at)[-1] for at in range(name.count("_") + 1)]
        return Label(ends[-1], tuple(ends), ends[-1], file, together, system)
    if system == "Brightspace":  # the numbers may be those of the assignment, which all students have
        return Label(f"{number} - {name}", (f"{number} - {name}", number, name), None, file, together, system)
    return Label(f"{name}_{number}", (f"{name}_{number}", number, name), number, file, together, system)


@dataclass(frozen=True)
class Names:
    """Who may hand in, and what systems call them.

    Attributes:
        roster: the course's students; if empty, everybody may hand in.
        table: student by what a system writes, in the spelling of `spelled`.
        pattern: of the paths; see `label`.
    """

    roster: Collection[str] = ()
    table: Mapping[str, str] = field(default_factory=dict)
    pattern: re.Pattern | None = None

    def student(self, label: Label) -> str:
        """Whose a file is.

        Args:
            label: what its path says.

        Raises:
            NotGradableError: if it is nobody's who may hand in.
        """
        known = set(self.roster or self.table.values())
        listed = (self.table.get(spelled(each)) for each in label.known_as)
        themselves = (name for each in label.known_as if (name := _name_or_none(each)) in known)
        student = next(filter(None, (*listed, *themselves)), None)
        if student is None and self.roster and label.system is None:
            student = student_name(label.text)
        if student is not None:
            if self.roster and student not in known:
                raise NotGradableError(f"{student} is not in students.csv.")
            return student
        if known or label.default is None:
            raise NotGradableError(
                f"nobody is known as '{printable(label.text)}'; say who it is in a table, and name it with --names."
            )
        return student_name(label.default)


def spelled(text: str) -> str:
    """A name in the spelling in which names are compared: without spaces, apostrophes, capitals."""
    return re.sub(r"[\s'`\u2018\u2019\u02bc]", "", unicodedata.normalize("NFKC", text).casefold())


def names_table(rows: Iterable[tuple[int, Mapping[str, str]]], title: str) -> dict[str, str]:
    """A teacher's table of names, from its rows with the columns ``name`` and ``student``.

    Args:
        rows: with the number of each one's line.
        title: of the table, for messages.

    Raises:
        InboxError: if it gives a name to two students, or a student has none that can be one.
    """
    table: dict[str, str] = {}
    for line, row in rows:
        try:
            name, student = spelled(row["name"]), student_name(row["student"].strip())
        except NotGradableError as error:
            raise InboxError(f"{title}, line {line}: {error}") from None
        if table.setdefault(name, student) != student:
            raise InboxError(
                f"{title}, line {line}: '{printable(row['name'])}' is {table[name]} already; give the system's number "
                "of each in place of the name."
            )
    return table


def names_pattern(text: str) -> re.Pattern:
    """A teacher's pattern of paths.

    Args:
        text: a regular expression with a group ``student``.

    Raises:
        InboxError: if it is none.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InboxError(f"--pattern takes a regular expression, got {text!r}: {error}.") from None
    if "student" not in pattern.groupindex:
        raise InboxError(f"--pattern needs a group for the student, such as '(?P<student>[^_]+)_.*', got {text!r}.")
    return pattern


def _name_or_none(text: str) -> str | None:
    try:
        return student_name(text)
    except NotGradableError:
        return None


# Sorting --------------------------------------------------------------------------------------------------------


@dataclass
class HandIn:
    """What one student handed in.

    Attributes:
        notebooks: the notebooks among it, and what their paths say.
        others: what else is among it, and why that is left out.
    """

    notebooks: dict[File, Label] = field(default_factory=dict)
    others: dict[File, str] = field(default_factory=dict)


@dataclass
class Sorted:
    """The files of an inbox; each is in one of these, or in the hand-in of one student.

    Attributes:
        hand_ins: by student; those without a notebook too.
        nobodys: why, by the beginning of their paths, hand-ins are nobody's.
        left_out: why files are not looked at.
        students: whose a file is, where that is known.
    """

    hand_ins: dict[str, HandIn] = field(default_factory=lambda: defaultdict(HandIn))
    nobodys: dict[str, str] = field(default_factory=dict)
    left_out: dict[File, str] = field(default_factory=dict)
    students: dict[File, str] = field(default_factory=dict)


def sort(files: Sequence[File], names: Names, others: Collection[str] = ()) -> Sorted:
    """Sort the files of an inbox by students.

    Args:
        files: all of them.
        names: who may hand in.
        others: names of other assignments and their pages, which are left out.
    """
    found, systems = Sorted(), systems_of(files)
    for file in files:
        if why := left_by_a_program(file.parts):
            found.left_out[file] = why
            continue
        says = label(file, names.pattern, systems)
        if says is None:
            found.left_out[file] = UNOPENED if ARCHIVE.search(file.parts[-1]) else "nothing says whose it is."
            if NOTEBOOK.search(file.parts[-1]):
                found.nobodys[file.place] = "the pattern does not fit its path."
            continue
        try:
            student = found.students[file] = names.student(says)
        except NotGradableError as error:
            who = printable(says.text if says.system else file.parts[0]) or file.place
            found.nobodys[who] = found.left_out[file] = " ".join(filter(None, [str(error), file.refused]))
            continue
        hand_in = found.hand_ins[student]
        if why := _why_left_out(file, says, others):
            found.left_out[file] = hand_in.others[file] = why
        else:
            hand_in.notebooks[file] = says
    return found


def left_by_a_program(parts: Sequence[str]) -> str | None:
    """Which program left a file or folder that nobody handed in, as a sentence; None if none did."""
    for part in parts:
        if part in LEFT_BY_PROGRAMS:
            return f"{LEFT_BY_PROGRAMS[part]}."
    if parts[-1].startswith("._"):
        return "macOS left it."
    return "Brightspace left it." if tuple(parts) == ("index.html",) else None


def _why_left_out(file: File, says: Label, others: Collection[str]) -> str | None:
    """Why a file is not a notebook of this assignment; None for one that is, or stands in its place."""
    is_notebook = says.file is not None and NOTEBOOK.search(says.file)
    if file.refused and not is_notebook:
        return file.refused
    if says.file is None:
        return f"{says.system} left it."
    if ARCHIVE.search(says.file):
        return UNOPENED
    if not is_notebook:
        return "it is not a notebook."
    if set(file.parts[1:-1]) & set(others) or NOTEBOOK.sub("", says.file) in others:
        return "it is of another assignment."
    return None


def choose(hand_in: HandIn, page: str) -> File:
    """The one notebook of a hand-in that is graded.

    It is the one with the name of the page, however a browser or a system may have changed that; or else the only one.

    Raises:
        NotGradableError: if there is none, or more than one.
    """
    if not hand_in.notebooks:
        # what could not be looked at explains it best
        others = sorted(hand_in.others.items(), key=lambda item: (item[0].refused is None, item[0].parts))
        raise NotGradableError(
            " ".join([f"there is no {page}.ipynb.", *(f"{file.place}: {why}" for file, why in others[:1])])
        )
    named = [file for file, says in hand_in.notebooks.items() if is_named(says.file, page)]
    times = len({says.hand_in for says in hand_in.notebooks.values()})
    if times > 1 or len(named) > 1:
        places = [file.place for file in (hand_in.notebooks if times > 1 else named)]
        more = f", and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
        raise NotGradableError(
            f"handed in more than once, and none of it was taken; leave one of {', '.join(places[:MOST_NAMED])}{more}."
        )
    if not named and len(hand_in.notebooks) > 1:
        raise NotGradableError(
            f"there is no {page}.ipynb, but {len(hand_in.notebooks)} other notebooks; none of them was taken."
        )
    return (named or list(hand_in.notebooks))[0]


def is_named(name: str, page: str) -> bool:
    """Whether a notebook has the name of a page, as it is after downloading, uploading or copying in Colab."""
    own = re.escape(page).replace(r"\ ", "[ _+]")
    form = rf"(?:copy[ _]of[ _])*{own}(?:{NUMBERED}|-\d{{1,3}})*"
    return re.fullmatch(form, NOTEBOOK.sub("", name), re.IGNORECASE) is not None


def is_about(cells: Iterable[Cell], exercises: Collection[str]) -> bool:
    """Whether a notebook of another name is one of these exercises: a cell claims one, or has its name.

    Args:
        cells: of the notebook.
        exercises: their names.
    """
    word = re.compile(rf"\b(?:{'|'.join(map(re.escape, exercises))})\b")
    return any(cell.claims in exercises or word.search(cell.source) for cell in cells)
