//! Telling apps that a session is over: by a token that they are sent (OpenID Connect Back-Channel Logout §2.5), and by an
//! address that the browser loads (Front-Channel Logout §3), with `sid` and without `iss`, as on the platform.

use std::time::Duration;

use http::{Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::grants::Visit;
use super::{Logout, Provider, ambient, claims};

/// How long an app may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends the tokens, and yields the addresses to load. Apps that cannot be reached are not waited for.
pub(super) async fn tell(provider: &Provider, ended: &[Visit]) -> Vec<Url> {
    let mut frames = Vec::new();
    for visit in ended {
        let logout = provider.registration(&visit.grant.client_id).map_or(Logout::Untold, |app| app.logout);
        if logout == Logout::Untold {
            continue;
        }
        if let Some(address) = beside(&visit.redirect_uri, "back-channel") {
            let _unreached = tokio::time::timeout(PATIENCE, send(provider, visit, address)).await;
        }
        frames.extend(beside(&visit.redirect_uri, "front-channel").map(|mut address| {
            address.query_pairs_mut().append_pair("sid", &visit.grant.session);
            address
        }));
    }
    frames
}

/// `…/callback/NAME` → `…/logout/CHANNEL/NAME`
fn beside(redirect_uri: &str, channel: &str) -> Option<Url> {
    let mut address = Url::parse(redirect_uri).ok()?;
    let path = address.path().to_owned();
    let (before, name) = path.rsplit_once("/callback/").filter(|(_, name)| !name.is_empty() && !name.contains('/'))?;
    address.set_path(&format!("{before}/logout/{channel}/{name}"));
    address.set_query(None);
    Some(address)
}

/// Over plain http: apps are on this machine.
async fn send(provider: &Provider, visit: &Visit, address: Url) -> Option<()> {
    let claims = claims::logout_token(&provider.settings, &visit.grant, ambient::now());
    let token = provider.keys.of(visit.grant.account.tenant.id).await.ok()?.sign_logout(&claims).ok()?;
    let (host, port) = (address.host_str()?, address.port_or_known_default()?);
    let stream = TcpStream::connect((host, port)).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(address.path())
        .header(header::HOST, format!("{host}:{port}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(body)))
        .ok()?;
    tokio::select! {
        _answer = sender.send_request(request) => Some(()),
        _closed = connection => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_beside_the_redirect_uri() {
        for (redirect_uri, address) in [
            ("http://localhost:8080/.auth/callback/work", Some("http://localhost:8080/.auth/logout/back-channel/work")),
            ("http://localhost:8080/callback/work?x=y", Some("http://localhost:8080/logout/back-channel/work")),
            ("http://localhost:8080/.auth/callback/", None),
            ("http://localhost:8080/.auth/callback/work/more", None),
            ("http://localhost:8080/signin-oidc", None),
        ] {
            assert_eq!(beside(redirect_uri, "back-channel").as_ref().map(Url::as_str), address, "{redirect_uri}");
        }
    }
}
