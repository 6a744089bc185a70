// SPDX-License-Identifier: GPL-2.0-only
//! Antithetic draws: the same ones again, mirrored. A stream of jobs whose second half mirrors the first, light where that
//! was heavy, has a mean wait that scatters less than that of as many independent draws (Hammersley, Morton, Proc. Camb.
//! Phil. Soc. 52, 1956); each half by itself is as random as any.

use rand::TryRng;
use std::convert::Infallible;

/// A generator, or its mirror: where the one draws u of 0 to 1, the other draws 1 − u.
#[derive(Clone, Debug)]
pub struct Antithetic<R> {
    generator: R,
    mask: u64,
}

impl<R> Antithetic<R> {
    /// Draws what the generator does.
    pub fn plain(generator: R) -> Self {
        Antithetic { generator, mask: 0 }
    }

    /// Draws its mirror image.
    pub fn mirrored(generator: R) -> Self {
        Antithetic {
            generator,
            mask: u64::MAX,
        }
    }
}

impl<R: TryRng<Error = Infallible>> TryRng for Antithetic<R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.generator.try_next_u32()? ^ self.mask as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.generator.try_next_u64()? ^ self.mask)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.generator.try_fill_bytes(bytes)?;
        bytes.iter_mut().for_each(|byte| *byte ^= self.mask as u8);
        Ok(())
    }
}
