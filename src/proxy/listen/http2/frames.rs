//! Frame borders in what a client sends (RFC 9113 §4.1), and what the frames that carry nothing may cost. Sans-I/O.
//!
//! The library bounds what it stores: header lists, CONTINUATION frames, resets before a request is looked at, empty and
//! tiny DATA frames. It answers every PING and every SETTINGS, and looks at everything else, for as long as they come.
//! That costs time, which is other clients' time: so frames that carry nothing are paid for out of a [`Purse`]. A new
//! connection has little in it, so that nobody gains by beginning anew.

/// What a client's side of a connection begins with (RFC 9113 §3.4).
pub(in crate::proxy::listen) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const CONTINUATION: u8 = 0x9;
/// Of SETTINGS.
const ACK: u8 = 0x1;
/// Of DATA and HEADERS.
const END_STREAM: u8 = 0x1;
/// Of HEADERS and CONTINUATION.
const END_HEADERS: u8 = 0x4;

/// What the head of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    kind: u8,
    flags: u8,
    length: u32,
}

impl Frame {
    pub(super) const fn is_settings(self) -> bool {
        self.kind == SETTINGS
    }

    /// How much of a purse it takes.
    const fn price(self, room: Room) -> u32 {
        match self.kind {
            DATA if self.length > 0 || self.flags & END_STREAM != 0 => 0,
            DATA => 5,
            // A request: what it costs is the business of whoever answers it, if somebody may.
            HEADERS if self.length > 0 => match room {
                Room::Some => 0,
                Room::None => 2,
            },
            // A request was begun for nothing.
            RST_STREAM => 10,
            SETTINGS if self.flags & ACK != 0 => 1,
            // Each is answered, and each changes what all streams may do.
            SETTINGS | GOAWAY => 20,
            PING => 4,
            _ => 1,
        }
    }
}

/// Whether the client may begin another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Some,
    None,
}

/// Finds the frames in a stream of bytes.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes to come before the next frame's head: of the preface, then of a frame.
    left: u32,
    head: [u8; 9],
    /// Bytes of the head so far.
    have: usize,
    /// Whether a field section is open, and whether the frame that is read now ends it.
    section: Section,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    None,
    Open,
    Ending,
}

impl Default for Frames {
    fn default() -> Self {
        Self { left: 24, head: [0; 9], have: 0, section: Section::None }
    }
}

impl Frames {
    /// Reads on; calls `each` for each frame whose head is complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        loop {
            let skipped = bytes.len().min(self.left as usize);
            self.left -= u32::try_from(skipped).expect("no more than what was left");
            bytes = &bytes[skipped..];
            if self.left > 0 {
                return;
            }
            if self.section == Section::Ending {
                self.section = Section::None;
            }
            let taken = bytes.len().min(self.head.len() - self.have);
            self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have < self.head.len() {
                return;
            }
            self.have = 0;
            let [high, middle, low, kind, flags, ..] = self.head;
            let frame = Frame { kind, flags, length: u32::from_be_bytes([0, high, middle, low]) };
            self.left = frame.length;
            if matches!(kind, HEADERS | CONTINUATION) {
                self.section = if flags & END_HEADERS == 0 { Section::Open } else { Section::Ending };
            }
            each(frame);
        }
    }

    /// Whether part of a field section is still to come.
    pub(super) const fn is_in_fields(&self) -> bool {
        !matches!(self.section, Section::None)
    }
}

/// What a client may spend on frames that carry nothing. It fills up with every beat, and a little with every byte that
/// the client takes, because taking bytes needs WINDOW_UPDATE frames. So it does with every request that is answered: some
/// libraries say something about each of them, and measure the way with a PING.
#[derive(Debug)]
pub(super) struct Purse {
    left: u32,
    full: u32,
    beat: u32,
    /// Bytes taken that are not worth anything yet.
    bytes: u32,
}

impl Purse {
    /// At least so much may be in it: a client that measures the way to us with a PING and a WINDOW_UPDATE for each piece of an
    /// answer, as gRPC's do, gets along with it where that way is a millisecond long.
    const FULL: u32 = 10_000;
    /// And so much for each request that may be under way: all of them may be given up at once, even in the first beat.
    const STREAM: u32 = 20;
    /// So many bytes pay for one WINDOW_UPDATE frame: a fraction of what anybody waits for before sending one.
    const BYTES: u32 = 1024;

    /// What an answered request pays for. It cost more than that, and somebody had to answer it.
    const ANSWER: u32 = 12;

    /// Half full, for a connection with so many streams.
    pub(super) fn new(beat: u32, streams: u32) -> Self {
        let full = Self::FULL.max(streams.saturating_mul(Self::STREAM));
        Self { left: full / 2, full, beat, bytes: 0 }
    }

