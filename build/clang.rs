// SPDX-License-Identifier: GPL-2.0-only
//! Which clang compiles the BPF programs.

/// Older ones do not know all that the headers of scx use.
const OLDEST: u32 = 19;
/// Looked for in this order where none is named, and the last one by its version.
const NAMES: [&str; 5] = ["clang-22", "clang-21", "clang-20", "clang-19", "clang"];

/// The clang to use: the one that is `named`, else the newest that works. `version` runs one and gives what it says of itself.
///
/// # Errors
/// One sentence that says what is missing and what to do.
pub fn choose(named: Option<&str>, version: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let major = |name: &str| version(name).as_deref().and_then(major);
    let Some(named) = named else {
        let found = NAMES.iter().find(|name| major(name) >= Some(OLDEST));
        return found.map(ToString::to_string).ok_or_else(|| {
            format!(
                "the BPF programs need clang {OLDEST} to 22 and none is on PATH; install clang-{OLDEST}, name one in BPF_CLANG, \
                 or build with --no-default-features, without the live half"
            )
        });
    };
    match major(named) {
        Some(major) if major >= OLDEST => Ok(named.to_owned()),
        Some(major) => Err(format!(
            "BPF_CLANG names {named}, which is clang {major}, and the BPF programs need clang {OLDEST} or later; name a newer one"
        )),
        None => Err(format!(
            "BPF_CLANG names {named}, which is not a clang that runs here; name another, or unset it to have one looked for"
        )),
    }
}

/// The major version, of what `clang --version` prints.
fn major(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("clang version ")?;
    version
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}
