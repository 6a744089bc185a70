// SPDX-License-Identifier: GPL-2.0-only
//! In which order, how often, and what becomes of each run.

use super::Contender;
use crate::bench::report::Run;
use anyhow::Result;

/// Ctrl-C came before everything was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// All schedulers, so many times.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who is measured.
    pub contenders: Vec<Contender>,
    /// How often each.
    pub repeats: u32,
}

/// Where runs are made: a machine, or a test's stand-in.
pub trait Lab {
    /// Runs the workload once under the kernel's own scheduler; nobody looks at the figures.
    ///
    /// # Errors
    /// One sentence where the workload itself fails; [`Interrupted`] on Ctrl-C.
    fn warm_up(&mut self) -> Result<()>;

    /// Runs the workload once. A scheduler that could not be attached or that died is a run without figures.
    ///
    /// # Errors
    /// One sentence where the workload itself fails; [`Interrupted`] on Ctrl-C.
    fn measure(&mut self, contender: &Contender) -> Result<Run>;
}

impl Plan {
    /// Carries it out; `each` is told of each run as it ends.
    ///
    /// # Errors
    /// As [`Lab`]'s.
    pub fn carry_out(&self, lab: &mut impl Lab, mut each: impl FnMut(Run)) -> Result<()> {
        lab.warm_up()?;
        for repeat in 0..self.repeats {
            for contender in &self.contenders {
                let run = lab.measure(contender)?;
                each(Run {
                    scheduler: contender.label.clone(),
                    repeat,
                    ..run
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Notebook {
        seen: Vec<String>,
        interrupted_after: usize,
    }

    impl Lab for Notebook {
        fn warm_up(&mut self) -> Result<()> {
            self.seen.push("warm-up".to_owned());
            Ok(())
        }

        fn measure(&mut self, contender: &Contender) -> Result<Run> {
            if self.seen.len() > self.interrupted_after {
                return Err(Interrupted.into());
            }
            self.seen.push(contender.label.clone());
            let died = (contender.label == "random").then(|| "why".to_owned());
            Ok(Run {
                died,
                ..Run::default()
            })
        }
    }

    fn carried_out(interrupted_after: usize) -> (Vec<String>, Vec<Run>, Result<()>) {
        let plan = Plan {
            contenders: Contender::parse_list("eevdf,augur,random", "").unwrap(),
            repeats: 2,
        };
        let mut lab = Notebook {
            seen: Vec::new(),
            interrupted_after,
        };
        let mut runs = Vec::new();
        let outcome = plan.carry_out(&mut lab, |run| runs.push(run));
        (lab.seen, runs, outcome)
    }

    #[test]
    fn in_turn_after_one_that_does_not_count() {
        let (seen, runs, outcome) = carried_out(100);
        outcome.unwrap();
        assert_eq!(
            seen,
            ["warm-up", "EEVDF", "augur", "random", "EEVDF", "augur", "random"]
        );
        let repeats: Vec<u32> = runs.iter().map(|run| run.repeat).collect();
        assert_eq!(repeats, [0, 0, 0, 1, 1, 1]);
        // Who died the first time gets its second chance, and its rows say so.
        assert_eq!(runs.iter().filter(|run| run.died.is_some()).count(), 2);
    }

    #[test]
    fn what_was_measured_before_ctrl_c_is_kept() {
        let (_, runs, outcome) = carried_out(4);
        assert_eq!(runs.len(), 4);
        assert!(outcome.unwrap_err().is::<Interrupted>());
    }
}
