// SPDX-License-Identifier: GPL-2.0-only
//! The text of ftrace inside a JSON file of Chrome's or catapult's: the value of `systemTraceEvents`. Whatever the size
//! of the file, only a piece of it is in memory.

use anyhow::{Context, Result, bail};
use std::io::{self, BufRead, BufReader, Read};

const KEY: &[u8] = b"\"systemTraceEvents\"";

/// Reads the text, without what JSON adds to it.
pub(crate) struct JsonText<R> {
    input: BufReader<R>,
    /// Bytes of a sign that did not fit.
    rest: Vec<u8>,
    ended: bool,
}

impl<R: Read> JsonText<R> {
    /// Goes to the text. Inside of a string the key's last quotation mark has a backslash before it, so that no string can
    /// be taken for it.
    ///
    /// # Errors
    /// One sentence, where there is none.
    pub(crate) fn new(input: R) -> Result<JsonText<R>> {
        let mut text = JsonText {
            input: BufReader::with_capacity(1 << 16, input),
            rest: Vec::new(),
            ended: false,
        };
        let mut matched = 0;
        while matched < KEY.len() {
            let Some(byte) = text.byte().context("cannot read the trace")? else {
                bail!(
                    "this JSON file has no `systemTraceEvents`, so no scheduler's events; record the category of the \
                     scheduler, or give the trace of ftrace, perf or Perfetto"
                );
            };
            matched = match byte {
                byte if byte == KEY[matched] => matched + 1,
                b'"' => 1,
                _ => 0,
            };
        }
        for wanted in [b':', b'"'] {
            if text.sign()? != Some(wanted) {
                bail!("`systemTraceEvents` of this JSON file is not ftrace text; give a file where it is");
            }
        }
        Ok(text)
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.input.fill_buf()?.first().copied();
        self.input.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// The next byte that is no space.
    fn sign(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.byte()? {
                Some(byte) if byte.is_ascii_whitespace() => {}
                other => return Ok(other),
            }
        }
    }

    /// Takes what is behind a backslash.
    fn escaped(&mut self) -> io::Result<()> {
        match self.byte()? {
            Some(b'n') => self.rest.push(b'\n'),
            Some(b't') => self.rest.push(b'\t'),
            Some(b'r') => self.rest.push(b'\r'),
            Some(b'b' | b'f') => self.rest.push(b' '),
            Some(b'u') => {
                let mut code = 0u32;
                for _ in 0..4 {
                    let digit = self.byte()?.and_then(|byte| char::from(byte).to_digit(16));
                    code = code * 16 + digit.unwrap_or(0);
                }
                let sign = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.rest.extend(sign.encode_utf8(&mut [0; 4]).bytes());
            }
            Some(byte) => self.rest.push(byte),
            None => self.ended = true,
        }
        Ok(())
    }
}

impl<R: Read> Read for JsonText<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.rest.is_empty() && !self.ended {
            let buffer = self.input.fill_buf()?;
            let plain = memchr::memchr2(b'"', b'\\', buffer)
                .unwrap_or(buffer.len())
                .min(out.len());
            if plain > 0 {
                out[..plain].copy_from_slice(&buffer[..plain]);
                self.input.consume(plain);
                return Ok(plain);
            }
            match self.byte()? {
                Some(b'\\') => self.escaped()?,
                // The text's end, or the file's.
                _ => self.ended = true,
            }
        }
        let count = self.rest.len().min(out.len());
        out[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Result<String> {
        let mut text = String::new();
        JsonText::new(json.as_bytes())?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn the_text_comes_out_as_any_json_reader_has_it() {
        for value in [
            "",
            "a\nb\tc\r\n",
            "\"quoted\" \\ /",
            "ä €",
            "\u{1}x",
            "\u{1b}[31m",
        ] {
            let other = "\\\"systemTraceEvents\\\": \\\"no\\\"";
            for json in [
                format!(
                    r#"{{"systemTraceEvents": {}}}"#,
                    serde_json::to_string(value).unwrap()
                ),
                format!(
                    r#"{{"a": "{other}", "systemTraceEvents" :{}, "b": 1}}"#,
                    serde_json::to_string(value).unwrap()
                ),
            ] {
                assert_eq!(text(&json).unwrap(), value, "{json}");
            }
        }
        assert!(text("{}").is_err());
        assert!(text(r#"{"systemTraceEvents": {}}"#).is_err());
        assert_eq!(text(r#"{"systemTraceEvents": "torn"#).unwrap(), "torn");
    }
}
