"""The robust archive: one ZIP with each array of an object as a `.npy` member, and the rest as a pickle beside them.

`numpy.load` alone lists and reads the arrays, without the classes around them: such files can be shared and kept.

    from oiji import archive

    archive.dump({"w": weights}, "model.zip", paths=True)
    archive.load("model.zip", mmap="r")
    numpy.load("model.zip")["w"]
    with archive.Editor("model.zip") as editor:
        editor.replace("w", better)

What `theano.misc.pkl_utils` wrote is read too, and written with `compatible=True`. Loading runs what the pickle names,
as `pickle` does: load only what you trust. `members` and `verify` run nothing.
"""
from oiji.archive._dump import dump
from oiji.archive._edit import Editor, compact
from oiji.archive._inspect import Broken, Member, members, read, verify
from oiji.archive._load import StandIn, load

__all__ = ["Broken", "Editor", "Member", "StandIn", "compact", "dump", "load", "members", "read", "verify"]
