//! Sentences that are longer than a line.

/// A sentence in lines of this width, broken at spaces.
#[must_use]
pub fn wrapped(sentence: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_no_word_is() {
        for (sentence, lines) in [
            ("", &[""][..]),
            ("one two three", &["one two", "three"]),
            ("one two3", &["one two3"]),
            ("one incomprehensibilities two", &["one", "incomprehensibilities", "two"]),
        ] {
            assert_eq!(wrapped(sentence, 8), lines, "{sentence}");
        }
    }
}
