//! WebSocket frames (RFC 6455 §5), as far as a carrier must know them: where one ends and the next begins, and how a
//! closing one is written. What they hold is not read.

use bytes::{BufMut, Bytes, BytesMut};

/// The longest header: two bytes, eight of length, four of masking key.
const LONGEST_HEADER: usize = 14;
/// `FIN` and the opcode of a closing frame.
const CLOSE: u8 = 0x88;
const MASKED: u8 = 0x80;
/// The bit of the opcode that control frames have.
const CONTROL: u8 = 0x08;

/// Follows frames as they pass by.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames {
    header: [u8; LONGEST_HEADER],
    /// How much of the next header has passed.
    held: usize,
    /// How much of a frame's payload is still to pass.
    left: u64,
    /// Whether that frame is a message's, and not a ping, a pong or a closing one.
    is_speech: bool,
    has_spoken: bool,
}

/// Whose frames are masked: those of whoever opened the connection (RFC 6455 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Masking {
    /// A client's: the key is drawn at random, so that nobody can foresee the bytes on the wire (RFC 6455 §10.3).
    Masked([u8; 4]),
    /// A server's.
    Plain,
}

/// Why a WebSocket is closed from here (RFC 6455 §7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// 1001: this process goes away.
    GoingAway,
    /// 1008: the session that opened it has ended.
    SessionEnded,
}

impl Frames {
    /// Whether everything that has passed is whole frames.
    pub(super) const fn is_between(&self) -> bool {
        self.held == 0 && self.left == 0
    }

    /// Whether any of a message has passed since this was last asked.
    pub(super) const fn has_spoken(&mut self) -> bool {
        std::mem::replace(&mut self.has_spoken, false)
    }

    /// Follows these bytes up to the end of a frame, if it is among them; how many that were.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        while used < bytes.len() {
            if self.left > 0 {
                let passing = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - used);
                self.left -= passing as u64;
                used += passing;
            } else {
                self.header[self.held] = bytes[used];
                self.held += 1;
                used += 1;
                let Some(length) = payload(&self.header[..self.held]) else { continue };
                (self.held, self.left, self.is_speech) = (0, length, self.header[0] & CONTROL == 0);
            }
            self.has_spoken |= self.is_speech && self.held == 0;
            if self.is_between() {
                break;
            }
        }
        used
    }
}

/// How long the payload is, once the header is whole. The length is in network order; its first bit is nobody's to set, and
/// is passed on like the rest.
fn payload(header: &[u8]) -> Option<u64> {
    let lengths = *header.get(1)?;
    let (extended, short) = match lengths & !MASKED {
        127 => (8, None),
        126 => (2, None),
        short => (0, Some(u64::from(short))),
    };
    let whole = 2 + extended + if lengths & MASKED == 0 { 0 } else { 4 };
    let long = || header[2..2 + extended].iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    (header.len() == whole).then(|| short.unwrap_or_else(long))
}

impl Goodbye {
    /// The closing frame.
    pub(super) fn frame(self, masking: Masking) -> Bytes {
        let (code, why): (u16, &[u8]) = match self {
            Self::GoingAway => (1001, b"going away"),
            Self::SessionEnded => (1008, b"session ended"),
        };
        let payload = code.to_be_bytes().into_iter().chain(why.iter().copied());
        let length = u8::try_from(2 + why.len()).expect("a few words");
        let mut frame = BytesMut::with_capacity(LONGEST_HEADER + usize::from(length));
        frame.put_u8(CLOSE);
        match masking {
            Masking::Plain => {
                frame.put_u8(length);
                frame.extend(payload);
            }
            Masking::Masked(key) => {
                frame.put_u8(MASKED | length);
                frame.put_slice(&key);
                frame.extend(payload.zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key));
            }
        }
        frame.freeze()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame with a payload of this length.
    fn frame(opcode: u8, masked: bool, length: usize) -> Vec<u8> {
        let mask = if masked { MASKED } else { 0 };
        let mut frame = vec![opcode];
        match length {
            0..=125 => frame.push(mask | length as u8),
            126..=0xffff => {
                frame.push(mask | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(if masked { &[1, 2, 3, 4][..] } else { &[] });
        frame.resize(frame.len() + length, 0x88);
        frame
    }

    proptest! {
        #[test]
        fn borders_are_found_wherever_the_bytes_are_cut(
            lengths in prop::collection::vec((prop_oneof![0..4_usize, 120..130_usize, 65_530..65_540_usize], any::<bool>()), 1..6),
            cut in 1..70_000_usize,
        ) {
            let (mut bytes, mut borders) = (Vec::new(), Vec::new());
            for (length, masked) in lengths {
                bytes.extend(frame(0x82, masked, length));
                borders.push(bytes.len());
            }
            let (mut frames, mut passed, mut found) = (Frames::default(), 0, Vec::new());
            for piece in bytes.chunks(cut) {
                let mut piece = piece;
                while !piece.is_empty() {
                    let used = frames.follow(piece);
                    prop_assert!(used > 0);
                    passed += used;
                    piece = &piece[used..];
                    if frames.is_between() {
                        found.push(passed);
                    }
                }
            }
            prop_assert_eq!(found, borders);
        }
    }

    #[test]
    fn a_message_is_speech_and_what_machines_tell_each_other_is_not() {
        let mut frames = Frames::default();
        let mut speaks = |bytes: &[u8]| {
            frames.follow(bytes);
            frames.has_spoken()
        };
        for (opcode, is_speech) in [(0x89, false), (0x01, true), (0x8a, false), (0x80, true), (0x88, false), (0x82, true)] {
            for length in [0, 3] {
                assert_eq!(speaks(&frame(opcode, true, length)), is_speech, "{opcode:x}");
            }
        }
        let (head, rest) = (&frame(0x81, true, 10)[..9], &frame(0x81, true, 10)[9..]);
        assert!(speaks(head) && speaks(rest), "a long message goes on being one");
        assert!(!speaks(&[0x89]) && !speaks(&[0x80]), "half a header is nothing yet");
    }

    #[test]
    fn a_goodbye_is_a_closing_frame_with_its_code() {
        let plain = Goodbye::SessionEnded.frame(Masking::Plain);
        assert_eq!(plain[..4], [0x88, 15, 0x03, 0xf0]);
        assert_eq!(&plain[4..], b"session ended");
        let masked = Goodbye::GoingAway.frame(Masking::Masked([1, 2, 3, 4]));
        let unmasked: Vec<u8> = masked[6..].iter().zip([1, 2, 3, 4].into_iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        assert_eq!((&masked[..6], &unmasked[..2], &unmasked[2..]), (&[0x88, 0x80 | 12, 1, 2, 3, 4][..], &[3, 233][..], &b"going away"[..]));
        for frame in [plain, masked] {
            let mut frames = Frames::default();
            assert_eq!(frames.follow(&frame), frame.len());
            assert!(frames.is_between());
        }
    }
}