    /// Whether there was enough for a frame that comes in this beat.
    pub(super) const fn pay(&mut self, frame: Frame, room: Room, beat: u32) -> bool {
        if beat != self.beat {
            (self.beat, self.left) = (beat, self.full);
        }
        match self.left.checked_sub(frame.price(room)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// So many requests were answered.
    pub(super) fn answered(&mut self, requests: u32) {
        self.left = self.left.saturating_add(requests.saturating_mul(Self::ANSWER)).min(self.full);
    }

    /// The client takes bytes.
    pub(super) fn earn(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.left = self.left.saturating_add(self.bytes / Self::BYTES).min(self.full);
        self.bytes %= Self::BYTES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    fn conversation() -> Vec<u8> {
        [
            PREFACE.to_vec(),
            frame(SETTINGS, 0, b""),
            frame(HEADERS, 0, b"abc"),
            frame(CONTINUATION, END_HEADERS, b"defg"),
            frame(DATA, END_STREAM, &[7; 300]),
        ]
        .concat()
    }

    #[test]
    fn all_requests_that_may_be_under_way_may_be_given_up_at_once() {
        let give_up = Frame { kind: RST_STREAM, flags: 0, length: 4 };
        for streams in [1, 100, 10_000] {
            let mut purse = Purse::new(1, streams);
            assert!((0..streams).all(|_| purse.pay(give_up, Room::Some, 1)), "{streams}");
        }
    }

    #[test]
    fn frames_are_found_wherever_the_bytes_are_cut() {
        let all = conversation();
        for size in 1..=all.len() {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for piece in all.chunks(size) {
                frames.feed(piece, |frame| found.push((frame.kind, frame.length)));
            }
            assert_eq!(found, [(SETTINGS, 0), (HEADERS, 3), (CONTINUATION, 4), (DATA, 300)], "in pieces of {size}");
        }
    }

    #[test]
    fn a_field_section_is_open_from_its_first_byte_to_its_last() {
        let all = conversation();
        let mut frames = Frames::default();
        let open: Vec<usize> = (0..all.len())
            .filter(|at| {
                frames.feed(&all[*at..=*at], |_| {});
                frames.is_in_fields()
            })
            .collect();
        // The head of HEADERS is complete with byte 41; the last byte of CONTINUATION is byte 57.
        assert_eq!(open, (41..57).collect::<Vec<_>>());
    }

    #[test]
    fn frames_that_carry_nothing_are_paid_for_and_others_are_free() {
        let carries = [(DATA, 0, 1), (DATA, END_STREAM, 0), (HEADERS, 0, 1)];
        let empty = [
            (DATA, 0, 0),
            (HEADERS, 0, 0),
            (RST_STREAM, 0, 4),
            (SETTINGS, 0, 0),
            (PING, 0, 8),
            (CONTINUATION, 0, 0),
            (0x8, 0, 4),
            (0xff, 0, 9),
        ];
        for (kinds, ends) in [(&carries[..], false), (&empty[..], true)] {
            for (kind, flags, length) in kinds {
                let mut purse = Purse::new(1, 100);
                let frame = Frame { kind: *kind, flags: *flags, length: *length };
                assert_eq!((0..=Purse::FULL).any(|_| !purse.pay(frame, Room::Some, 1)), ends, "{frame:?}");
                assert!(purse.pay(frame, Room::Some, 2), "a new beat");
            }
        }
    }

    #[test]
    fn requests_that_cannot_be_begun_are_not_free() {
        let request = Frame { kind: HEADERS, flags: END_HEADERS, length: 9 };
        let mut purse = Purse::new(1, 100);
        assert!(!(0..Purse::FULL).all(|_| purse.pay(request, Room::None, 1)));
        assert!(purse.pay(request, Room::Some, 1));
    }

    #[test]
    fn whoever_gets_answers_may_say_so() {
        let (ping, update) = (Frame { kind: PING, flags: 0, length: 8 }, Frame { kind: 0x8, flags: 0, length: 4 });
        let mut purse = Purse::new(1, 100);
        for _ in 0..Purse::FULL * 10 {
            purse.answered(1);
            assert!([ping, ping, update, update].into_iter().all(|frame| purse.pay(frame, Room::Some, 1)));
        }
        assert!((0..=Purse::FULL).any(|_| !purse.pay(update, Room::Some, 1)), "and no more than that");
    }

    #[test]
    fn whoever_takes_bytes_may_say_so() {
        let update = Frame { kind: 0x8, flags: 0, length: 4 };
        let mut purse = Purse::new(1, 100);
        for _ in 0..Purse::FULL * 10 {
            purse.earn(512);
            purse.earn(512);
            assert!(purse.pay(update, Room::None, 1));
        }
    }
}
