// SPDX-License-Identifier: GPL-2.0-only
//! Pictures as files: SVG as it was drawn, PNG, and PDF. A build without the feature `pictures` writes SVG alone.

use anyhow::{Result, bail};
use std::path::Path;

/// What a picture with several files is written as.
pub const KINDS: &[&str] = match cfg!(feature = "pictures") {
    true => &["png", "svg", "pdf"],
    false => &["svg"],
};

/// What a picture with one file is written as.
pub const USUAL: &str = KINDS[0];

/// The kind that a file's ending names, `svg` or `png`.
///
/// # Errors
/// One sentence where it names none, or one that this build lacks.
pub fn kind_of(path: &Path) -> Result<&'static str> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => Ok("svg"),
        Some("png") if KINDS.contains(&"png") => Ok("png"),
        Some("png") => bail!(
            "this build writes no PNG, so not {}; give .svg, or build it with the feature `pictures`",
            path.display()
        ),
        _ => bail!(
            "the ending of {} names no picture; give .svg or .png",
            path.display()
        ),
    }
}

/// A document of SVG as one of [`KINDS`].
///
/// # Errors
/// Where it cannot be drawn or packed.
pub fn file(kind: &str, document: &str) -> Result<Vec<u8>> {
    match kind {
        #[cfg(feature = "pictures")]
        "png" => drawn::png(document),
        #[cfg(feature = "pictures")]
        "pdf" => drawn::pdf(document),
        _ => Ok(document.as_bytes().to_vec()),
    }
}

#[cfg(feature = "pictures")]
mod drawn;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_the_kind_that_it_says() {
        let document = r#"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="4" height="4"/></svg>"#;
        for (kind, begin) in [("png", &b"\x89PNG"[..]), ("svg", b"<svg"), ("pdf", b"%PDF")] {
            if KINDS.contains(&kind) {
                assert!(file(kind, document).unwrap().starts_with(begin), "{kind}");
            }
        }
        assert_eq!(kind_of(Path::new("a.SVG")).unwrap(), "svg");
        assert_eq!(kind_of(Path::new("a.png")).is_ok(), cfg!(feature = "pictures"));
        assert!(kind_of(Path::new("a.gif")).is_err());
    }
}
