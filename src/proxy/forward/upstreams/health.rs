//! Active health: one prober for each group and process asks every member `GET path`, and believes what it says. Two
//! failures in a row make it unwell, one 2xx makes it well. Only the head of the answer's first line is read.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::super::wire::Stream;
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
    let upstream = member.upstream();
    let head = format!(
        "GET {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: homerealm-health\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        upstream.base_path,
        check.path,
        upstream.host_field(public_host)
    );
    let exchange = async {
        let mut stream = Stream::open(member, patience).await?;
        stream.write_all(head.as_bytes()).await?;
        stream.flush().await?;
        let mut start = [0; START];
        stream.read_exact(&mut start).await?;
        Ok::<_, std::io::Error>(start)
    };
    let start = timeout(patience, exchange).await.map_err(|_| Unwell::Late(patience))??;
    match status(&start) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(Unwell::Status(status)),
        None => Err(Unwell::NotHttp),
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
