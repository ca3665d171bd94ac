//! Active health: one prober for each group and process asks every member `GET path`, and believes what it says. Two
//! failures in a row make it unwell, one 2xx makes it well. Of the answer only the status is read.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use http::uri::Scheme;
use http::{Request, Uri, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::super::Protocol;
use super::super::wire::{Offer, Stream};
use super::standing::Change;
use super::{Group, Member};
use crate::domain::destination::HealthCheck;

/// `HTTP/1.1 200`
const START: usize = 12;
/// So many failures in a row are no accident.
const FAILURES: u32 = 2;
/// For connection and answer together. No less than a second: a busy machine is not a dead one.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// Why a member is not well.
#[derive(Debug, thiserror::Error)]
enum Unwell {
    #[error("it answers its health check with status {0}")]
    Status(u16),
    #[error("it does not answer its health check with HTTP")]
    NotHttp,
    #[error("its health check takes longer than {} s", .0.as_secs())]
    Late(Duration),
    #[error("its health check fails: {0}")]
    Connection(#[from] std::io::Error),
    #[error("its health check fails: {0}")]
    Http2(#[from] h2::Error),
}

/// Asks for ever, if the group wants that. `public_host` is what members are told that know no other name.
pub async fn watch(group: &Group, public_host: &str) {
    let Some(check) = &group.configured.health else { return };
    let mut failures = vec![0; group.members.len()];
    let mut beat = interval(check.every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let asked = group.members.iter().map(|member| ask(member, check, public_host));
        let answers = join_all(asked).await;
        for ((member, failures), answer) in group.members.iter().zip(&mut failures).zip(answers) {
            note(member, failures, answer);
        }
    }
}

fn note(member: &Member, failures: &mut u32, answer: Result<(), Unwell>) {
    let upstream = member.upstream().to_string();
    match answer {
        Ok(()) => {
            *failures = 0;
            if member.standing.is_well(true) == Change::TurnedWell {
                tracing::info!(%upstream, "Upstream {upstream} is well again");
            }
        }
        Err(why) => {
            *failures = failures.saturating_add(1);
            if *failures >= FAILURES && member.standing.is_well(false) == Change::TurnedUnwell {
                tracing::warn!(%upstream, error = %why, "Upstream {upstream} is not well: {why}");
            }
        }
    }
}

async fn ask(member: &Member, check: &HealthCheck, public_host: &str) -> Result<(), Unwell> {
    let patience = check.every.clamp(PATIENCE.0, PATIENCE.1);
    let offer = Offer::of(member, Protocol::Http);
    let exchange = async {
        let stream = Stream::open(member, offer, patience).await?;
        if stream.is_http2(offer) {
            by_http2(stream, member, check, public_host).await
        } else {
            by_http1(stream, member, check, public_host).await
        }
    };
    match timeout(patience, exchange).await.map_err(|_| Unwell::Late(patience))?? {
        200..=299 => Ok(()),
        status => Err(Unwell::Status(status)),
    }
}

async fn by_http1(mut stream: Stream, member: &Member, check: &HealthCheck, public_host: &str) -> Result<u16, Unwell> {
    let upstream = member.upstream();
    let head = format!(
        "GET {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: homerealm-health\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        upstream.base_path,
        check.path,
        upstream.host_field(public_host)
    );
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    let mut start = [0; START];
    stream.read_exact(&mut start).await?;
    status(&start).ok_or(Unwell::NotHttp)
}

async fn by_http2(stream: Stream, member: &Member, check: &HealthCheck, public_host: &str) -> Result<u16, Unwell> {
    let upstream = member.upstream();
    let uri = Uri::builder()
        .scheme(if member.tls().is_some() { Scheme::HTTPS } else { Scheme::HTTP })
        .authority(&*upstream.host_field(public_host))
        .path_and_query(format!("{}{}", upstream.base_path, check.path));
    let request =
        uri.build().and_then(|uri| Request::get(uri).header(header::USER_AGENT, "homerealm-health").header(header::ACCEPT, "*/*").body(()));
    let request = request.map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
    let (mut sender, connection) = h2::client::handshake(stream).await?;
    let (answer, _) = sender.send_request(request, true)?;
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        answer = answer => Ok(answer?.status().as_u16()),
        ended = &mut connection => Err(ended.map_or_else(Unwell::Http2, |()| Unwell::NotHttp)),
    }
}

/// The status of a status line's beginning (RFC 9112 §4).
fn status(start: &[u8; START]) -> Option<u16> {
    let digits = start.strip_prefix(b"HTTP/1.1 ").or_else(|| start.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::standing::Condition;
    use super::super::tests::group;
    use super::*;

    #[test]
    fn only_a_status_line_has_a_status() {
        for (start, expected) in [
            (b"HTTP/1.1 200", Some(200)),
            (b"HTTP/1.0 503", Some(503)),
            (b"HTTP/2.0 200", None),
            (b"HTTP/1.1 +20", None),
            (b"SSH-2.0-Open", None),
        ] {
            assert_eq!(status(start), expected);
        }
    }

    #[test]
    fn two_failures_make_a_member_unwell_and_one_success_well() {
        let group = group(&["http://app"], None);
        let member = &group.members[0];
        let mut failures = 0;
        let mut answers = |answers: &[bool]| {
            for is_well in answers {
                note(member, &mut failures, if *is_well { Ok(()) } else { Err(Unwell::Status(503)) });
            }
            member.standing.condition(tokio::time::Instant::now())
        };
        assert_eq!(answers(&[false]), Condition::Well);
        assert_eq!(answers(&[true, false]), Condition::Well, "not in a row");
        assert_eq!(answers(&[false]), Condition::Unwell);
        assert_eq!(answers(&[false, false]), Condition::Unwell);
        assert_eq!(answers(&[true]), Condition::Well);
    }
}
