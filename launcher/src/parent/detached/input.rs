//! What `subroot attach` sends to the supervisor of a detached sandbox: input, the size of a terminal, and the
//! end of input, as frames in a pipe.
//!
//! The pipe is found in the supervisor's directory in /proc, to which only processes of its user and user
//! namespace have access (ptrace(2)), and so no sandbox. A frame fits into one atomic write: pipe(7).

use nix::unistd::read;
use std::os::fd::OwnedFd;

/// The maximum length of a frame's content. PIPE_BUF is 4096.
pub(crate) const MOST: usize = 4000;

/// The content of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Input for the command.
    Typed(Vec<u8>),
    /// The rows and columns of the caller's terminal.
    Size(u16, u16),
    /// The input has ended.
    End,
}

impl Frame {
    /// The frame as it is sent: its kind, the length of its content, and the content.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let (kind, content) = match self {
            Frame::Typed(bytes) => (b't', bytes.clone()),
            Frame::Size(rows, columns) => (b's', [rows.to_le_bytes(), columns.to_le_bytes()].concat()),
            Frame::End => (b'e', Vec::new()),
        };
        let length = u16::try_from(content.len()).ok().unwrap_or(u16::MAX).to_le_bytes();
        [&[kind, length[0], length[1]], content.as_slice()].concat()
    }

    /// The first frame in the bytes, and its whole length. `None` if it is not complete.
    fn decode(bytes: &[u8]) -> Option<(Option<Frame>, usize)> {
        let [kind, low, high, rest @ ..] = bytes else { return None };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let content = rest.get(..length)?;
        let frame = match (kind, content) {
            (b't', content) => Some(Frame::Typed(content.to_vec())),
            (b's', [a, b, c, d]) => {
                Some(Frame::Size(u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])))
            }
            (b'e', []) => Some(Frame::End),
            _ => None,
        };
        Some((frame, 3 + length))
    }
}

/// The supervisor's end of the pipe.
pub(crate) struct Receiver {
    pub(crate) pipe: OwnedFd,
    /// Keeps the pipe from ending when the last sender closes it.
    _own_writer: OwnedFd,
    pending: Vec<u8>,
}

impl Receiver {
    pub(crate) fn new(pipe: OwnedFd, own_writer: OwnedFd) -> Receiver {
        Receiver { pipe, _own_writer: own_writer, pending: Vec::new() }
    }

    /// Reads what has arrived, and returns the complete frames. A frame of an unknown kind is skipped.
    pub(crate) fn receive(&mut self) -> Vec<Frame> {
        let mut chunk = [0; 4096];
        // Error ignored: nothing has arrived.
        let length = read(&self.pipe, &mut chunk).ok().unwrap_or(0);
        self.pending.extend_from_slice(chunk.get(..length).unwrap_or_default());
        let mut frames = Vec::new();
        while let Some((frame, length)) = Frame::decode(&self.pending) {
            self.pending.drain(..length);
            frames.extend(frame);
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use crate::parent::detached::input::Frame;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let frames = [Frame::Typed(b"ls\n".to_vec()), Frame::Size(24, 300), Frame::End];
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encoded).collect();
        let mut rest = bytes.as_slice();
        for frame in frames {
            let (read, length) = Frame::decode(rest).unwrap_or((None, 0));
            assert_eq!(read, Some(frame));
            rest = &rest[length..];
        }
        assert_eq!(Frame::decode(b"t\x05\0abcd"), None);
        assert_eq!(Frame::decode(b"?\x01\0a"), Some((None, 4)));
    }
}
