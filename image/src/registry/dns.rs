//! Questions to servers of the domain name system: RFC 1035. An answer is hostile: it can at most lead to a host that
//! has not the right certificate.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const A: u16 = 1;
const AAAA: u16 = 28;
const INTERNET: u16 = 1;
const HEADER: usize = 12;
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;
/// The largest answer without TCP.
const LARGEST: usize = 4096;

/// What a server has answered.
enum Answer {
    Addresses(Vec<IpAddr>),
    /// Too long for UDP.
    Truncated,
}

/// The addresses of a name, those of IPv4 first; none if there is no such name.
///
/// # Errors
/// No server answers.
pub(crate) fn query(
    name: &str,
    servers: &[SocketAddr],
    timeout: Duration,
    attempts: u32,
) -> io::Result<Vec<IpAddr>> {
    let mut found = Vec::new();
    for kind in [A, AAAA] {
        let question = question(name, kind).ok_or_else(|| io::Error::other("the name is not valid"))?;
        match ask(&question, kind, (servers, timeout, attempts)) {
            Ok(addresses) => found.extend(addresses),
            // Some servers do not answer questions about IPv6.
            Err(_) if !found.is_empty() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn ask(
    question: &[u8],
    kind: u16,
    (servers, timeout, attempts): (&[SocketAddr], Duration, u32),
) -> io::Result<Vec<IpAddr>> {
    let mut failure = io::Error::new(ErrorKind::NotFound, "there is no name server");
    for server in (0..attempts).flat_map(|_| servers) {
        let answered = by_udp(question, kind, *server, timeout).and_then(|answer| match answer {
            Answer::Addresses(found) => Ok(found),
            Answer::Truncated => by_tcp(question, kind, *server, timeout),
        });
        match answered {
            Ok(found) => return Ok(found),
            Err(error) => failure = error,
        }
    }
    let why = format!("no name server answers ({})", crate::error::reason(&failure));
    Err(io::Error::other(why))
}

fn by_udp(question: &[u8], kind: u16, server: SocketAddr, timeout: Duration) -> io::Result<Answer> {
    let any: IpAddr =
        if server.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(server)?;
    socket.send(question)?;
    let end = Instant::now() + timeout;
    let mut buffer = [0; LARGEST];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let length = socket.recv(&mut buffer).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => error,
        })?;
        let message = buffer.get(..length).unwrap_or_default();
        // Another packet than the answer is not an error: anyone can send one.
        if is_answer(message, question) {
            return read(message, question.len(), kind);
        }
    }
}

