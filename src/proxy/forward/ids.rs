//! Request ids: unique, not secret.

use std::cell::Cell;

/// Makes request ids for one worker: a random beginning, then a mixed counter.
#[derive(Debug)]
pub(super) struct Ids {
    worker: u64,
    counter: Cell<u64>,
}

impl Ids {
    #[expect(clippy::disallowed_methods, reason = "a seed for ids that guard nothing: no reason to hand the port for secrets through")]
    pub(super) fn new() -> Self {
        let mut seed = [0; 16];
        // If the system has no chance to give, ids repeat from start to start. That hurts nobody but the reader of logs.
        let _ = aws_lc_rs::rand::fill(&mut seed);
        let (worker, counter) = seed.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        Self { worker: number(worker), counter: Cell::new(number(counter)) }
    }

    /// A number that is another one for each worker and start.
    pub(super) const fn seed(&self) -> u64 {
        self.worker
    }

    /// 32 hexadecimal digits.
    pub(super) fn next(&self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.counter.set(self.counter.get().wrapping_add(1));
        let mut text = [0; 32];
        for (half, number) in text.chunks_exact_mut(16).zip([self.worker, mix(self.counter.get())]) {
            for (at, digit) in half.iter_mut().enumerate() {
                *digit = DIGITS[(number >> (60 - 4 * at) & 15) as usize];
            }
        }
        text
    }
}

/// The finalizer of SplitMix64: different numbers stay different.
pub(super) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
