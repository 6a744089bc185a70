// SPDX-License-Identifier: GPL-2.0-only
//! Sets of CPUs, by the machine's dense index.

/// A set of CPUs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mask(Box<[u64]>);

impl Mask {
    /// No CPU of a machine of `cpus`.
    pub fn none(cpus: usize) -> Mask {
        Mask(vec![0; cpus.div_ceil(64).max(1)].into())
    }

    /// All CPUs of a machine of `cpus`.
    pub fn all(cpus: usize) -> Mask {
        let mut mask = Mask::none(cpus);
        (0..cpus).for_each(|cpu| mask.set(cpu as u32));
        mask
    }

    /// The given CPUs of a machine of `cpus`; others are left out.
    pub fn of(cpus: usize, members: impl IntoIterator<Item = u32>) -> Mask {
        let mut mask = Mask::none(cpus);
        let members = members.into_iter().filter(|&cpu| (cpu as usize) < cpus);
        members.for_each(|cpu| mask.set(cpu));
        mask
    }

    /// Whether `cpu` is in it.
    pub fn has(&self, cpu: u32) -> bool {
        self.0[cpu as usize / 64] & (1 << (cpu % 64)) != 0
    }

    /// Adds `cpu`.
    pub fn set(&mut self, cpu: u32) {
        self.0[cpu as usize / 64] |= 1 << (cpu % 64);
    }

    /// Takes `cpu` out.
    pub fn clear(&mut self, cpu: u32) {
        self.0[cpu as usize / 64] &= !(1 << (cpu % 64));
    }

    /// How many it has.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Its CPUs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        words(self.0.iter().copied())
    }

    /// The CPUs that are in all three, ascending.
    pub fn common<'a>(&'a self, second: &'a Mask, third: &'a Mask) -> impl Iterator<Item = u32> + 'a {
        let three = self.0.iter().zip(&second.0).zip(&third.0);
        words(three.map(|((a, b), c)| a & b & c))
    }
}

fn words(words: impl Iterator<Item = u64>) -> impl Iterator<Item = u32> {
    words.enumerate().flat_map(|(index, mut word)| {
        std::iter::from_fn(move || {
            let bit = word.trailing_zeros();
            (word != 0).then(|| {
                word &= word - 1;
                index as u32 * 64 + bit
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_across_words() {
        let mask = Mask::of(130, [129, 0, 63, 64, 500]);
        assert_eq!(mask.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert_eq!(mask.count(), 4);
        let mut less = mask.clone();
        less.clear(64);
        let both: Vec<u32> = mask.common(&less, &Mask::all(130)).collect();
        assert_eq!(both, [0, 63, 129]);
    }
}
