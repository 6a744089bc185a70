// SPDX-License-Identifier: GPL-2.0-only
//! A small C project, made here: what `bench compile` compiles where there is nothing better.

use super::child::CommandLine;
use super::workload::{Clean, Workload};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Many short compilations move more than a few long ones.
const UNITS: usize = 32;
const FUNCTIONS: usize = 24;

const MAKEFILE: &str = "\
objects := $(patsubst %.c,%.o,$(wildcard unit_*.c))
all: $(objects)
%.o: %.c
\t$(CC) -O2 -c -o $@ $<
";

/// Writes the project into a folder.
///
/// # Errors
/// Where it cannot be written.
pub fn make(folder: &Path, jobs: usize) -> Result<Workload> {
    let what = || format!("cannot write a C project in {}", folder.display());
    fs::create_dir_all(folder).with_context(what)?;
    fs::write(folder.join("Makefile"), MAKEFILE).with_context(what)?;
    for number in 0..UNITS {
        fs::write(folder.join(format!("unit_{number:02}.c")), unit(number)).with_context(what)?;
    }
    Ok(Workload {
        name: format!("compile: {UNITS} C files"),
        jobs,
        clean: Clean::Objects(folder.to_owned()),
        prepare: Vec::new(),
        timed: CommandLine::new(folder, ["make".to_owned(), "-s".to_owned(), format!("-j{jobs}")]),
    })
}

/// Loops that a compiler has to think about.
fn unit(number: usize) -> String {
    let mut text = String::from("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n");
    for function in 0..FUNCTIONS {
        let step = number * FUNCTIONS + function + 1;
        let _ = write!(
            text,
            "
static double grid_{function}[64][64];
double relax_{number}_{function}(const double *in, int n)
{{
	double sum = 0.0;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < 64; j++) {{
			grid_{function}[i % 64][j] += in[(i * {step} + j) % n] / (1.0 + j);
			sum += grid_{function}[j][i % 64];
		}}
	switch (n % 7) {{
	case 0: return sum * {step};
	case 1: return sum - in[0];
	case 2: memset(grid_{function}, 0, sizeof(grid_{function})); break;
	case 3: printf(\"%f\\n\", sum); break;
	default: return sum > {step} ? relax_{number}_{function}(in, n - 1) : sum;
	}}
	return sum;
}}
"
        );
    }
    text
}
