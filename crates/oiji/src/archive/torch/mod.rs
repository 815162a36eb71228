//! PyTorch's files, a file for each layout that `torch.save` has had.

mod legacy;
mod tar;
mod zip;

pub(crate) use legacy::Legacy;
pub(crate) use tar::Tar;
pub(crate) use zip::Torch;
