//! Words to choose from, in the forms by which lists are narrowed.

/// A field of a form.
pub(super) struct Select<'a> {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) choices: Vec<Choice<'a>>,
}

/// One of its options, beside "any".
pub(super) struct Choice<'a> {
    pub(super) value: &'a str,
    pub(super) is_chosen: bool,
}

impl<'a> Select<'a> {
    pub(super) fn of(name: &'static str, label: &'static str, values: impl Iterator<Item = &'a str>, chosen: Option<&str>) -> Self {
        Self { name, label, choices: values.map(|value| Choice { value, is_chosen: chosen == Some(value) }).collect() }
    }
}

/// The one of them that has this name.
///
/// # Errors
/// A sentence that lists them.
pub(super) fn named<T: Copy>(word: &str, what: &str, all: impl IntoIterator<Item = T>, name: fn(T) -> &'static str) -> Result<T, String> {
    let all: Vec<_> = all.into_iter().collect();
    let names = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|one| name(*one) == word).ok_or_else(|| format!("There is no {what} {word:?}: one of {}.", names()))
}
