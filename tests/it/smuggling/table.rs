//! The cases somebody has thought of, by the part of a request that they bend.

mod framing;
mod requests;
mod targets;

use super::case::Case;
use super::case::Expected::{self, Fatal, Passed, Refused};
use framing::{CHUNKS, FRAMING};
use requests::REQUESTS;
use targets::TARGETS;

const BAD: Expected = Fatal(&[400]);
const BAD_TARGET: Expected = Refused(&[400]);

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (fields, body, expected) in FRAMING {
        let fields = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
        cases.push(Case::new(format!("POST /public/{{T}}/x HTTP/1.1\r\nhost: {{H}}\r\n{fields}\r\n{body}"), *expected));
    }
    for (chunks, expected) in CHUNKS {
        let head = "POST /public/{T}/x HTTP/1.1\r\nhost: {H}\r\ntransfer-encoding: chunked\r\n\r\n";
        cases.push(Case::new(format!("{head}{chunks}"), *expected));
    }
    for (target, expected) in TARGETS {
        cases.push(Case::new(format!("GET {target} HTTP/1.1\r\nhost: {{H}}\r\n\r\n"), *expected));
    }
    for (request, expected) in REQUESTS {
        cases.push(Case::new(*request, *expected));
    }
    let many = |count: usize| (0..count).map(|at| format!("x-{at}: 1\r\n")).collect::<String>();
    for (count, expected) in [(60, Passed(1)), (2000, Fatal(&[431]))] {
        cases.push(Case::new(format!("GET /public/{{T}}/x HTTP/1.1\r\nhost: {{H}}\r\n{}\r\n", many(count)), expected));
    }
    cases
}
