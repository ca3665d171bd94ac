//! JSON from outside: bounded in bytes and depth before anything is built from it, and an object or nothing
//! (RFC 8259 §9 lets a reader set such limits).
//!
//! What the members mean is the business of whoever asks. Types read here are structs: a member that occurs twice is
//! then an error instead of "the last one wins".

use serde::de::DeserializeOwned;

/// How much a document may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The longest document, in bytes.
    pub(crate) bytes: usize,
    /// The deepest nesting of objects and arrays, the outermost counted.
    pub(crate) depth: usize,
}

/// Why a document is not read. Says nothing of its content, which may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonDefect {
    /// Not JSON, a member of the wrong type, or a member twice.
    #[error("the document is not the JSON that is expected here")]
    Malformed,
    /// An array, a string, a number, or nothing at all.
    #[error("the document is not a JSON object")]
    NotAnObject,
    /// Nested too deeply.
    #[error("the document is nested too deeply")]
    TooDeep,
    /// Too long.
    #[error("the document is too long")]
    TooLong,
}

/// Reads a JSON object.
///
/// # Errors
/// [`JsonDefect`]; length, depth and shape are judged before the parser runs.
pub(crate) fn read_object<T: DeserializeOwned>(document: &[u8], bounds: Bounds) -> Result<T, JsonDefect> {
    if document.len() > bounds.bytes {
        return Err(JsonDefect::TooLong);
    }
    // A derived struct can be read from an array as well, member by member: not what anybody means here.
    if document.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(JsonDefect::NotAnObject);
    }
    if deepest(document) > bounds.depth {
        return Err(JsonDefect::TooDeep);
    }
    serde_json::from_slice(document).map_err(|_| JsonDefect::Malformed)
}

/// The deepest nesting in well-formed JSON; at least the deepest that a parser would reach in any other text.
fn deepest(document: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = document.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        a: Option<String>,
    }

    fn read(document: &str) -> Result<Sample, JsonDefect> {
        read_object(document.as_bytes(), Bounds { bytes: 64, depth: 3 })
    }

    #[test]
    fn an_object_within_the_bounds_is_read() {
        for document in [r#"{"a":"x"}"#, " \r\n{\"a\":\"x\"}", r#"{"a":"x","b":[[1]]}"#, r#"{"a":"x","b":"[[[[[[\"[[["}"#] {
            assert_eq!(read(document), Ok(Sample { a: Some("x".into()) }), "{document}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(64));
        for (document, defect) in [
            (long.as_str(), JsonDefect::TooLong),
            (r#"{"b":[[[1]]]}"#, JsonDefect::TooDeep),
            (r#"{"b":"\\","c":[[[1]]]}"#, JsonDefect::TooDeep),
            ("{{{{", JsonDefect::TooDeep),
            (r#"["x"]"#, JsonDefect::NotAnObject),
            ("\"x\"", JsonDefect::NotAnObject),
            ("<html>", JsonDefect::NotAnObject),
            ("", JsonDefect::NotAnObject),
            (r#"{"a":1}"#, JsonDefect::Malformed),
            (r#"{"a":"x","a":"y"}"#, JsonDefect::Malformed),
            (r#"{"a":"x"} {}"#, JsonDefect::Malformed),
            (r#"{"a":"x""#, JsonDefect::Malformed),
        ] {
            assert_eq!(read(document), Err(defect), "{document}");
        }
    }
}
