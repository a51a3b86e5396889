"""The local text encoder: any sentence, the same everywhere, similar wording gives similar rows."""
import numpy as np
import pytest

from cosmos_policy_ros.policy.text import HashedWords

encode = HashedWords().encode


def similarity(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_one_row_a_word_then_zeros():
    rows = encode('Put the duck on the plate.')
    assert rows.shape == (32, 256) and rows.dtype == np.float32
    assert np.allclose((rows[:6] ** 2).mean(1), 1, atol=1e-5) and not rows[6:].any()


def test_case_and_punctuation_do_not_matter():
    assert np.array_equal(encode('put candy in bag'), encode('  Put CANDY, in bag!'))


def test_rows_are_the_same_on_every_machine():
    assert encode('put candy in bag')[1, :3].tolist() == pytest.approx([1.520492, 0.397622, 0.634860], abs=1e-5)


def test_related_words_are_nearer_than_unrelated_ones():
    candy, candies, insert = (encode(f'put {word}')[1] for word in ('candy', 'candies', 'insert'))
    assert similarity(candy, candies) > 0.25 > similarity(candy, insert) + 0.1


def test_word_order_changes_the_set_of_rows():
    first, second = encode('plate on duck'), encode('duck on plate')
    assert not np.allclose(np.sort(first, axis=0), np.sort(second, axis=0))


@pytest.mark.parametrize('instruction', ['', '...', 'word ' * 33])
def test_instructions_that_cannot_be_encoded_are_refused(instruction):
    with pytest.raises(ValueError, match='expected 1 to 32 words'):
        encode(instruction)
