//! Answers on streams that keep what they are given for a while, and what is held of them meanwhile.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use super::*;
use crate::proxy::http1::tests::keeping::Keeping;
use crate::proxy::listen::Limits;
use crate::proxy::listen::vitals::{Order, Roll, Stage};
use crate::proxy::request_body::tests::piece_of_a_buffer;

#[test]
fn the_last_bytes_of_an_answer_are_flushed_however_long_that_takes() {
    let limits = Limits::default();
    let roll = Rc::new(Roll::new(&limits));
    let (_seat, vitals) = roll.seat();
    let mut cx = Context::from_waker(Waker::noop());
    for piece in [&b"short"[..], &[b'x'; COPIED + 1]] {
        let (mut outbox, mut stream) = (Outbox::default(), Keeping { is_blocked: true, ..Keeping::default() });
        outbox.end().extend_from_slice(b"HEAD\r\n\r\n");
        outbox.push(Bytes::copy_from_slice(piece), Wrapping::Plain);
        for _ in 0..3 {
            assert!(outbox.poll_send(&mut stream, &vitals, &mut cx).is_pending());
            assert!(!outbox.is_empty(), "it is not on its way yet");
        }
        stream.is_blocked = false;
        assert!(matches!(outbox.poll_send(&mut stream, &vitals, &mut cx), Poll::Ready(Ok(()))));
        assert!(outbox.is_empty() && stream.kept.is_empty());
        assert_eq!(stream.gone, [b"HEAD\r\n\r\n", piece].concat());
    }
}

#[test]
fn a_client_that_lets_nothing_be_flushed_takes_nothing() {
    let (limits, mut cx) = (Limits::default(), Context::from_waker(Waker::noop()));
    for (is_blocked, order) in [(true, Order::Abort), (false, Order::None)] {
        let roll = Rc::new(Roll::new(&limits));
        let (_seat, vitals) = roll.seat();
        vitals.enter(Stage::Busy);
        let (mut outbox, mut stream) = (Outbox::default(), Keeping { is_blocked: true, ..Keeping::default() });
        outbox.push(Bytes::from_static(b"short"), Wrapping::Plain);
        assert!(outbox.poll_send(&mut stream, &vitals, &mut cx).is_pending());
        stream.is_blocked = is_blocked;
        assert_eq!(outbox.poll_send(&mut stream, &vitals, &mut cx).is_pending(), is_blocked);
        (0..1000).for_each(|_| roll.sweep());
        assert_eq!(vitals.order(), order);
    }
}

#[test]
fn a_small_piece_holds_no_buffer_and_a_large_one_only_until_it_is_written() {
    let limits = Limits::default();
    let roll = Rc::new(Roll::new(&limits));
    let (_seat, vitals) = roll.seat();
    let mut cx = Context::from_waker(Waker::noop());
    for (length, is_held) in [(1, false), (COPIED, false), (COPIED + 1, true)] {
        let (mut outbox, mut stream) = (Outbox::default(), Keeping { is_blocked: true, ..Keeping::default() });
        let (piece, buffer) = piece_of_a_buffer(length);
        outbox.push(piece, Wrapping::Chunk);
        assert_eq!(Arc::strong_count(&buffer) > 1, is_held, "{length} bytes");
        assert!(outbox.poll_send(&mut stream, &vitals, &mut cx).is_pending());
        assert_eq!(Arc::strong_count(&buffer), 1, "{length} bytes that are written");
    }
}
