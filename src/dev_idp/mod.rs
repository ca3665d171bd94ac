//! The development identity provider and the sample app.
