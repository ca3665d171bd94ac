//! What a request may not be: each way in which two readers of one stream could take it differently (RFC 9112 §11.2).

/// Why a request cannot be read one way only, or is larger than anybody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    /// Bytes behind a request to change protocols, before it is answered (RFC 9110 §7.8).
    #[error("bytes behind a request to upgrade, before its answer")]
    BytesBeforeUpgrade,
    /// Chunk framing other than `size [; extension] CRLF data CRLF` (RFC 9112 §7.1).
    #[error("malformed chunk framing")]
    Chunk,
    /// `Content-Length` is repeated or is not a number (RFC 9112 §6.3).
    #[error("content-length is repeated or not a number")]
    ContentLength,
    /// A field name that is not a token, or is followed by white space (RFC 9112 §5.1).
    #[error("malformed field name")]
    FieldName,
    /// A control byte in a field value (RFC 9110 §5.5).
    #[error("control byte in a field value")]
    FieldValue,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.1).
    #[error("content-length and transfer-encoding together")]
    Framing,
    /// More frames that carry nothing than anybody needs (RFC 9113 §10.5).
    #[error("too many frames that carry nothing")]
    Flood,
    /// `Host` is missing, repeated, malformed, or names something else than the target does (RFC 9112 §3.2).
    #[error("host is missing, repeated, malformed or contradicts the target")]
    Host,
    /// A line that does not end with CRLF (RFC 9112 §2.2).
    #[error("line end other than CRLF")]
    LineEnd,
    /// A method that is not an upper-case token of at most 32 bytes, or is CONNECT, PRI, TRACE or TRACK.
    #[error("method not accepted")]
    Method,
    /// A field continued on a second line (RFC 9112 §5.2).
    #[error("folded field line")]
    ObsFold,
    /// More than `METHOD SP target SP HTTP/1.x`, or less (RFC 9112 §3).
    #[error("malformed request line")]
    RequestLine,
    /// A target in a form that is not for us, or with bytes that do not belong there (RFC 9112 §3.2).
    #[error("malformed request target")]
    Target,
    /// More than [`super::request_head::MAX_HEAD`] bytes.
    #[error("head too large")]
    TooLarge,
    /// More than [`super::request_head::MAX_FIELDS`] fields.
    #[error("too many fields")]
    TooManyFields,
    /// A trailer field that frames, routes or authenticates (RFC 9110 §6.5.1).
    #[error("field not accepted in trailers")]
    Trailer,
    /// A `Transfer-Encoding` other than one `chunked`, or any on HTTP/1.0 (RFC 9112 §6.1).
    #[error("transfer-encoding not accepted")]
    TransferEncoding,
}

impl Violation {
    /// The status it is answered with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLarge | Self::TooManyFields => 431,
            Self::BytesBeforeUpgrade
            | Self::Chunk
            | Self::ContentLength
            | Self::FieldName
            | Self::FieldValue
            | Self::Flood
            | Self::Framing
            | Self::Host
            | Self::LineEnd
            | Self::Method
            | Self::ObsFold
            | Self::RequestLine
            | Self::Target
            | Self::Trailer
            | Self::TransferEncoding => 400,
        }
    }
}
