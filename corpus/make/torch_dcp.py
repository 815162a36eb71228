"""Writes distributed checkpoints into folders of a folder, and prints what the manifest says of it.

    python torch_dcp.py OUT    with torch 1.13, whose classes Python 3.11 takes only with the help below
"""
import dataclasses
import hashlib
import json
import os
import pickle
import sys

original = dataclasses._get_field


def lenient(cls, name, *rest):
    default = getattr(cls, name, None)
    default = getattr(default, 'default', default)
    if type(default).__hash__ is None and type(default).__module__.startswith('torch'):
        type(default).__hash__ = object.__hash__
    return original(cls, name, *rest)


dataclasses._get_field = lenient

import torch
from torch.distributed._shard.checkpoint import FileSystemWriter, save_state_dict

out = sys.argv[1]
state = {
    'w': torch.arange(6.0).reshape(2, 3),
    'n.b': torch.ones(2, dtype=torch.float64),
    'epoch': 3,
    'steps': torch.tensor(7),
    'columns': torch.arange(6, dtype=torch.int32).reshape(2, 3).t(),
}
chunked = {'w': torch.arange(20.0).reshape(4, 5), 'v': torch.arange(3, dtype=torch.int16)}


def write_chunks(folder):
    """What four ranks would write, each a quarter of `w`: by torch's own classes, laid out here."""
    from torch.distributed._shard.checkpoint.filesystem import _StorageInfo
    from torch.distributed._shard.checkpoint.metadata import (ChunkStorageMetadata, Metadata, MetadataIndex,
                                                              TensorStorageMetadata)
    from torch.distributed._shard.sharded_tensor.metadata import TensorProperties
    parts = {'w': [((0, 0), (2, 3)), ((0, 3), (2, 2)), ((2, 0), (2, 3)), ((2, 3), (2, 2))], 'v': [((0,), (3,))]}
    told, places = {}, {}
    with open(os.path.join(folder, '__0_0.distcp'), 'wb') as file:
        for name, chunks in parts.items():
            tensor = chunked[name]
            told[name] = TensorStorageMetadata(
                properties=TensorProperties(dtype=tensor.dtype), size=tensor.size(),
                chunks=[ChunkStorageMetadata(torch.Size(offsets), torch.Size(sizes)) for offsets, sizes in chunks])
            for number, (offsets, sizes) in enumerate(chunks):
                part = tensor[tuple(slice(at, at + size) for at, size in zip(offsets, sizes))].clone()
                start = file.tell()
                torch.save(part, file)
                place = _StorageInfo(relative_path='__0_0.distcp', offset=start, length=file.tell() - start)
                places[MetadataIndex(name, torch.Size(offsets), number)] = place
    with open(os.path.join(folder, '.metadata'), 'wb') as file:
        pickle.dump(Metadata(state_dict_metadata=told, storage_data=places), file)


producer = 'torch %s (Debian python3-torch), Python %s' % (torch.__version__, sys.version.split()[0])


def told(value):
    if not isinstance(value, torch.Tensor):
        return value
    array = value.contiguous().numpy()
    return {'shape': list(value.shape), 'torch_dtype': str(value.dtype),
            'sha256_c_order_le': hashlib.sha256(array.tobytes()).hexdigest()}


entries = []
for folder, state in [('dcp', state), ('dcp_chunks', chunked)]:
    path = os.path.join(out, folder)
    os.makedirs(path, exist_ok=True)
    if folder == 'dcp':
        save_state_dict(state, FileSystemWriter(path), no_dist=True)
    else:
        write_chunks(path)
    for name in sorted(os.listdir(path)):
        with open(os.path.join(path, name), 'rb') as file:
            data = file.read()
        entries.append({'bytes': len(data), 'expect': {key: told(value) for key, value in state.items()},
                        'file': 'torch-1.13.0a0-py311/%s/%s' % (folder, name), 'producer': producer,
                        'sha256': hashlib.sha256(data).hexdigest(),
                        'kind': 'torch-dcp-metadata' if name == '.metadata' else 'torch-dcp-part'})
print(json.dumps(entries))
