// SPDX-License-Identifier: GPL-2.0-only
//! What the build made of `bpf/`: the skeletons, and the Rust twin of `intf.h`.

/// The contract with the BPF program, generated from `bpf/intf.h`.
#[allow(
    non_upper_case_globals,
    non_camel_case_types,
    non_snake_case,
    dead_code,
    missing_docs,
    clippy::all
)]
pub mod intf {
    include!(concat!(env!("OUT_DIR"), "/bpf_intf.rs"));
}

#[allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::undocumented_unsafe_blocks
)]
mod skel {
    include!(concat!(env!("OUT_DIR"), "/bpf_skel.rs"));
}

#[allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::undocumented_unsafe_blocks
)]
mod record_skel {
    include!(concat!(env!("OUT_DIR"), "/record_skel.rs"));
}

pub use record_skel::{OpenRecordSkel, RecordSkel, RecordSkelBuilder};
pub use skel::{BpfSkel, BpfSkelBuilder, OpenBpfSkel, types};
