// SPDX-License-Identifier: GPL-2.0-only
//! Compiles the scheduler (`bpf/main.bpf.c`) and the recorder (`bpf/record.bpf.c`), and generates their skeletons and the
//! Rust twin of `bpf/intf.h`. A build without the feature `live` has none of that, and needs no clang.

#[cfg(feature = "live")]
#[path = "build/clang.rs"]
mod clang;

#[cfg(not(feature = "live"))]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}

#[cfg(feature = "live")]
fn main() {
    for path in ["bpf", "build", "build.rs"] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-env-changed=BPF_CLANG");
    let named = std::env::var("BPF_CLANG").ok();
    let clang = clang::choose(named.as_deref(), said).unwrap_or_else(|why| fail(&why));
    // scx_cargo takes the compiler that this variable names.
    // SAFETY: nothing has started a thread yet.
    unsafe { std::env::set_var("BPF_CLANG", clang) };
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
    if let Err(err) = built {
        fail(&format!(
            "cannot build the BPF programs: {err:#}; `scripts/setup build` installs what that needs"
        ));
    }
}

/// What a compiler says of itself; `None` where it does not run.
#[cfg(feature = "live")]
fn said(clang: &str) -> Option<String> {
    let output = std::process::Command::new(clang).arg("--version").output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(feature = "live")]
fn fail(why: &str) -> ! {
    eprintln!("scx_augur: {why}");
    std::process::exit(1);
}
