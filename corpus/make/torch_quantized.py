"""Writes `quant_channels.pt` and `quant_channels_legacy.pt` into a folder, and prints what the manifest says of them.

    python torch_quantized.py OUT    with torch 1.13
"""
import hashlib
import json
import os
import sys

import torch

out = sys.argv[1]
values = torch.tensor([[[-1.5, 0.25], [2.0, 3.75]], [[0.0, 10.0], [-20.0, 5.5]], [[0.01, 0.02], [0.03, -0.04]]])
scales, zeros = torch.tensor([0.05, 0.25, 0.001], dtype=torch.double), torch.tensor([3, -4, 5])
state = {
    'channels': torch.quantize_per_channel(values, scales, zeros, 0, torch.qint8),
    'middle': torch.quantize_per_channel(values, scales[:2], zeros[:2], 1, torch.qint32),
    'whole': torch.quantize_per_tensor(values, 0.1, 7, torch.quint8),
    'swapped': torch.quantize_per_tensor(values, 0.5, 0, torch.qint8).transpose(0, 2),
    'plain': values,
}


def told(tensor):
    if not tensor.is_quantized:
        return describe(tensor)
    found = describe(tensor.int_repr())
    found['torch_dtype'] = str(tensor.dtype)
    found['dequantized'] = tensor.dequantize().contiguous().flatten().tolist()
    if tensor.qscheme() == torch.per_tensor_affine:
        found.update(scale=tensor.q_scale(), zero_point=tensor.q_zero_point())
    else:
        found.update(scales=tensor.q_per_channel_scales().tolist(), zero_points=tensor.q_per_channel_zero_points().tolist(),
                     axis=tensor.q_per_channel_axis())
    return found


def describe(tensor):
    array = tensor.contiguous().numpy()
    return {'shape': list(tensor.shape), 'torch_dtype': str(tensor.dtype),
            'sha256_c_order_le': hashlib.sha256(array.tobytes()).hexdigest()}


producer = 'torch %s (Debian python3-torch), Python %s' % (torch.__version__, sys.version.split()[0])
entries = []
for name, is_zip in [('quant_channels.pt', True), ('quant_channels_legacy.pt', False)]:
    path = os.path.join(out, name)
    torch.save(state, path, _use_new_zipfile_serialization=is_zip)
    with open(path, 'rb') as file:
        data = file.read()
    entries.append({'bytes': len(data), 'expect': {key: told(tensor) for key, tensor in state.items()},
                    'file': 'torch-1.13.0a0-py311/' + name, 'kind': 'torch', 'producer': producer,
                    'sha256': hashlib.sha256(data).hexdigest()})
print(json.dumps(entries))
