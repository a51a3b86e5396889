"""Arrays in JSON: what a json_numpy peer writes is read exactly, anything else is an error and never an allocation."""
import base64
import json
import tracemalloc

import json_numpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cosmos_policy_ros.policy.serving.array_json import DTYPES, ArrayError, decode, encode, parse
from serving_rig import wire

arrays = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda code: hnp.arrays(np.dtype(code), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-2 ** 70, 2 ** 70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(['__numpy__', 'dtype', 'shape', 'other']), inner, max_size=4), max_leaves=20)


@given(arrays)
def test_every_array_survives_the_way_there_and_back(array):
    back = decode(json.loads(json.dumps(encode(array))), 'x')
    assert back.dtype == array.dtype and back.shape == array.shape and back.tobytes() == array.tobytes()


@given(arrays)
def test_the_library_and_this_codec_read_each_other(array):
    assert json.loads(json_numpy.dumps(array)) == encode(array)
    theirs = json_numpy.loads(json.dumps(encode(array)))
    # of an array without dimensions the library makes a scalar in the machine's byte order
    assert theirs.dtype.newbyteorder('<') == array.dtype.newbyteorder('<')
    assert np.asarray(theirs, array.dtype).tobytes() == array.tobytes()


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)))
def test_nested_lists_become_the_array_that_they_spell(array):
    np.testing.assert_array_equal(decode(array.tolist(), 'x'), array)


@given(hnp.arrays('<f8', hnp.array_shapes(min_dims=2, max_dims=3, max_side=4)))
def test_a_list_of_wire_arrays_is_stacked(array):
    """The published reply carries its chunk as a list of rows."""
    np.testing.assert_array_equal(decode([wire(row) for row in array], 'actions'), array)


@given(documents)
def test_any_document_gives_an_array_of_numbers_or_a_named_error(value):
    try:
        array = decode(value, 'the field')
    except ArrayError as error:
        assert str(error).startswith('the field')
    else:
        assert array.dtype.str in DTYPES and array.ndim <= 4


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_a_named_error(body):
    try:
        parse(body)
    except ArrayError:
        pass


GOOD = {'__numpy__': base64.b64encode(bytes(12)).decode(), 'dtype': '<f4', 'shape': [3]}


@pytest.mark.parametrize('change', [
    {'shape': [4]}, {'shape': [-3]}, {'shape': [3.0]}, {'shape': [True]}, {'shape': 3}, {'shape': [3, 1, 1, 1, 1]},
    {'shape': [2 ** 40, 2 ** 40]}, {'dtype': '<f8'}, {'dtype': '|O'}, {'dtype': '<U3'}, {'dtype': '<M8[s]'},
    {'dtype': '|V4'}, {'dtype': [['a', '<f4']]}, {'dtype': 'float32'}, {'dtype': None}, {'__numpy__': 'AAAA'},
    {'__numpy__': 'AAAAAAAAAAAAAAA!'}, {'__numpy__': 'AAAAAAAAAAAAAAé='}, {'__numpy__': 7}, {'extra': 1}])
def test_an_object_that_contradicts_itself_is_refused(change):
    with pytest.raises(ArrayError):
        decode(GOOD | change, 'x')


@pytest.mark.parametrize('value', [
    [[1, 2], [3]], [1, [2]], ['1', '2'], [True, 1], [None], [10 ** 400], 5, 'text', None, [[[[[1]]]]], [{'a': 1}],
    [GOOD, GOOD | {'dtype': '<i4'}], [[[[GOOD]]]]])
def test_lists_that_are_no_array_are_refused(value):
    with pytest.raises(ArrayError):
        decode(value, 'x')


@pytest.mark.parametrize('value', [
    {'__numpy__': '', 'dtype': '<f8', 'shape': [2 ** 33]}, {'__numpy__': '', 'dtype': '|u1', 'shape': [10 ** 18, 4]},
    ['a' * 10 ** 6] + ['b'] * 10 ** 5])
def test_nothing_large_is_allocated_for_a_small_lie(value):
    tracemalloc.start()
    try:
        with pytest.raises(ArrayError):
            decode(value, 'x')
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('body', [
    b'[' * 100_000 + b']' * 100_000, b'[],' * 3_000_000, b'{"a":' * 50_000, b'\xff\xfe', b'{"a": 1', b'', b'9' * 6000])
def test_hostile_documents_are_refused(body):
    with pytest.raises(ArrayError):
        parse(body)


@pytest.mark.parametrize('array', [np.array(['a']), np.array([None]), np.array([1j]), np.zeros(2, '<M8[s]')])
def test_only_numbers_are_sent(array):
    with pytest.raises(ArrayError):
        encode(array)
