//! PyTorch's files, a file for each layout that `torch.save` has had.

mod zip;

pub(crate) use zip::Torch;
