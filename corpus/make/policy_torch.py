"""Prints the rules of `crates/oiji/src/policy/torch.rules`: what checkpoints and whole models of PyTorch name.

    python policy_torch.py FOLDER...    each the folder `torch` of an unpacked wheel; nothing of it is imported

Modules, optimizers and schedules are instances with a state of attributes. Functions are named as attributes of modules (an
activation), and never called by a pickle. Of what rebuilds tensors each function is in a list of those that were read: it makes
a tensor of what it is given, and nothing else. What starts processes, compiles or exports is left out.
"""
import ast
import collections
import os
import sys

# Packages of classes whose instances are data, by the folder in torch.
PACKAGES = ['nn/modules', 'optim', 'nn/quantized/modules', 'nn/quantized/dynamic/modules', 'nn/intrinsic/modules', 'nn/qat/modules',
            'nn/intrinsic/qat/modules', 'nn/intrinsic/quantized/modules', 'ao/nn/quantized/modules', 'ao/nn/quantized/dynamic/modules',
            'ao/nn/intrinsic/modules', 'ao/nn/qat/modules', 'ao/nn/intrinsic/qat/modules', 'ao/nn/intrinsic/quantized/modules',
            'ao/nn/quantizable/modules']
FILES = ['nn/parallel/data_parallel.py', 'nn/utils/weight_norm.py', 'nn/utils/spectral_norm.py', 'nn/utils/parametrize.py',
         'nn/utils/parametrizations.py', 'nn/utils/prune.py', 'quantization/observer.py', 'quantization/fake_quantize.py',
         'quantization/stubs.py', 'ao/quantization/observer.py', 'ao/quantization/fake_quantize.py', 'ao/quantization/stubs.py',
         'ao/quantization/qconfig.py', 'amp/grad_scaler.py', 'cuda/amp/grad_scaler.py', 'torch_version.py']
# They compile, call what they hold when they are made, or set up groups of processes.
LEFT_OUT = {'BackwardHookFunction', 'LazyModuleMixin', 'SyncBatchNorm', 'ScriptModule', 'TorchVersionError'}
# Read, and found to make tensors and nothing else, whatever they are given.
REBUILD = {
    '_utils.py': ['_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_tensor_v3', '_rebuild_parameter', '_rebuild_sparse_tensor',
                  '_rebuild_sparse_csr_tensor', '_rebuild_nested_tensor', '_rebuild_qtensor', '_rebuild_meta_tensor_no_storage',
                  '_rebuild_device_tensor_from_numpy', '_rebuild_device_tensor_from_cpu_tensor', '_rebuild_xla_tensor',
                  '_rebuild_mlc_tensor', '_rebuild_hpu_tensor'],
}
# They call the function that they are given: one that is allowed in full, and takes any arguments.
CALLERS = {'_tensor.py': ['_rebuild_from_type', '_rebuild_from_type_v2'], 'tensor.py': ['_rebuild_from_type']}


def tree(path):
    with open(path, encoding='utf-8') as file:
        return ast.parse(file.read())


def named(path, kind):
    return [node.name for node in tree(path).body if isinstance(node, kind)]


def is_error(node):
    bases = [base.id if isinstance(base, ast.Name) else getattr(base, 'attr', '') for base in node.bases]
    return any(base.endswith(('Error', 'Warning', 'Exception', 'Protocol')) for base in bases)


def classes(path):
    return [node.name for node in tree(path).body
            if isinstance(node, ast.ClassDef) and not is_error(node) and node.name not in LEFT_OUT]


rules = collections.defaultdict(set)
for root in sys.argv[1:]:
    def module(file):
        return 'torch.' + file[:-len('.py')].replace('/', '.').removesuffix('.__init__')

    files = [file for file in FILES if os.path.exists(os.path.join(root, file))]
    for package in PACKAGES:
        if os.path.isdir(os.path.join(root, package)):
            files += [package + '/' + name for name in sorted(os.listdir(os.path.join(root, package))) if name.endswith('.py')]
    for file in files:
        found = [name for name in classes(os.path.join(root, file)) if not name.startswith('__')]
        if found:
            rules[module(file), 'new state'].update(found)
    functions = named(os.path.join(root, 'nn/functional.py'), ast.FunctionDef)
    assigned = [target.id for node in tree(os.path.join(root, 'nn/functional.py')).body if isinstance(node, ast.Assign)
                for target in node.targets if isinstance(target, ast.Name)]
    rules['torch.nn.functional', 'name'].update(name for name in functions + assigned if name[0] != '_' and name.islower())
    rules['torch.nn.init', 'name'].update(name for name in named(os.path.join(root, 'nn/init.py'), ast.FunctionDef) if name[0] != '_')
    for table, uses in ((REBUILD, 'call'), (CALLERS, 'call(class)')):
        for file, names in table.items():
            if os.path.exists(os.path.join(root, file)):
                there = set(named(os.path.join(root, file), ast.FunctionDef))
                if there & set(names):
                    rules[module(file), uses].update(there & set(names))
for (name, uses), names in sorted(rules.items()):
    print('allow %s: %s = %s' % (name, ' '.join(sorted(names)), uses))
