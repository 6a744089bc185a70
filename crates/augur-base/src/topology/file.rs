// SPDX-License-Identifier: GPL-2.0-only
//! A machine written as TOML: a shape, and where CPUs are slower; or every CPU by itself.

use super::{Cpu, Machine, Shape};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// The text: either a shape such as `2x2x4x2`, or CPUs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    shape: Option<String>,
    #[serde(default)]
    capacity: Vec<Slower>,
    #[serde(default)]
    cpu: Vec<One>,
    max_domain_cpus: Option<usize>,
}

/// CPUs of another capacity than 1.0.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slower {
    cpus: Vec<usize>,
    value: f32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: usize,
    core: usize,
    llc: usize,
    node: usize,
    #[serde(default = "full")]
    capacity: f32,
}

fn full() -> f32 {
    1.0
}

impl Machine {
    /// The machine of a TOML text:
    ///
    /// ```toml
    /// shape = "1x2x4"          # nodes × caches of each × cores of each × threads of each, as on the command line
    /// max_domain_cpus = 4      # split a larger cache into domains
    /// [[capacity]]             # as often as needed; 1.0 where nothing is said
    /// cpus = [4, 5, 6, 7]
    /// value = 0.5
    /// ```
    ///
    /// Instead of a shape, `[[cpu]]` tables with `id`, `core`, `llc`, `node` and `capacity` describe any machine.
    ///
    /// # Errors
    /// One sentence that says what is wrong, and where.
    pub fn from_toml(text: &str) -> Result<Machine> {
        let text: Text = toml::from_str(text).map_err(|err| anyhow::anyhow!("{}", one_line(&err)))?;
        let mut cpus: Vec<Cpu> = match (&text.shape, text.cpu.is_empty()) {
            (Some(shape), true) => shape.parse::<Shape>()?.cpus(),
            (None, false) => text.cpu.iter().map(One::cpu).collect(),
            _ => bail!("a machine needs either a shape or [[cpu]] tables"),
        };
        for slower in &text.capacity {
            for &id in &slower.cpus {
                let cpu = cpus.iter_mut().find(|cpu| cpu.id == id);
                cpu.with_context(|| format!("there is no CPU {id} to give capacity {} to", slower.value))?
                    .capacity = slower.value;
            }
        }
        ensure!(
            text.max_domain_cpus != Some(0),
            "max_domain_cpus must be at least 1"
        );
        Machine::from_cpus(cpus, text.max_domain_cpus)
    }
}

impl One {
    fn cpu(&self) -> Cpu {
        Cpu {
            id: self.id,
            core: self.core,
            llc: self.llc,
            node: self.node,
            capacity: self.capacity,
            domain: 0,
        }
    }
}

/// The parser's message without its picture of the line.
fn one_line(err: &toml::de::Error) -> String {
    err.message().lines().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_with_slow_cpus() {
        let machine =
            Machine::from_toml("shape = \"2x2\"\n[[capacity]]\ncpus = [1, 3]\nvalue = 0.5\n").unwrap();
        let capacities: Vec<f32> = machine.cpus.iter().map(|cpu| cpu.capacity).collect();
        assert_eq!(capacities, [1.0, 0.5, 1.0, 0.5]);
        assert_eq!(machine.domains.len(), 2);
    }

    #[test]
    fn every_cpu_by_itself() {
        let text =
            "[[cpu]]\nid = 3\ncore = 0\nllc = 0\nnode = 0\n[[cpu]]\nid = 7\ncore = 1\nllc = 1\nnode = 0\n";
        let machine = Machine::from_toml(text).unwrap();
        assert_eq!((machine.cpus[1].id, machine.domains.len()), (7, 2));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (text, part) in [
            ("", "either a shape"),
            ("shape = 3", "invalid type"),
            ("shape = \"0\"", "zero"),
            ("shape = \"2\"\n[[capacity]]\ncpus = [9]\nvalue = 0.5", "no CPU 9"),
            ("shape = \"2\"\n[[capacity]]\ncpus = [1]\nvalue = 7", "capacity 7"),
            ("shape = \"2\"\ncores = 3", "unknown field"),
        ] {
            let said = format!("{:#}", Machine::from_toml(text).unwrap_err());
            assert!(said.contains(part) && said.lines().count() == 1, "{text}: {said}");
        }
    }
}