fn by_tcp(question: &[u8], kind: u16, server: SocketAddr, timeout: Duration) -> io::Result<Vec<IpAddr>> {
    let mut stream = TcpStream::connect_timeout(&server, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    match read(&message, question.len(), kind)? {
        Answer::Addresses(found) if is_answer(&message, question) => Ok(found),
        _ => Err(malformed()),
    }
}

/// A question with a random number, which the answer repeats.
fn question(name: &str, kind: u16) -> Option<Vec<u8>> {
    let number = RandomState::new().build_hasher().finish().to_be_bytes();
    let mut message = vec![number[0], number[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    if name.len() > LONGEST_NAME {
        return None;
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|_| (1..=LONGEST_LABEL).contains(&label.len()))?;
        message.push(length);
        message.extend(label.bytes());
    }
    message.push(0);
    message.extend([kind.to_be_bytes(), INTERNET.to_be_bytes()].concat());
    Some(message)
}

/// True if a message answers this question: number, flag and question are the same.
fn is_answer(message: &[u8], question: &[u8]) -> bool {
    let is_response = message.get(2).is_some_and(|flags| flags & 0x80 != 0);
    let asked = message.get(HEADER..question.len()).unwrap_or_default();
    let is_same = question.get(HEADER..).is_some_and(|own| asked.eq_ignore_ascii_case(own));
    is_response && is_same && message.get(..2) == question.get(..2)
}

/// The addresses in an answer, whose records begin at `at`.
fn read(message: &[u8], mut at: usize, kind: u16) -> io::Result<Answer> {
    let flags = number(message, 2).ok_or_else(malformed)?;
    if flags & 0x0200 != 0 {
        return Ok(Answer::Truncated);
    }
    match flags & 0xf {
        0 => {}
        // There is no such name.
        3 => return Ok(Answer::Addresses(Vec::new())),
        code => return Err(io::Error::other(format!("it answers with error {code}"))),
    }
    let mut found = Vec::new();
    for _ in 0..number(message, 6).ok_or_else(malformed)? {
        at = after_name(message, at).ok_or_else(malformed)?;
        let (of_kind, length) = number(message, at).zip(number(message, at + 8)).ok_or_else(malformed)?;
        let start = at + 10;
        at = start + usize::from(length);
        let content = message.get(start..at).ok_or_else(malformed)?;
        if of_kind == kind {
            found.extend(address(content));
        }
    }
    Ok(Answer::Addresses(found))
}

fn address(content: &[u8]) -> Option<IpAddr> {
    match content.len() {
        4 => <[u8; 4]>::try_from(content).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(content).ok().map(IpAddr::from),
        _ => None,
    }
}

/// What follows a name, which ends with an empty label or a pointer to another name.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at + 2)?;
    <[u8; 2]>::try_from(bytes).ok().map(u16::from_be_bytes)
}

fn malformed() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "its answer is malformed")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{A, query, question};
    use std::net::{SocketAddr, UdpSocket};
    use std::thread;
    use std::time::Duration;

    /// A server that answers each question with what `answer` makes of it.
    fn server(answer: impl Fn(Vec<u8>) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                for message in answer(buffer[..length].to_vec()) {
                    socket.send_to(&message, from).unwrap();
                }
            }
        });
        address
    }

    fn ask(server: SocketAddr) -> std::io::Result<Vec<String>> {
        let found = query("r.io", &[server], Duration::from_secs(20), 1)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    /// An answer with a CNAME and one address of the kind that is asked for.
    fn complete(mut message: Vec<u8>) -> Vec<u8> {
        let kind = message[message.len() - 3];
        (message[2], message[3], message[7]) = (0x81, 0x80, 2);
        message.extend([
            0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 9, 0,
        ]);
        match u16::from(kind) {
            A => message.extend([4, 10, 0, 0, 1]),
            _ => message.extend([16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        }
        message
    }

    #[test]
    fn addresses_of_both_kinds_are_found() {
        assert_eq!(ask(server(|message| vec![complete(message)])).unwrap(), ["10.0.0.1", "fd00::1"]);
    }

    #[test]
    fn a_packet_that_answers_another_question_is_not_the_answer() {
        let forged = |message: Vec<u8>| {
            let (mut number, mut name) = (complete(message.clone()), complete(message.clone()));
            number[0] ^= 1;
            name[13] ^= 1;
            vec![number, name, message.clone(), Vec::new(), complete(message)]
        };
        assert_eq!(ask(server(forged)).unwrap(), ["10.0.0.1", "fd00::1"]);
    }

    #[test]
    fn a_missing_name_has_no_address_and_a_malformed_answer_is_an_error() {
        let with_code = |code: u8| {
            server(move |mut message: Vec<u8>| {
                (message[2], message[3]) = (0x81, 0x80 | code);
                vec![message]
            })
        };
        assert!(ask(with_code(3)).unwrap().is_empty());
        assert!(ask(with_code(2)).unwrap_err().to_string().contains("error 2"));
        for length in [13, 20, 30, 40] {
            let cut = server(move |message| {
                let end = message.len();
                vec![complete(message)[..end + length - 12].to_vec()]
            });
            assert!(ask(cut).unwrap_err().to_string().contains("malformed"), "{length}");
        }
    }

    #[test]
    fn only_a_valid_name_is_asked_for() {
        for wrong in ["", "a..b", &"a".repeat(64), &"a.".repeat(200)] {
            assert_eq!(question(wrong, A), None, "{wrong}");
        }
    }
}
