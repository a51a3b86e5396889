"""Embeddings of new sentences by the T5 encoder, offline and once a sentence; nothing of it runs on the robot."""
import torch

from .errors import CheckpointError

MODEL = 'google-t5/t5-11b'
"""The encoder of the published policies: 4.9 G parameters, width 1024."""


def embed(instructions, tokens, width, source=MODEL, device='cpu', dtype=torch.float32):
    """Embeddings as the published policies were trained on them.

    Args:
        instructions: sentences, taken letter by letter. tokens, width: shape that the network reads.
        source: folder or hub id of a T5 model with its tokenizer. dtype: of the encoder; published: float32.

    Returns:
        instruction -> (tokens, width) CPU tensor of type ``dtype``: one row a token, the end token included, zero rows
        after it.

    Raises:
        CheckpointError: ``transformers`` missing, no such model, another width, or a sentence without or with too many
        tokens.
    """
    try:
        from transformers import AutoTokenizer, T5EncoderModel
    except ImportError as error:
        raise CheckpointError('new sentences need the T5 encoder of the package transformers; run: '
                              'pip install transformers sentencepiece') from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        encoder = T5EncoderModel.from_pretrained(source, torch_dtype=dtype).to(device).eval()
    except Exception as error:  # the library raises whatever its files and downloads raise
        reason = (str(error).splitlines() or [''])[0][:160]
        raise CheckpointError(f'{source}: no T5 model could be loaded ({type(error).__name__}: {reason}); give the '
                              f'folder of one, or its hub id with a network') from error
    if encoder.config.d_model != width:
        raise CheckpointError(f'{source}: rows of {encoder.config.d_model} numbers, the network reads {width}; the '
                              f'published policies take {MODEL}')
    return {instruction: _rows(instruction, tokenizer, encoder, tokens) for instruction in instructions}


@torch.inference_mode()
def _rows(instruction, tokenizer, encoder, tokens):
    if not instruction.strip():
        raise CheckpointError(f'instruction {instruction!r} is empty; give a sentence')
    # Encoding without padding gives the rows that padding behind an attention mask gives.
    inputs = tokenizer(instruction, return_tensors='pt').to(encoder.device)
    count = inputs.input_ids.shape[1]
    if count > tokens:
        raise CheckpointError(f'instruction of {count} tokens, the network reads {tokens}; use a shorter sentence')
    found = encoder(**inputs).last_hidden_state[0]
    if not torch.isfinite(found).all():
        raise CheckpointError(f'{instruction!r}: the encoder answered NaN; use --dtype float32 or bfloat16')
    rows = torch.zeros(tokens, found.shape[1], dtype=found.dtype)
    rows[:count] = found
    return rows
