"""The command line from outside: exit codes, one line on stderr, one JSON object on stdout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.app.cli import main
from tests.app.runs import (
    BTC,
    ETH,
    NEVER_FIRES,
    NO_STOPS,
    STOP_NOW,
    STRATEGIES,
    crash,
    flat,
    long_of,
    one_object,
    penstock,
    write_candles,
    write_config,
    write_trades,
)
from tests.shared_data import ROOT, shared

VERBS = ("run", "check", "replay", "report")
OUTSIDE = ("an unknown measure", "a pace in words", "a tape that is not there")
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good configuration, tapes and things that are wrong in one way each."""
    folder = tmp_path_factory.mktemp("desk")
    write_config(folder, {BTC: long_of("1")}, usdt="1000", books=[STOP_NOW])
    write_candles(folder / "BTCUSDT.csv", flat(10_000.01, 3))
    write_candles(folder / "ETHUSDT.csv", flat(200.01, 3))
    write_candles(folder / "SOLUSDT.csv", flat(20.01, 3))
    write_trades(folder / "prints.csv", [(0, 100, 1), (50, 101, 1)])
    (folder / "bad.yaml").write_text("accounts: {main: [\n", encoding="utf-8")
    (folder / "typo.yaml").write_text((folder / "config.yaml").read_text().replace("mode:", "mood:"), encoding="utf-8")
    (folder / "empty.csv").write_text("", encoding="utf-8")
    (folder / "words.csv").write_text("once,upon,a,time\n1,2,3,4\n", encoding="utf-8")
    (folder / "junk.csv").write_text(
        "ts_ms,open,high,low,close,volume\n" + "".join(
            f"{1583971200000 + 60_000 * row},{price},1,1,1,1\n" for row, price in enumerate(("1", "1", "nan", "nan"))
        ),
        encoding="utf-8",
    )
    (folder / "taken").mkdir()
    (folder / "taken" / "letters.txt").write_text("mine\n", encoding="utf-8")
    (folder / "void").mkdir()
    for name, change in {
        "live": ("mode: paper", "mode: live"),
        "demo": ("mode: paper", "mode: demo"),
        "fine": ("amount: 1,", "amount: 1.0000001,"),
        "lost": ("rules0.yaml", "nowhere.yaml"),
        "coin": ("USDT: 1000", "BTC: 1"),
        "inverse": (f'"{ETH}"', '"BTC/USD:BTC"'),
        "margin": ("    paper:", "    collateral: {BTC: 95%}\n    paper:\n      margin_mode: isolated"),
        "legs": ("amount: 1,", "other_leg: {amount: -1}, amount: 1,"),
    }.items():
        text = (folder / "config.yaml").read_text(encoding="utf-8")
        assert change[0] in text
        (folder / f"{name}.yaml").write_text(text.replace(*change), encoding="utf-8")
    for name, change in {
        "unknown": ("position.loss_ratio", "position.luck"),
        "dimension": ("> 4%", "> 5s"),
        "remedy": ("do: close", "do: pray"),
    }.items():
        (folder / f"rule_{name}.yaml").write_text(STOP_NOW.replace(*change), encoding="utf-8")
        text = (folder / "config.yaml").read_text(encoding="utf-8").replace("rules0.yaml", f"rule_{name}.yaml")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


