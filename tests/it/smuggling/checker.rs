//! Holds what a proxy answered and logged, what the server behind it understood, and what the same server understands of
//! the same bytes without a proxy, against each other.

use super::case::{Case, Expected};
use super::conversation::{Answer, Conversation};
use crate::support::recorder::Record;

/// What is known of one case after the fact.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The client's side.
    pub conversation: &'a Conversation,
    /// What the proxy says it let through: method and path.
    pub admitted: Vec<(String, String)>,
    /// What the server understood of what the proxy forwarded.
    pub proxied: Vec<&'a Record>,
    /// What it understood of the same bytes as they were.
    pub direct: Vec<&'a Record>,
    /// The host that every case asks.
    pub host: &'a str,
}

impl Evidence<'_> {
    /// Everything that does not fit; empty if all is well.
    pub fn complaints(&self, case: &Case) -> Vec<String> {
        let mut complaints = Vec::new();
        self.is_unforged(&mut complaints);
        self.is_as_judged(&mut complaints);
        self.is_as_answered(&mut complaints);
        self.is_as_read_directly(&mut complaints);
        self.is_as_expected(case, &mut complaints);
        complaints
    }

    fn successes(&self) -> Vec<&Answer> {
        self.conversation.answers.iter().filter(|answer| answer.is_success() && answer.understood.is_some()).collect()
    }

    fn whole(&self) -> Vec<&Record> {
        self.proxied.iter().copied().filter(|record| record.complete).collect()
    }

    /// No field that only a misreader sees, no other host, and no path but a public one, however the server reads it.
    fn is_unforged(&self, complaints: &mut Vec<String>) {
        for record in &self.proxied {
            if record.evil && !is_meant(record) {
                complaints.push(format!("a field came out of nowhere: {record:?}"));
            }
            // A method that a server has never heard of is not misunderstood.
            if record.broken.as_deref().is_some_and(|code| code != "HPE_INVALID_METHOD") {
                complaints.push(format!("the server cannot read what it was sent: {record:?}"));
            }
            if !record.host.eq_ignore_ascii_case(self.host) {
                complaints.push(format!("another host: {record:?}"));
            }
            if !record.resolved.as_deref().is_some_and(|path| path.starts_with("/public/")) {
                complaints.push(format!("a path that nobody admitted: {record:?}"));
            }
        }
    }

    /// What the server saw, whole or not, is what the log says, in its order.
    fn is_as_judged(&self, complaints: &mut Vec<String>) {
        let seen: Vec<_> = self.proxied.iter().map(|record| (record.method.clone(), record.path().to_owned())).collect();
        let mut logged = self.admitted.iter();
        // A request may be let in and go nowhere; nothing goes anywhere without being let in.
        if !seen.iter().all(|seen| logged.any(|logged| logged == seen)) {
            complaints.push(format!("seen {seen:?}, logged {:?}", self.admitted));
        }
    }

    /// Whole requests and answers of the server are pairs.
    fn is_as_answered(&self, complaints: &mut Vec<String>) {
        let understood: Vec<_> = self.successes().iter().filter_map(|answer| answer.understood.clone()).collect();
        let seen: Vec<_> = self.whole().iter().map(|record| format!("{} {}", record.method, record.target)).collect();
        let answered_early = |seen: &String| seen.ends_with("/early");
        let is_paired = if understood.iter().chain(&seen).any(answered_early) {
            // Such an answer may come although its request never does.
            seen.iter().filter(|seen| !answered_early(seen)).eq(understood.iter().filter(|seen| !answered_early(seen)))
        } else {
            seen == understood
        };
        if !is_paired {
            complaints.push(format!("seen {seen:?}, answered {understood:?}"));
        }
        if !self.conversation.rest.is_empty() && !self.conversation.rest.starts_with(b"HTTP/1.") {
            complaints.push(format!("bytes between answers: {:?}", String::from_utf8_lossy(&self.conversation.rest)));
        }
    }

    /// The proxy's n-th answer is about the same request as the server's n-th, with the same body.
    fn is_as_read_directly(&self, complaints: &mut Vec<String>) {
        let (mut whole, mut direct) = (self.whole().into_iter(), self.direct.iter().take_while(|record| record.complete));
        for answer in &self.conversation.answers {
            let directly = direct.next();
            if !answer.is_success() {
                continue;
            }
            let (Some(record), Some(directly)) = (whole.next(), directly) else { return };
            if reading(record) != reading(directly) {
                complaints.push(format!("{:?} by the proxy, {:?} without it", reading(record), reading(directly)));
                // Everything behind is another one as well.
                return;
            }
        }
    }

    fn is_as_expected(&self, case: &Case, complaints: &mut Vec<String>) {
        let (answers, successes) = (&self.conversation.answers, self.successes());
        let is_canary = |answer: &&Answer| answer.understood.as_deref().is_some_and(|text| text.ends_with("/canary"));
        let (own, canaries) =
            (successes.iter().filter(|answer| !is_canary(answer)).count(), successes.iter().filter(|answer| is_canary(answer)).count());
        let first = answers.first().map_or(0, |answer| answer.status);
        let is_well = match case.expected {
            Expected::Fatal(statuses) => {
                statuses.contains(&first) && self.proxied.is_empty() && answers.len() <= 1 && self.conversation.is_closed
            }
            Expected::Refused(statuses) => statuses.contains(&first) && own == 0 && self.proxied.len() == canaries,
            Expected::Broken => {
                own == 0 && canaries == 0 && self.whole().is_empty() && matches!(first, 0 | 400 | 431) && self.conversation.is_closed
            }
            Expected::Passed(count) => own == count && canaries == 1 && answers.len() == count + 1,
            Expected::Last(count) => own == count && canaries == 0 && self.conversation.is_closed,
            Expected::Unsaid => canaries <= 1,
        };
        if !is_well {
            complaints.push(format!("{:?} was expected; {:?}", case.expected, self.conversation));
        }
    }
}

/// Requests whose cases send the field openly.
fn is_meant(record: &Record) -> bool {
    record.target.ends_with("/smuggled")
}

/// What a record comes down to: method, path and query, body. Encodings of the same byte are the same, an absolute form
/// says what `Host` says, and nobody waits for the bodies of those that are answered early.
fn reading(record: &Record) -> [String; 3] {
    let target = record.target.split_once("://").map_or(record.target.as_str(), |(_, rest)| &rest[rest.find('/').unwrap_or(rest.len())..]);
    let target = percent_encoding::percent_decode_str(target).decode_utf8_lossy().into_owned();
    let body = if target.ends_with("/early") { "" } else { record.body.as_str() };
    // Tags tell the two ways apart, and nothing else.
    [record.method.clone(), target.replace("/d0", "/p0"), body.replace("/d0", "/p0")]
}
