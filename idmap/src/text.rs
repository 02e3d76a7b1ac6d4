//! A line of text in a fixed buffer, for the kernel's files and for messages.

/// At most `N` bytes of text. What does not fit is dropped, and [`Text::whole`] then returns `None`.
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
    overflowed: bool,
}

impl<const N: usize> Text<N> {
    /// An empty text.
    pub const EMPTY: Text<N> = Text { bytes: [0; N], length: 0, overflowed: false };

    /// Appends bytes unchanged.
    pub fn push(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        let end = self.length.saturating_add(bytes.len());
        match self.bytes.get_mut(self.length..end) {
            Some(free) => {
                free.iter_mut().zip(bytes).for_each(|(free, byte)| *free = *byte);
                self.length = end;
            }
            None => self.overflowed = true,
        }
        self
    }

    /// Appends a number in decimal.
    pub fn push_number(&mut self, number: u32) -> &mut Self {
        if number > 9 {
            self.push_number(number / 10);
        }
        self.push([b'0' | (number % 10).to_le_bytes()[0]])
    }

    /// Appends `[FIRST-END)`.
    pub fn push_range(&mut self, first: u32, count: u32) -> &mut Self {
        self.push("[").push_number(first).push("-").push_number(first.saturating_add(count)).push(")")
    }

    /// Appends untrusted bytes: all but printable ASCII, and the backslash, become `\xNN`, and a long text is
    /// cut short.
    pub fn push_escaped(&mut self, bytes: &[u8]) -> &mut Self {
        const SHOWN: usize = 64;
        let hex = |nibble: u8| nibble.wrapping_add(if nibble < 10 { b'0' } else { b'a' - 10 });
        for &byte in bytes.iter().take(SHOWN) {
            match byte {
                b' '..=b'~' if byte != b'\\' => self.push([byte]),
                _ => self.push([b'\\', b'x', hex(byte >> 4), hex(byte & 15)]),
            };
        }
        self.push(if bytes.len() > SHOWN { "..." } else { "" })
    }

    /// The text so far, even if something did not fit.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }

    /// The text, if all of it fitted.
    pub fn whole(&self) -> Option<&[u8]> {
        if self.overflowed { None } else { Some(self.as_bytes()) }
    }
}
