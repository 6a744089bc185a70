// SPDX-License-Identifier: GPL-2.0-only
//! Words and signs of DOT, each with its line.

use anyhow::{Result, bail};
use std::fmt;

/// A word or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare name or number; may be a keyword.
    Word(String),
    /// A string; is never a keyword.
    Text(String),
    /// One of `{}[]=;,:`.
    Sign(char),
    /// `->`
    Arrow,
    /// `--`
    Line,
    /// There is no more.
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(text) | Token::Text(text) => {
                let short: String = text.chars().take(40).collect();
                write!(f, "'{}'", short.escape_debug())
            }
            Token::Sign(sign) => write!(f, "'{sign}'"),
            Token::Arrow => f.write_str("'->'"),
            Token::Line => f.write_str("'--'"),
            Token::End => f.write_str("the end of the file"),
        }
    }
}

/// Takes a text apart.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    fresh: bool,
}

impl<'a> Lexer<'a> {
    /// From a text's beginning.
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            rest: text,
            line: 1,
            fresh: true,
        }
    }

    /// The next word or sign and the line that it begins on.
    ///
    /// # Errors
    /// A string or a comment that does not end, a sign that means nothing.
    pub(super) fn next(&mut self) -> Result<(usize, Token)> {
        self.blanks()?;
        self.fresh = false;
        let (line, rest) = (self.line, self.rest);
        let Some(first) = rest.chars().next() else {
            return Ok((line, Token::End));
        };
        let mut sign = |bytes: usize, token: Token| {
            self.take(bytes);
            token
        };
        let token = match first {
            '{' | '}' | '[' | ']' | '=' | ';' | ',' | ':' => sign(1, Token::Sign(first)),
            '-' if rest.starts_with("->") => sign(2, Token::Arrow),
            '-' if rest.starts_with("--") => sign(2, Token::Line),
            '"' => Token::Text(self.joined()?),
            '<' => Token::Text(self.html()?),
            c if c.is_alphanumeric() || matches!(c, '_' | '.' | '-') => {
                let end = self.word_end(first);
                Token::Word(self.take(end).to_owned())
            }
            other => bail!("line {line}: '{}' means nothing here", other.escape_debug()),
        };
        Ok((line, token))
    }

    /// A number may have a sign and an exponent, which a name has not.
    fn word_end(&self, first: char) -> usize {
        let numeral = first.is_ascii_digit() || matches!(first, '.' | '-');
        let mut before = first;
        for (at, c) in self.rest.char_indices().skip(1) {
            let exponent = matches!(before, 'e' | 'E') && matches!(c, '-' | '+');
            let part = c.is_alphanumeric() || c == '_' || numeral && (c == '.' || exponent);
            if !part {
                return at;
            }
            before = c;
        }
        self.rest.len()
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.bytes().filter(|&byte| byte == b'\n').count();
        self.rest = rest;
        taken
    }

    /// White space, comments, and lines that a preprocessor left.
    fn blanks(&mut self) -> Result<()> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            let newline = self.take(blank).contains('\n');
            let line_start = self.fresh || newline;
            if self.rest.starts_with("//") || line_start && self.rest.starts_with('#') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.take(end);
            } else if self.rest.starts_with("/*") {
                match self.rest[2..].find("*/") {
                    Some(end) => self.take(end + 4),
                    None => bail!("line {}: the comment that begins here does not end", self.line),
                };
            } else {
                return Ok(());
            }
        }
    }

    /// Strings that `+` joins.
    fn joined(&mut self) -> Result<String> {
        let mut text = self.string()?;
        loop {
            self.blanks()?;
            if !self.rest.starts_with('+') {
                return Ok(text);
            }
            self.take(1);
            self.blanks()?;
            if !self.rest.starts_with('"') {
                bail!("line {}: behind '+' there is no string", self.line);
            }
            text += &self.string()?;
        }
    }

    fn string(&mut self) -> Result<String> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|&(_, c)| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else {
            bail!("line {}: the string that begins here does not end", self.line);
        };
        let raw = self.take(end + 1);
        Ok(raw[1..end].replace("\\\"", "\"").replace("\\\n", ""))
    }

    fn html(&mut self) -> Result<String> {
        let mut depth = 0usize;
        let end = self.rest.char_indices().find(|&(_, c)| {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        match end {
            Some((end, _)) => Ok(self.take(end + 1).to_owned()),
            None => bail!("line {}: the '<' that begins here does not end", self.line),
        }
    }
}
