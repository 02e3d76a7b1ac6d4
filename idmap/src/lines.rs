//! A file of any size, line by line, through one fixed buffer.

/// Calls `visit(number, line)` for every line that `read` yields; numbers count from 1.
///
/// `read` fills the front of the slice it is given, from this offset of the file on, and returns how much; 0 ends the file. A line longer than
/// `buffer` is visited once, as its first `buffer.len()` bytes: the visitor tells by the length.
///
/// # Errors
/// The first error of `read`.
pub fn each_line<E>(
    buffer: &mut [u8],
    mut read: impl FnMut(&mut [u8], u64) -> Result<usize, E>,
    mut visit: impl FnMut(u32, &[u8]),
) -> Result<(), E> {
    let mut number = 1_u32;
    let (mut kept, mut offset) = (0, 0_u64);
    let mut passing_over = false;
    loop {
        let fresh = read(buffer.get_mut(kept..).unwrap_or(&mut []), offset)?;
        offset = offset.saturating_add(fresh as u64);
        let filled = kept.saturating_add(fresh);
        let mut rest = buffer.get(..filled).unwrap_or(&[]);
        while let Some((line, after)) = split_line(rest) {
            if !passing_over {
                visit(number, line);
            }
            passing_over = false;
            number = number.saturating_add(1);
            rest = after;
        }
        let ended = fresh == 0;
        if !passing_over && !rest.is_empty() && (ended || rest.len() == buffer.len()) {
            visit(number, rest);
            passing_over = true;
        }
        if ended {
            return Ok(());
        }
        kept = if passing_over { 0 } else { rest.len() };
        move_to_front(buffer, filled.saturating_sub(kept), kept);
    }
}

fn move_to_front(buffer: &mut [u8], from: usize, count: usize) {
    for at in 0..count {
        let byte = buffer.get(from.saturating_add(at)).copied().unwrap_or(0);
        if let Some(free) = buffer.get_mut(at) {
            *free = byte;
        }
    }
}

fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let passed = newline_free(text);
    let end = text.get(passed..)?.iter().position(|byte| *byte == b'\n')?.saturating_add(passed);
    Some((text.get(..end)?, text.get(end.saturating_add(1)..)?))
}

/// How many bytes from the front on have no newline, in words of eight, each looked at whole: what is borrowed when one is
/// taken from every byte shows which of them was zero.
fn newline_free(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const NEWLINES: u64 = u64::from_ne_bytes([b'\n'; 8]);
    let words = text.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_ne_bytes);
    let has_none = |word: &u64| (word ^ NEWLINES).wrapping_sub(ONES) & !(word ^ NEWLINES) & (ONES << 7) == 0;
    words.take_while(has_none).count().saturating_mul(8)
}
