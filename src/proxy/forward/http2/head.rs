//! A request's head in HTTP/2 (RFC 9113 §8.3): its pseudo fields, what [`Telling`] says, its length. And what an answer's
//! head says about connections, which nobody behind us is to see.

use bytes::Bytes;
use h2::ext::Protocol as ConnectProtocol;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, header};

use crate::domain::destination::{Upstream, UpstreamScheme};
use crate::domain::prefix::path_sent;
use crate::proxy::forward::errand::Errand;
use crate::proxy::forward::upload::BodyFraming;
use crate::proxy::forward::{Protocol, hop_by_hop};

#[cfg(doc)]
use crate::proxy::forward::request_head::Telling;

/// The head of a request. `None` if it cannot be said: what we took for a host or a path is none to the library.
pub(super) fn request(errand: &Errand<'_>, upstream: &Upstream) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.version_mut() = Version::HTTP_2;
    let headers = request.headers_mut();
    errand.telling.write(upstream, headers);
    let host = headers.remove(header::HOST)?;
    match errand.upload.framing {
        // Methods that are about their content say that there is none (RFC 9110 §8.6).
        BodyFraming::Empty if matches!(*errand.method, Method::POST | Method::PUT | Method::PATCH) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        }
        BodyFraming::Sized(length) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        BodyFraming::Empty | BodyFraming::Chunked => {}
    }
    match errand.protocol {
        Protocol::Http => {
            if errand.telling.takes_trailers {
                headers.insert(header::TE, HeaderValue::from_static("trailers"));
            }
            request.method_mut().clone_from(errand.method);
        }
        // HTTP/2 has no use for the key (RFC 8441 §5).
        Protocol::WebSocket => {
            headers.remove(header::SEC_WEBSOCKET_KEY);
            *request.method_mut() = Method::CONNECT;
            request.extensions_mut().insert(ConnectProtocol::from_static("websocket"));
        }
    }
    *request.uri_mut() = uri(errand, upstream, &host)?;
    Some(request)
}

fn uri(errand: &Errand<'_>, upstream: &Upstream, host: &HeaderValue) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(match upstream.scheme {
        UpstreamScheme::Http | UpstreamScheme::H2c => Scheme::HTTP,
        UpstreamScheme::Https => Scheme::HTTPS,
    });
    parts.authority = Some(Authority::try_from(host.as_bytes()).ok()?);
    let path = path_sent(&upstream.base_path, errand.target, errand.strip_prefix).concat();
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(path)).ok()?);
    Uri::from_parts(parts).ok()
}

/// Takes out what is about the connection. Most of it has no place in HTTP/2, and is refused by the library.
pub(super) fn cleaned(mut headers: HeaderMap) -> HeaderMap {
    if headers.keys().any(|name| hop_by_hop::is_fixed(name.as_str())) {
        let named: Vec<_> = headers.keys().filter(|name| hop_by_hop::is_fixed(name.as_str())).cloned().collect();
        for name in named {
            headers.remove(name);
        }
    }
    headers
}
