"""Text that is no settings document: each with the place and the cure that its author is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings.document import DEPTH_MAX, NODES_MAX, SIZE_MAX, parse
from bot.settings.errors import SettingsError
from bot.settings.load import load
from bot.settings.node import Mapping, Node, Scalar, Sequence
from tests.settings.specs import RuleBook

LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))

BAD = {
    # name: (text, line:column, what was found, a part of the cure)
    "empty": ("", None, "empty", "write at least one key"),
    "comments only": ("# nothing\n", None, "empty", "write at least one key"),
    "duplicate key": ("stop: 5\nstop: 50\n", "2:1", "'stop' first at line 1", "keep one of the two"),
    "duplicate key in braces": ("a: {b: 1, b: 2}", "1:11", "'b' first at line 1", "keep one"),
    "duplicate key, once quoted": ('a: 1\n"a": 2\n', "2:1", "'a' first at line 1", "keep one"),
    "duplicate key, deep": ("a:\n  b:\n    c: 1\n    c: 2\n", "4:5", "'c' first at line 3", "keep one"),
    "anchor": ("a: &x 1\n", "1:4", "'&'", "remove it"),
    "alias": ("a: *x\n", "1:4", "'*'", "write the value out"),
    "alias as key": ("*x : 1\n", "1:1", "'*'", "write the value out"),
    "billion laughs": (LAUGHS, "1:4", "'&'", "remove it"),
    "recursive alias": ("a: &a [*a]\n", "1:4", "'&'", "remove it"),
    "merge key": ("a:\n  <<: {b: 1}\n", "2:3", "'<<'", "write the keys out"),
    "tag of a python object": ("!!python/object/apply:os.system ['true']\n", "1:1", "'!'", "remove it"),
    "tag of a scalar": ("a: !!int 5\n", "1:4", "'!'", "the key decides the type"),
    "tag without name": ("a: ! b\n", "1:4", "'!'", "remove it"),
    "tag of an unknown handle": ("a: !x!y b\n", "1:4", "'!'", "put text that starts with !"),
    "second document": ("a: 1\n---\nb: 2\n", "2:1", "---", "one document"),
    "text after the end": ("a: 1\n...\nb: 2\n", "3:1", "'b'", "one document"),
    "version directive": ("%YAML 1.1\n---\na: 010\n", "1:1", "%", "remove the line"),
    "version directive of 5000 digits": ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", "1:9", "'9'", "directive"),
    "tag directive": ("%TAG ! tag:x,2000:\n---\na: 1\n", "1:1", "%", "remove the line"),
    "tab as indentation": ("a:\n\tb: 1\n", "2:1", r"'\t'", "use spaces"),
    "tab below a key": ("a:\n  b: 1\n\tc: 2\n", "3:1", r"'\t'", "use spaces"),
    "at sign": ("a: @home\n", "1:4", "'@'", "put the text in quotes"),
    "backtick": ("a: `x`\n", "1:4", "'`'", "put the text in quotes"),
    "percent first": ("a: %5\n", "1:4", "'%'", "put the text in quotes"),
    "double quote never closed": ('a: "x\nb: 1\n', "1:4", "'\"'", "close it"),
    "single quote never closed": ("a: 'x\nb: 1\n", "1:4", '"\'"', "close it"),
    "quote in front of more text": ('a: "x" y\n', "1:8", "'y'", "indentation"),
    "unknown escape": ('a: "\\q"\n', "1:6", "'q'", "single quotes"),
    "escape without digits": ('a: "\\xzz"\n', "1:7", "'z'", "single quotes"),
    "escape beyond unicode": ('a: "\\UFFFFFFFF"\n', "1:7", "'F'", "wrong escape"),
    "escape of half a character": ('a: "\\uD800"\n', "1:4", r"'\ud800'", "retype"),
    "escape of a zero byte": ('a: "\\0"\n', "1:4", r"'\x00'", "retype"),
    "colon in plain text": ("a: b: c\n", "1:5", "':'", "in quotes"),
    "key without a colon": ("a: 1\nstop\nb: 2\n", "2:1", "'s'", "a colon and a space"),
    "key without a space": ("a:1\nb: 2\n", "2:2", "':'", "with a space"),
    "indentation too deep": ("a: 1\n  b: 2\n", "2:4", "':'", "indentation"),
    "indentation between levels": ("a:\n    b: 1\n  c: 2\n", "3:3", "'c'", "same indentation"),
    "list item beside a key": ("a: 1\n- b\n", "2:1", "'-'", "same indentation"),
    "list item on the key's line": ("a: - b\n", "1:4", "'-'", "on the line below"),
    "bracket never closed": ("a: [1, 2\n", "1:4", "'['", "close it"),
    "brace never closed": ("a: {b: 1\n", "1:4", "'{'", "close it"),
    "bracket closed by a brace": ("a: [1, 2}\n", "1:9", "'}'", "close with ]"),
    "bracket without commas": ('a: ["x" "y"]\n', "1:9", "'\"'", "commas"),
    "bracket closed twice": ("a: [1]]\n", "1:7", "']'", "indentation"),
    "braces as a value start": ("a: {x}y\n", "1:7", "'y'", "indentation"),
    "block with a wrong header": ("a: |x\n  b\n", "1:5", "'x'", "write | or >"),
    "block with indentation 0": ("a: |0\n  b\n", "1:5", "'0'", "write | or >"),
    "key that is a list": ("[a, b]: 1\n", "1:1", "a list or mapping", "key: value"),
    "key that is absent": (": 1\n", "1:1", "':'", "indentation"),
    "key that is absent in braces": ("{: 1}\n", "1:2", "':'", "write a value"),
    "key that is empty": ('"": 1\n', "1:1", "empty", "a name before the colon"),
    "key that is null": ("~: 1\n", "1:1", "'~'", "a name before the colon"),
    "zero byte": ("a: \x00\n", "1:4", r"'\x00'", "text file"),
    "escape character": ("a: \x1b[2J\n", "1:4", r"'\x1b'", "text file"),
    "no-break space": ("a:\xa01\nb: 2\n", "1:3", r"'\xa0'", "remove it"),
    "zero-width space": ("a: 1\nb\u200b: 2\n", "2:2", r"'\u200b'", "remove it"),
    "text turned around": ("a: 1 # \u202e evil\n", "1:8", r"'\u202e'", "remove it"),
    "line separator": ("a: 1\u2028b: 2\n", "1:5", r"'\u2028'", "remove it"),
    "no-break space after a quoted hash": ('a: "#\xa0"\n', "1:4", r"'\xa0'", "retype"),
    "5000 brackets": ("[" * 5000, f"1:{DEPTH_MAX + 1}", f"level {DEPTH_MAX + 1}", "brackets"),
    "5000 braces": ("{" * 5000, "1:2", "a list or mapping", "key: value"),
    "5000 dashes": ("- " * 5000 + "a", f"1:{2 * DEPTH_MAX + 1}", f"level {DEPTH_MAX + 1}", "indentation"),
    "too many values": ("[" + "1," * NODES_MAX + "]", f"1:{2 * NODES_MAX}", f"{NODES_MAX + 1:_}", "files of its own"),
    "too long": ("#" * (SIZE_MAX + 1), None, f"{SIZE_MAX + 1:_}", "the right file"),
}


@pytest.mark.parametrize("case", BAD)
def test_parse_of_a_bad_document_says_place_finding_and_cure(case: str) -> None:
    """Whatever is wrong with the text, its author learns where, what, and how to mend it."""
    text, place, found, cure = BAD[case]
    with pytest.raises(SettingsError) as caught:
        parse(text, "c.yaml")
    message = str(caught.value)
    assert message.startswith("c.yaml: " if place is None else f"c.yaml:{place}: "), message
    assert f", was {found}" in message
    assert cure in message.partition(", was ")[2].partition("; ")[2]
    assert message.isprintable()


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def depth_of(node: Node) -> int:
    return 1 + max(map(depth_of, node.items), default=0) if isinstance(node, Sequence) else 0


def test_parse_of_the_deepest_document_allowed_works() -> None:
    """The limit of depth itself is allowed; one more is an error."""
    assert depth_of(parse(nested(DEPTH_MAX), "c.yaml")) == DEPTH_MAX
    with pytest.raises(SettingsError, match="nested deeper"):
        parse(nested(DEPTH_MAX + 1), "c.yaml")


def test_parse_of_the_longest_document_allowed_works() -> None:
    """The limit of size itself is allowed; one more is an error."""
    text = "a: 1 #".ljust(SIZE_MAX, "x")
    assert isinstance(parse(text, "c.yaml"), Mapping)
    with pytest.raises(SettingsError, match="longer than"):
        parse(text + "x", "c.yaml")


def test_parse_of_the_most_values_allowed_works() -> None:
    """The limit of values itself is allowed; the table of bad documents holds one more."""
    node = parse("[" + "1," * (NODES_MAX - 1) + "]", "c.yaml")
    assert isinstance(node, Sequence)
    assert len(node.items) == NODES_MAX - 1


@pytest.mark.parametrize("text", ["on", "010", "1:30", "1e3", ".nan", "0x10", "2026-01-01", "yes", "1_0", "=", "null"])
def test_parse_of_what_yaml_would_convert_keeps_the_text(text: str) -> None:
    """Nothing is converted while parsing: the text is what its author typed."""
    node = parse(f"a: {text}", "c.yaml")
    assert isinstance(node, Mapping)
    assert isinstance(value := node.get("a"), Scalar)
    assert (value.text, value.quoted) == (text, False)


def test_parse_keeps_words_that_yaml_1_1_takes_for_keys_of_another_type() -> None:
    """``on:`` is the key "on", and not the key True."""
    node = parse("on: 1\nno: 2\n1: 3\n", "c.yaml")
    assert isinstance(node, Mapping)
    assert node.keys == ["on", "no", "1"]


def test_parse_of_one_explicit_document_works() -> None:
    """A file may start with --- and end with ... as many editors write it."""
    assert isinstance(parse("---\na: 1\n...\n", "c.yaml"), Mapping)


def test_parse_of_a_comment_with_typographic_spaces_works() -> None:
    """A no-break space in a comment is somebody's language, not a trap."""
    assert isinstance(parse("a: 1 # attention\u00a0: 10\u202f%\n", "c.yaml"), Mapping)


