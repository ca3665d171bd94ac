//! Queries and posted forms of our own endpoints: bounded, every name once.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;

use super::super::visit::Visit;
use crate::domain::reason::Reason;

/// The longest form, in bytes: an authorization response by POST is the largest.
const LONGEST: usize = 16 * 1024;

/// How long a form may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

const MOST_FIELDS: usize = 32;

/// The fields of a query or form. What is there twice could be read two ways, and is refused.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=b&c=d`.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Reason> {
        if text.len() > LONGEST {
            return Err(Reason::BadRequest);
        }
        let mut fields = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            let double = fields.iter().any(|(known, _)| *known == name);
            if double || fields.len() == MOST_FIELDS {
                return Err(Reason::BadRequest);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// The value of a field; an empty one counts as left out.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// A request's body for the router, which wants one that could go to other threads: the whole form, or nothing if it is
/// none, which nobody here would read. One that is too long, too slow or broken off fails whoever reads it.
pub(super) async fn arrived<B>(headers: &HeaderMap, body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>>,
{
    if body.is_end_stream() || !is_form(headers) {
        return Body::empty();
    }
    match tokio::time::timeout(PATIENCE, whole(std::pin::pin!(body))).await {
        Ok(Some(form)) => Body::from(form),
        Ok(None) | Err(_) => Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>("no whole form")])),
    }
}

/// All of a body that is no longer than a form may be. Put together in memory of its own: a piece of one byte may hold on
/// to all of the buffer that it was read into.
async fn whole<B: http_body::Body<Data = Bytes>>(mut body: Pin<&mut B>) -> Option<Bytes> {
    if body.size_hint().lower() > LONGEST as u64 {
        return None;
    }
    let mut form = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        if form.len() + data.len() > LONGEST {
            return None;
        }
        form.extend_from_slice(&data);
    }
    Some(form.freeze())
}

/// The form that was posted: a body that is none is refused.
pub(super) async fn posted(headers: &HeaderMap, body: Body) -> Result<Bytes, Reason> {
    if !is_form(headers) {
        return Err(Reason::BadRequest);
    }
    axum::body::to_bytes(body, LONGEST).await.map_err(|_| Reason::BadRequest)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether a form was sent from one of our own pages. Browsers say where a form comes from, in `Origin` or
/// `Sec-Fetch-Site`; a client that says nothing is no browser, and cannot be made to send a form unawares.
pub(super) fn is_our_own(headers: &HeaderMap, visit: &Visit) -> bool {
    // Every value counts, so that a second one cannot hide behind the first.
    let all = |name: &str, fits: &dyn Fn(&[u8]) -> bool| headers.get_all(name).iter().all(|value| fits(value.as_bytes()));
    all("sec-fetch-site", &|site| matches!(site, b"same-origin" | b"none"))
        && all("origin", &|origin| origin == visit.origin.as_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use http_body::{Frame, SizeHint};

    use super::*;
    use crate::proxy::request_body::tests::piece_of_a_buffer;

    /// So many bytes, one by one, each of which holds a large buffer. Says no more of its length than it was told.
    struct ByteByByte {
        left: usize,
        told: u64,
        /// The buffer that the last byte was in.
        buffer: Option<Arc<[u8]>>,
    }

    impl http_body::Body for ByteByByte {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            assert!(self.buffer.as_ref().is_none_or(|buffer| Arc::strong_count(buffer) == 1), "the last byte's buffer is still held");
            let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
            let (byte, buffer) = piece_of_a_buffer(1);
            (self.left, self.buffer) = (left, Some(buffer));
            Poll::Ready(Some(Ok(Frame::data(byte))))
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.told);
            hint
        }
    }

    #[tokio::test]
    async fn a_form_that_comes_byte_by_byte_takes_no_more_memory_than_it_is_long() {
        for (length, is_taken) in [(1, true), (LONGEST, true), (LONGEST + 1, false), (10 * LONGEST, false)] {
            let mut body = ByteByByte { left: length, told: 0, buffer: None };
            let form = whole(Pin::new(&mut body)).await;
            assert_eq!(form.as_ref().map(Bytes::len), is_taken.then_some(length));
            let memory = form.map_or(0, |form| form.try_into_mut().expect("nobody else has it").capacity());
            assert!(memory <= 2 * length.max(64), "{memory} bytes for {length}");
            assert!(body.left >= length.saturating_sub(LONGEST + 1), "nothing is read beyond what is too much");
        }
    }

    #[tokio::test]
    async fn a_form_that_says_it_is_too_long_is_not_read() {
        for (told, is_read) in [(LONGEST as u64, true), (LONGEST as u64 + 1, false)] {
            let mut body = ByteByByte { left: 3, told, buffer: None };
            assert_eq!(whole(Pin::new(&mut body)).await.is_some(), is_read);
            assert_eq!(body.left, if is_read { 0 } else { 3 });
        }
    }

    #[test]
    fn a_field_stands_once() {
        let fields = Fields::parse(b"a=1&b=%C3%A4+x&empty=").expect("readable");
        assert_eq!((fields.value("a"), fields.value("b"), fields.value("empty")), (Some("1"), Some("ä x"), None));
        assert_eq!(Fields::parse(b"a=1&a=1").err(), Some(Reason::BadRequest));
    }

    #[test]
    fn forms_are_bounded() {
        let many = (0..33).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(Fields::parse(many.as_bytes()).err(), Some(Reason::BadRequest));
        assert_eq!(Fields::parse(&vec![b'a'; LONGEST + 1]).err(), Some(Reason::BadRequest));
        assert!(Fields::parse(&vec![b'a'; LONGEST]).is_ok());
    }
}
