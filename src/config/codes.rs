//! What each code means at length: the sections of `codes.md`, which `homerealm help` prints and SARIF rules carry.

use super::problem::{Code, nearest};

const TEXT: &str = include_str!("codes.md");

/// The section of one code.
#[derive(Debug, Clone, Copy)]
pub struct Explanation {
    markdown: &'static str,
}

/// The section of a code.
#[must_use]
pub fn explanation(code: Code) -> Option<Explanation> {
    sections().find(|(heading, _)| *heading == code.as_str()).map(|(_, explanation)| explanation)
}

/// Every section with its heading, in order.
pub(crate) fn sections() -> impl Iterator<Item = (&'static str, Explanation)> {
    TEXT.split("\n## ").skip(1).map(|section| {
        let (heading, markdown) = section.split_once('\n').unwrap_or((section, ""));
        (heading, Explanation { markdown: markdown.trim() })
    })
}

/// The code of this name, in whatever letter case and without the zeros in front of its number if need be.
#[must_use]
pub fn named(name: &str) -> Option<Code> {
    let parts = |name: &str| Some((name.chars().next()?.to_ascii_uppercase(), name.get(1..)?.trim_start_matches('0').to_owned()));
    let wanted = parts(name).filter(|(_, number)| !number.is_empty() && name.len() <= 4)?;
    Code::ALL.iter().copied().find(|code| parts(code.as_str()).as_ref() == Some(&wanted))
}

/// The code that was probably meant.
#[must_use]
pub fn meant(name: &str) -> Option<&'static str> {
    nearest(&name.to_ascii_uppercase(), Code::ALL.iter().map(|code| code.as_str()))
}

impl Explanation {
    /// As it is written, without its heading.
    #[must_use]
    pub const fn markdown(self) -> &'static str {
        self.markdown
    }

    /// For a terminal: examples are indented instead of fenced.
    #[must_use]
    pub fn plain(self) -> String {
        let mut lines = Vec::new();
        let mut indent = "";
        for line in self.markdown.lines() {
            match (line.starts_with("```"), indent) {
                (true, "") => indent = "    ",
                (true, _) => indent = "",
                (false, _) => lines.push(format!("{indent}{line}").trim_end().to_owned()),
            }
        }
        lines.join("\n")
    }
}

#[cfg(test)]
impl Explanation {
    /// The TOML under `Wrong:` or `Right:`.
    pub(crate) fn example(self, of: &str) -> Option<&'static str> {
        let (_, rest) = self.markdown.split_once(&format!("{of}:\n```toml\n"))?;
        rest.split_once("```").map(|(example, _)| example)
    }
}
