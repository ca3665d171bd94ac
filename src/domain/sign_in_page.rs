//! `sign_in.page`: whether people meet our own page before they are sent to an authority.

/// `page`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignInPage {
    /// Our page first.
    #[default]
    Always,
    /// Skipped when one authority is possible.
    Auto,
}
