import math

import pytest

from lepton_rl.registry import near_match, resolve

TABLE = {"root": "math:sqrt", "sine": "math:sin", "gone": "math:no_such_thing"}


def test_resolve_imports_what_the_table_names():
    assert resolve(TABLE, "root", "function") is math.sqrt


def test_unknown_name_is_one_message_with_near_match_and_all_names():
    with pytest.raises(ValueError, match=r"function 'roott'\. Did you mean 'root'\? Allowed: gone, root, sine\."):
        resolve(TABLE, "roott", "function")
    with pytest.raises(ValueError, match=r"^unknown function 'xyz'\. Allowed"):
        resolve(TABLE, "xyz", "function")


def test_a_broken_table_entry_is_not_hidden():
    with pytest.raises(AttributeError):
        resolve(TABLE, "gone", "function")


@pytest.mark.parametrize(("name", "found"), [("efficency", "efficiency"), ("zzz", None)])
def test_near_match(name, found):
    assert near_match(name, ["efficiency", "random_removal"]) == (f" Did you mean '{found}'?" if found else "")
