//! PyTorch's files, a file for each layout that `torch.save` has had.

mod distributed;
mod legacy;
mod parts;
mod save;
mod tar;
mod zip;

pub(crate) use distributed::Distributed;
pub(crate) use legacy::Legacy;
pub(crate) use parts::Parts;
pub(crate) use save::check_dtype;
pub use save::save_torch;
pub(crate) use tar::Tar;
pub(crate) use zip::Torch;
