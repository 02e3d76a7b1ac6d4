//! Reads a file of any size line by line through one fixed buffer.

/// Calls `visit(number, line)` for each line of the input. Line numbers start at 1.
///
/// `read(slice, offset)` fills the start of the slice with the bytes at `offset` and returns their count; 0
/// means the end of the file. A line longer than `buffer` is visited once, cut to `buffer.len()` bytes; the
/// visitor recognises it by its length.
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

/// The number of leading bytes known to contain no newline, a multiple of eight. Tests eight bytes at once:
/// in `word ^ NEWLINES` a newline is a zero byte, and subtracting 1 from each byte sets the high bit of a
/// zero byte.
fn newline_free(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const NEWLINES: u64 = u64::from_ne_bytes([b'\n'; 8]);
    let words = text.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_ne_bytes);
    let has_none = |word: &u64| (word ^ NEWLINES).wrapping_sub(ONES) & !(word ^ NEWLINES) & (ONES << 7) == 0;
    words.take_while(has_none).count().saturating_mul(8)
}
