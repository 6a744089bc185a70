// SPDX-License-Identifier: GPL-2.0-only
//! What device policies learn with.
//!
//! ```text
//! forest     trees that are grown here            retrain  again and again, in the background
//! importance what a prediction hangs on           detect   whether a stream of numbers is still what it was
//! trainable  a network that is trained here, through its signatures       trained  what came of it
//! dueling, messages   the trained networks in plain Rust
//! ```

pub mod detect;
pub mod dueling;
pub mod forest;
pub mod importance;
pub mod messages;
pub mod retrain;
pub mod trainable;
pub mod trained;
