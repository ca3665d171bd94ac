//! What `strip_prefix` takes off, and the one place where an upstream's path is put together: base path, what is left of
//! the path that was judged, and the query as it came.

use super::target::Target;

/// The beginning of paths that an upstream knows nothing of: literal segments, as many as are counted here. Those of a
/// target may be spelt otherwise than in the pattern, so they are counted and not compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix {
    written: String,
    segments: usize,
}

impl Prefix {
    /// `written`: a normal path without a slash at its end, of so many segments.
    pub(super) fn new(written: &str, segments: usize) -> Self {
        Self { written: written.into(), segments }
    }

    /// As in the pattern: `/x`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// How much of a path it is, in bytes.
    fn length_in(&self, path: &str) -> usize {
        path.match_indices('/').nth(self.segments).map_or(path.len(), |(at, _)| at)
    }
}

/// The path and query that an upstream is asked for, in three parts to be put together. `base` is empty, or starts with `/` and does not end with one;
/// `target` is below `stripped`, as it matches the pattern that this comes from.
#[must_use]
pub fn path_sent<'a>(base: &'a str, target: &'a Target, stripped: Option<&Prefix>) -> [&'a str; 3] {
    let length = stripped.map_or(0, |prefix| prefix.length_in(target.path()));
    let rest = &target.path_and_query()[length..];
    let slash = if rest.starts_with('/') { "" } else { "/" };
    [base, slash, rest]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::pattern::PathPattern;

    fn target(path_and_query: &str) -> Target {
        Target::parse("orders.example.com", path_and_query).expect("a target")
    }

    fn prefix(pattern: &str) -> Option<Prefix> {
        PathPattern::parse(pattern).expect("a pattern").literal_prefix()
    }

    #[test]
    fn what_is_below_the_prefix_is_sent_behind_the_base_path() {
        for (base, pattern, asked, sent) in [
            ("", "/x/**", "/x/a/b?c=d", "/a/b?c=d"),
            ("", "/x/**", "/x", "/"),
            ("", "/x/**", "/x/", "/"),
            ("", "/x/**", "/x?c=d/e", "/?c=d/e"),
            ("/base", "/x/**", "/x", "/base/"),
            ("/base", "/x/**", "/x/a/", "/base/a/"),
            ("/base", "/x/y/**", "/x/y/a;b=1?", "/base/a;b=1?"),
            ("", "/x/y/**", "/x/y/x/y", "/x/y"),
            ("", "/a%40b/**", "/a@b/c", "/c"),
            ("", "/a@b/**", "/a%40b/c", "/c"),
        ] {
            assert_eq!(path_sent(base, &target(asked), prefix(pattern).as_ref()).concat(), sent, "{asked} by {pattern}");
        }
        assert_eq!(path_sent("/base", &target("/x?y"), None).concat(), "/base/x?y", "nothing is taken off unasked");
    }

    #[test]
    fn only_literal_segments_before_the_rest_are_a_prefix() {
        for (pattern, expected) in
            [("/x/**", Some("/x")), ("/x/y/**", Some("/x/y")), ("/**", None), ("/x", None), ("/x/*", None), ("/x/*/**", None), ("/", None)]
        {
            assert_eq!(prefix(pattern).as_ref().map(Prefix::as_str), expected, "{pattern}");
        }
    }

    fn segment() -> impl Strategy<Value = String> {
        "[a-z0-9@:]{1,3}|%4[0-9]|a%20|[a-z]%C3%A9"
    }

    proptest! {
        #[test]
        fn what_was_judged_is_what_is_sent(
            base in prop::collection::vec("[a-z]{1,4}", 0..3),
            taken in prop::collection::vec(segment(), 1..4),
            left in prop::collection::vec(segment(), 0..4),
            ends_with_slash in any::<bool>(),
            query in prop::option::of("[a-z/?%=&.+]{0,12}"),
        ) {
            let joined = |segments: &[String]| segments.iter().map(|segment| format!("/{segment}")).collect::<String>();
            let (base, below) = (joined(&base), joined(&left));
            let slash = if ends_with_slash { "/" } else { "" };
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            let asked = target(&format!("{}{below}{slash}{query}", joined(&taken)));
            let pattern = PathPattern::parse(&format!("{}/**", joined(&taken))).expect("a pattern");
            prop_assert!(pattern.matches(asked.path()));

            let sent = path_sent(&base, &asked, pattern.literal_prefix().as_ref()).concat();
            let again = target(&sent);
            prop_assert_eq!(again.path_and_query(), &sent, "it is normal already");
            prop_assert_eq!(again.query(), asked.query(), "the query is kept byte for byte");
            let behind_base = format!("{base}/");
            prop_assert!(sent.starts_with(&behind_base) && !again.path().contains("//"));
            let normal_below = target(&format!("{below}{slash}/").replace("//", "/"));
            let expected = format!("{base}{}", normal_below.path());
            prop_assert_eq!(again.path().trim_end_matches('/'), expected.trim_end_matches('/'));
        }
    }
}
