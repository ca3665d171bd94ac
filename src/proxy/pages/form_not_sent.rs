//! The page for a form that arrived after its session had ended. It is never sent again by us: whoever is signed in
//! next may be somebody else.

use http::StatusCode;

use super::Page;
use super::chrome::Chrome;
use super::notice::{Action, Notice, Reference, Tone};
use crate::domain::return_to::ReturnTo;

/// The data of the page.
#[derive(Clone, Copy)]
pub struct FormNotSent<'a> {
    /// The page to open again.
    pub open_again: &'a ReturnTo,
    /// What to quote to a help desk.
    pub reference: Reference,
}

impl FormNotSent<'_> {
    /// Makes the page (401).
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        let mut notice = Notice::new(chrome, "Your form was not sent", Tone::Time);
        notice.paragraphs = vec![
            format!("You were no longer signed in when it arrived, so {} did not get it and nothing was saved.", chrome.app_name),
            "Your browser's Back button may still show what you entered: copy what you need, then open the page again, sign in, and fill in \
             the form once more."
                .to_owned(),
        ];
        notice.actions = vec![Action::Link { label: "Open the page again".to_owned(), href: chrome.place(self.open_again) }];
        notice.reference = Some(self.reference);
        notice.render_with(StatusCode::UNAUTHORIZED).challenge(chrome)
    }
}
