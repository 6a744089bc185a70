// SPDX-License-Identifier: GPL-2.0-only
//! Pieces of a page: tables that are read by eye, by ear and by keyboard, and figures with ways to their files.

use crate::report::study::pictures::Drawing;
use maud::{Markup, PreEscaped, html};

/// A name as it is written on a command line.
pub(super) fn code(name: &str) -> Markup {
    html! { code { (name) } }
}

/// Names with commas.
pub(super) fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> Markup {
    html! {
        @for (at, name) in names.into_iter().enumerate() {
            @if at > 0 { ", " }
            (code(name))
        }
    }
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    /// What is in it.
    pub words: String,
    /// `best`, `faster`, `tie`, `left`; nothing.
    pub class: &'static str,
    /// What it means, for who points at it.
    pub hint: &'static str,
}

impl Cell {
    /// With words.
    pub(super) fn new(words: impl Into<String>) -> Cell {
        Cell {
            words: words.into(),
            ..Cell::default()
        }
    }
}

/// A table: rows by a name and their cells.
#[derive(Default)]
pub(super) struct Table {
    /// Its own name on the page.
    pub id: &'static str,
    /// What is in it.
    pub caption: String,
    /// Of each column, the first one of the names.
    pub head: Vec<String>,
    /// Name and cells.
    pub rows: Vec<(String, Vec<Cell>)>,
    /// What names stand for, by rows; nothing where they are as they are written.
    pub whole: Vec<String>,
    /// Whether heads stand on their sides.
    pub upright: bool,
    /// The file that has its figures.
    pub file: Option<&'static str>,
}

impl Table {
    /// As an element.
    pub(super) fn html(&self) -> Markup {
        let caption = format!("{}-caption", self.id);
        html! {
            div class="scroll" tabindex="0" role="region" aria-labelledby=(caption) {
                table id=(self.id) class=[self.upright.then_some("down")] {
                    caption id=(caption) {
                        span {
                            (self.caption)
                            @if let Some(file) = self.file { " " a href={ (file) ".csv" } { (file) ".csv" } }
                        }
                    }
                    thead { tr { @for head in &self.head { th scope="col" { (head) } } } }
                    tbody {
                        @for (at, (name, cells)) in self.rows.iter().enumerate() {
                            tr {
                                th scope="row" title=[self.whole.get(at)] { (code(name)) }
                                @for cell in cells {
                                    td class=[Some(cell.class).filter(|class| !class.is_empty())]
                                        title=[Some(cell.hint).filter(|hint| !hint.is_empty())] { (cell.words) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A picture with its files.
pub(super) fn figure(drawing: &Drawing) -> Markup {
    let name = drawing.name;
    html! {
        figure {
            (PreEscaped(&drawing.wide)) "\n"
            (PreEscaped(&drawing.narrow)) "\n"
            figcaption {
                @for (kind, _) in &drawing.files { a href={ (name) "." (kind) } { (name) "." (kind) } }
                a href={ (drawing.sheet) ".csv" } { (drawing.sheet) ".csv" }
            }
        }
    }
}
