// SPDX-License-Identifier: GPL-2.0-only
//! The events of a machine of run queues, packed into one word each.

const STOP: u64 = 0;
const TIMER: u64 = 1;
const TICK: u64 = 2;
const ROUND: u64 = 3;

/// An event, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event(u64);

/// An event, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What runs on a CPU reaches something: an action, the end of its burst, the end of its slice. Void where the
    /// CPU's token is another by now.
    Stop { cpu: u32, token: u32 },
    /// A task's sleep ends.
    Timer { task: u32 },
    /// A CPU's tick.
    Tick { cpu: u32 },
    /// The balancer's turn.
    Round,
}

impl Event {
    pub(super) fn new(kind: Kind) -> Event {
        let pack = |kind: u64, number: u32, token: u32| {
            Event(kind << 62 | u64::from(number) << 32 | u64::from(token))
        };
        match kind {
            Kind::Stop { cpu, token } => pack(STOP, cpu, token),
            Kind::Timer { task } => pack(TIMER, 0, task),
            Kind::Tick { cpu } => pack(TICK, cpu, 0),
            Kind::Round => pack(ROUND, 0, 0),
        }
    }

    pub(super) fn kind(self) -> Kind {
        let (number, token) = ((self.0 >> 32) as u32 & 0x3fff_ffff, self.0 as u32);
        match self.0 >> 62 {
            STOP => Kind::Stop { cpu: number, token },
            TIMER => Kind::Timer { task: token },
            TICK => Kind::Tick { cpu: number },
            _ => Kind::Round,
        }
    }
}

impl From<Event> for u64 {
    fn from(event: Event) -> u64 {
        event.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing() {
        for kind in [
            Kind::Stop {
                cpu: 8191,
                token: u32::MAX,
            },
            Kind::Timer { task: u32::MAX },
            Kind::Tick { cpu: 3 },
            Kind::Round,
        ] {
            assert_eq!(Event::new(kind).kind(), kind);
        }
    }
}
