"""``labels.csv``: names of columns, values, and tables that are refused."""

import pytest

from loocbench.data import labels_file
from loocbench.errors import UserError

ITEMS = ["cat/0.jpg", "cat/1.jpg"]


def read(folder, table, items=ITEMS):
    (folder / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return labels_file.read_table(folder / "labels.csv", items)


@pytest.mark.parametrize("header", ["path,class,Split", " Path , Class,split", "\ufeffPATH,CLASS ,SPLIT"])
def test_path_class_and_split_are_recognised_in_any_case_and_with_blanks(tmp_path, header):
    assert read(tmp_path, f"{header}\ncat/1.jpg,big cat,train\n cat/0.jpg, cat ,test\n") == {
        "class": ["cat", "big cat"],
        "split": ["test", "train"],
    }


def test_other_columns_keep_their_case(tmp_path):
    assert read(tmp_path, 'path, Fur color\ncat/0.jpg,red\ncat/1.jpg,"red, dark"\n') == {
        "Fur color": ["red", "red, dark"]
    }


def test_blanks_belong_to_a_path_that_has_them(tmp_path):
    assert read(tmp_path, "path,color\n a.jpg,red\na.jpg,blue\n", ["a.jpg", " a.jpg"]) == {"color": ["blue", "red"]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "has no column 'path'"),
        ("color\nred\n", "has no column 'path'"),
        ("path;color\ncat/0.jpg;red\n", "has no column 'path'"),
        ("path,color\ncat/0.jpg,red\n", "has no row for cat/1.jpg"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg,red\ncat/2.jpg,red\n", "names cat/2.jpg, which is not there"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg,\n", "gives no color for cat/1.jpg"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg, \n", "gives no color for cat/1.jpg"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg\n", "gives no color for cat/1.jpg"),
        (b"\xff\xfe\x00", "as CSV"),
        (",path,color\n0,cat/0.jpg,red\n1,cat/1.jpg,red\n", "a column without a name"),
        ("path,color,color\ncat/0.jpg,red,blue\ncat/1.jpg,red,blue\n", "a column twice"),
        ("path,class,Class\ncat/0.jpg,red,blue\ncat/1.jpg,red,blue\n", "a column twice"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg,red\ncat/1.jpg,blue\n", "line 4: cat/1.jpg stands there twice"),
        ("path,color\ncat/0.jpg,red, dark\ncat/1.jpg,red\n", "line 2: 3 values for 2 columns; quote commas"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, table, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, table)


def test_the_table_is_found_in_any_case_but_not_two_of_them(tmp_path):
    assert labels_file.find_table(tmp_path) is None
    (tmp_path / "Labels.CSV").write_text("path\n")
    assert labels_file.find_table(tmp_path).name == "Labels.CSV"
    (tmp_path / "labels.csv").write_text("path\n")
    if len(list(tmp_path.iterdir())) == 2:
        with pytest.raises(UserError, match=r"holds Labels.CSV and labels.csv; keep one"):
            labels_file.find_table(tmp_path)


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("gone.csv"), getattr(__import__("os"), "mkfifo", None)])
def test_a_table_that_is_no_file_is_refused(tmp_path, make):
    """It was left out, and the folders decided."""
    if make is None:
        pytest.skip("no FIFOs")
    make(tmp_path / "labels.csv")
    with pytest.raises(UserError, match="broken link, or not a file"):
        labels_file.find_table(tmp_path)
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "labels.csv").mkdir()  # a class of that name
    assert labels_file.find_table(tmp_path) is None
