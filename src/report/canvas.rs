// SPDX-License-Identifier: GPL-2.0-only
//! What pictures are drawn on, once for all: as PNG, and as SVG for a page. With colours that are told apart by colour-blind
//! eyes, frames, and grids.

use super::axis::{Axis, short};
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

pub const FONT: &str = "dejavu";
/// A picture that stands by itself.
pub const PICTURE_PX: (u32, u32) = (1200, 800);
/// Of all text but titles.
pub const TEXT_PX: i32 = 18;
pub const GREY: RGBColor = RGBColor(90, 90, 90);
const LIGHT: RGBColor = RGBColor(222, 222, 222);
/// Okabe and Ito, Color Universal Design, 2008, without the yellow, which white paper swallows; and Tol's wine.
const HUES: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(136, 34, 85),
];
/// What is no competitor but a bound.
pub const BOUND: usize = usize::MAX;
const BOUND_HUE: RGBColor = RGBColor(70, 70, 70);

pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// An area of a backend of either kind.
pub type Area<B> = DrawingArea<B, Shift>;

/// Something that can be drawn.
pub trait Picture {
    /// Width and height, in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it on a white area of that size.
    ///
    /// # Errors
    /// Those of the backend.
    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static;
}

/// A picture as PNG.
///
/// # Errors
/// Where it cannot be drawn or packed.
pub fn png(name: &str, picture: &impl Picture) -> Result<Vec<u8>> {
    bitmap(name, picture.size(), |area| picture.draw(area))
}

/// A picture as an element of a page: no document of its own, and it fits its place.
///
/// # Errors
/// Where it cannot be drawn.
pub fn svg(name: &str, picture: &impl Picture) -> Result<String> {
    register(name)?;
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, picture.size()).into_drawing_area();
        area.fill(&WHITE).map_err(|err| failed(name, &err))?;
        picture.draw(&area).map_err(|err| failed(name, &err))?;
        area.present().map_err(|err| failed(name, &err))?;
    }
    let (width, height) = picture.size();
    let body = text.split_once('>').map_or("", |(_, body)| body);
    Ok(format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{name}\">{body}"
    ))
}

