// SPDX-License-Identifier: GPL-2.0-only
//! The lines of a text of any length, in a buffer of fixed size.

use std::io::{Read, Result};

/// Bytes of the buffer.
const BUFFER: usize = 1 << 18;
/// The longest line that is given out; no tracer writes one of this length.
pub(crate) const LONGEST: usize = 1 << 16;

/// One line, without its end.
pub(crate) enum Line<'a> {
    /// Its bytes.
    Text(&'a [u8]),
    /// It is longer than [`LONGEST`], and was dropped.
    TooLong,
}

/// Gives out line after line, each in place.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    number: u64,
    too_long: bool,
    at_end: bool,
}

impl<R: Read> Lines<R> {
    /// Starts with what `input` gives.
    pub(crate) fn new(input: R) -> Lines<R> {
        Lines {
            input,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            number: 0,
            too_long: false,
            at_end: false,
        }
    }

    /// The number of the line that was given out last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// Where the input cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>> {
        let mut searched = 0;
        loop {
            let unseen = &self.buffer[self.start + searched..self.end];
            if let Some(at) = memchr::memchr(b'\n', unseen) {
                let to = self.start + searched + at;
                return Ok(Some(self.give(to, to + 1)));
            }
            searched = self.end - self.start;
            if searched > LONGEST {
                (self.start, self.too_long, searched) = (self.end, true, 0);
            }
            if !self.at_end {
                self.fill()?;
            } else if searched > 0 || self.too_long {
                return Ok(Some(self.give(self.end, self.end)));
            } else {
                return Ok(None);
            }
        }
    }

    fn give(&mut self, to: usize, next: usize) -> Line<'_> {
        let from = std::mem::replace(&mut self.start, next);
        self.number += 1;
        if std::mem::take(&mut self.too_long) || to - from > LONGEST {
            return Line::TooLong;
        }
        let line = &self.buffer[from..to];
        Line::Text(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let count = self.input.read(&mut self.buffer[self.end..])?;
        self.at_end = count == 0;
        self.end += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(text);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(match line {
                Line::Text(text) => Some(text.to_vec()),
                Line::TooLong => None,
            });
        }
        assert_eq!(lines.number(), all.len() as u64);
        all
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(all(b""), []);
        assert_eq!(
            all(b"a\r\n\nb"),
            [Some(b"a".to_vec()), Some(vec![]), Some(b"b".to_vec())]
        );
    }

    #[test]
    fn a_line_without_end_is_dropped_in_bounded_memory() {
        let mut text = vec![b'x'; 3 * BUFFER];
        text.extend(b"\nshort\n");
        text.extend(vec![b'y'; LONGEST]);
        assert_eq!(
            all(&text),
            [None, Some(b"short".to_vec()), Some(vec![b'y'; LONGEST])]
        );
    }
}
