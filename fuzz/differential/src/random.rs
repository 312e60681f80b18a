//! Numbers drawn from a seed: the same seed, the same module, on every machine.

/// A generator of the xorshift family.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of `seed`.
    pub fn new(seed: u64) -> Self {
        // One round of splitmix64, so that neighbouring seeds have nothing in common.
        let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((z ^ (z >> 31)) | 1)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of `items`.
    pub fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// As many bytes as asked for.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }

    /// An integer as programs have them: small, at an edge of its type, or any.
    pub fn integer(&mut self) -> i64 {
        const EDGES: [i64; 20] = [
            0,
            0,
            1,
            -1,
            2,
            31,
            32,
            63,
            64,
            127,
            128,
            255,
            0x7fff,
            0x8000,
            0xffff,
            i32::MAX as i64,
            i32::MIN as i64,
            u32::MAX as i64,
            i64::MAX,
            i64::MIN,
        ];
        match self.below(8) {
            0 => self.next().cast_signed(),
            1 | 2 => self.below(16) as i64,
            _ => EDGES[self.below(EDGES.len())],
        }
    }

    /// A float as WebAssembly writes it: its bits as a hexadecimal or a decimal literal, NaN and infinities among them.
    pub fn float(&mut self) -> &'static str {
        const FLOATS: [&str; 20] = [
            "0",
            "-0",
            "1",
            "-1",
            "0.5",
            "-0.5",
            "1.5",
            "2.5",
            "nan",
            "-nan",
            "inf",
            "-inf",
            "0x1p-149",
            "2147483648",
            "-2147483649",
            "4294967296",
            "9223372036854775808",
            "-9223372036854775808",
            "1e30",
            "0x1.fffffep+127",
        ];
        FLOATS[self.below(FLOATS.len())]
    }
}
