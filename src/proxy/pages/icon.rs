//! The drawings on pages: plain strokes in the colour of the text around them, hidden from screen readers because the
//! words next to them say the same.

/// A drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    /// A key: the mark above every card without a logo.
    App,
    /// Forward.
    Arrow,
    /// Customer account.
    Customer,
    /// All is well.
    Done,
    /// Something failed.
    Fault,
    /// Good to know.
    Info,
    /// Personal account.
    Personal,
    /// Not with this account.
    Refused,
    /// Time has run out.
    Time,
    /// Work or school account.
    Work,
}

impl Icon {
    /// The drawing itself: our own file, so it needs no escaping.
    pub(super) const fn svg(self) -> &'static str {
        match self {
            Self::App => include_str!("icons/mark.svg"),
            Self::Arrow => include_str!("icons/arrow.svg"),
            Self::Customer => include_str!("icons/customer.svg"),
            Self::Done => include_str!("icons/done.svg"),
            Self::Fault => include_str!("icons/fault.svg"),
            Self::Info => include_str!("icons/info.svg"),
            Self::Personal => include_str!("icons/personal.svg"),
            Self::Refused => include_str!("icons/refused.svg"),
            Self::Time => include_str!("icons/time.svg"),
            Self::Work => include_str!("icons/work.svg"),
        }
    }
}
