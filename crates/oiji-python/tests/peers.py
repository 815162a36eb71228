"""Other Pythons with other versions of NumPy, some with Theano: those that OIJI_TEST_PEERS names.

`cargo xtask python` fetches them and sets it: `PYTHON=FOLDER` with colons between, the folder with what pip put there.
"""
import collections
import os
import subprocess
import tempfile

Peer = collections.namedtuple('Peer', 'python folder numpy theano')

WHY_NONE = 'OIJI_TEST_PEERS names no Python that has it (`cargo xtask python` without --quick fetches some)'
_VERSIONS = '''
import numpy
try:
    import theano
    print(numpy.__version__ + ' ' + theano.__version__)
except ImportError:
    print(numpy.__version__)
'''


def run(peer, script, *arguments):
    """What a script prints there; its errors if it fails."""
    with tempfile.TemporaryDirectory() as compiled:
        # Theano keeps what it compiles, and here it shall compile nothing.
        flags = 'cxx=,base_compiledir=' + compiled
        environment = dict(os.environ, PYTHONPATH=peer.folder, PYTHONDONTWRITEBYTECODE='1', THEANO_FLAGS=flags,
                           PYTHONIOENCODING='utf-8', PYTHONWARNINGS='ignore')
        done = subprocess.run([peer.python, '-c', script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment, timeout=300)
    if done.returncode:
        raise AssertionError(done.stderr.decode('utf-8', 'replace')[-2000:])
    return done.stdout.decode('utf-8').strip()


def found():
    """All that run."""
    peers = []
    for pair in filter(None, os.environ.get('OIJI_TEST_PEERS', '').split(':')):
        python, _, folder = pair.partition('=')
        versions = run(Peer(python, folder, None, None), _VERSIONS).split('\n')[-1].split()
        peers.append(Peer(python, folder, versions[0], versions[1] if len(versions) > 1 else None))
    return peers
