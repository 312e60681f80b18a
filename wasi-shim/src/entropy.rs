//! Randomness as the embedder gives it.

/// Where `random_get` takes its bytes from.
pub trait Entropy: Send {
    /// Fills all of `buf`.
    fn fill(&mut self, buf: &mut [u8]);
}

/// A generator that answers the same for the same seed on every machine (xoshiro256**). Not for secrets.
#[derive(Clone, Debug)]
pub struct SeededEntropy {
    state: [u64; 4],
}

impl SeededEntropy {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        // SplitMix64 spreads the seed, so that near seeds do not give near sequences and the state is never all zero.
        let mut x = seed;
        let state = core::array::from_fn(|_| {
            x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = x;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        });
        Self { state }
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

#[cfg(target_os = "linux")]
impl Entropy for SystemEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()) {
                Ok(count) => done += count,
                Err(rustix::io::Errno::INTR) => {}
                // A kernel without getrandom: the device answers the same generator.
                Err(_) => return device(rest),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Entropy for SystemEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        device(buf);
    }
}

fn device(buf: &mut [u8]) {
    use std::io::Read;
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(buf));
    // Predictable bytes handed out as random ones are worse than no process.
    assert!(read.is_ok(), "the system has no source of randomness: getrandom and /dev/urandom both failed");
}

#[cfg(test)]
mod tests {
    use super::{Entropy, SeededEntropy, SystemEntropy};

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let draw = |seed| {
            let mut bytes = [0; 21];
            SeededEntropy::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn system_randomness_fills_the_whole_buffer() {
        let mut bytes = [0; 4096];
        SystemEntropy.fill(&mut bytes);
        assert!(bytes[4032..].iter().any(|b| *b != 0));
    }
}
