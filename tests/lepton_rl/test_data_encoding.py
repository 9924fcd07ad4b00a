"""Attribute tables as numbers, against the definitions written out; hostile values; messages."""

import json
import subprocess
import sys

import jaxtyping
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_rl import checkpoint
from lepton_rl.data.encoding import Encoder, Policies, fit
from lepton_rl.data.source import DataError

PEOPLE = pa.table({
    "age": [20, 30, 40, 70],
    "member": [True, False, True, True],
    "town": ["Ulm", "Bonn", "Ulm", "Kiel"],
    "tags": [["chess"], ["go", "chess"], [], ["go", "go"]],
})  # fmt: skip
GAPS = pa.table({
    "age": [20, None, 40, 60],
    "member": [True, False, None, True],
    "town": ["Ulm", "Bonn", "Ulm", None],
    "tags": [["chess"], None, ["go", "chess"], ["chess", None]],
})  # fmt: skip
KINDS = ("numeric", "boolean", "categorical", "multi_valued")


@pytest.fixture
def as_installed():
    """Without the types that only tests execute, which would refuse first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def policies(missing="refuse", **others):
    return Policies(**dict.fromkeys(KINDS, missing), **others)


def test_every_kind_equals_its_definition():
    encoder = fit(PEOPLE)
    assert encoder.columns == (
        "age", "member", "town=Bonn", "town=Kiel", "town=Ulm", "town: other", "tags=chess", "tags=go", "tags: other",
    )  # fmt: skip
    age = np.array([20, 30, 40, 70])
    expected = np.column_stack([
        (age - age.mean()) / age.std(), [1, 0, 1, 1],
        [0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 1, 0], [0] * 4, [1, 1, 0, 0], [0, 1, 0, 1], [0] * 4,
    ])  # fmt: skip
    features = encoder.transform(PEOPLE)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, rtol=1e-6)


def test_other_rows_use_what_the_training_rows_gave():
    later = pa.table({"tags": [["go", "draughts", "ludo"]], "town": ["Rome"], "age": [50.0], "member": [False]})
    np.testing.assert_allclose(fit(PEOPLE).transform(later)[0], [10 / 350**0.5, 0, 0, 0, 0, 1, 0, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("dtype", [
    pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(8, 2), pa.decimal256(60, 2),
], ids=str)  # fmt: skip
def test_numbers_of_every_type(dtype):
    table = pa.table({"x": pa.array([1, 2, 3]).cast(pa.float64()).cast(dtype)})
    np.testing.assert_allclose(fit(table).transform(table)[:, 0], [-(1.5**0.5), 0, 1.5**0.5], rtol=1e-6)


@pytest.mark.parametrize("dtype", [
    pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.large_string()),
], ids=str)  # fmt: skip
def test_categories_of_every_type_are_those_of_plain_strings(dtype):
    plain = pa.table({"x": ["b", None, "a", "b"]})
    typed = pa.table({"x": plain["x"].cast(dtype)})
    encoder = fit(typed, policies("indicator"))
    assert encoder == fit(plain, policies("indicator"))
    np.testing.assert_array_equal(encoder.transform(typed), encoder.transform(plain))


@pytest.mark.parametrize("dtype", [
    pa.large_list(pa.string()), pa.list_(pa.string(), 2), pa.list_(pa.dictionary(pa.int8(), pa.string())),
], ids=str)  # fmt: skip
def test_labels_of_every_type_are_those_of_plain_lists(dtype):
    values = [["b", "a"], None, ["c", "a"], None]
    plain, typed = pa.table({"x": values}), pa.table({"x": pa.array(values, dtype)})
    encoder = fit(typed, policies("indicator"))
    assert encoder == fit(plain, policies("indicator"))
    np.testing.assert_array_equal(encoder.transform(typed), encoder.transform(plain))


def test_parts_and_slices_of_a_table_are_read_like_the_whole():
    encoder = fit(GAPS, policies("indicator"))
    whole = encoder.transform(GAPS)
    pieces = pa.concat_tables([GAPS.slice(0, 1), GAPS.slice(1)])
    np.testing.assert_array_equal(encoder.transform(pieces), whole)
    np.testing.assert_array_equal(encoder.transform(GAPS.slice(1, 2)), whole[1:3])
    assert encoder.transform(GAPS.slice(0, 0)).shape == (0, len(encoder.columns))
    assert encoder.transform(GAPS.schema.empty_table()).shape == (0, len(encoder.columns))


def test_missing_values_are_imputed_by_what_is_usual():
    encoder = fit(GAPS, policies("impute", unseen="refuse"))
    assert encoder.columns == ("age", "member", "town=Bonn", "town=Ulm", "tags=chess", "tags=go")
    z = 20 / np.std([20, 40, 60])
    expected = [[-z, 1, 0, 1, 1, 0], [0, 0, 1, 0, 1, 0], [0, 1, 0, 1, 1, 1], [z, 1, 0, 1, 1, 0]]
    np.testing.assert_allclose(encoder.transform(GAPS), expected, rtol=1e-6)


def test_missing_values_are_zero_and_say_so():
    encoder = fit(GAPS, policies("indicator", unseen="refuse"))
    features = dict(zip(encoder.columns, encoder.transform(GAPS).T, strict=True))
    assert [name for name in encoder.columns if name.endswith(": missing")] == [
        "age: missing", "member: missing", "town: missing", "tags: missing",
    ]  # fmt: skip
    rows = {"age": 1, "member": 2, "town": 3, "tags": [1, 3]}
    for name, values in features.items():
        column = name.replace(": missing", "").partition("=")[0]
        assert (values[rows[column]] == name.endswith(": missing")).all()
    assert sum(values.sum() for name, values in features.items() if "missing" in name) == 5


def test_a_column_without_any_value_later_is_all_missing():
    """Arrow infers a type of its own for a column of nothing but nulls, or of nothing but empty lists."""
    nulls = pa.table({name: pa.nulls(2) for name in GAPS.column_names})
    expected = [[0, 1, 0, 1, 0, 1, 0, 0]] * 2
    np.testing.assert_array_equal(fit(GAPS, policies("impute")).transform(nulls), expected)
    empty = pa.table({"tags": [[], []]})
    np.testing.assert_array_equal(fit(GAPS.select(["tags"]), policies("impute")).transform(empty), np.zeros((2, 3)))


def test_numbers_that_are_not_finite_count_as_missing_where_the_policy_says_so():
    table = pa.table({"x": [1.0, float("nan"), 3.0, float("inf"), 1e300]})
    with pytest.raises(DataError, match=r"'x' has 3 value\(s\).*row 1 .*non_finite='missing'"):
        fit(table, Policies(numeric="impute"))
    with pytest.raises(DataError, match=r"'x' has 3 missing.*row 1 "):
        fit(table, Policies(non_finite="missing"))
    features = fit(table, Policies(numeric="indicator", non_finite="missing")).transform(table)
    np.testing.assert_array_equal(features, [[-1, 0], [0, 1], [1, 0], [0, 1], [0, 1]])


def test_equal_numbers_become_zero_and_stay_zero():
    encoder = fit(pa.table({"x": [0.1] * 3}))
    assert not encoder.transform(pa.table({"x": [0.1, 5.0, -1e30]})).any()


def test_numbers_close_together_far_from_zero_are_told_apart():
    table = pa.table({"x": [1e9 + 0.25, 1e9 + 0.5]})
    np.testing.assert_allclose(fit(table).transform(table)[:, 0], [-1, 1], rtol=1e-5)


def test_values_not_seen_in_training_are_refused_with_a_near_match():
    encoder = fit(PEOPLE, Policies(unseen="refuse"))
    assert not [name for name in encoder.columns if "other" in name]
    with pytest.raises(DataError, match=r"'town', row 1 .*no training row has 'Bon'\. Did you mean 'Bonn'\?.*other"):
        encoder.transform(PEOPLE.slice(0, 2).set_column(2, "town", pa.array(["Ulm", "Bon"])))
    with pytest.raises(DataError, match=r"'tags', row 0 .*no training row has 'chss'"):
        encoder.transform(PEOPLE.slice(0, 1).set_column(3, "tags", pa.array([["go", "chss"]])))


@pytest.mark.parametrize(("column", "kind"), [*zip(PEOPLE.column_names, KINDS, strict=True)])
def test_missing_values_are_refused_by_default_at_fit_and_after(column, kind):
    message = rf"'{column}' has \d missing value\(s\).*Policies\({kind}='impute'\) or Policies\({kind}='indicator'\)"
    with pytest.raises(DataError, match=message):
        fit(GAPS.select([column]))
    with pytest.raises(DataError, match=message):
        fit(PEOPLE.select([column])).transform(GAPS.select([column]))


BIOGRAPHIES = [f"Person {i} was born in a town by the sea, and went to school there." for i in range(4)]


@pytest.mark.parametrize(("values", "message"), [
    (BIOGRAPHIES, r"'x' looks like free text \(4 distinct among 4 values.*text is left to the user: give a numeric"),
    ([[line] for line in BIOGRAPHIES], "text is left to the user"),
    ([f"id{i}" for i in range(101)], r"'x' has 101 different values, the limit is 100.*max_categories"),
    ([None, None], "'x' has no value in any row"),
    (pa.array([None, None], pa.string()), "'x' has no value in any row"),
    ([[], []], "'x' has no value in any row"),
    (pa.array([[], None], pa.list_(pa.string())), "'x' has no value in any row"),
    (pa.array([0, 1], pa.date32()), r"'x' is date32\[day\]: numbers, booleans, strings and lists of strings"),
    ([{"a": 1}], "'x' is struct<a: int64>"),
    ([[1, 2]], "'x' is list<item: int64>"),
    (pa.array([1, 1]).dictionary_encode(), "'x' is dictionary<values=int64"),
    (pa.array([b"a"]), "'x' is binary"),
])  # fmt: skip
def test_what_cannot_be_encoded_is_refused_with_what_to_do(values, message):
    with pytest.raises(DataError, match=message):
        fit(pa.table({"x": values}), policies("impute"))


def test_nothing_finite_is_no_value():
    with pytest.raises(DataError, match="'x' has no finite value"):
        fit(pa.table({"x": [float("nan")]}), Policies(numeric="impute", non_finite="missing"))


def test_long_categories_pass_when_they_repeat_or_are_declared():
    repeated = pa.table({"x": BIOGRAPHIES * 3})
    declared = pa.table({"x": pa.array(BIOGRAPHIES).dictionary_encode()})
    assert fit(repeated).columns == fit(declared).columns
    assert len(fit(declared).columns) == 5


@pytest.mark.parametrize(("table", "message"), [
    (PEOPLE.slice(0, 0), "no row"),
    (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "'a' is there 2 times"),
    (pa.table({"a": ["b"], "a=b": [1]}), "several features would be called 'a=b'"),
])  # fmt: skip
def test_tables_without_rows_or_with_equal_names_are_refused(table, message):
    with pytest.raises(DataError, match=message):
        fit(table)


def test_another_table_is_refused_with_everything_that_differs():
    other = pa.table({"Age": [1], "member": [True], "town": [3], "tags": [["go"]], "shoe": [1.0]})
    with pytest.raises(DataError) as caught:
        fit(PEOPLE).transform(other)
    assert str(caught.value) == (
        "the table does not fit the encoder: 'age' is missing. Did you mean 'Age'?; 'town' is int64, at fit it was "
        "categorical; 'Age' was not there at fit; 'shoe' was not there at fit. Give the columns it was fitted on: "
        "'age', 'member', 'town', 'tags'."
    )
    twice = PEOPLE.append_column("age", pa.array([1, 2, 3, 4]))
    with pytest.raises(DataError, match="'age' is there 2 times"):
        fit(PEOPLE).transform(twice)


def test_a_number_too_far_from_the_training_rows_is_refused():
    encoder = fit(pa.table({"x": [0.0, 1e-30]}))
    with pytest.raises(DataError, match=r"'x', row 1 .*too far from the training rows"):
        encoder.transform(pa.table({"x": [0.0, 1e20]}))


@pytest.mark.parametrize(("change", "message"), [
    ({"max_categories": 0}, "max_categories=0: give a whole number"),
    ({"unseen": "others"}, r"unseen='others' is no policy\. Did you mean 'other'\? Allowed: other, refuse"),
    ({"numeric": "imput"}, "Did you mean 'impute'"),
])  # fmt: skip
def test_a_misspelt_policy_is_refused(change, message, as_installed):
    with pytest.raises(ValueError, match=message):
        Policies(**change)


SAVED = fit(GAPS, policies("indicator")).to_json()


@pytest.mark.parametrize("saved", [
    {}, {**SAVED, "policies": {"unseen": "all"}}, {**SAVED, "policies": {"typo": 1}}, {**SAVED, "columns": [3]},
    *({**SAVED, "columns": [{**SAVED["columns"][2], **change}]} for change in (
        {"kind": "text"}, {"values": ["b", "a"]}, {"values": [1]}, {"usual": [2]}, {"usual": [0.0]}, {"mean": "0"},
        {"mean": float("nan")}, {"std": -1.0}, {"name": 3},
    )),
])  # fmt: skip
def test_json_that_no_encoder_wrote_is_refused(saved, as_installed):
    with pytest.raises(DataError, match="no encoder as to_json writes it"):
        Encoder.from_json(saved)


def test_an_encoder_is_saved_with_its_model(tmp_path):
    encoder = fit(GAPS, policies("impute"))
    checkpoint.save(tmp_path / "model.safetensors", {"w": np.ones(3)}, {"encoder": encoder.to_json()})
    assert Encoder.from_json(checkpoint.load_config(tmp_path / "model.safetensors")["encoder"]) == encoder


def test_reading_files_and_encoding_them_do_not_wait_for_jax():
    script = "import sys, lepton_rl, lepton_rl.data, lepton_rl.data.encoding; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


CELLS = {
    "numeric": (st.floats() | st.integers(-(2**53), 2**53).map(float), pa.float64()),
    "boolean": (st.booleans(), pa.bool_()),
    "categorical": (st.text(max_size=4), pa.string()),
    "multi_valued": (st.lists(st.text(max_size=2) | st.none(), max_size=3), pa.list_(pa.string())),
}


@st.composite
def tables(draw):
    """Two tables of the same columns, any values in them."""
    schema = draw(st.dictionaries(st.text(max_size=3), st.sampled_from(KINDS), min_size=1, max_size=4))

    def table(rows):
        return pa.table({
            name: pa.array(draw(st.lists(CELLS[kind][0] | st.none(), min_size=rows, max_size=rows)), CELLS[kind][1])
            for name, kind in schema.items()
        })  # fmt: skip

    return table(draw(st.integers(1, 6))), table(draw(st.integers(0, 3)))


choices = st.builds(
    Policies,
    **{kind: st.sampled_from(["impute", "indicator", "refuse"]) for kind in KINDS},
    non_finite=st.sampled_from(["missing", "refuse"]), unseen=st.sampled_from(["other", "refuse"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(tables(), choices)
def test_whatever_is_in_a_table_it_is_refused_or_becomes_finite_features_that_survive_json(pair, chosen):
    training, later = pair
    try:
        encoder = fit(training, chosen)
    except DataError:
        return
    features = encoder.transform(training)
    assert features.shape == (training.num_rows, len(encoder.columns))
    assert np.isfinite(features).all()
    assert len(set(encoder.columns)) == len(encoder.columns)
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert again == encoder
    for table in (training, later):
        try:
            expected = encoder.transform(table)
        except DataError as error:
            with pytest.raises(DataError) as caught:
                again.transform(table)
            assert str(caught.value) == str(error)
            continue
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(again.transform(table), expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=8))
def test_training_numbers_have_mean_zero_and_deviation_one(numbers):
    features = fit(pa.table({"x": numbers})).transform(pa.table({"x": numbers}))[:, 0].astype(float)
    np.testing.assert_allclose([features.mean(), features.std()], [0, len(set(numbers)) > 1], atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=3), min_size=1, max_size=9), st.lists(st.text(max_size=3), max_size=5))
def test_every_row_has_one_category_and_the_unseen_share_the_last(training, later):
    encoder = fit(pa.table({"x": pa.array(training, pa.string())}))
    names = [*sorted(set(training)), None]
    for values in (training, later):
        features = encoder.transform(pa.table({"x": pa.array(values, pa.string())}))
        np.testing.assert_array_equal(features.sum(1), 1)
        assert [names[i] for i in features.argmax(1)] == [v if v in training else None for v in values]