/// Draws on pixels, and packs them as PNG.
///
/// # Errors
/// Where it cannot be drawn or packed.
pub fn bitmap(
    name: &str,
    size: (u32, u32),
    draw: impl FnOnce(&Area<BitMapBackend<'_>>) -> Drawn,
) -> Result<Vec<u8>> {
    register(name)?;
    let mut pixels = vec![0; (size.0 * size.1 * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        area.fill(&WHITE).map_err(|err| failed(name, &err))?;
        draw(&area).map_err(|err| failed(name, &err))?;
        area.present().map_err(|err| failed(name, &err))?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// Makes the font known, without which no text has a width.
///
/// # Errors
/// Where it is of no use.
pub fn register(name: &str) -> Result<()> {
    let useless = |_| failed(name, &"its font is of no use");
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).map_err(useless)?;
    register_font(FONT, FontStyle::Bold, dejavu::sans::bold()).map_err(useless)
}

fn failed(name: &str, err: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw {name}: {err}")
}

/// The colour of the `at`-th of several things.
pub fn hue(at: usize) -> RGBColor {
    match at {
        BOUND => BOUND_HUE,
        at => HUES[at % HUES.len()],
    }
}

/// Text at a place; `to` says which of its points is there.
pub fn text<B: DrawingBackend>(
    area: &Area<B>,
    words: &str,
    at: (i32, i32),
    to: (HPos, VPos),
    size_px: i32,
    colour: &RGBColor,
) -> Drawn
where
    B::ErrorType: 'static,
{
    let style = (FONT, size_px)
        .into_font()
        .color(colour)
        .pos(Pos::new(to.0, to.1));
    Ok(area.draw_text(words, &style, at)?)
}

/// Text on white, so that it is read where lines pass below it.
pub fn label<B: DrawingBackend>(area: &Area<B>, words: &str, corner: (i32, i32)) -> Drawn
where
    B::ErrorType: 'static,
{
    let far = (corner.0 + width_px(words) + 2, corner.1 + TEXT_PX + 3);
    area.draw(&Rectangle::new(
        [(corner.0 - 2, corner.1 - 1), far],
        WHITE.mix(0.8).filled(),
    ))?;
    text(area, words, corner, (HPos::Left, VPos::Top), TEXT_PX, &BLACK)
}

/// Text from below to above, around its middle.
pub fn upright<B: DrawingBackend>(area: &Area<B>, words: &str, at: (i32, i32)) -> Drawn
where
    B::ErrorType: 'static,
{
    let style = (FONT, TEXT_PX)
        .into_font()
        .transform(FontTransform::Rotate270)
        .color(&BLACK)
        .pos(Pos::new(HPos::Center, VPos::Center));
    Ok(area.draw_text(words, &style, at)?)
}

/// A bold line of text at the upper left.
pub fn title<B: DrawingBackend>(area: &Area<B>, words: &str) -> Drawn
where
    B::ErrorType: 'static,
{
    let style = (FONT, 22, FontStyle::Bold).into_font().color(&BLACK);
    Ok(area.draw_text(words, &style, (16, 14))?)
}

/// How wide text will be.
pub fn width_px(words: &str) -> i32 {
    let size = (FONT, TEXT_PX).into_font().box_size(words);
    size.map_or(0, |(width, _)| width as i32)
}

/// A line.
pub fn line<B: DrawingBackend>(area: &Area<B>, points: Vec<(i32, i32)>, colour: RGBColor, px: u32) -> Drawn
where
    B::ErrorType: 'static,
{
    Ok(area.draw(&PathElement::new(points, colour.stroke_width(px)))?)
}

/// A mark of a shape of its own for each seven, so that things are told apart without colours, too.
pub fn mark<B: DrawingBackend>(area: &Area<B>, at: (i32, i32), which: usize) -> Drawn
where
    B::ErrorType: 'static,
{
    let fill = hue(which).filled();
    match which.wrapping_add(which / HUES.len()) % 3 {
        0 => area.draw(&Circle::new(at, 5, fill))?,
        1 => area.draw(&Rectangle::new(
            [(at.0 - 5, at.1 - 5), (at.0 + 5, at.1 + 5)],
            fill,
        ))?,
        _ => area.draw(&TriangleMarker::new(at, 7, fill))?,
    }
    Ok(())
}

/// The frame of a chart: lines across at the ticks, what they mean, and names of both axes.
pub fn frame<B: DrawingBackend>(
    area: &Area<B>,
    (x, x_name): (&Axis, &str),
    (y, y_name): (&Axis, &str),
) -> Drawn
where
    B::ErrorType: 'static,
{
    let ([left, right], [bottom, top]) = (x.ends_px(), y.ends_px());
    for value in y.ticks() {
        line(area, vec![(left, y.at(value)), (right, y.at(value))], LIGHT, 1)?;
        let at = (left - 8, y.at(value));
        text(
            area,
            &short(value),
            at,
            (HPos::Right, VPos::Center),
            TEXT_PX - 1,
            &BLACK,
        )?;
    }
    let mut free = left - 100;
    for value in x.ticks() {
        line(area, vec![(x.at(value), top), (x.at(value), bottom)], LIGHT, 1)?;
        let (words, at) = (short(value), (x.at(value), bottom + 8));
        let half = width_px(&words) / 2;
        if at.0 - half > free {
            text(area, &words, at, (HPos::Center, VPos::Top), TEXT_PX - 1, &BLACK)?;
            free = at.0 + half + 6;
        }
    }
    line(area, vec![(left, top), (left, bottom), (right, bottom)], GREY, 1)?;
    let below = ((left + right) / 2, bottom + 34);
    text(area, x_name, below, (HPos::Center, VPos::Top), TEXT_PX, &BLACK)?;
    upright(area, y_name, (18, i32::midpoint(top, bottom)))
}

/// Cells of colours with words in them, from an upper left corner on.
pub fn grid<B: DrawingBackend>(
    area: &Area<B>,
    corner: (i32, i32),
    cell: (i32, i32),
    (rows, columns): (usize, usize),
    of: impl Fn(usize, usize) -> (RGBColor, String),
) -> Drawn
where
    B::ErrorType: 'static,
{
    for row in 0..rows {
        for column in 0..columns {
            let (fill, words) = of(row, column);
            let (x, y) = (corner.0 + column as i32 * cell.0, corner.1 + row as i32 * cell.1);
            let far = (x + cell.0 - 2, y + cell.1 - 2);
            area.draw(&Rectangle::new([(x, y), far], fill.filled()))?;
            let middle = (x + cell.0 / 2 - 1, y + cell.1 / 2 - 1);
            let ink = ink(fill);
            let lines: Vec<&str> = words.lines().collect();
            for (at, words) in lines.iter().enumerate() {
                let up = 10 * (2 * at as i32 + 1 - lines.len() as i32);
                let place = (middle.0, middle.1 + up);
                text(
                    area,
                    words,
                    place,
                    (HPos::Center, VPos::Center),
                    TEXT_PX - 2,
                    &ink,
                )?;
            }
        }
    }
    Ok(())
}

/// Black or white, whichever is read better on a colour.
pub fn ink(on: RGBColor) -> RGBColor {
    let light = 0.299 * f64::from(on.0) + 0.587 * f64::from(on.1) + 0.114 * f64::from(on.2);
    if light > 120.0 { BLACK } else { WHITE }
}

/// Between colours that lie evenly between 0 and 1.
pub fn between(colours: &[(u8, u8, u8)], share: f64) -> RGBColor {
    let last = colours.len() - 1;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let index = (place as usize).min(last.saturating_sub(1));
    let part = place - index as f64;
    let (from, to) = (colours[index], colours[(index + 1).min(last)]);
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))) as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}