FILES: dict[str, tuple[bytes, str, str]] = {
    "utf-16": ("rules: {}".encode("utf-16"), ":1:1: the file is not UTF-8", "save it as UTF-8"),
    "latin-1": ("rules: {}\n# \xe9\n".encode("latin-1"), ":2:3: the file is not UTF-8 text, was byte 0xe9", "save it"),
    "gzip": (b"\x1f\x8b\x08\x00\x00", ":1:2: the file is not UTF-8 text, was byte 0x8b", "compressed"),
    "zeros": (b"\x00" * 100, ":1:1: an invisible or control character", "binary"),
    "a byte too long": (b"#" * (SIZE_MAX + 1), ": the file is longer than", "the right file"),
    "empty": (b"", ": the file holds no settings", "write at least one key"),
}


@pytest.mark.parametrize("case", FILES)
def test_load_of_a_file_that_is_no_text_says_what_it_is(case: str, tmp_path: Path) -> None:
    """A wrong file, given by mistake, is told apart from a wrong line in the right file."""
    content, beginning, cure = FILES[case]
    file = tmp_path / "c.yaml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load(file, RuleBook, {})
    assert str(caught.value).startswith(f"{file}{beginning}")
    assert cure in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "found"), [("absent.yaml", "no such file"), (".", "a directory"), ("a/b\x00c", "embedded null")],
)
def test_load_of_no_file_says_what_the_path_is(name: str, found: str, tmp_path: Path) -> None:
    """A path that leads to no file is the user's mistake, not a traceback."""
    with pytest.raises(SettingsError, match=found):
        load(tmp_path / name, RuleBook, {})


def test_load_of_a_file_below_a_file_says_so(tmp_path: Path) -> None:
    """A path through a file is refused in the system's own words."""
    (tmp_path / "c.yaml").write_text("rules: {}")
    with pytest.raises(SettingsError, match="Not a directory"):
        load(tmp_path / "c.yaml" / "d.yaml", RuleBook, {})


def test_load_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that this process may not read is told apart from an absent one."""
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)                # tests may run as root, who may read all
    with pytest.raises(SettingsError, match="permission denied"):
        load(tmp_path / "c.yaml", RuleBook, {})
