"""Wrong use of the command line: one line, the nearest name, exit code 2. Covers ``loocbench.cli.usage_errors``."""

import pytest

from loocbench.cli.usage_errors import explain_usage_error, is_usage_error


@pytest.mark.parametrize(
    ("command", "near", "lists"),
    [
        (["probe", "--chekpoint", "x"], "option '--chekpoint'. Did you mean '--checkpoint'?", "probe --help"),
        (["probe", "--chekpoint=x"], "option '--chekpoint'. Did you mean '--checkpoint'?", "probe --help"),
        (["runs", "show", "mine", "--outptu", "x"], "option '--outptu'. Did you mean '--output'?", ""),
        (["--versoin"], "option '--versoin'. Did you mean '--version'?", ""),
        (["tasks", "--halp"], "option '--halp'. Did you mean '--help'?", ""),
        (["prob"], "command 'prob'. Did you mean 'probe'?", "loocbench --help"),
        (["tasks", "lst"], "command 'lst'. Did you mean 'ls'? Available: ls, show, validate.", ""),
        (["demo", "--quite"], "option '--quite'. Did you mean '--quiet'?", ""),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest_one(one_line, command, near, lists):
    line = one_line(*command)
    assert line.startswith(f"loocbench: unknown {near}")
    assert lists in line
    assert len(line) < 250


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["runs", "show"], "missing argument 'name'; 'loocbench runs show --help' shows how it is used."),
        (["tasks", "ls", "extra"], "(extra): each value follows its option, which is repeated for another value; 'loo"),
        (["pretrain", "--epochs", "x"], "invalid value for '--epochs': "),
        (["probe", "--seed", "1.5"], "invalid value for '--seed': it is no whole number; "),
        (["probe", "--checkpoint"], "option '--checkpoint' requires an argument."),
        (["knn", "-checkpoint", "x"], "unknown option '-c'; names of more than a letter take two dashes"),
    ],
)
def test_any_other_wrong_use_is_one_line_too(loocbench, command, said):
    answer = loocbench(*command)
    assert (answer.code, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert line.startswith("loocbench: ")
    assert said in line


@pytest.mark.parametrize("command", [[], ["tasks"]])
def test_a_group_alone_still_shows_its_help(loocbench, command):
    answer = loocbench(*command)
    assert "Usage:" in answer.out + answer.err
    assert "loocbench: " not in answer.err


def test_an_error_of_the_parser_is_told_apart_from_others():
    class UsageError(Exception):
        ctx = None

        def format_message(self):
            return "Nothing fits."

    assert is_usage_error(UsageError())
    assert not is_usage_error(ValueError())
    assert str(explain_usage_error(UsageError())) == "nothing fits."
