// SPDX-License-Identifier: GPL-2.0-only
//! Packets that are too large to be held: of these the parts are read, one by one.

use super::field;
use super::read::Packets;
use super::stream::{Top, skip, top};
use super::wire::{Value, put_bytes};
use crate::Notes;
use anyhow::{Context, Result};
use augur_base::file::Frames;
use std::io::Read;

impl Packets {
    /// A packet that is too large to be held: its fields, and those of its bundle, one by one. False where it is torn.
    pub(super) fn large(
        &mut self,
        input: &mut dyn Read,
        len: u64,
        outer: bool,
        notes: &mut Notes,
    ) -> Result<bool> {
        let mut left = input.take(len);
        let mut bytes = Vec::new();
        loop {
            match top(&mut left, &mut bytes).context("cannot read the trace")? {
                Top::Bytes(number) => {
                    let mut packet = Vec::with_capacity(bytes.len() + 16);
                    put_bytes(&mut packet, number, &bytes);
                    self.packet(&packet, outer, notes)?;
                }
                Top::Large(field::FTRACE_EVENTS, len) => {
                    self.large_bundle(&mut left.by_ref().take(len), notes)?;
                    let begin = self.begin.take();
                    self.machines.bundle(0, begin);
                }
                Top::Large(field::COMPRESSED, len) if outer => {
                    self.unpack(flate2::read::ZlibDecoder::new(left.by_ref().take(len)), notes)?;
                }
                Top::Large(field::ZSTD, len) if outer => {
                    self.unpack(Frames::new(left.by_ref().take(len)), notes)?
                }
                Top::Large(_, len) => {
                    notes.aside("parts of packets without scheduler events");
                    skip(&mut left, len).context("cannot read the trace")?;
                }
                Top::Number(field::MACHINE, machine) => self.machines.behind(machine),
                Top::Number(..) | Top::Other => {}
                Top::Torn => {
                    notes.skip(self.number, "a packet that is damaged");
                    let rest = left.limit();
                    return skip(&mut left, rest).context("cannot read the trace");
                }
                Top::End => return Ok(left.limit() == 0),
            }
        }
    }

    fn large_bundle(&mut self, input: &mut dyn Read, notes: &mut Notes) -> Result<()> {
        let (mut bytes, mut cpu) = (Vec::new(), None);
        let wanted = self.machines.wants(0);
        loop {
            let (number, value) = match top(input, &mut bytes).context("cannot read the trace")? {
                Top::Bytes(number) => (number, Value::Bytes(&bytes)),
                Top::Number(field::CPU, value) => {
                    cpu = u32::try_from(value).ok();
                    continue;
                }
                Top::Number(number, value) => (number, Value::Number(value)),
                Top::Large(_, len) => {
                    notes.skip(self.number, "a part of a bundle of more than 8 MB");
                    skip(input, len).context("cannot read the trace")?;
                    continue;
                }
                Top::Other => continue,
                Top::Torn => {
                    notes.skip(self.number, "a bundle of events that is damaged");
                    return skip(input, u64::MAX).map(|_| ()).context("cannot read the trace");
                }
                Top::End => return Ok(()),
            };
            match cpu.filter(|_| wanted) {
                Some(cpu) => self.part(cpu, number, &value, notes)?,
                None => notes.skip(self.number, "events without a CPU before them"),
            }
        }
    }
}
