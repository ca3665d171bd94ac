//! Which of a client's fields may go on to an upstream: the one place that decides it, for heads and for trailers.
//!
//! A field goes on if nothing says that it must not. What we say ourselves is never sieved: it is written apart, so no
//! client can have it removed by naming it in `Connection`.

use http::{HeaderMap, header};

use super::error::ForwardError;
use super::hop_by_hop::{self, Connection};
use crate::domain::identity_headers;
use crate::domain::identity_headers::fields::Fields;
use crate::domain::route::HeaderRules;
use crate::proxy::visit::Peer;

/// The rules for one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sieve<'a> {
    connection: Connection<'a>,
    rules: &'a HeaderRules,
    peer: Peer,
}

/// What the trailers of a request are judged by, kept until they come.
#[derive(Debug)]
pub(super) struct TrailerRules {
    /// Of the head, the `Connection` fields.
    connection: HeaderMap,
    rules: HeaderRules,
    peer: Peer,
}

impl<'a> Sieve<'a> {
    /// # Errors
    /// [`ForwardError::TooManyConnectionOptions`].
    pub(super) fn new(headers: &'a HeaderMap, rules: &'a HeaderRules, peer: Peer) -> Result<Self, ForwardError> {
        Ok(Self { connection: Connection::of(headers)?, rules, peer })
    }

    /// Whether a field belongs to the client's connection and ends with it.
    pub(super) fn ends_here(&self, name: &str) -> bool {
        self.connection.owns(name)
    }

    /// Whether a field may go on.
    pub(super) fn passes(&self, name: &str) -> bool {
        !self.ends_here(name)
            && !is_forgeable(name, self.peer)
            && !identity_headers::is_forged(name, &self.rules.set)
            && !self.rules.remove.iter().any(|removed| removed == name)
    }
}

impl TrailerRules {
    /// The rules that [`Sieve`] has for a head, for what comes after it.
    pub(super) fn new(headers: &HeaderMap, rules: &HeaderRules, peer: Peer) -> Self {
        let connection = headers.get_all(header::CONNECTION).iter().map(|value| (header::CONNECTION, value.clone())).collect();
        Self { connection, rules: rules.clone(), peer }
    }

    /// Passes on what may go on.
    pub(super) fn sieve(&self, trailers: &HeaderMap, fields: &mut impl Fields) {
        // Too many options were refused with the head: then nothing goes on.
        let Ok(sieve) = Sieve::new(&self.connection, &self.rules, self.peer) else { return };
        for (name, value) in trailers {
            if !hop_by_hop::is_no_trailer(name.as_str()) && sieve.passes(name.as_str()) {
                fields.pass(name, value);
            }
        }
    }
}

/// What claims to speak for somebody else: where a request comes from, what it really asks for, how it is framed. The
/// forwarder's own fields are among them; those that hold are told anew.
fn is_forgeable(name: &str, peer: Peer) -> bool {
    match name {
        // `Proxy` becomes HTTP_PROXY in CGI. `Expect` was answered by us. Which trailers come, nobody has judged yet.
        "content-length" | "expect" | "forwarded" | "host" | "http2-settings" | "proxy" | "trailer" => true,
        "traceparent" | "x-request-id" => true,
        "x-real-ip" | "x-rewrite-url" | "x-http-method" | "x-http-method-override" | "x-method-override" => true,
        // Proxies in front of us that tell the client's address their own way.
        "cf-connecting-ip" | "fastly-client-ip" | "true-client-ip" | "x-client-ip" | "x-cluster-client-ip" | "x-originating-ip" => {
            peer == Peer::Stranger
        }
        _ => name.starts_with("x-forwarded-") || name.starts_with("x-original-"),
    }
}
