//! A browser as far as sign-ins need one: a cookie jar by host, redirects, forms, the headers that navigations carry.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::html::{self, Form, Tag};

/// One browser profile.
#[derive(Debug, Default, Clone)]
pub struct Browser {
    /// By host and name: cookies know no ports (RFC 6265 §8.5).
    jar: BTreeMap<(String, String), String>,
    /// Every address visited, redirects included.
    pub history: Vec<Url>,
    speaks: Http,
}

/// What a browser speaks with the proxy.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Http {
    #[default]
    One,
    Two,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    /// One that speaks HTTP/2 with the proxy, as if it knew that it may.
    pub fn over_http2() -> Self {
        Self { speaks: Http::Two, ..Self::default() }
    }

    /// Navigates and follows redirects to the end.
    pub async fn open(&mut self, url: &str) -> Page {
        let url = Url::parse(url).expect("an absolute address");
        self.navigate(Method::GET, url, &[]).await
    }

    /// Navigates once, without following a redirect.
    pub async fn open_once(&mut self, url: &str) -> Page {
        self.send(Method::GET, Url::parse(url).expect("an absolute address"), &navigation("none"), String::new()).await
    }

    /// Submits a form: its own fields, these filled in.
    pub async fn submit(&mut self, page: &Page, form: &Form, filled: &[(&str, &str)]) -> Page {
        let mut fields: Vec<(String, String)> = form.fields.clone();
        for (name, value) in filled {
            fields.retain(|(existing, _)| existing != name);
            fields.push(((*name).into(), (*value).into()));
        }
        let action = page.url.join(&form.action).expect("an action");
        match form.method.as_str() {
            "post" => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                self.navigate_from(&page.url, Method::POST, action, &fields).await
            }
            _ => {
                let mut action = action;
                action.query_pairs_mut().clear().extend_pairs(&fields);
                self.navigate(Method::GET, action, &[]).await
            }
        }
    }

    /// Presses the button whose text contains this.
    pub async fn press(&mut self, page: &Page, button: &str, filled: &[(&str, &str)]) -> Page {
        let (form, name, value) = page
            .forms()
            .into_iter()
            .find_map(|form| {
                let (name, value, _) = form.buttons.iter().find(|(_, _, text)| text.contains(button))?.clone();
                Some((form, name, value))
            })
            .unwrap_or_else(|| panic!("no button {button:?} on {}:\n{}", page.url, page.text()));
        let mut filled = filled.to_vec();
        if !name.is_empty() {
            filled.push((&name, &value));
        }
        self.submit(page, &form, &filled).await
    }

    /// Presses a button of a `post` form, without following where that leads.
    pub async fn press_once(&mut self, page: &Page, button: &str, filled: &[(&str, &str)]) -> Page {
        let pressed = page.forms().into_iter().find_map(|form| {
            let (name, value, _) = form.buttons.iter().find(|(_, _, text)| text.contains(button))?.clone();
            Some((form, name, value))
        });
        let (form, name, value) = pressed.unwrap_or_else(|| panic!("no button {button:?} on {}:\n{}", page.url, page.text()));
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form.fields.iter().filter(|(field, _)| !filled.iter().any(|(name, _)| name == field))).extend_pairs(filled);
        if !name.is_empty() {
            body.append_pair(&name, &value);
        }
        let action = page.url.join(&form.action).expect("an action");
        let origin = page.url.origin().ascii_serialization();
        let mut headers = navigation(if page.url.origin() == action.origin() { "same-origin" } else { "cross-site" }).to_vec();
        headers.extend([("origin", &*origin), ("content-type", "application/x-www-form-urlencoded")]);
        self.send(Method::POST, action, &headers, body.finish()).await
    }

    /// Presses a button and follows redirects up to the first address that contains `stop`, which is not visited.
    pub async fn press_up_to(&mut self, page: &Page, button: &str, filled: &[(&str, &str)], stop: &str) -> Url {
        let mut page = self.press_once(page, button, filled).await;
        for _ in 0..20 {
            let target = page.headers.get(header::LOCATION).unwrap_or_else(|| panic!("{} leads nowhere:\n{}", page.url, page.text()));
            let target = page.url.join(target.to_str().expect("ASCII")).expect("a redirect target");
            if target.as_str().contains(stop) {
                return target;
            }
            page = self.open_once(target.as_str()).await;
        }
        panic!("too many redirects: {:#?}", self.history);
    }

    /// Follows the link whose text contains this.
    pub async fn follow(&mut self, page: &Page, link: &str) -> Page {
        let target = page.link(link).unwrap_or_else(|| panic!("no link {link:?} on {}:\n{}", page.url, page.text()));
        self.navigate(Method::GET, page.url.join(&target).expect("a link"), &[]).await
    }

    /// Asks as a script would.
    pub async fn fetch(&mut self, url: &str) -> Page {
        let headers =
            [("accept", "application/json"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("sec-fetch-site", "same-origin")];
        self.send(Method::GET, Url::parse(url).expect("an absolute address"), &headers, String::new()).await
    }

    /// The names of the cookies for a host.
    pub fn cookies(&self, host: &str) -> Vec<String> {
        self.jar.keys().filter(|(of, _)| of == host).map(|(_, name)| name.clone()).collect()
    }

    /// A cookie's value.
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.jar.get(&(host.into(), name.into())).map(String::as_str)
    }

    /// Plants or changes a cookie.
    pub fn set_cookie(&mut self, host: &str, name: &str, value: &str) {
        self.jar.insert((host.into(), name.into()), value.into());
    }

    /// Takes cookies away, as a person clearing their browser does.
    pub fn forget(&mut self, host: &str, which: impl Fn(&str) -> bool) {
        self.jar.retain(|(of, name), _| of != host || !which(name));
    }

    async fn navigate(&mut self, method: Method, url: Url, fields: &[(&str, &str)]) -> Page {
        let from = url.clone();
        self.navigate_from(&from, method, url, fields).await
    }

    async fn navigate_from(&mut self, from: &Url, mut method: Method, mut url: Url, fields: &[(&str, &str)]) -> Page {
        let site = if from.origin() == url.origin() { "same-origin" } else { "cross-site" };
        let origin = from.origin().ascii_serialization();
        let mut body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        for _ in 0..20 {
            let mut headers = navigation(site).to_vec();
            if method == Method::POST {
                headers.push(("origin", &origin));
                headers.push(("content-type", "application/x-www-form-urlencoded"));
            }
            let page = self.send(method.clone(), url.clone(), &headers, std::mem::take(&mut body)).await;
            let refresh = page.refresh();
            let Some(target) = page.headers.get(header::LOCATION).filter(|_| page.status.is_redirection()) else {
                match refresh {
                    // A "continue" page moves on by itself, as in a browser.
                    Some(target) => url = page.url.join(&target).expect("a refresh target"),
                    None => return page,
                }
                method = Method::GET;
                continue;
            };
            url = page.url.join(target.to_str().expect("ASCII")).expect("a redirect target");
            method = Method::GET;
        }
        panic!("too many redirects: {:#?}", self.history);
    }

    /// Sends one request and keeps the cookies that come back.
    pub async fn send(&mut self, method: Method, url: Url, headers: &[(&str, &str)], body: String) -> Page {
        self.history.push(url.clone());
        let host = url.host_str().expect("a host").to_owned();
        let authority = url.port().map_or(host.clone(), |port| format!("{host}:{port}"));
        let mut target = url.clone();
        target.set_fragment(None);
        let target = target.as_str().strip_prefix(&target.origin().ascii_serialization()).expect("its own origin").to_owned();
        let http = if host == "localhost" { self.speaks } else { Http::One };
        let mut request = match http {
            Http::One => Request::builder().method(method).uri(target).header(header::HOST, authority),
            Http::Two => Request::builder().method(method).uri(format!("http://{authority}{target}")),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies: Vec<_> =
            self.jar.iter().filter(|((of, _), _)| *of == host).map(|((_, name), value)| format!("{name}={value}")).collect();
        match http {
            Http::One if cookies.is_empty() => {}
            Http::One => request = request.header(header::COOKIE, cookies.join("; ")),
            // One field each, as browsers send them for the sake of compression (RFC 9113 §8.2.3).
            Http::Two => request = cookies.iter().fold(request, |request, cookie| request.header(header::COOKIE, cookie)),
        }
        let response = exchange(&url, http, request.body(Full::new(Bytes::from(body))).expect("a request")).await;
        for line in response.headers().get_all(header::SET_COOKIE) {
            self.keep(&host, line.to_str().expect("ASCII"));
        }
        let (head, body) = response.into_parts();
        Page { url, status: head.status, headers: head.headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    fn keep(&mut self, host: &str, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie");
        let attributes: Vec<_> = parts.map(str::to_ascii_lowercase).collect();
        if name.starts_with("__Host-") {
            let proper =
                attributes.contains(&"secure".into()) && attributes.contains(&"path=/".into()) && !line.to_lowercase().contains("domain=");
            assert!(proper, "a browser would drop this: {line}");
        }
        let key = (host.to_owned(), name.to_owned());
        let gone = attributes.iter().any(|attribute| attribute == "max-age=0" || attribute.starts_with("expires=thu, 01 jan 1970"));
        if gone {
            self.jar.remove(&key);
        } else {
            self.jar.insert(key, value.to_owned());
        }
    }
}

fn navigation(site: &str) -> [(&str, &str); 4] {
    [
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-site", site),
    ]
}

async fn exchange(url: &Url, http: Http, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let address = url.socket_addrs(|| None).expect("a loopback address").into_iter().find(|address| address.is_ipv4()).expect("IPv4");
    let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    let stream = TokioIo::new(stream);
    let (answered, driver) = match http {
        Http::One => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.expect("a connection");
            let driver = tokio::spawn(async { drop(connection.await) });
            (sender.send_request(request).await, driver)
        }
        Http::Two => {
            let executor = hyper_util::rt::TokioExecutor::new();
            let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, stream).await.expect("a connection");
            let driver = tokio::spawn(async { drop(connection.await) });
            (sender.send_request(request).await, driver)
        }
    };
    let response = answered.unwrap_or_else(|error| panic!("{url}: {error}"));
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    driver.abort();
    Response::from_parts(head, body)
}

