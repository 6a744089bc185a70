// SPDX-License-Identifier: GPL-2.0-only
//! Files larger than memory: what a reader holds does not grow with the file. Alone in its process, to be measured.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

use augur_trace::Reader;
use std::io::{self, Cursor, Read};

/// The most memory that this process ever had, in megabytes.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// `beginning`, and then `again` over and over.
fn endless(beginning: &[u8], again: &'static [u8], bytes: u64) -> impl Read + Send + 'static {
    struct Again(&'static [u8], usize);
    impl Read for Again {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.1 == self.0.len() {
                self.1 = 0;
            }
            let count = (&self.0[self.1..]).read(out)?;
            self.1 += count;
            Ok(count)
        }
    }
    Cursor::new(beginning.to_vec()).chain(Again(again, 0).take(bytes))
}

#[test]
fn memory_does_not_grow_with_the_file() {
    const BYTES: u64 = 200 << 20;
    let line = b" sh-1 [000] d..2. 1.000001: sched_process_exit: comm=sh pid=1 prio=120\n";
    let files: [(&[u8], &[u8]); 5] = [
        (b"# tracer: nop\n", b"what is this? "),
        (b"# tracer: nop\n", b"what is this?\n"),
        (b"# tracer: nop\n", b"CPU:1 [LOST 2 EVENTS]\n"),
        (b"# tracer: nop\n", line),
        // A packet that is all that is left.
        (b"\x0a\x02\x50\x01\x0a\xff\xff\xff\xff\x7f", b"\x0a\x01"),
    ];
    let before = peak_mb();
    for (beginning, again) in files {
        let mut reader = Reader::new(endless(beginning, again, BYTES)).unwrap();
        let _ = reader.by_ref().map(Result::unwrap).count();
        let grown = peak_mb() - before;
        assert!(grown < 150, "{grown} MB for {:?}", String::from_utf8_lossy(again));
    }
}
