//! nginx on a configuration of the test's own.

use std::path::Path;
use std::process::Command;

use super::process::Process;

/// Starts it with this inside of `http`: in one process, so that it ends with the test, and with all its files in this
/// directory.
pub fn start(directory: &Path, http: &str) -> Process {
    let kept: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].iter().map(|name| format!("{name}_temp_path {name};\n")).collect();
    let text = format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{ worker_connections 4096; }}\n\
         http {{\naccess_log off;\n{kept}{http}}}\n"
    );
    std::fs::write(directory.join("nginx.conf"), text).expect("a writable directory");
    // Not every user's path has the system's own programs.
    let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
    Process::start(Command::new(program).arg("-p").arg(directory).args(["-e", "stderr", "-c", "nginx.conf"]))
}
