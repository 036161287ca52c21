"""A language model made by hand, served by llama.cpp's own OpenAI-compatible server (PyPI's xllamacpp).

The weights are no training's: each token's embedding is a unit vector and the output matrix sends it to the one token
that follows, so what the model says is known beforehand. Asked by a user it calls the tool `time_now`, in the form that
its chat template teaches; shown the result it answers. All else (template, tokenizer, parser of tool calls, streaming,
HTTP) is llama.cpp's: a server that none of us wrote.

    clockwork.py FOLDER        writes FOLDER/clockwork.gguf, serves it, prints `listening ADDRESS`

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys
import time

import gguf
import numpy
import xllamacpp

CALL = ["<tool_call>", "\n", '{"name"', ": ", '"time_now"', ", ", '"arguments"', ": ", "{}", "}", "\n", "</tool_call>"]
ANSWER = ["The", " clock", " has", " been", " asked", "."]
SPECIAL = ["<|begin|>", "<|after|>", "<|im_start|>", "<|im_end|>"]
EMBEDDING = 384
TEMPLATE = """\
{%- if tools %}<|im_start|>system
You may call functions. They are within <tools></tools>:
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
For each call return a json object with name and arguments within <tool_call></tool_call>:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% elif message.tool_calls %}<|im_start|>assistant
{%- for call in message.tool_calls %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if messages[-1].role == 'tool' %}<|after|>{% else %}<|begin|>{% endif %}{% endif %}"""


def vocabulary():
    """Tokens with their types: the least that llama.cpp's SPM tokenizer wants, then what the model reads and says."""
    kinds = gguf.TokenType
    tokens = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", kinds.BYTE) for byte in range(256)]
    tokens += [(word, kinds.USER_DEFINED) for word in SPECIAL]
    # What is said is a chain of its own tokens: the same word at two places is two tokens.
    said = [(f"{word}", kinds.NORMAL) for word in CALL + ANSWER]
    return tokens, said


def write(path):
    tokens, said = vocabulary()
    first = len(tokens)
    # llama.cpp wants texts to be unique: repetitions become steps of one token's successor, by place.
    texts, chain = [text for text, _ in tokens], {}
    kinds = [kind for _, kind in tokens]

    def add(text):
        # SPM writes a space as U+2581.
        text = text.replace(" ", "\u2581")
        while text in texts[first:]:
            text += "\u200b"
        texts.append(text)
        kinds.append(gguf.TokenType.NORMAL)
        return len(texts) - 1

    for start, words in (("<|begin|>", merge(CALL)), ("<|after|>", ANSWER)):
        last = texts.index(start)
        for word in words:
            chain[last] = add(word)
            last = chain[last]
        chain[last] = texts.index("</s>")
    size = len(texts)
    assert size <= EMBEDDING
    embedding = numpy.zeros((size, EMBEDDING), dtype=numpy.float32)
    output = numpy.zeros((size, EMBEDDING), dtype=numpy.float32)
    for token in range(size):
        embedding[token, token] = 1
    for token, following in chain.items():
        output[following, token] = 10
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("clockwork")
    out.add_context_length(8192)
    out.add_embedding_length(EMBEDDING)
    out.add_block_count(1)
    out.add_feed_forward_length(EMBEDDING)
    out.add_head_count(4)
    out.add_head_count_kv(4)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(EMBEDDING // 4)
    out.add_vocab_size(size)
    out.add_tokenizer_model("llama")
    out.add_token_list(texts)
    out.add_token_scores([0.0] * size)
    out.add_token_types([int(kind) for kind in kinds])
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_add_bos_token(True)
    out.add_add_space_prefix(False)
    out.add_chat_template(TEMPLATE)
    ones, zeros = numpy.ones(EMBEDDING, dtype=numpy.float32), numpy.zeros((EMBEDDING, EMBEDDING), dtype=numpy.float32)
    out.add_tensor("token_embd.weight", embedding)
    for name in ("attn_norm", "ffn_norm"):
        out.add_tensor(f"blk.0.{name}.weight", ones)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        out.add_tensor(f"blk.0.{name}.weight", zeros)
    out.add_tensor("output_norm.weight", ones)
    out.add_tensor("output.weight", output)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def merge(words):
    """The call in pieces that are all different."""
    return [words[0], words[1] + words[2], words[3] + words[4], words[5] + words[6], words[7] + words[8] + words[9],
            words[10] + words[11]]


def main():
    path = pathlib.Path(sys.argv[1]) / "clockwork.gguf"
    write(str(path))
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = 8192
    params.n_parallel = 2
    params.cpuparams.n_threads = 1
    params.use_jinja = True
    params.warmup = False
    params.port = 0
    params.hostnames = ["127.0.0.1"]
    server = xllamacpp.Server(params)
    print("listening", server.listening_address, flush=True)
    while True:
        time.sleep(3600)


main()
