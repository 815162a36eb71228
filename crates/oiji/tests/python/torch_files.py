"""Writes files of torch into a folder, and prints what torch says of them: `python torch_files.py OUT`."""
import io
import json
import os
import sys
import warnings

import torch

warnings.simplefilter('ignore')
out = sys.argv[1]
told = {'version': torch.__version__, 'quantized': {}, 'tensors': {}, 'checkpoint': {}}

# Several elements in a byte, of rows that fill their last byte and that do not.
quantized = {}
for columns in (4, 5):
    values = torch.arange(-6.0, 3 * columns - 6).reshape(3, columns) / 3
    scales, zeros = torch.tensor([0.25, 0.5, 0.7]), torch.tensor([8.0, 7.5, 1.0])
    for kind in ('quint8', 'quint4x2', 'quint2x4'):
        try:
            quantized['%s_%d' % (kind, columns)] = torch.quantize_per_channel(values, scales, zeros, 0, getattr(torch, kind))
        except (AttributeError, RuntimeError) as error:
            sys.stderr.write('skipped %s: %s\n' % (kind, error))
for name, is_zip in (('quantized.pt', True), ('quantized_legacy.pt', False)):
    torch.save(quantized, os.path.join(out, name), _use_new_zipfile_serialization=is_zip)
told['quantized'] = {name: tensor.dequantize().flatten().tolist() for name, tensor in quantized.items()}

# All other types that this version has, and can save.
tensors = {}
for name in ('uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 float8_e4m3fn float8_e5m2 '
             'float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu bool').split():
    if hasattr(torch, name):
        tensor = torch.tensor([1.0, 2.0, 0.5, 4.0]).to(getattr(torch, name))
        try:
            torch.save(tensor, io.BytesIO())
        except KeyError as error:
            sys.stderr.write('skipped %s: %s\n' % (name, error))
        else:
            tensors[name] = tensor
torch.save(tensors, os.path.join(out, 'tensors.pt'))
told['tensors'] = {name: tensor.to(torch.float64).tolist() for name, tensor in tensors.items()}

try:
    import torch.distributed.checkpoint as checkpoint
except ImportError as error:
    sys.stderr.write('skipped checkpoints: %s\n' % error)
else:
    state = {'w': torch.arange(6.0).reshape(2, 3), 'n': {'b': torch.ones(4, dtype=torch.bfloat16)}, 'step': 7}
    flat = {'w': state['w'], 'n.b': state['n']['b'], 'step': 7}
    folder = os.path.join(out, 'checkpoint')
    if hasattr(checkpoint, 'save'):
        checkpoint.save(state, checkpoint_id=folder)
    else:
        checkpoint.save_state_dict(flat, checkpoint.FileSystemWriter(folder), no_dist=True)
    told['checkpoint'] = {name: value.double().flatten().tolist() if isinstance(value, torch.Tensor) else value
                          for name, value in flat.items()}
print(json.dumps(told))
