// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur completions` and `scx_augur man`: what shells and readers of manuals know of the command line, written out
//! of its own description, so that neither is ever older than the program.

use super::console::note;
use super::{UsageError, parse};
use anyhow::{Context, Result};
use augur_base::file::{Folder, Output, Used};
use clap::{Command, Parser, ValueEnum};
use clap_complete::{Shell as Writer, generate};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::io::{self, Write};
use std::path::PathBuf;

const NAME: &str = "scx_augur";
/// A longer line that ends with a colon is a sentence.
const HEADING_CHARS: usize = 45;

/// Print what completes this command line in a shell.
#[derive(Debug, Parser)]
#[command(after_help = AFTER_HELP)]
pub struct Completions {
    /// The shell that reads it
    #[arg(value_enum)]
    shell: Shell,
}

const AFTER_HELP: &str = "\
`make install` puts all of them where the shells look.

For yourself alone:
  bash  scx_augur completions bash > ~/.local/share/bash-completion/completions/scx_augur
  zsh   scx_augur completions zsh > DIR/_scx_augur, with DIR in your fpath
  fish  scx_augur completions fish > ~/.config/fish/completions/scx_augur.fish";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Write this manual as pages for man(1), one for each command.
#[derive(Debug, Parser)]
pub struct Pages {
    /// The folder to write them to; those that are there are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs `completions`.
///
/// # Errors
/// Where standard output cannot be written.
pub fn completions(args: &Completions) -> Result<()> {
    let writer = match args.shell {
        Shell::Bash => Writer::Bash,
        Shell::Zsh => Writer::Zsh,
        Shell::Fish => Writer::Fish,
    };
    let mut script = Vec::new();
    generate(writer, &mut parse::command(), NAME, &mut script);
    io::stdout()
        .lock()
        .write_all(&script)
        .context("cannot write to standard output")
}

/// Runs `man`.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn man(args: &Pages) -> Result<()> {
    let out = &args.out;
    if let Some(Used { file, what }) = Used::by(out) {
        let said = format!("{} holds {what} ({file}); name another folder", out.display());
        return Err(UsageError(said).into());
    }
    let pages = pages()?;
    let _folder = Folder::make(out)?;
    for (name, text) in &pages {
        Output::of(&out.join(name), text)?.finish()?;
    }
    note!("{} pages are in {}", pages.len(), out.display());
    Ok(())
}

/// The name and the text of each page, of all commands but hidden ones.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    // Built, a command knows the names of those above it.
    let mut whole = parse::command().disable_help_subcommand(true);
    whole.build();
    let (mut open, mut found) = (vec![whole], Vec::new());
    while let Some(command) = open.pop() {
        open.extend(visible(&command).cloned());
        let after = command.get_after_long_help().or(command.get_after_help());
        let after = after.map(ToString::to_string).unwrap_or_default();
        let none = None::<&'static str>;
        let page = Man::new(command.after_help(none).after_long_help(none));
        let page = page.source(concat!("scx_augur ", env!("CARGO_PKG_VERSION")));
        let mut text = Vec::new();
        page.render(&mut text)?;
        sections(&after).to_writer(&mut text)?;
        found.push((page.get_filename(), text));
    }
    Ok(found)
}

/// What a help text ends with, as sections of its page: a short line that ends with a colon is a heading, and lines that
/// are set in stay as they are. clap_mangen would fill them, and run examples together with what is said of them.
fn sections(after: &str) -> Roff {
    let (mut roff, mut kept, mut headed) = (Roff::new(), false, false);
    for line in after.lines() {
        if line.starts_with("  ") != kept {
            kept = !kept;
            roff.control(if kept { "nf" } else { "fi" }, []);
        }
        match line.strip_suffix(':') {
            Some(heading) if !kept && heading.len() <= HEADING_CHARS => {
                roff.control("SH", [heading.to_uppercase().as_str()])
            }
            _ if line.is_empty() => roff.control("PP", []),
            _ if headed => roff.text([roman(line)]),
            _ => roff.control("SH", ["NOTES"]).text([roman(line)]),
        };
        headed = true;
    }
    roff
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set())
}
