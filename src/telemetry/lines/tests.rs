//! The way of lines: whole, in order, and counted where they are lost. Places are made up: one that can be held and can
//! fail.

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// What a place is to do with the next bytes it gets.
enum Answer {
    Fail,
    Take(usize),
}

/// A place that asks before it takes anything. Once nobody answers any more it takes everything.
struct Place {
    answers: Receiver<Answer>,
    taken: Arc<Mutex<String>>,
    opened: Arc<Mutex<u32>>,
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.answers.recv() {
            Ok(Answer::Fail) => return Err(io::ErrorKind::StorageFull.into()),
            Ok(Answer::Take(count)) => count.min(bytes.len()),
            Err(_) => bytes.len(),
        };
        self.taken.lock().expect("no panic").push_str(std::str::from_utf8(&bytes[..count]).expect("ASCII"));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for Place {
    fn reopen(&mut self) -> io::Result<()> {
        *self.opened.lock().expect("no panic") += 1;
        Ok(())
    }
}

struct World {
    log: Log,
    answers: Sender<Answer>,
    taken: Arc<Mutex<String>>,
    opened: Arc<Mutex<u32>>,
}

impl World {
    fn new() -> Self {
        let (answers, asked) = channel();
        let (taken, opened) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<u32>>::default());
        let place = Place { answers: asked, taken: Arc::clone(&taken), opened: Arc::clone(&opened) };
        Self { log: Log::start(place).expect("a thread"), answers, taken, opened }
    }

    /// Lets everything through, and gives what arrived.
    fn end(self) -> String {
        drop(self.answers);
        self.log.close();
        self.taken.lock().expect("no panic").clone()
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

/// Hands over a page of a single line.
fn hand_over(log: &Log, stream: Stream, seconds: u64, text: &str) {
    log.pen().write(stream, at(seconds), |line| line.push_str(text));
}

#[test]
fn lines_of_two_logs_arrive_whole_and_in_the_order_they_were_written() {
    let world = World::new();
    let pen = world.log.pen();
    let mut expected = String::new();
    for number in 0..2000 {
        let (stream, name) = if number % 3 == 0 { (Stream::Audit, "audit") } else { (Stream::Access, "access") };
        let text = format!("{name} {number} of a line that is long enough for pages to fill");
        pen.write(stream, at(number), |line| line.push_str(&text));
        expected.push_str(&text);
        expected.push('\n');
    }
    assert!(expected.len() > 2 * PAGE, "more than a page");
    drop(pen);
    assert_eq!(world.end(), expected);
}

#[test]
fn a_place_that_takes_bytes_singly_gets_whole_lines_in_the_end() {
    let world = World::new();
    for _ in 0..7 {
        world.answers.send(Answer::Take(1)).expect("it listens");
    }
    hand_over(&world.log, Stream::Audit, 1, "one");
    hand_over(&world.log, Stream::Access, 2, "two");
    assert_eq!(world.end(), "one\ntwo\n");
}

#[test]
fn what_a_place_refused_half_way_is_finished_later() {
    let world = World::new();
    world.answers.send(Answer::Take(2)).expect("it listens");
    world.answers.send(Answer::Fail).expect("it listens");
    hand_over(&world.log, Stream::Audit, 1, "one");
    // It takes everything again from here on.
    assert_eq!(world.end(), "one\n");
}

#[test]
fn audit_lines_that_found_the_queue_full_are_counted_in_the_log_itself() {
    let world = World::new();
    // Nothing is answered yet: one page is being written at most, the queue takes so many, the others are lost.
    for number in 0..QUEUE as u64 + 20 {
        hand_over(&world.log, Stream::Audit, number, "audit");
        hand_over(&world.log, Stream::Access, number, "access");
    }
    let text = world.end();
    let told: Vec<serde_json::Value> = text.lines().filter(|line| line.starts_with('{')).map(|line| line.parse().expect("JSON")).collect();
    assert!(!told.is_empty(), "{text}");
    let lost: u64 = told.iter().map(|line| line["lines"].as_u64().expect("a number")).sum();
    let arrived = text.lines().filter(|line| *line == "audit").count() as u64;
    assert_eq!(arrived + lost, QUEUE as u64 + 20, "every audit line is there or counted");
    assert!(lost >= 19, "{lost}");
    assert_eq!(told[0]["event"], "audit_lines_lost");
    assert_eq!(told[0]["timestamp"], QUEUE as u64 + 19, "when the last of them was lost");
}

#[test]
fn a_queue_with_room_loses_nothing() {
    let world = World::new();
    for number in 0..QUEUE as u64 {
        hand_over(&world.log, Stream::Audit, number, "audit");
    }
    assert_eq!(world.end(), "audit\n".repeat(QUEUE));
}

#[test]
fn a_place_is_opened_anew_when_that_is_asked_for_even_if_nothing_is_written() {
    let world = World::new();
    let opened = Arc::clone(&world.opened);
    hand_over(&world.log, Stream::Access, 1, "before");
    world.log.reopen();
    assert_eq!(world.end(), "before\n");
    assert_eq!(*opened.lock().expect("no panic"), 1);
}
