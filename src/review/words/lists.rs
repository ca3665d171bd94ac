//! Enumerations.

/// More than these in a row are counted.
const MOST_NAMED: usize = 4;

/// `a`, `a and b`, `a, b and c`; long lists are cut.
pub(in crate::review) fn listed(mut names: Vec<String>, and: &str) -> String {
    if names.len() > MOST_NAMED {
        let more = names.len() - MOST_NAMED + 1;
        names.truncate(MOST_NAMED - 1);
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} {and} {last}", others.join(", ")),
    }
}