impl Page {
    pub fn text(&self) -> String {
        html::text(&self.body)
    }

    pub fn tags(&self) -> Vec<Tag> {
        html::tags(&self.body)
    }

    pub fn forms(&self) -> Vec<Form> {
        html::forms(&self.body)
    }

    /// The one heading of level 1.
    pub fn heading(&self) -> String {
        let parts: Vec<_> = self.body.split("<h1").skip(1).collect();
        assert_eq!(parts.len(), 1, "exactly one h1 on {}:\n{}", self.url, self.body);
        html::text(&format!("<h1{}", parts[0].split("</h1>").next().unwrap_or_default()))
    }

    /// The target of the first link whose text contains this.
    pub fn link(&self, text: &str) -> Option<String> {
        self.body.split("<a ").skip(1).find_map(|rest| {
            let inner = format!("<a {}", rest.split("</a>").next()?);
            html::text(&inner).contains(text).then(|| html::tags(&inner)[0].attribute("href").unwrap_or_default().to_owned())
        })
    }

    /// Where a "continue" page moves on to.
    pub fn refresh(&self) -> Option<String> {
        let meta = self
            .tags()
            .into_iter()
            .find(|tag| tag.name == "meta" && tag.attribute("http-equiv").is_some_and(|value| value.eq_ignore_ascii_case("refresh")))?;
        meta.attribute("content")?.split_once("url=").map(|(_, url)| url.to_owned())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{}: {error}:\n{}", self.url, self.body))
    }
}
