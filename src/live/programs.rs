// SPDX-License-Identifier: GPL-2.0-only
//! What the BPF programs of schedulers cost, by the kernel's own statistics (`kernel.bpf_stats_enabled`).

use libbpf_rs::ProgramType;
use libbpf_rs::btf::{Btf, TypeId, types::Func};
use libbpf_rs::query::{ProgInfoIter, ProgInfoQueryOptions, ProgramInfo};

/// A struct_ops program that is loaded: one callback of a scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The kernel's number; never used twice.
    pub id: u32,
    /// The callback's function.
    pub name: String,
    /// All its runs together, in ns.
    pub run_time_ns: u64,
    /// How often it ran.
    pub calls: u64,
}

/// Every struct_ops program of this kernel; none where this process may not ask.
pub fn struct_ops() -> Vec<Program> {
    let options = ProgInfoQueryOptions::default().include_func_info(true);
    ProgInfoIter::with_query_opts(options)
        .filter(|program| program.ty == ProgramType::StructOps)
        .map(|program| Program {
            id: program.id,
            name: function(&program).unwrap_or_else(|| program.name.to_string_lossy().into_owned()),
            run_time_ns: program.run_time_ns,
            calls: program.run_cnt,
        })
        .collect()
}

/// The whole name of a program's function: its own is cut after 15 characters.
fn function(program: &ProgramInfo) -> Option<String> {
    let function = program.func_info.first()?;
    let btf = Btf::from_prog_id(program.id).ok()?;
    let function: Func<'_> = btf.type_by_id(TypeId::from(function.type_id))?;
    Some(function.name()?.to_string_lossy().into_owned())
}