# name: (arguments, a piece of what must be said). {} is the folder.
BAD_INPUT = {
    "no such configuration": ("check {}/none.yaml", "none.yaml"),
    "a folder as configuration": ("check {}/void", "void"),
    "YAML that does not parse": ("check {}/bad.yaml", "bad.yaml:"),
    "an unknown key": ("check {}/typo.yaml", "mood"),
    "an unknown measure": ("check {}/unknown.yaml", "luck"),
    "a ratio compared with a time": ("check {}/dimension.yaml", "rule_dimension.yaml:5:"),
    "an unknown remedy": ("check {}/remedy.yaml", "pray"),
    "no such rule book": ("check {}/lost.yaml", "nowhere.yaml"),
    "isolated margin behind collateral": ("check {}/margin.yaml", "cross positions only"),
    "two legs in one-way mode": ("check {}/legs.yaml", "position_mode: hedge"),
    "two settlement currencies": ("check {}/inverse.yaml", "settle in USDT and BTC"),
    "a balance that counts for nothing": ("check {}/coin.yaml", "collateral: {BTC: 95%}"),
    "a tape that is not there": (f"replay {{}}/config.yaml --tape {BTC}={{}}/none.csv", "none.csv"),
    "a folder as tape": (f"replay {{}}/config.yaml --tape {BTC}={{}}/void", "void"),
    "an empty tape": (f"replay {{}}/config.yaml --tape {BTC}={{}}/empty.csv", "empty"),
    "a tape of words": (f"replay {{}}/config.yaml --tape {BTC}={{}}/words.csv", "columns"),
    "a tape of bad rows": (f"replay {{}}/config.yaml --tape {BTC}={{}}/junk.csv", "bad ones"),
    "two tapes of one symbol": ("replay {}/config.yaml --tape {}/BTCUSDT.csv --tape {}/BTCUSDT.csv", "already"),
    "a symbol that is not the account's": ("replay {}/config.yaml --tape SOL/USDT:USDT={}/SOLUSDT.csv", "SOL/USDT"),
    "a file whose name tells nothing": ("replay {}/config.yaml --tape {}/prints.csv", "which instrument"),
    "a kind that is not known": (f"replay {{}}/config.yaml --tape {BTC}@colours={{}}/BTCUSDT.csv", "colours"),
    "a kind that is not the file's": (f"replay {{}}/config.yaml --tape {BTC}@trades={{}}/BTCUSDT.csv", "holds candles"),
    "a tape without a path": (f"replay {{}}/config.yaml --tape {BTC}=", "path is missing"),
    "a position without a tape": ("replay {}/config.yaml --tape {}/ETHUSDT.csv", f"--tape {BTC}=PATH"),
    "a finer amount than the tape's": ("replay {}/fine.yaml --tape {}/BTCUSDT.csv", "amount"),
    "collateral that is not settled in": ("replay {}/coin.yaml --tape {}/BTCUSDT.csv", "balances"),
    "an out folder with foreign files": ("replay {}/config.yaml --tape {}/BTCUSDT.csv --out {}/taken", "letters.txt"),
    "a file as out folder": ("replay {}/config.yaml --tape {}/BTCUSDT.csv --out {}/empty.csv", "empty.csv"),
    "no tape at all": ("replay {}/config.yaml", "--tape"),
    "mode live": ("run {}/live.yaml --tape {}/BTCUSDT.csv --out {}/r1", "live"),
    "mode demo": ("run {}/demo.yaml --tape {}/BTCUSDT.csv --out {}/r2", "demo"),
    "a pace of nothing": ("run {}/config.yaml --tape {}/BTCUSDT.csv --out {}/r3 --pace 0", "--pace"),
    "a negative pace": ("run {}/config.yaml --tape {}/BTCUSDT.csv --out {}/r4 --pace -1", "--pace"),
    "a pace that is no number": ("run {}/config.yaml --tape {}/BTCUSDT.csv --out {}/r5 --pace nan", "--pace"),
    "an endless pace": ("run {}/config.yaml --tape {}/BTCUSDT.csv --out {}/r6 --pace inf", "--pace"),
    "a pace in words": ("run {}/config.yaml --tape {}/BTCUSDT.csv --out {}/r7 --pace fast", "--pace"),
    "a run without a folder": ("run {}/config.yaml --tape {}/BTCUSDT.csv", "--out"),
    "a run without prices": ("run {}/config.yaml --out {}/r8", "--tape"),
    "a run with two sorts of prices": ("run {}/config.yaml --tape {}/BTCUSDT.csv --generate 3 --out {}/r9", "--tape"),
    "a run whose position has no tape": ("run {}/config.yaml --tape {}/ETHUSDT.csv --out {}/r10", f"--tape {BTC}=PATH"),
    "a demonstration that is given a tape": ("run --tape {}/BTCUSDT.csv --out {}/r11", "CONFIG"),
    "a demonstration that is given a pace": ("run --pace 60 --out {}/r12", "CONFIG"),
    "no such run": ("report {}/none", "none"),
    "a folder that holds no run": ("report {}/void", "journal.sqlite"),
    "an unknown verb": ("dance", "dance"),
    "an unknown option": ("check {}/config.yaml --loud", "--loud"),
    "no verb": ("", "VERB"),
    "a verb without its argument": ("check", "CONFIG"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_cli_bad_input_ends_with_two_and_one_line_that_says_where(
    desk: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Whatever is wrong with the input: exit 2, one line on stderr, nothing on stdout, no traceback.

    Called in this process, since fifty starts of Python take longer than all else here; the next test is from outside.
    """
    words, said = BAD_INPUT[name]
    code = main(words.format(*[desk] * 4).split())
    told = capsys.readouterr()
    assert code == 2, told.err
    assert told.out == ""
    lines = told.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("penstock: "), told.err
    assert said in lines[0]
    assert not list(desk.glob("r[0-9]*"))          # and no half-made run folder is left behind


@pytest.mark.parametrize("name", OUTSIDE)
def test_cli_bad_input_from_outside_ends_like_that_too(desk: Path, name: str) -> None:
    """The same in a process of its own: what the shell sees."""
    words, said = BAD_INPUT[name]
    found = penstock(*words.format(*[desk] * 4).split())
    assert (found.returncode, found.stdout) == (2, "")
    assert re.fullmatch(r"penstock: .*\n", found.stderr)
    assert said in found.stderr


@pytest.mark.parametrize("name", OUTSIDE)
def test_cli_bad_input_with_json_is_one_object_on_stdout(desk: Path, name: str) -> None:
    """A machine that asked for JSON gets JSON, for errors too, even for those of the command line itself."""
    words, said = BAD_INPUT[name]
    found = penstock(*words.format(*[desk] * 4).split(), "--json")
    assert found.returncode == 2
    assert found.stderr == ""
    told = one_object(found.stdout)
    assert told["exit_code"] == 2
    assert said in told["error"]


@pytest.mark.parametrize("content", [b"", b"these are not the pages of a database\n" * 50], ids=["empty", "text"])
def test_report_of_a_journal_that_is_none_ends_with_four(tmp_path: Path, content: bytes) -> None:
    """A journal that cannot be read is exit 4, with the path of the file in the message."""
    (tmp_path / "journal.sqlite").write_bytes(content)
    plain, asked = penstock("report", tmp_path), penstock("report", tmp_path, "--json")
    assert (plain.returncode, asked.returncode) == (4, 4)
    assert re.fullmatch(r"penstock: .*journal\.sqlite: .*\n", plain.stderr)
    assert one_object(asked.stdout)["exit_code"] == 4


def test_replay_of_a_guarded_account_that_dies_ends_with_five(tmp_path: Path) -> None:
    """Rules that never fire do not save anybody; whoever looks only at the exit code must learn of it."""
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="1000", books=[NEVER_FIRES], more=NO_STOPS)
    found = penstock("replay", config, "--tape", write_candles(tmp_path / "BTCUSDT.csv", crash()), "--json")
    assert found.returncode == 5, found.stderr
    account = one_object(found.stdout)["accounts"]["main"]
    assert len(account["liquidations"]) == 1
    assert account["why"]["margin_ratio_max"].startswith("infinite") or account["margin_ratio_max"] >= 1


def test_replay_of_a_guarded_account_that_lives_ends_with_zero_and_writes_three_files(tmp_path: Path) -> None:
    """The same account with the margin guard comes through; a person reads a summary and where the report is."""
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="1000", books=[STRATEGIES / "margin_guard.yaml"])
    out = tmp_path / "runs" / "first"
    found = penstock("replay", config, "--tape", write_candles(tmp_path / "BTCUSDT.csv", crash()), "--out", out)
    assert (found.returncode, found.stderr) == (0, "")
    assert f"report: {out / 'report.html'}" in found.stdout
    assert {"journal.sqlite", "report.html", "summary.json"} <= {entry.name for entry in out.iterdir()}


def test_replay_into_the_folder_of_an_earlier_run_replaces_it(tmp_path: Path) -> None:
    """A run of ours may be made again in place."""
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="5000", books=[STOP_NOW])
    words = ("replay", config, "--tape", write_candles(tmp_path / "BTCUSDT.csv", flat(10_000.01, 3)), "--out")
    first, second = penstock(*words, tmp_path / "o", "--json"), penstock(*words, tmp_path / "o", "--json")
    assert (first.returncode, second.returncode) == (0, 0)


def test_replay_without_json_and_on_no_terminal_prints_no_control_characters(tmp_path: Path) -> None:
    """What goes into a file or a pipe is plain text."""
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="5000", books=[STOP_NOW])
    found = penstock("replay", config, "--tape", write_candles(tmp_path / "BTCUSDT.csv", flat(10_000.01, 3)))
    assert "\x1b" not in found.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", found.stdout)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_names_its_options(verb: str) -> None:
    """Every verb explains itself, and every verb takes --json."""
    found = penstock(verb, "--help")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(f"usage: penstock {verb}")
    assert "--json" in found.stdout


def test_help_lists_verbs_and_exit_codes() -> None:
    """The first page says what there is and what the codes mean."""
    found = penstock("--help")
    assert found.returncode == 0
    assert all(verb in found.stdout for verb in VERBS)
    codes = ("0 good", "2 bad input", "3 credentials", "4 journal", "5 a guarded account", "70 bug")
    assert all(code in found.stdout for code in codes)


def test_version_is_one_line() -> None:
    """The version, as the summary writes it, behind the program's name."""
    assert re.fullmatch(r"penstock \d+\.\d+\.\d+\n", penstock("--version").stdout)


# check ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CONFIGS, ids=[path.name for path in CONFIGS])
def test_check_of_a_configuration_that_comes_with_the_program_is_good(path: Path) -> None:
    """What we ship, we can read; in paper mode without a single key in the environment."""
    found = penstock("check", path, "--json")
    assert found.returncode == 0, found.stdout
    told = one_object(found.stdout)
    assert told["rules"] and told["accounts"]
    assert told["config_hash"]


def test_check_of_the_designs_own_example_is_good(tmp_path: Path) -> None:
    """The three files of the design, as they are printed there."""
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", shared("DESIGN.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [name for name, _ in blocks] == [
        "config/penstock.yaml", "strategies/margin_guard.yaml", "strategies/stop_loss.yaml"
    ]
    for name, text in blocks:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = penstock("check", tmp_path / "config" / "penstock.yaml")
    assert found.returncode == 0, found.stderr
    for name, text in blocks[1:]:
        ours = (STRATEGIES / Path(name).name).read_text(encoding="utf-8")
        assert yaml.safe_load(ours) == yaml.safe_load(text)
    for rule in ("stop_loss", "margin_guard", "margin_emergency"):
        assert f"rule {rule}: " in found.stdout


def test_check_override_by_environment_counts_and_changes_the_hash(desk: Path) -> None:
    """PENSTOCK__SECTION__KEY stands above the file, and a run under it is another run."""
    plain = one_object(penstock("check", desk / "config.yaml", "--json").stdout)
    moved = one_object(
        penstock("check", desk / "config.yaml", "--json", PENSTOCK__LIMITS__PRICE_COLLAR="1%").stdout
    )
    wrong = penstock("check", desk / "config.yaml", PENSTOCK__LIMITS__PRICE_COLLAR="-1%")
    assert plain["config_hash"] != moved["config_hash"]
    assert wrong.returncode == 2
    assert "PENSTOCK__LIMITS__PRICE_COLLAR" in wrong.stderr
