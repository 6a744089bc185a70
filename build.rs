// SPDX-License-Identifier: GPL-2.0-only
//! Compiles `bpf/main.bpf.c`, and generates its skeleton and the Rust twin of `bpf/intf.h`.

fn main() {
    let built = scx_cargo::BpfBuilder::new().and_then(|mut builder| {
        builder
            .enable_intf("bpf/intf.h", "bpf_intf.rs")
            .enable_skel("bpf/main.bpf.c", "bpf")
            .compile_link_gen()
    });
    println!("cargo:rerun-if-changed=bpf");
    if let Err(err) = built {
        eprintln!("cannot build the BPF program: {err:#}; `scripts/setup build` installs the compiler");
        std::process::exit(1);
    }
}
