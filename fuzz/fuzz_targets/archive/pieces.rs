//! Archives from the fuzzer's bytes: each byte chooses a piece, so that the archives are valid and reach the code
//! behind the parser.

const BLOCK: usize = 512;
/// What names, targets and values are joined of.
const WORDS: [&str; 24] = [
    "a",
    "b",
    "file",
    "dir",
    "up",
    "absolute",
    "magic",
    "outside",
    "..",
    ".",
    "",
    "/",
    "root",
    "mnt",
    "proc/self/root",
    ".wh.a",
    ".wh.file",
    ".wh..wh..opq",
    ".wh.",
    ".wh...",
    "é",
    "new\nline",
    "dev",
    "proc/self/fd/3",
];
const KINDS: &[u8] = b"0125346700122557LKxgS\0";
const KEYS: [&str; 18] = [
    "path",
    "linkpath",
    "size",
    "uid",
    "gid",
    "mtime",
    "hdrcharset",
    "GNU.sparse.name",
    "GNU.sparse.realsize",
    "GNU.sparse.map",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "SCHILY.xattr.user.a",
    "SCHILY.xattr.user.overlay.opaque",
    "SCHILY.xattr.trusted.overlay.redirect",
    "SCHILY.acl.access",
    "LIBARCHIVE.xattr.user.b",
    "SCHILY.fflags",
];

/// The bytes, as the source of choices. At their end, every choice is the first one.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> usize {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        usize::from(*first)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next() % all.len()]
    }

    /// Up to four words with slashes between them; a few are very long.
    fn path(&mut self) -> String {
        let length = self.next();
        let words: Vec<&str> = (0..=length % 4).map(|_| self.of(&WORDS)).collect();
        let path = words.join("/");
        if length > 250 { format!("{path}/{}", "long/".repeat(1 + self.next())) } else { path }
    }

    /// A path, a number or the bytes themselves.
    fn value(&mut self) -> Vec<u8> {
        match self.next() % 4 {
            0 => self.path().into_bytes(),
            1 => self.next().to_string().into_bytes(),
            2 => format!("{}", u64::MAX - self.next() as u64).into_bytes(),
            _ => {
                let count = (self.next() % 64).min(self.0.len());
                let (value, rest) = self.0.split_at(count);
                self.0 = rest;
                value.to_vec()
            }
        }
    }
}

/// An archive of the entries that the bytes choose.
pub(crate) fn archive(bytes: &[u8]) -> Vec<u8> {
    let mut choices = Choices(bytes);
    let mut tar = Vec::new();
    while !choices.0.is_empty() {
        entry(&mut choices, &mut tar);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    tar
}

fn entry(choices: &mut Choices, tar: &mut Vec<u8>) {
    let kind = choices.of(KINDS);
    let (name, link) = (choices.path(), choices.path());
    let content = match kind {
        b'x' | b'g' => (0..=choices.next() % 3).flat_map(|_| record(choices)).collect(),
        b'L' | b'K' => [choices.path().as_bytes(), b"\0"].concat(),
        b'0' | b'7' | b'S' | 0 => choices.value(),
        _ => Vec::new(),
    };
    tar.extend(header(kind, &name, &link, (choices.next(), content.len())));
    tar.extend(&content);
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
}

/// A record of a pax header; one in sixteen has another length.
fn record(choices: &mut Choices) -> Vec<u8> {
    let rest = [b" ", choices.of(&KEYS).as_bytes(), b"=", &choices.value(), b"\n"].concat();
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    if choices.next() % 16 == 15 {
        length = length.wrapping_add_signed(choices.next() as isize - 128);
    }
    [length.to_string().as_bytes(), &rest].concat()
}

fn header(kind: u8, name: &str, link: &str, (mode, size): (usize, usize)) -> Vec<u8> {
    let mut header = vec![0; BLOCK];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    // The special bits too.
    put(100, format!("{:07o}", mode << 4).as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, b"00000000007");
    put(156, &[kind]);
    put(157, &link.as_bytes()[..link.len().min(100)]);
    put(257, if kind == b'S' { b"ustar  \0" } else { b"ustar\x0000" });
    put(329, b"0000001");
    put(337, b"0000003");
    seal(&mut header);
    header
}

/// The bytes themselves, with a correct checksum in every block that looks like a header.
pub(crate) fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut tar = bytes.to_vec();
    for block in tar.chunks_exact_mut(BLOCK) {
        if block[257..262] == *b"ustar" {
            seal(block);
        }
    }
    tar
}

fn seal(header: &mut [u8]) {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
