// SPDX-License-Identifier: GPL-2.0-only
//! SVG drawn as pixels and for papers, with the fonts that its widths were computed with.

use anyhow::{Context, Result, anyhow};
use std::sync::{Arc, LazyLock};
use svg2pdf::usvg::{self, fontdb};

/// How many pixels of a PNG each one is, and one where that would be more than so many.
const SCALE: u32 = 2;
const MOST_PIXELS: u64 = 64_000_000;

/// A document as PNG, two pixels for each one.
///
/// # Errors
/// Where it cannot be drawn or packed.
pub(super) fn png(document: &str) -> Result<Vec<u8>> {
    let tree = tree(document)?;
    let size = tree.size().to_int_size();
    let pixels = u64::from(size.width()) * u64::from(size.height()) * u64::from(SCALE * SCALE);
    let scale = if pixels > MOST_PIXELS { 1 } else { SCALE };
    let pixels = resvg::tiny_skia::Pixmap::new(size.width() * scale, size.height() * scale);
    let mut pixels = pixels.context("a picture is too large for PNG")?;
    let scale = resvg::tiny_skia::Transform::from_scale(scale as f32, scale as f32);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().context("a picture cannot be packed as PNG")
}

/// A document as PDF.
///
/// # Errors
/// Where it cannot be drawn.
pub(super) fn pdf(document: &str) -> Result<Vec<u8>> {
    let (words, page) = (
        svg2pdf::ConversionOptions::default(),
        svg2pdf::PageOptions::default(),
    );
    svg2pdf::to_pdf(&tree(document)?, words, page)
        .map_err(|err| anyhow!("a picture cannot be drawn as PDF: {err}"))
}

fn tree(document: &str) -> Result<usvg::Tree> {
    static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = fontdb::Database::new();
        for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
            fonts.load_font_data(font.to_vec());
        }
        Arc::new(fonts)
    });
    let options = usvg::Options {
        fontdb: FONTS.clone(),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(document, &options).context("a picture cannot be drawn")
}
