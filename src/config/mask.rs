//! What must not be shown of a configuration file: literal secrets, wherever somebody put them. Findings are rendered
//! from a copy of the text in which they are masked, so that no message can leak one by the line it quotes.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Span;

/// Stands in for a secret, whatever its length was.
const MASK: &str = "***";

/// Key names that are secrets though they name none in full.
const EXACT: [&str; 6] = ["key", "keys", "pass", "pwd", "sas", "sig"];

/// Parts of key names that mean a secret.
const PARTS: [&str; 13] = [
    "access_key",
    "accesskey",
    "apikey",
    "authorization",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "privatekey",
    "secret",
    "signature",
    "token",
];

/// Endings of key names that mean a secret, as those of many headers do.
const ENDINGS: [&str; 7] = ["_auth", "_key", "_keys", "_pass", "_pwd", "_sas", "_sig"];

/// Endings that say that the value only tells where the secret is.
const ELSEWHERE: [&str; 5] = ["_file", "_files", "_env", "_endpoint", "_url"];

/// Whether a key of this name would hold a secret in the clear.
pub(crate) fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    let elsewhere = ELSEWHERE.iter().any(|ending| key.ends_with(ending));
    let is_meant = || {
        EXACT.contains(&key.as_str()) || PARTS.iter().any(|part| key.contains(part)) || ENDINGS.iter().any(|ending| key.ends_with(ending))
    };
    !elsewhere && is_meant()
}

/// Whether a value may have a secret in it, by the look of it. More than what [`holds_a_secret`]: a password that was not
/// encoded may have a `/`, `?` or `#` in it, so whatever stands between `://` and the last `@` is taken for one.
pub(crate) fn looks_like_a_secret(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| rest.contains('@')) || holds_a_secret(value)
}

/// Whether a value has a secret in it, as URLs are read (RFC 3986 §3.2.1): a user name or password, or a parameter that
/// names one.
pub(crate) fn holds_a_secret(value: &str) -> bool {
    let has_user = |(_, rest): (&str, &str)| rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'));
    let has_password = |part: &str| !value.starts_with("mailto:") && part.split_once('@').is_some_and(|(user, _)| user.contains(':'));
    let query = value.split_once('?').map_or("", |(_, query)| query);
    value.split_once("://").is_some_and(has_user)
        || value.split(['/', '?', '#']).any(has_password)
        || query.split(['&', '#']).filter_map(|pair| pair.split_once('=')).any(|(name, _)| names_a_secret(name))
}

/// The secrets of a text and of what was parsed of it.
pub(crate) fn secrets_of(text: &str, table: &DeTable<'_>) -> Vec<Span> {
    let (mut found, mut written) = (Vec::new(), Vec::new());
    collect(table, &mut found);
    collect_written(table, &mut written);
    written.sort_by_key(|span| span.start);
    found.extend(comments(text, &written).into_iter().filter_map(|comment| {
        let Span { start, end } = secrets_of_comment(&text[comment.start..comment.end])?;
        Some(Span { start: comment.start + start, end: comment.start + end })
    }));
    found
}

/// Where keys stand and values that have no others in them: what of the text may contain a `#` that starts no comment.
fn collect_written(table: &DeTable<'_>, written: &mut Vec<Span>) {
    for (key, value) in table {
        written.push(key.span().into());
        collect_written_value(value, written);
    }
}

fn collect_written_value(value: &Spanned<DeValue<'_>>, written: &mut Vec<Span>) {
    match value.get_ref() {
        DeValue::Table(table) => collect_written(table, written),
        DeValue::Array(array) => array.iter().for_each(|item| collect_written_value(item, written)),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            written.push(value.span().into());
        }
    }
}

/// Every comment, up to the end of its line. `written` is in the order of the text.
fn comments(text: &str, written: &[Span]) -> Vec<Span> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(start) = text[from..].find('#').map(|at| from + at) {
        let before = written.partition_point(|span| span.start <= start);
        match written[..before].last().filter(|span| span.end > start) {
            Some(inside) => from = inside.end,
            None => {
                let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
                found.push(Span { start, end });
                from = end;
            }
        }
    }
    found
}

/// From where to where a comment has secrets in it: comments are often lines of the file that were taken out.
fn secrets_of_comment(comment: &str) -> Option<Span> {
    let mut next = 0;
    let word = comment.split_inclusive(char::is_whitespace).find_map(|word| {
        let start = next;
        next += word.len();
        looks_like_a_secret(word.trim().trim_matches(['"', '\'', '<', '(', '`'])).then_some(start)
    });
    let start = secret_assigned(comment).into_iter().chain(word).min()?;
    let end = comment.trim_end().len();
    (start < end).then_some(Span { start, end })
}

fn collect(table: &DeTable<'_>, found: &mut Vec<Span>) {
    for (key, value) in table {
        collect_value(key.get_ref(), value.get_ref(), value.span().into(), found);
    }
}

