//! Asks a running proxy by its admin listener. What is asked and what the answer means is each command's own business.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::config::{self, AdminListen};

/// The answer of the admin listener.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer to a question may take: a store of sessions is looked through for some seconds at most.
const QUESTION: Duration = Duration::from_secs(20);
/// How long an answer to an order may take: a reload reads files and runs tests.
const ORDER: Duration = Duration::from_secs(90);
/// The longest answer, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// Where the admin listener is: at the address that was named, else where the configuration file says.
///
/// # Errors
/// A sentence that says what to do.
pub(super) fn find(named: Option<&str>, file: Option<&Path>) -> Result<AdminListen, String> {
    if let Some(named) = named {
        return AdminListen::parse(named).map_err(|why| format!("--admin {named}: {why}"));
    }
    let file = file.map(Path::to_path_buf).or_else(default_file).ok_or_else(|| {
        let [here, system] = config::default_files();
        format!("there is neither {} nor {}; name a file, or say --admin 127.0.0.1:9090", here.display(), system.display())
    })?;
    match config::admin_of(&file) {
        Ok(Some(listen)) => Ok(listen),
        Ok(None) => {
            Err(format!("{} has no admin listener. Add this to it, and restart:\n\n[admin]\nlisten = \"127.0.0.1:9090\"", file.display()))
        }
        Err(problems) => Err(problems.to_string()),
    }
}

fn default_file() -> Option<PathBuf> {
    config::default_files().into_iter().find(|file| file.is_file())
}

/// Asks for a path (with its query). Programs are answered in JSON where there is a choice.
///
/// # Errors
/// Nobody answers there, or not as an HTTP server would.
pub(super) fn get(at: &AdminListen, path: &str) -> Result<Answer, String> {
    exchange(at, Method::GET, path, None, QUESTION)
}

/// Gives an order; it has no body.
///
/// # Errors
/// As [`get`].
pub(super) fn post(at: &AdminListen, path: &str) -> Result<Answer, String> {
    exchange(at, Method::POST, path, None, ORDER)
}

/// Gives an order whose body is a form.
///
/// # Errors
/// As [`get`].
pub(super) fn post_form(at: &AdminListen, path: &str, fields: &[(&str, &str)]) -> Result<Answer, String> {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    exchange(at, Method::POST, path, Some(form), ORDER)
}

fn exchange(at: &AdminListen, method: Method, path: &str, form: Option<String>, patience: Duration) -> Result<Answer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let host = match at {
        AdminListen::Tcp(address) => address.to_string(),
        AdminListen::Unix(_) => "localhost".to_owned(),
    };
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, host).header(header::ACCEPT, "application/json");
    if form.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let body = Full::new(Bytes::from(form.unwrap_or_default()));
    let request = request.body(body).map_err(|error| format!("{path}: {error}"))?;
    runtime.block_on(async {
        let asked = async {
            match at {
                AdminListen::Tcp(address) => send(connected(at, TcpStream::connect(address)).await?, request).await,
                AdminListen::Unix(path) => send(connected(at, UnixStream::connect(path)).await?, request).await,
            }
        };
        tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| Err(format!("{at} takes longer than {} s", patience.as_secs())))
    })
}

async fn connected<S>(at: &AdminListen, connecting: impl Future<Output = io::Result<S>>) -> Result<S, String> {
    let failed = |why: &dyn std::fmt::Display| format!("nobody answers on the admin listener at {at}: {why}. Is homerealm running?");
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(failed(&"no connection in time")),
    }
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: &dyn std::fmt::Display| format!("the admin listener's answer cannot be read: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status: StatusCode = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await.map_err(|error| broken(&error))?;
    driver.abort();
    Ok(Answer { status: status.as_u16(), body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
}
