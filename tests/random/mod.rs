//! Seeded random numbers and values for tests: the same on every machine, in every run.
#![allow(dead_code, reason = "each test binary uses its part")]

use lovely_session::value::{Text, Value};

/// The generator `SplitMix64`.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// Text of up to 12 characters of every length in UTF-8, those that need escapes among them.
    pub(crate) fn text(&mut self) -> String {
        const CHARS: [char; 24] = [
            'a',
            'b',
            'z',
            'A',
            '0',
            ' ',
            '/',
            '"',
            '\\',
            '\0',
            '\n',
            '\u{1f}',
            '\u{14}',
            '\u{7f}',
            '\u{80}',
            'é',
            '\u{7ff}',
            '\u{800}',
            '\u{2028}',
            '\u{d7ff}',
            '\u{e000}',
            '\u{feff}',
            '\u{10000}',
            '\u{10ffff}',
        ];
        (0..self.below(13)).map(|_| CHARS[self.below(CHARS.len())]).collect()
    }

    /// A value that JSON can hold, nested up to `depth`.
    pub(crate) fn json_value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Value::Null,
            1 => Value::Bool(self.next() & 1 == 0),
            // Small and large in equal parts.
            2 => Value::Int((self.next() >> self.below(64)).cast_signed()),
            3 => Value::Int(-((self.next() >> 1 >> self.below(63)).cast_signed())),
            4 => {
                let float = f64::from_bits(self.next());
                Value::Float(if float.is_finite() { float } else { -0.0 })
            }
            5 => Value::text(&self.text()),
            6 | 7 => {
                let items = (0..self.below(6)).map(|_| self.json_value(depth - 1)).collect();
                Value::list(items).unwrap()
            }
            _ => {
                let entries = (0..self.below(6)).map(|_| (Text::new(&self.text()), self.json_value(depth - 1)));
                Value::map(entries.collect()).unwrap()
            }
        }
    }

    /// Any value, nested up to `depth`: bytes, and floats of any bits, too.
    pub(crate) fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Value::Float(f64::from_bits(self.next())),
            1 => Value::Bytes((0..self.below(20)).map(|_| self.next().to_le_bytes()[0]).collect()),
            6 | 7 => Value::list((0..self.below(6)).map(|_| self.value(depth - 1)).collect()).unwrap(),
            8 | 9 => {
                let entries = (0..self.below(6)).map(|_| (Text::new(&self.text()), self.value(depth - 1)));
                Value::map(entries.collect()).unwrap()
            }
            _ => self.json_value(0),
        }
    }

    /// Pieces of JSON in random order: often JSON, often nearly.
    pub(crate) fn json_like(&mut self) -> Vec<u8> {
        const PIECES: [&[u8]; 40] = [
            b"[",
            b"]",
            b"{",
            b"}",
            b",",
            b":",
            b"\"",
            b"\"a\"",
            b"\"b\":",
            b"\"a\":1",
            b"1",
            b"0",
            b"-",
            b"-0",
            b".",
            b"e",
            b"E+",
            b"1.5",
            b"2e3",
            b"9223372036854775808",
            b"true",
            b"false",
            b"null",
            b"nul",
            b" ",
            b"\n",
            b"\"\\u0041\"",
            b"\"\\ud83d\\ude00\"",
            b"\"\\ud800\"",
            b"\"\\n\"",
            b"\"\\",
            b"\xC3\xA9",
            b"\xFF",
            b"\0",
            b"[1,2]",
            b"{\"a\":1}",
            b"[]",
            b"{}",
            b"[null,",
            b",{\"x\":",
        ];
        let mut text = Vec::new();
        for _ in 0..=self.below(5) {
            text.extend_from_slice(PIECES[self.below(PIECES.len())]);
        }
        // Closing what is open makes JSON of many that would not be.
        for at in (0..text.len()).rev() {
            match text[at] {
                b'[' if self.below(2) == 0 => text.push(b']'),
                b'{' if self.below(2) == 0 => text.push(b'}'),
                _ => {}
            }
        }
        text
    }
}
