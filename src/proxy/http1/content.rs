//! The content of a request as it comes (RFC 9112 §6): its length, or chunks and trailers.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

use super::chunked::{Chunked, Malformed, Piece};
use super::trailers;
use super::violation::Violation;

/// What of a request's content is still to come.
#[derive(Debug)]
pub enum Content {
    /// Nothing.
    Done,
    /// So many bytes.
    Sized(u64),
    /// Chunks, who knows how many.
    Chunked(Box<Chunked>),
}

/// What was found at the beginning of the bytes that were read.
#[derive(Debug)]
pub enum Found {
    /// Content.
    Data(Bytes),
    /// Trailers, none of which changes the message. They are the last of the content.
    Trailers(HeaderMap),
    /// The end.
    End,
    /// Nothing: more has to be read.
    Nothing,
}

impl Content {
    /// Chunked content from its beginning.
    #[must_use]
    pub fn chunked() -> Self {
        Self::Chunked(Box::default())
    }

    /// Whether all of it was taken.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Takes the next part off the beginning of what was read. Not copied.
    ///
    /// # Errors
    /// [`Violation`]; the connection is of no more use.
    pub fn take(&mut self, read: &mut BytesMut) -> Result<Found, Violation> {
        match self {
            Self::Done => Ok(Found::End),
            Self::Sized(_) if read.is_empty() => Ok(Found::Nothing),
            Self::Sized(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(read.len());
                *left -= length as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Found::Data(read.split_to(length).freeze()))
            }
            Self::Chunked(chunked) => match chunked.next(read)? {
                Piece::Data { skip, length } => {
                    read.advance(skip);
                    Ok(if length == 0 { Found::Nothing } else { Found::Data(read.split_to(length).freeze()) })
                }
                Piece::End { skip, trailers } => {
                    read.advance(skip);
                    *self = Self::Done;
                    match trailers {
                        none if none.is_empty() => Ok(Found::End),
                        bad if trailers::change_the_message(&bad) => Err(Violation::Trailer),
                        good => Ok(Found::Trailers(good)),
                    }
                }
            },
        }
    }
}

impl From<Malformed> for Violation {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Chunk => Self::Chunk,
            Malformed::FoldedTrailer => Self::ObsFold,
            Malformed::LargeTrailers => Self::TooLarge,
            Malformed::LineEnd => Self::LineEnd,
            Malformed::TooManyTrailers => Self::TooManyFields,
            Malformed::Trailer => Self::Trailer,
        }
    }
}
