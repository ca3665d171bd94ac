//! The demo: a configuration, a start page and a grid of what the policy says, around the real proxy, the development
//! identity provider and the sample app. How they are started is `command::demo`'s business.

pub mod grid;
pub mod settings;
pub mod start_page;
