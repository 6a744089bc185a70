// SPDX-License-Identifier: GPL-2.0-only
//! Compiles the scheduler (`bpf/main.bpf.c`) and the recorder (`bpf/record.bpf.c`), and generates their skeletons and the
//! Rust twin of `bpf/intf.h`.

fn main() {
    let built = scx_cargo::BpfBuilder::new().and_then(|mut builder| {
        builder
            .enable_intf("bpf/intf.h", "bpf_intf.rs")
            .enable_skel("bpf/main.bpf.c", "bpf")
            .compile_link_gen()
    });
    // An object of its own: it has to load on kernels without sched_ext, where nothing of the scheduler can.
    let built = built.and_then(|()| {
        scx_cargo::BpfBuilder::new()?
            .enable_skel("bpf/record.bpf.c", "record")
            // The last one counts: kernels before 6.6 do not know the instructions of v4.
            .add_cflag("-mcpu=v3")
            .build()
    });
    println!("cargo:rerun-if-changed=bpf");
    if let Err(err) = built {
        eprintln!("cannot build the BPF program: {err:#}; `scripts/setup build` installs the compiler");
        std::process::exit(1);
    }
}
