//! `[METHOD] URL`: a request to one of our origins, read as the proxy reads one.

use std::borrow::Cow;

use http::Method;

use crate::config::problem::did_you_mean;
use crate::domain::origin::Origin;
use crate::domain::rules::Rules;
use crate::domain::target::Target;

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: Target,
}

/// Reads one or two words; a path without a host is at the first of our origins.
///
/// # Errors
/// A sentence that says what is wrong with them.
pub(super) fn read(words: &[String], rules: &Rules) -> Result<Request, String> {
    let (method, place) = match words {
        [place] => (Method::GET, place),
        [method, place] => (self::method(method)?, place),
        _ => return Err("expected a URL or a path, with or without a method in front".into()),
    };
    let (host, path_and_query) = split(place, rules)?;
    // What the URL standard would mend is refused, here as there: so it is taken apart as it is written.
    let target = Target::parse(host, &path_and_query).map_err(|error| format!("{place}: {error}: it is answered with 400 bad_request"))?;
    Ok(Request { method, target })
}

fn method(word: &str) -> Result<Method, String> {
    let method = Method::from_bytes(word.as_bytes()).ok().filter(|_| !word.starts_with('/') && !word.contains(':'));
    match method {
        Some(method) if !word.bytes().any(|byte| byte.is_ascii_lowercase()) => Ok(method),
        Some(_) => Err(format!("methods are case-sensitive: write {}", word.to_ascii_uppercase())),
        None => Err(format!("{word} is no method; a request is two words at most, like POST /orders")),
    }
}

/// Host and path of a place at one of our origins.
fn split<'a>(place: &'a str, rules: &'a Rules) -> Result<(&'a str, Cow<'a, str>), String> {
    if place.starts_with('/') {
        return Ok((rules.origins.first().authority(), place.into()));
    }
    let Some((scheme, rest)) = place.split_once("://") else {
        return Err(format!("{place} is neither a path like /orders nor a URL like {}/orders", rules.origins.first()));
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is_asked = |origin: &&Origin| origin.scheme().as_str() == scheme && origin.is_named_by(authority);
    match rules.origins.iter().find(is_asked) {
        Some(origin) if path.starts_with('/') => Ok((origin.authority(), path.into())),
        Some(origin) => Ok((origin.authority(), format!("/{path}").into())),
        None => {
            let origins: Vec<_> = rules.origins.iter().map(|origin| origin.as_str()).collect();
            let asked = format!("{scheme}://{authority}");
            let expected = format!("it answers for {}", origins.join(", "));
            Err(format!("{asked} is not one of the public URLs of {}: {}", rules.file_name, did_you_mean(&asked, origins, &expected)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::explain::tests::rules;

    fn asked(words: &[&str]) -> Result<(String, String), String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        read(&words, &rules())
            .map(|request| (request.method.to_string(), format!("{}{}", request.target.host(), request.target.path_and_query())))
    }

    #[test]
    fn a_request_is_a_path_or_a_url_of_ours() {
        for (words, expected) in [
            (&["/finance/q3?x=1"][..], ("GET", "orders.example.com/finance/q3?x=1")),
            (&["POST", "/finance"], ("POST", "orders.example.com/finance")),
            (&["https://orders.example.com:443"], ("GET", "orders.example.com/")),
            (&["https://orders.example.com?x"], ("GET", "orders.example.com/?x")),
            (&["PROPFIND", "https://shop.example.com:8443/a"], ("PROPFIND", "shop.example.com/a")),
        ] {
            assert_eq!(asked(words), Ok((expected.0.to_owned(), expected.1.to_owned())), "{words:?}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_a_way_out() {
        for (words, expected) in [
            (&["finance"][..], "neither a path"),
            (&["http://orders.example.com/"], "did you mean `https://orders.example.com`?"),
            (&["https://orders.exampel.com/"], "did you mean `https://orders.example.com`?"),
            (&["https://elsewhere.test/"], "it answers for https://orders.example.com, https://shop.example.com:8443"),
            (&["https://orders.example.com/a/../b"], "dot segment"),
            (&["/a%2fb"], "400 bad_request"),
            (&["/a#b"], "fragment"),
            (&["post", "/a"], "write POST"),
            (&["/a", "/b"], "/a is no method"),
        ] {
            let why = asked(words).expect_err("refused");
            assert!(why.contains(expected), "{words:?}: {why}");
        }
    }
}
