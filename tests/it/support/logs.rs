//! What a process wrote, taken apart: the lines of its access log and of its audit log.

use serde_json::Value;

/// The lines of the access log.
pub fn access_lines(output: &str) -> Vec<Value> {
    lines(output).filter(|line| line.get("log").is_none()).collect()
}

/// The lines of the audit log.
pub fn audit_lines(output: &str) -> Vec<Value> {
    lines(output).filter(|line| line["log"] == "audit").collect()
}

/// Both, in their order.
pub fn lines(output: &str) -> impl Iterator<Item = Value> {
    let whole = output.lines().filter(|line| line.starts_with('{'));
    whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
}
