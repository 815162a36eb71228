//! Pickling from the beginning, in nine short chapters.
//!
//! To pickle is to turn an object, with all it holds, into bytes that outlive the program: in a file, in a database, at
//! the other end of a wire. To unpickle is to get it back. Every block here is compiled and run by the tests, and each
//! chapter is also a program, whose files the tests exchange with every Python they find, from 2.7 on:
//!
//! | chapter | `cargo run -p oiji --example …` |
//! |---|---|
//! | [One object in a file](dump_and_load) | `dump_and_load` |
//! | [Several objects in one file](several) | `several` |
//! | [What can be pickled](what_can_be_pickled) | `what_can_be_pickled` |
//! | [What goes into the file: hooks](state_hooks) | `state_hooks` |
//! | [What stays out of it: a training set](training_set) | `training_set` |
//! | [A state that is a tuple: weights](weights) | `weights` |
//! | [Old files, new names](renamed) | `renamed` |
//! | [Over a socket](socket) | `socket` |
//! | [In a database](database) | `database` |
//!
//! Without arguments a program shows both halves; with `dump FILE` it writes for your Python, with `load FILE` it reads
//! from it; its first lines say more.
//!
//! One thing is different from Python, and you may like it: to load a pickle here runs nothing. The file names classes;
//! which Rust type stands for a class, and which function is a hook, your program says. In Python, load only what you
//! trust.

pub mod database;
pub mod dump_and_load;
pub mod renamed;
pub mod several;
pub mod socket;
pub mod state_hooks;
pub mod training_set;
pub mod weights;
pub mod what_can_be_pickled;
