//! What operators see: the operational log and the access log, one line per decision. No address of a person, no code,
//! token or cookie ever gets here: the types these lines are made of do not hold any.

pub mod access_log;