fn collect_value(key: &str, value: &DeValue<'_>, at: Span, found: &mut Vec<Span>) {
    if value.as_table().is_some() && names_a_secret(key) {
        // Whatever is in there; its own names say nothing.
        found.push(at);
        collect_all(value, found);
    } else if let Some(table) = value.as_table() {
        collect(table, found);
    } else if let Some(array) = value.as_array() {
        for item in array {
            collect_value(key, item.get_ref(), item.span().into(), found);
        }
    } else if names_a_secret(key) || value.as_str().is_some_and(|text| looks_like_a_secret(text) || is_misplaced(key, text)) {
        found.push(at);
    }
}

fn collect_all(value: &DeValue<'_>, found: &mut Vec<Span>) {
    for (_, inner) in value.as_table().into_iter().flatten() {
        found.push(inner.span().into());
        collect_all(inner.get_ref(), found);
    }
}

/// Whether the secret itself was written where the name of its variable belongs.
fn is_misplaced(key: &str, value: &str) -> bool {
    key.ends_with("_env") && !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The secrets of a text that is not TOML, by the look of it: from the `=` (or `:`) behind a key that names a secret to the end
/// of the line, or of the line on which a multi-line string that starts there ends, and every URL with a password.
pub(crate) fn secrets_of_broken(text: &str) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let covered = found.last().is_some_and(|last| last.end > start);
        if let Some(from) = (!covered).then(|| secret_in_line(line)).flatten() {
            let rest = &text[start + from..];
            let closed = ["\"\"\"", "'''"].into_iter().filter_map(|quotes| end_of_multi_line(rest, quotes)).max();
            let closed = start + from + closed.unwrap_or(0);
            let end = text[closed..].find('\n').map_or(text.len(), |at| closed + at);
            found.push(Span { start: start + from, end });
        }
        start += line.len();
    }
    found
}

fn secret_in_line(line: &str) -> Option<usize> {
    let url = looks_like_a_secret(line).then(|| line.find('=').map_or(0, |at| at + 1));
    secret_assigned(line).into_iter().chain(url).min()
}

/// Where the value starts that a line gives to a name of a secret: behind `=`, or behind `:` as elsewhere.
fn secret_assigned(line: &str) -> Option<usize> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'' | '.');
    line.match_indices(['=', ':']).find_map(|(at, _)| {
        let before = line[..at].trim_end();
        let name = before.rsplit(|c| !is_name(c)).next()?.trim_matches(['"', '\'']);
        let value = at + 1 + (line[at + 1..].len() - line[at + 1..].trim_start_matches([' ', '\t']).len());
        names_a_secret(name.rsplit('.').next()?).then_some(value)
    })
}

fn end_of_multi_line(rest: &str, quotes: &str) -> Option<usize> {
    let opening = rest.find(quotes).filter(|at| rest[..*at].trim().is_empty())? + quotes.len();
    Some(rest[opening..].find(quotes).map_or(rest.len(), |at| opening + at + quotes.len()))
}

/// A text with its secrets masked, and the way from places in the original to places in it.
pub(crate) struct Masked {
    text: String,
    /// In the order of the text, none overlapping another.
    stretches: Vec<Stretch>,
}

/// A stretch that is masked.
struct Stretch {
    original: Span,
    /// Its stand-in.
    masked: Span,
}

impl Masked {
    /// Masks. Line ends stay, so that line numbers do.
    pub(crate) fn new(text: &str, mut secrets: Vec<Span>) -> Self {
        secrets.sort_by_key(|span| span.start);
        let mut masked = String::with_capacity(text.len());
        let (mut stretches, mut done) = (Vec::new(), 0);
        for span in secrets {
            // Overlapping stretches are one: the later start is inside of what is masked already.
            let original = Span { start: span.start.max(done), end: span.end };
            if original.start >= original.end {
                continue;
            }
            masked.push_str(&text[done..original.start]);
            let start = masked.len();
            masked.push_str(MASK);
            masked.extend(text[original.start..original.end].chars().filter(|c| *c == '\n'));
            stretches.push(Stretch { original, masked: Span { start, end: masked.len() } });
            done = original.end;
        }
        masked.push_str(&text[done..]);
        Self { text: masked, stretches }
    }

    /// The masked text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where a stretch of the original is now.
    pub(crate) fn place(&self, span: Span) -> Span {
        let start = self.offset(span.start, Edge::Start);
        Span { start, end: self.offset(span.end, Edge::End).max(start) }
    }

    fn offset(&self, at: usize, edge: Edge) -> usize {
        let before = self.stretches.partition_point(|stretch| stretch.original.start < at);
        let Some(Stretch { original, masked }) = self.stretches[..before].last() else { return at };
        match edge {
            _ if at >= original.end => at - original.end + masked.end,
            Edge::Start => masked.start,
            Edge::End => masked.start + MASK.len(),
        }
    }
}

#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

#[cfg(test)]
mod tests;
