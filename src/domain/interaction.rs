//! Whether the client is a person's navigation that may be redirected, or a program that must get a status.

use http::{HeaderMap, Method};

/// How to answer somebody who is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// A top-level GET or HEAD navigation: may be sent to a sign-in page.
    Navigation,
    /// A top-level navigation that submits a form: gets a page, never a redirect that would lose what was sent.
    Submission,
    /// gRPC: gets `grpc-status`.
    Grpc,
    /// Scripts, API clients, WebSockets: get 401 and a problem document.
    Program,
}

impl Interaction {
    /// Reads it off a request head.
    #[must_use]
    pub fn of(_method: &Method, _headers: &HeaderMap) -> Self {
        todo!()
    }

    /// Whether a page (HTML) is understood.
    #[must_use]
    pub const fn takes_pages(self) -> bool {
        match self {
            Self::Navigation | Self::Submission => true,
            Self::Grpc | Self::Program => false,
        }
    }
}
