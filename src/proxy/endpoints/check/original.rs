//! Which request a proxy in front asks about. It says so in one of three ways: `X-Forwarded-Method` and
//! `X-Forwarded-Uri` (Caddy, Traefik), `X-Original-Method` and `X-Original-URI` (nginx, by its configuration), or with
//! its own method and the wanted path behind ours (Envoy's `path_prefix`). The host is read as for any request of a
//! trusted proxy's.
//!
//! Proxies hand on fields that they do not set themselves, so half of a way, or two ways that differ, may be a client's
//! doing: then nothing is believed. The query of the question itself means nothing, because some proxies append the
//! client's.

use std::sync::Arc;

use http::{HeaderMap, Method, header};

use crate::domain::interaction::Interaction;
use crate::domain::target::{BadTarget, Target};
use crate::proxy::shared::Shared;
use crate::proxy::visit::{Peer, Visit, only};

/// Why it is not clear what is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unclear {
    #[error("the proxy in front says two things about the same request")]
    Contradiction,
    #[error("a field about the request stands there twice, or is not ASCII")]
    Field,
    #[error("the proxy in front names a method or a path, but not both")]
    Half,
    #[error("its method cannot be asked for")]
    Method,
    #[error("neither X-Forwarded-Method and X-Forwarded-Uri nor X-Original-Method and X-Original-URI are there")]
    Missing,
    #[error("the peer is not one of `trusted_proxies`")]
    Stranger,
    #[error("{0}")]
    Target(#[from] BadTarget),
}

/// Reads the request that `asking` is about.
pub(super) fn original(asking: &Visit, shared: &Shared, headers: &HeaderMap) -> Result<Visit, Unclear> {
    match asking.peer {
        Peer::Stranger => return Err(Unclear::Stranger),
        Peer::TrustedProxy => {}
    }
    if names_another_origin(asking, shared, headers)? {
        return Err(Unclear::Contradiction);
    }
    let ways = [
        pair(headers, "x-forwarded-method", "x-forwarded-uri")?,
        pair(headers, "x-original-method", "x-original-uri")?,
        behind_ours(asking, &shared.rules.prefix).map(|uri| (asking.method.as_str(), uri)),
    ];
    let mut ways = ways.into_iter().flatten();
    let first = ways.next().ok_or(Unclear::Missing)?;
    if ways.any(|other| other != first) {
        return Err(Unclear::Contradiction);
    }
    let (method, uri) = first;
    let method = match Method::from_bytes(method.as_bytes()) {
        Ok(Method::CONNECT | Method::TRACE) | Err(_) => return Err(Unclear::Method),
        Ok(method) => method,
    };
    let interaction = match Interaction::of(&method, headers) {
        // The answer is for the proxy, which reads the HTTP status.
        Interaction::Grpc => Interaction::Program,
        other @ (Interaction::Navigation | Interaction::Program | Interaction::Submission) => other,
    };
    let target = Target::parse(asking.origin.authority(), uri)?;
    Ok(Visit { origin: Arc::clone(&asking.origin), target, method, interaction, client: asking.client, peer: asking.peer })
}

/// Whether `Host` is one of our own origins, and not the one that `X-Forwarded-Host` says. The proxy forwards by one of
/// the two, and which one cannot be known. A `Host` that is only the proxy's name for us says nothing.
fn names_another_origin(asking: &Visit, shared: &Shared, headers: &HeaderMap) -> Result<bool, Unclear> {
    let Some(host) = field(headers, header::HOST.as_str())? else { return Ok(false) };
    let mut named = shared.rules.origins.iter().filter(|origin| origin.is_named_by(host)).peekable();
    Ok(named.peek().is_some() && !named.any(|origin| *origin == *asking.origin))
}

fn behind_ours<'a>(asking: &'a Visit, prefix: &str) -> Option<&'a str> {
    asking.target.path_and_query().strip_prefix(prefix)?.strip_prefix("/check").filter(|rest| rest.starts_with('/'))
}

fn pair<'a>(headers: &'a HeaderMap, method: &str, uri: &str) -> Result<Option<(&'a str, &'a str)>, Unclear> {
    match (field(headers, method)?, field(headers, uri)?) {
        (None, None) => Ok(None),
        (Some(method), Some(uri)) => Ok(Some((method, uri))),
        (Some(_), None) | (None, Some(_)) => Err(Unclear::Half),
    }
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Unclear> {
    only(headers, name).map_err(|_| Unclear::Field)
}
